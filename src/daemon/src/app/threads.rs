//! The relay threads: one current-thread runtime each, with listening sockets of its own; a session never changes threads.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::frontends::socks::accept::{Listener, accept};
use crate::frontends::socks::{Door, World};

/// How often a thread shows that its reactor turns; twice as often as the heartbeat is sent.
const BEAT: Duration = Duration::from_millis(500);

/// How far the worker's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// Nothing new is accepted.
    Draining,
    /// The threads may go.
    Over,
}

/// What one thread serves.
pub(super) struct Share {
    pub(super) number: u16,
    pub(super) listeners: Vec<(Arc<Door>, OwnedFd)>,
}

/// A running thread.
#[derive(Debug)]
pub(super) struct RelayThread {
    pub(super) name: String,
    /// Grows as long as the reactor turns.
    pub(super) beats: Arc<AtomicU64>,
    handle: JoinHandle<()>,
}

impl RelayThread {
    /// Starts a thread that serves its share until the phase changes.
    ///
    /// # Errors
    /// The kernel gives no thread or no epoll descriptor, or a socket is not what it should be.
    pub(super) fn start(share: Share, world: Arc<World>, phase: watch::Receiver<Phase>) -> anyhow::Result<Self> {
        let name = format!("relay-{}", share.number);
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().build().context("cannot start a reactor")?;
        let listeners = {
            let _reactor = runtime.enter();
            share.listeners.into_iter().map(|(door, socket)| Ok((door, adopt(socket)?))).collect::<io::Result<Vec<_>>>()
        };
        let listeners = listeners.context("cannot use a listening socket")?;
        let beats = Arc::new(AtomicU64::new(1));
        let pulse = Arc::clone(&beats);
        let work = move || runtime.block_on(serve(listeners, world, phase, pulse));
        let handle = std::thread::Builder::new().name(name.clone()).spawn(work).context("cannot start a thread")?;
        Ok(Self { name, beats, handle })
    }

    pub(super) fn join(self) {
        let _panicked = self.handle.join();
    }
}

async fn serve(
    listeners: Vec<(Arc<Door>, Listener)>,
    world: Arc<World>,
    mut phase: watch::Receiver<Phase>,
    pulse: Arc<AtomicU64>,
) {
    tokio::spawn(beat(pulse));
    for (door, listener) in listeners {
        let mut phase = phase.clone();
        let closing = async move { until(&mut phase, |phase| phase != Phase::Serving).await };
        tokio::spawn(accept(listener, door, Arc::clone(&world), closing));
    }
    until(&mut phase, |phase| phase == Phase::Over).await;
}

async fn until(phase: &mut watch::Receiver<Phase>, is_reached: impl Fn(Phase) -> bool) {
    let _house_is_gone = phase.wait_for(|phase| is_reached(*phase)).await;
}

async fn beat(pulse: Arc<AtomicU64>) {
    let mut clock = tokio::time::interval(BEAT);
    loop {
        clock.tick().await;
        pulse.fetch_add(1, Relaxed);
    }
}

fn adopt(socket: OwnedFd) -> io::Result<Listener> {
    let address: SockaddrStorage = getsockname(socket.as_raw_fd())?;
    if address.family() == Some(AddressFamily::Unix) {
        return UnixListener::from_std(socket.into()).map(Listener::Unix);
    }
    TcpListener::from_std(socket.into()).map(Listener::Tcp)
}
