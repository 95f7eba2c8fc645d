//! The worker's parts, put together and kept in order until they are over.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::Context;
use arc_swap::ArcSwap;
use config::Settings;
use tokio::sync::watch;

use super::threads::{Phase, RelayThread, Share};
use super::{build, configuration};
use crate::engine::auth::Backends;
use crate::engine::dial::Dialer;
use crate::engine::sys::descriptors;
use crate::frontends::socks::{Door, World};
use crate::state::session::ending::ByHouse;
use crate::state::session::roster::Roster;
use crate::state::session::seats::Seats;

/// How long cancelled sessions may take to write their line.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How often somebody looks whether the last session is gone.
const LOOK: Duration = Duration::from_millis(10);

/// A listening socket from the monitor and where it belongs.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) index: u16,
    pub(super) thread: u16,
    pub(super) socket: OwnedFd,
}

pub(super) struct House {
    world: Arc<World>,
    phase: watch::Sender<Phase>,
    threads: Vec<Watched>,
}

/// A thread and what its beats were at the last look.
struct Watched {
    thread: RelayThread,
    seen: u64,
}

impl House {
    pub(super) fn open(settings: &Settings, handed: Vec<Handed>) -> anyhow::Result<Self> {
        let budget = descriptors::plan(settings.limits.max_connections, settings.limits.max_handshakes)
            .map_err(anyhow::Error::msg)?;
        if budget.is_short() {
            tracing::warn!("fewer sessions than limits.max_connections fit under the descriptor limit: {budget}");
        }
        let threads = build::threads(&settings.server);
        let users = configuration::load_users(settings)?;
        let own = own_listeners(&handed);
        let backends = Backends::new(settings.limits.max_handshakes).context("cannot start the password checkers")?;
        let listeners = settings.listeners().into_iter();
        let doors: Vec<Arc<Door>> =
            listeners.map(|listener| Arc::new(build::door(listener, settings, &backends))).collect();
        let world = Arc::new(World {
            roster: Roster::new(settings.limits.max_handshakes),
            seats: Seats::new(budget.sessions),
            snapshot: ArcSwap::from_pointee(
                build::snapshot(settings, users, own).context("cannot list this host's addresses")?,
            ),
            dialer: Dialer::new(build::dialing(settings)).context("cannot start the resolver")?,
        });
        let (phase, _) = watch::channel(Phase::Serving);
        let threads = share_out(handed, &doors, threads.get())
            .into_iter()
            .map(|share| {
                RelayThread::start(share, Arc::clone(&world), phase.subscribe())
                    .map(|thread| Watched { thread, seen: 0 })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { world, phase, threads })
    }

    pub(super) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    /// How many are in now.
    pub(super) fn sessions(&self) -> usize {
        self.world.roster.count()
    }

    /// The names of the threads whose reactor has not turned since the last call.
    pub(super) fn silent_threads(&mut self) -> Vec<wire::ThreadName> {
        let mut silent = Vec::new();
        for watched in &mut self.threads {
            let beats = watched.thread.beats.load(Relaxed);
            if beats == watched.seen {
                silent.push(wire::ThreadName::new(&watched.thread.name));
            }
            watched.seen = beats;
        }
        silent
    }

    /// Accepts nothing more.
    pub(super) fn close_doors(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Ends what is left and returns how many sessions that were.
    pub(super) fn clear(self) -> u32 {
        self.close_doors();
        let roster = &self.world.roster;
        let remaining = roster.count();
        let deadline = Instant::now() + LAST_LINES;
        while roster.count() > 0 && Instant::now() < deadline {
            roster.end_all(ByHouse::Stopped);
            std::thread::sleep(LOOK);
        }
        self.phase.send_replace(Phase::Over);
        for watched in self.threads {
            watched.thread.join();
        }
        u32::try_from(remaining).unwrap_or(u32::MAX)
    }
}

fn own_listeners(handed: &[Handed]) -> HashSet<SocketAddr> {
    handed.iter().filter_map(|handed| socket2::SockRef::from(&handed.socket).local_addr().ok()?.as_socket()).collect()
}

/// Every socket to its thread.
fn share_out(handed: Vec<Handed>, doors: &[Arc<Door>], threads: u16) -> Vec<Share> {
    let mut shares: Vec<Share> = (0..threads).map(|number| Share { number, listeners: Vec::new() }).collect();
    for Handed { index, thread, socket } in handed {
        if let (Some(share), Some(door)) = (shares.get_mut(usize::from(thread)), doors.get(usize::from(index))) {
            share.listeners.push((Arc::clone(door), socket));
        }
    }
    shares
}
