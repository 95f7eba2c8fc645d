//! The thread `history`: takes the letters out of the outbox and writes them into the spool, many at once.
//!
//! Relay threads never wait for it. A session's answer waits a moment for its opening, and this thread says when that is kept;
//! so it does nothing that takes long: the database has a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::sleep;
use std::time::{Duration, Instant};

use history::{Encoder, Kind, decode};

use super::spool::directory::{Directory, NoSpool, Number};
use super::spool::ledger::Ledger;
use super::spool::writer::Writer;
use super::trouble::Trouble;
use crate::state::history::losses::Losses;
use crate::state::history::note::Note;
use crate::state::history::outbox::{Letter, Letters};
use crate::state::history::record::{Scratch, with_record};
use crate::state::session::ticket::Session;

/// How long it gathers letters before it writes them; an answer that waits for its opening waits this long at most.
const GATHER: Duration = Duration::from_micros(250);

/// Letters that are written at once.
const AT_ONCE: usize = 1024;

/// While the spool cannot be written, it is tried again this often.
const RETRY: Duration = Duration::from_millis(500);

/// Frames that may wait in memory while the spool cannot be written: some 40,000.
const WAITING: usize = 8 * 1024 * 1024;

/// The room for frames that is kept from one time to the next.
const USUAL: usize = 512 * 1024;

pub(super) struct Keeper {
    letters: Letters<Note>,
    ledger: Arc<Ledger>,
    losses: Arc<Losses>,
    /// The directory of the spool.
    place: PathBuf,
    /// The most bytes that the spool may have.
    bound: u64,
    /// Whom to tell that the spool is ours.
    taken: SyncSender<Taken>,
    writer: Option<Writer>,
    trouble: Trouble,
    retry_at: Instant,
    encoder: Encoder,
    scratch: Scratch,
    waiting: Waiting,
    /// Bytes of the spool at the last look.
    on_disk: u64,
}

/// A spool that is ours now.
pub(super) struct Taken {
    pub(super) directory: Arc<Directory>,
    /// The last segment of an earlier process, if it left any.
    pub(super) inherited: Option<Number>,
}

/// Frames that are not in the spool yet.
#[derive(Default)]
struct Waiting {
    frames: Vec<u8>,
    count: u64,
    /// Whose openings are among them.
    openings: Vec<Arc<Session>>,
}

impl Keeper {
    pub(super) fn new(
        letters: Letters<Note>,
        ledger: Arc<Ledger>,
        (place, bound): (PathBuf, u64),
        taken: SyncSender<Taken>,
        losses: Arc<Losses>,
    ) -> Self {
        Self {
            letters,
            ledger,
            losses,
            place,
            bound,
            taken,
            writer: None,
            trouble: Trouble::new("the history's spool"),
            retry_at: Instant::now(),
            encoder: Encoder::default(),
            scratch: Scratch::default(),
            waiting: Waiting::default(),
            on_disk: 0,
        }
    }

    /// Works until the last letter.
    pub(super) fn run(mut self) {
        self.write_out();
        loop {
            let patience = if self.trouble.is_over() { Duration::MAX } else { RETRY };
            let is_last = match self.letters.next_within(patience) {
                Some(letter) => self.take(letter) || self.gather(),
                None => false,
            };
            if is_last {
                self.retry_at = Instant::now();
            }
            self.write_out();
            if is_last {
                break;
            }
            sleep(GATHER);
        }
        self.waiting.give_up(&self.losses);
        self.ledger.finish();
    }

    /// Takes what is there, up to a bound; says whether the last letter was among it.
    fn gather(&mut self) -> bool {
        for _ in 0..AT_ONCE {
            let Some(letter) = self.letters.next() else { return false };
            if self.take(letter) {
                return true;
            }
        }
        false
    }

    /// Makes a frame of a letter; says whether it was the last one.
    fn take(&mut self, letter: Letter<Note>) -> bool {
        let Letter::About(kind, note) = letter else { return true };
        if self.has_room(kind) {
            let (encoder, frames) = (&mut self.encoder, &mut self.waiting.frames);
            with_record(&note, &mut self.scratch, |record| encoder.encode(kind, record, frames));
            self.waiting.count += 1;
        } else {
            self.losses.add(kind, 1);
        }
        if kind == Kind::Opened {
            self.waiting.openings.push(note.session);
        }
        false
    }

    /// What is dear may take room that what is cheap may not.
    fn has_room(&self, kind: Kind) -> bool {
        let (in_memory, on_disk) = match kind {
            Kind::Checkpoint => (WAITING / 2, self.bound),
            Kind::Opened => (WAITING / 4 * 3, self.bound),
            Kind::Closed => (WAITING, self.bound + self.bound / 8),
        };
        self.waiting.frames.len() < in_memory && self.on_disk < on_disk
    }

    /// Writes what waits, unless that has just failed; nobody waits for it afterwards in any case.
    fn write_out(&mut self) {
        let is_due = self.trouble.is_over() || Instant::now() >= self.retry_at;
        let is_kept = is_due && self.is_written();
        self.letters.set_behind(!is_kept);
        for session in self.waiting.openings.drain(..) {
            if session.kept.settle() {
                session.course.nudge();
            }
        }
    }

    fn is_written(&mut self) -> bool {
        let (writer, waiting) = (&mut self.writer, &self.waiting);
        let append = || append(writer, waiting, (&self.place, &self.ledger, &self.taken));
        match self.letters.busy(append) {
            Ok(()) => {
                self.trouble.pass();
                self.waiting.forget();
                self.on_disk = self.ledger.bytes();
                true
            }
            Err(error) => {
                self.retry_at = Instant::now() + RETRY;
                self.trouble.meet(&format!("{}: {error}", self.place.display()));
                false
            }
        }
    }
}

/// Writes what waits into the spool, which is taken over before the first time.
fn append(
    writer: &mut Option<Writer>,
    waiting: &Waiting,
    (place, ledger, taken): (&Path, &Arc<Ledger>, &SyncSender<Taken>),
) -> Result<(), NoSpool> {
    let writer = match writer {
        Some(writer) => writer,
        none => none.insert(take_over(place, ledger, taken)?),
    };
    if waiting.count > 0 {
        writer.append(&waiting.frames, waiting.count)?;
    }
    Ok(())
}

impl Waiting {
    fn forget(&mut self) {
        self.frames.clear();
        self.frames.shrink_to(USUAL);
        self.count = 0;
    }

    fn give_up(&self, losses: &Losses) {
        let mut rest = self.frames.as_slice();
        while let Ok(Some(frame)) = decode(rest) {
            losses.add(frame.kind, 1);
            rest = &rest[frame.bytes.len()..];
        }
    }
}

/// Takes the spool, notes what is there, and tells the reader.
fn take_over(place: &Path, ledger: &Arc<Ledger>, taken: &SyncSender<Taken>) -> Result<Writer, NoSpool> {
    let directory = Arc::new(Directory::take(place)?);
    let segments = directory.segments()?;
    for (number, length) in &segments {
        ledger.found(*number, *length);
    }
    let inherited = segments.last().map(|(number, _)| *number);
    // It holds one, and this is the only one there ever is.
    let _reader_is_gone = taken.try_send(Taken { directory: Arc::clone(&directory), inherited });
    Ok(Writer::new(directory, Arc::clone(ledger), inherited.unwrap_or_default()))
}
