//! What must be done once a second: sweep the sessions, end penalties, write down sessions that last, report what was lost, end what
//! was to hold for a while and sessions of users whose time is over, follow the host's own addresses.
//!
//! It has a thread of its own, so that neither the relays nor the heartbeat wait for it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use prometheus::IntCounter;

use crate::engine::history::History;
use crate::engine::log::Log;
use crate::engine::log::loudness::Exception;
use crate::engine::sys::interfaces;
use crate::frontends::socks::World;
use crate::state::limits::quotas::Quotas;
use crate::state::penalties::Penalties;
use crate::state::penalties::tally::whole_secs;
use crate::state::session::sweep::sweep;

const EVERY: Duration = Duration::from_secs(1);

/// Whose time was over so long before the last look is looked for again: a login takes a moment from its check to its session.
const LATE: Duration = Duration::from_secs(30);

/// How long the history may take to write its last rows; what it does not write then waits in its spool.
const LAST_ROWS: Duration = Duration::from_millis(800);

#[derive(Debug)]
pub(super) struct Housekeeping {
    rounds: Arc<AtomicU64>,
    seen: u64,
    log: Arc<Mutex<Log>>,
    end: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Housekeeping {
    pub(super) const THREAD: &str = "housekeeping";

    /// # Errors
    /// The kernel gives no thread.
    pub(super) fn start(
        world: Arc<World>,
        log: Log,
        history: Option<History>,
        checkpoint_every: Duration,
        lost: IntCounter,
    ) -> anyhow::Result<Self> {
        let (rounds, log) = (Arc::new(AtomicU64::new(1)), Arc::new(Mutex::new(log)));
        let (end, ended) = sync_channel(1);
        let looked = Timestamp::now();
        let keeper = Keeper {
            world,
            looked,
            rounds: Arc::clone(&rounds),
            log: Arc::clone(&log),
            history,
            checkpoint_every,
            lost,
        };
        let thread = std::thread::Builder::new()
            .name(Self::THREAD.to_owned())
            .spawn(move || keeper.keep(&ended))
            .context("cannot start a thread")?;
        Ok(Self { rounds, seen: 0, log, end, thread })
    }

    pub(super) fn reopen_log(&self) {
        lock(&self.log).reopen();
    }

    /// Whether no round was finished since the last call.
    pub(super) fn is_silent(&mut self) -> bool {
        let rounds = self.rounds.load(Relaxed);
        std::mem::replace(&mut self.seen, rounds) == rounds
    }

    /// Ends the thread and writes out the history and the log.
    pub(super) fn stop(self) {
        drop(self.end);
        let _panicked = self.thread.join();
    }
}

struct Keeper {
    world: Arc<World>,
    /// When it last looked whose time is over.
    looked: Timestamp,
    rounds: Arc<AtomicU64>,
    log: Arc<Mutex<Log>>,
    /// Nothing when none is kept.
    history: Option<History>,
    checkpoint_every: Duration,
    lost: IntCounter,
}

impl Keeper {
    /// Two rounds of the counter to one of the heartbeat, so that a healthy thread never looks silent.
    fn keep(mut self, ended: &Receiver<()>) {
        let mut due = Instant::now();
        while ended.recv_timeout(EVERY / 2) == Err(RecvTimeoutError::Timeout) {
            self.rounds.fetch_add(1, Relaxed);
            if due.elapsed() >= EVERY {
                due = Instant::now();
                self.tick(due);
            }
        }
        if let Some(history) = self.history.take() {
            history.finish(LAST_ROWS);
        }
        self.lost.inc_by(lock(&self.log).report_losses());
    }

    fn tick(&mut self, now: Instant) {
        self.look_at_everybody(now);
        self.world.quotas.round(&self.world.roster, &self.world.bandwidth, Timestamp::now());
        report_penalties(&self.world.penalties, now);
        if let Some(history) = &mut self.history {
            history.report_losses();
        }
        match interfaces::addresses() {
            Ok(now) => self.world.follow_own_addresses(&now),
            // The guard keeps those it knows: to forget them would open the way back into this host.
            Err(error) => tracing::debug!(%error, "cannot list this host's addresses"),
        }
        self.end_expired(Timestamp::now());
        self.end_exceptions();
        self.lost.inc_by(lock(&self.log).report_losses());
    }

    /// In one walk, as each session is far away.
    fn look_at_everybody(&self, now: Instant) {
        let scribe = self.history.as_ref().map(History::scribe);
        self.world.roster.each(|session| {
            sweep(session, now);
            Quotas::note(session);
            if let Some(scribe) = &scribe {
                scribe.post_checkpoint(session, now, self.checkpoint_every);
            }
        });
    }

    /// A user's time passes without a reload that would end his sessions.
    fn end_expired(&mut self, now: Timestamp) {
        let since = self.looked.min(now).saturating_sub(LATE).unwrap_or(Timestamp::MIN);
        let sessions = self.world.expire(since, now);
        self.looked = now;
        if sessions > 0 {
            tracing::info!(sessions, "sessions of users whose time is over are ended");
        }
    }

    /// Nobody has to remember to make the log quiet again.
    fn end_exceptions(&self) {
        let loudness = lock(&self.log).loudness.clone();
        for over in loudness.expire(Timestamp::now()) {
            let Exception { target, level, until: _, by } = over;
            tracing::info!(of = target, %level, %by, "the log's level is what is configured again");
        }
    }
}

/// Says whose penalties are over, and sums up what no line was written about.
fn report_penalties(penalties: &Penalties, now: Instant) {
    for released in penalties.release(now) {
        if penalties.tally.may_tell() {
            tracing::info!(
                target: "auth",
                source = %released.source,
                turned_away = released.turned_away,
                after_secs = whole_secs(released.after),
                "source may come again"
            );
        }
    }
    let since = penalties.tally.look();
    if since.too_many_of_source + since.crowded + since.untold > 0 {
        tracing::warn!(
            target: "auth",
            penalised = since.penalised,
            too_many_of_source = since.too_many_of_source,
            crowded = since.crowded,
            lines_left_out = since.untold,
            "connections turned away"
        );
    }
}

fn lock(log: &Mutex<Log>) -> std::sync::MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
