//! The thread `history`: takes the frames out of the outbox and writes them into the spool, many at once.
//!
//! Relay threads never wait for it. A session's answer waits a moment for its opening, and this thread says when that is kept;
//! so it does nothing that takes long: the database has a thread of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::sleep;
use std::time::{Duration, Instant};

use history::decode;

use super::Shared;
use super::spool::directory::{Directory, NoSpool, Number, SpoolNumber};
use super::spool::ledger::Ledger;
use super::spool::writer::Writer;
use super::trouble::Trouble;
use crate::state::history::losses::Losses;
use crate::state::history::outbox::{Batch, Inbox};
use crate::state::session::ticket::Session;

/// The spool of a service that was never upgraded.
const FIRST: SpoolNumber = 1;

/// How long it gathers frames before it writes them; an answer that waits for its opening waits this long at most.
const GATHER: Duration = Duration::from_millis(1);

/// The same while so many come in that time that waking for them holds up the relays more than what waits.
const BUSY_GATHER: (u64, Duration) = (8, Duration::from_millis(2));

/// While the spool cannot be written, it is tried again this often; the frames wait in the outbox.
const RETRY: Duration = Duration::from_millis(500);

/// How long an earlier process, which was killed, may hold the spool until it is gone.
pub(super) const MOVE: Duration = Duration::from_secs(2);

/// How often it looks meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The room for frames that is kept from one batch to the next, in bytes.
const USUAL: usize = 512 * 1024;

pub(super) struct Keeper {
    inbox: Inbox<Arc<Session>>,
    ledger: Arc<Ledger>,
    losses: Arc<Losses>,
    /// The directory of the spool.
    place: PathBuf,
    /// Whom to tell that the spool is ours.
    taken: SyncSender<Taken>,
    /// Hung up when it is, or cannot be had now.
    moved_in: Option<SyncSender<()>>,
    writer: Option<Writer>,
    trouble: Trouble,
}

/// A spool that is ours now.
pub(super) struct Taken {
    pub(super) directory: Arc<Directory>,
    /// The last segment of an earlier process, if it left any.
    pub(super) inherited: Option<Number>,
}

impl Taken {
    /// Notes in the ledger what is there already.
    pub(super) fn of(directory: Directory, ledger: &Ledger) -> io::Result<Self> {
        let segments = directory.segments()?;
        for (number, length) in &segments {
            ledger.found(*number, *length);
        }
        Ok(Self { directory: Arc::new(directory), inherited: segments.last().map(|(number, _)| *number) })
    }
}

impl Keeper {
    pub(super) fn new(
        inbox: Inbox<Arc<Session>>,
        Shared { ledger, losses, counted, quotas: _ }: Shared,
        place: PathBuf,
        (taken, moved_in): (SyncSender<Taken>, SyncSender<()>),
    ) -> Self {
        let trouble = Trouble::new("the history's spool", counted.spool_fails.clone());
        Self { inbox, ledger, losses, place, taken, moved_in: Some(moved_in), writer: None, trouble }
    }

    /// Works until the last batch.
    pub(super) fn run(mut self) {
        self.move_in();
        let mut batch = Batch::default();
        while self.keep(&mut batch) && !batch.is_last {
            sleep(if batch.count < BUSY_GATHER.0 { GATHER } else { BUSY_GATHER.1 });
            batch.clear(USUAL);
            batch = self.inbox.take(batch);
        }
        self.ledger.finish();
    }

    /// Takes the spool before anybody is served; what stands in the way for longer is told with the first batch.
    fn move_in(&mut self) {
        let end = Instant::now() + MOVE;
        while self.writer.is_none() && Instant::now() < end {
            let taken = Directory::take(&self.place, FIRST)
                .and_then(|directory| take_over(directory, &self.ledger, &self.taken));
            match taken {
                Ok(writer) => self.writer = Some(writer),
                Err(NoSpool::Taken) => sleep(LOOK_AGAIN),
                Err(NoSpool::Unusable(_)) => break,
            }
        }
        if self.writer.is_none() {
            // The worker whose place this one is about to take lives on with its sessions, and with its spool.
            let next =
                Directory::take_any(&self.place).and_then(|directory| take_over(directory, &self.ledger, &self.taken));
            self.writer = next.ok();
        }
        self.moved_in = None;
    }

    /// Writes a batch, however long it takes until that succeeds; `false` when the house closes before.
    fn keep(&mut self, batch: &mut Batch<Arc<Session>>) -> bool {
        while !self.is_kept(batch) {
            // Nobody waits for what is not kept at once.
            settle(batch);
            if batch.is_last || self.inbox.is_closing_within(RETRY) {
                self.keep_if_possible(batch);
                let mut rest = self.inbox.take(Batch::default());
                self.keep_if_possible(&mut rest);
                return false;
            }
        }
        settle(batch);
        true
    }

    /// The last try.
    fn keep_if_possible(&mut self, batch: &mut Batch<Arc<Session>>) {
        if !self.is_kept(batch) {
            give_up(&batch.frames, &self.losses);
        }
        settle(batch);
    }

    fn is_kept(&mut self, batch: &Batch<Arc<Session>>) -> bool {
        let (writer, place) = (&mut self.writer, (&*self.place, &self.ledger, &self.taken));
        let appended = self.inbox.busy(|| append(writer, batch, place));
        self.inbox.report(appended.is_err(), self.ledger.bytes());
        match appended {
            Ok(()) => self.trouble.pass(),
            Err(error) => self.trouble.meet(&format!("{}: {error}", self.place.display())),
        }
        self.trouble.is_over()
    }
}

/// Writes a batch into the spool, which is taken over before the first time.
fn append(
    writer: &mut Option<Writer>,
    batch: &Batch<Arc<Session>>,
    (place, ledger, taken): (&Path, &Arc<Ledger>, &SyncSender<Taken>),
) -> Result<(), NoSpool> {
    let writer = match writer {
        Some(writer) => writer,
        none => none.insert(take_over(Directory::take_any(place)?, ledger, taken)?),
    };
    if batch.count > 0 {
        writer.append(&batch.frames, batch.count)?;
    }
    Ok(())
}

/// Tells the reader.
fn take_over(directory: Directory, ledger: &Arc<Ledger>, taken: &SyncSender<Taken>) -> Result<Writer, NoSpool> {
    let spool = Taken::of(directory, ledger)?;
    let writer = Writer::new(Arc::clone(&spool.directory), Arc::clone(ledger), spool.inherited.unwrap_or_default());
    // It holds one, and this is the only one there ever is.
    let _reader_is_gone = taken.try_send(spool);
    Ok(writer)
}

/// Tells those who wait that there is nothing more to wait for.
fn settle(batch: &mut Batch<Arc<Session>>) {
    for session in batch.waiting.drain(..) {
        if session.kept.settle() {
            session.course.nudge();
        }
    }
}

fn give_up(mut frames: &[u8], losses: &Losses) {
    while let Ok(Some(frame)) = decode(frames) {
        losses.add(frame.kind, 1);
        frames = &frames[frame.bytes.len()..];
    }
}
