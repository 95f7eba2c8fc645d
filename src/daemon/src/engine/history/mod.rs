//! The history on the disk: every session's row, kept through the death of any process.
//!
//! Three threads: `history` empties the outbox into the spool, which takes microseconds, and `history-db` follows the spool into
//! SQLite, which may take as long as it likes. Nobody else waits for either. A disk or database that fails is told once,
//! retried, and costs nothing but room in the spool; what finds no room is counted.

pub(crate) mod archive;
pub(crate) mod counted;
mod follower;
mod heir;
mod keeper;
mod spool;
mod store;
pub(crate) mod trial;
mod trouble;
mod usage;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use history::Kind;

use self::counted::Counted;
use self::follower::Follower;
use self::heir::Heir;
use self::keeper::{Keeper, MOVE, Taken};
use self::spool::directory::DIRECTORY_MODE;
use self::spool::ledger::Ledger;
use self::store::schema::with_suffix;
use self::usage::Usage;
use crate::state::history::losses::Losses;
use crate::state::history::outbox::{Inbox, Outbox, Room, outbox};
use crate::state::history::scribe::Scribe;
use crate::state::limits::quotas::Quotas;
use crate::state::metrics::Metrics;
use crate::state::session::ticket::Session;

/// Bytes that may wait while the spool's thread is held up: four seconds of 5,000 sessions a second.
const WAITING: usize = 8 * 1024 * 1024;

/// How often losses are told.
const REPORT: Duration = Duration::from_mins(1);

/// What the operator says of the history.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The file; the spool is a directory beside it.
    pub(crate) database: PathBuf,
    /// So many records are written at once, without waiting for `batch_interval`.
    pub(crate) batch_size: u64,
    /// A record waits no longer than this.
    pub(crate) batch_interval: Duration,
    /// The most bytes that wait for the database.
    pub(crate) spool_bound: u64,
    /// Rows are kept so long; nothing keeps them for ever.
    pub(crate) retention: Option<Duration>,
    pub(crate) cleanup_every: Duration,
}

impl Options {
    /// The directory in which everything of the history lies, made if it is missing: rules for files need it to be there.
    /// If that cannot be, the history's threads will say so.
    pub(crate) fn make_place(&self) -> Option<PathBuf> {
        let place = self.database.parent()?;
        let _told_later = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(place);
        Some(place.to_owned())
    }
}

/// The threads that keep it.
#[derive(Debug)]
pub(crate) struct History {
    outbox: Outbox<Arc<Session>>,
    /// Hangs up when everything is in the database.
    done: Receiver<()>,
    /// The thread that looks after what others have left ends with this.
    _heir: SyncSender<()>,
    /// Losses that were told, and when.
    told: (u64, Option<Instant>),
}

/// What the threads share.
#[derive(Debug, Clone)]
struct Shared {
    ledger: Arc<Ledger>,
    losses: Arc<Losses>,
    counted: Arc<Counted>,
    quotas: Arc<Quotas>,
}

fn start_threads(
    options: Options,
    inbox: Inbox<Arc<Session>>,
    shared: Shared,
    end: Receiver<()>,
) -> io::Result<Receiver<()>> {
    let (taken, spool) = sync_channel(1);
    let (moved_in, moving) = sync_channel(0);
    let (finished, done) = sync_channel(0);
    let place = with_suffix(&options.database, "-spool");
    let heir = Heir::new(options.clone(), place.clone(), shared.clone());
    let keeper = Keeper::new(inbox, shared.clone(), place, (taken, moved_in));
    Builder::new().name("history".to_owned()).spawn(move || keeper.run())?;
    Builder::new().name("history-db".to_owned()).spawn(move || {
        follow(options, &spool, shared);
        drop(finished);
    })?;
    Builder::new().name("history-heir".to_owned()).spawn(move || heir.run(&end))?;
    // Whoever is answered before could be missing after the next accident.
    let _moved_in_or_held_up = moving.recv_timeout(2 * MOVE);
    Ok(done)
}

/// Waits until the spool is ours, and follows it.
fn follow(options: Options, spool: &Receiver<Taken>, shared: Shared) {
    if let Ok(taken) = spool.recv() {
        let usage = Usage::new(Arc::clone(&shared.quotas));
        Follower::new(options, taken, shared, Some(usage)).run();
    }
}

impl History {
    /// Starts its threads, and waits a moment until the place is ours; one that cannot be used now is tried again until it can.
    ///
    /// # Errors
    /// The kernel gives no thread.
    pub(crate) fn start(
        options: Options,
        (counted, quotas): (&Arc<Counted>, &Arc<Quotas>),
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let room = Room { in_memory: WAITING, on_disk: options.spool_bound };
        let (outbox, inbox) = outbox(room);
        let (ledger, losses) = (Arc::new(Ledger::default()), Arc::clone(outbox.losses()));
        let shared =
            Shared { ledger: Arc::clone(&ledger), losses, counted: Arc::clone(counted), quotas: Arc::clone(quotas) };
        let (end, ended) = sync_channel(0);
        let done = start_threads(options, inbox, shared, ended)?;
        counted.watch(outbox.clone(), ledger);
        let counted = Arc::clone(counted);
        metrics.before_each_scrape(move || {
            let _only_brought_up_to_date = counted.standing();
        });
        Ok(Self { outbox, done, _heir: end, told: (0, None) })
    }

    /// Who hears of sessions for it.
    pub(crate) fn scribe(&self) -> Scribe {
        Scribe::new(self.outbox.clone())
    }

    /// Says how much was lost since the last time, if anything was, and not too often.
    pub(crate) fn report_losses(&mut self) {
        let losses = self.outbox.losses();
        let [checkpoints, openings, endings] = Kind::ALL.map(|kind| losses.count(kind));
        let total = checkpoints + openings + endings;
        let (told, at) = self.told;
        if total > told && at.is_none_or(|at| at.elapsed() >= REPORT) {
            self.told = (total, Some(Instant::now()));
            tracing::warn!(
                checkpoints,
                openings,
                endings,
                "records of the history were lost for want of room, in all since the start"
            );
        }
    }

    /// Writes out what is left, as far as that is possible within `limit`; the next process finds the rest in the spool.
    pub(crate) fn finish(mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.outbox.finish();
        let left = deadline.saturating_duration_since(Instant::now());
        let is_done = self.done.recv_timeout(left) == Err(std::sync::mpsc::RecvTimeoutError::Disconnected);
        if !is_done {
            tracing::warn!("the history's database does not have everything yet; the rest waits in the spool");
        }
        self.told.1 = None;
        self.report_losses();
    }
}
