//! The thread `history-db`: follows the spool and writes what is new in it into the database, many rows at once.
//!
//! It may wait for locks and disks as long as they take; the spool holds everything meanwhile.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::counted::Counted;
use super::keeper::Taken;
use super::spool::directory::{Directory, Number};
use super::spool::ledger::{Ledger, Readable};
use super::spool::position::Position;
use super::spool::reader::{Behind, Reader};
use super::spool::shed::Shedder;
use super::store::cleanup::Cleanup;
use super::store::database::{Database, set_aside};
use super::store::fault::Fault;
use super::store::rows::{Committed, Rows, close_orphans, noted_position};
use super::store::usage::settle;
use super::trouble::Trouble;
use super::usage::Usage;
use super::{Options, Shared};
use crate::state::history::losses::Losses;

/// However many rows wait, a transaction follows another one not earlier: each costs a flush of the disk.
const PACE: Duration = Duration::from_millis(50);

/// The same while rows come faster than they would have to be written: a session that is over by then is written once, and not
/// at its opening too. No more than this, and no more than a quarter of what a record may wait.
const BUSY_PACE: Duration = Duration::from_millis(250);

/// While the database cannot be used, it is tried again after so long, and later after twice as long each time.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Pieces that are written before it looks at the whole again.
const PIECES: usize = 16;

pub(super) struct Follower {
    options: Options,
    directory: Arc<Directory>,
    ledger: Arc<Ledger>,
    losses: Arc<Losses>,
    counted: Arc<Counted>,
    /// The last segment of an earlier process.
    inherited: Option<Number>,
    database: Option<Database>,
    trouble: Trouble,
    retry: Duration,
    retry_at: Instant,
    cleanup: Cleanup,
    shedder: Shedder,
    reader: Reader,
    rows: Rows,
    /// What is before it is in the database.
    position: Option<Position>,
    /// The latest moment of all records so far.
    seen: i64,
    orphans_are_closed: bool,
    /// Nothing where another one of this process tells what is kept.
    usage: Option<Usage>,
}

/// What is left to do in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    More,
    /// It cannot be known now.
    Trouble,
}

impl Follower {
    /// Follows a spool that was just taken.
    pub(super) fn new(
        options: Options,
        taken: Taken,
        Shared { ledger, losses, counted, quotas: _ }: Shared,
        usage: Option<Usage>,
    ) -> Self {
        let Taken { directory, inherited } = taken;
        let rows = Rows::of(directory.number());
        Self {
            cleanup: Cleanup::new(options.retention, options.cleanup_every),
            options,
            directory,
            ledger,
            losses,
            inherited,
            database: None,
            trouble: Trouble::new("the history's database", counted.database_fails.clone()),
            counted,
            retry: RETRY.0,
            retry_at: Instant::now(),
            shedder: Shedder::default(),
            reader: Reader::default(),
            rows,
            position: None,
            seen: 0,
            orphans_are_closed: false,
            usage,
        }
    }

    /// Works until nothing more is written and everything is in the database.
    pub(super) fn run(mut self) {
        let mut frames = 0;
        loop {
            let wanted = frames + self.options.batch_size;
            let look = self.ledger.wait(wanted, Instant::now() + self.patience());
            frames = look.frames;
            let left = self.attempt();
            self.keep_within_bound();
            match (left, look.is_over) {
                (Left::Nothing, true) => return,
                (Left::Nothing, false) => self.rest(look.frames >= wanted),
                (Left::Trouble, true) => sleep(RETRY.0),
                // In trouble it waits above, where it hears of the end.
                (Left::More, _) | (Left::Trouble, false) => {}
            }
        }
    }

    /// Lets rows gather, unless nothing more is written.
    fn rest(&self, is_busy: bool) {
        let pace = if is_busy { (self.options.batch_interval / 4).clamp(PACE, BUSY_PACE) } else { PACE };
        self.ledger.wait(u64::MAX, Instant::now() + pace);
    }

    fn patience(&self) -> Duration {
        let now = Instant::now();
        if !self.trouble.is_over() {
            return self.options.batch_interval.min(self.retry_at.saturating_duration_since(now));
        }
        let next = self.cleanup.due().map_or(Duration::MAX, |next| next.saturating_duration_since(now));
        let of_quotas = self.usage.as_ref().map_or(Duration::MAX, Usage::patience);
        self.options.batch_interval.min(next).min(of_quotas)
    }

    /// Does its work, unless that has just failed.
    fn attempt(&mut self) -> Left {
        if !self.trouble.is_over() && Instant::now() < self.retry_at {
            return Left::Trouble;
        }
        match self.work() {
            Ok(left) => {
                self.trouble.pass();
                self.retry = RETRY.0;
                left
            }
            Err(fault) => {
                if let Err(fault) = self.glance() {
                    tracing::debug!(%fault, "the history's database does not say what was carried before");
                }
                self.failed(&fault);
                self.retry_at = Instant::now() + self.retry;
                Left::Trouble
            }
        }
    }

    /// Writes what there is, up to a bound.
    fn work(&mut self) -> Result<Left, Fault> {
        let began = Instant::now();
        self.open()?;
        for _ in 0..PIECES {
            if !self.write_next()? {
                self.close_orphans()?;
                let database = self.database.as_ref().expect("it was opened above");
                self.cleanup.step(&database.connection)?;
                if let Some(usage) = &mut self.usage {
                    usage.look(&database.connection, self.directory.number())?;
                }
                self.ledger.caught_up(self.position.unwrap_or_default(), began);
                return Ok(Left::Nothing);
            }
        }
        self.glance()?;
        Ok(Left::More)
    }

    /// Until what others left in the spool is written, everything in the database is of others.
    fn glance(&mut self) -> Result<(), Fault> {
        let (Some(usage), Some(database)) = (&mut self.usage, &self.database) else { return Ok(()) };
        if self.orphans_are_closed { Ok(()) } else { usage.glance(&database.connection) }
    }

    /// The database that is under its name, opened if need be.
    fn open(&mut self) -> Result<(), Fault> {
        if let Some(database) = &self.database {
            return database.is_in_place();
        }
        let database = Database::open(&self.options.database)?;
        self.usage.iter_mut().for_each(Usage::forget);
        if self.position.is_none() {
            let (position, seen) = noted_position(&database.connection, self.directory.number())?;
            self.position = Some(position);
            self.seen = self.seen.max(seen);
        }
        self.database = Some(database);
        Ok(())
    }

    /// Writes the next piece of the spool; `false` when there was nothing more at its beginning.
    fn write_next(&mut self) -> Result<bool, Fault> {
        let position = self.position.unwrap_or_default();
        // A segment with another number than the noted one is read from its beginning: the database may be an older copy.
        let noted = self.ledger.from(position.segment).filter(|segment| segment.number == position.segment);
        let Some(segment) = noted.or_else(|| self.ledger.from(0)) else { return Ok(false) };
        let offset = if segment.number == position.segment { position.offset } else { 0 };
        if self.inherited.is_none_or(|last| segment.number > last) {
            self.close_orphans()?;
        }
        if offset < segment.length {
            return self.write_piece(segment, offset);
        }
        if segment.is_complete {
            self.drop_segment(segment.number);
        }
        Ok(segment.is_complete)
    }

    fn write_piece(&mut self, segment: Readable, offset: u64) -> Result<bool, Fault> {
        let file = match self.directory.open(segment.number) {
            Ok(file) => file,
            Err(error) => return Ok(self.skip(segment, offset, &error.to_string())),
        };
        let piece = match self.reader.read(&file, offset, segment.length) {
            Ok(piece) => piece,
            Err(error) => return Ok(self.skip(segment, offset, &error.to_string())),
        };
        let read = offset + piece.length;
        if !piece.frames.is_empty() {
            let database = self.database.as_mut().expect("rows are written to an open database");
            let position = Position { segment: segment.number, offset: read };
            let began = Instant::now();
            match self.rows.commit(&mut database.connection, &piece.frames, (position, self.seen))? {
                Committed::Up { rows, seen, unreadable } => {
                    self.counted.transaction_seconds.observe(began.elapsed().as_secs_f64());
                    self.counted.rows.inc_by(rows);
                    self.seen = seen;
                    for kind in unreadable {
                        self.losses.add(kind, 1);
                    }
                    self.position = Some(position);
                }
                Committed::Nothing { version } => {
                    self.set_aside(segment.number, version);
                    return Ok(true);
                }
            }
        }
        match piece.behind {
            Behind::Ruin => Ok(self.skip(segment, read, "what follows is not as it was written")),
            // Shorter than it should be: somebody cut it.
            Behind::End if read < segment.length => Ok(self.skip(segment, read, "it ends too early")),
            // What has come meanwhile waits for others: a transaction for each few rows would cost more than the rows.
            Behind::End => Ok(segment.is_complete),
            Behind::More => Ok(true),
        }
    }

    /// Goes on behind a part of a segment that cannot be read.
    fn skip(&mut self, segment: Readable, offset: u64, why: &str) -> bool {
        let bytes = segment.length - offset;
        // The last frame of a process that was killed may be torn; that is the way of things.
        if self.inherited.is_some_and(|last| segment.number <= last) {
            tracing::info!(segment = segment.number, bytes, "the end of a spool segment of the history is torn: {why}");
        } else {
            tracing::warn!(segment = segment.number, bytes, "a spool segment of the history cannot be read: {why}");
        }
        self.position = Some(Position { segment: segment.number, offset: segment.length });
        true
    }

    fn set_aside(&mut self, number: Number, version: u8) {
        match self.directory.set_aside(number) {
            Ok(aside) => tracing::warn!(
                version,
                aside = %aside.display(),
                "a newer program wrote a spool segment of the history; it is set aside"
            ),
            Err(error) => tracing::warn!(%error, version, "a newer program wrote a spool segment of the history"),
        }
        self.forget(number);
    }

    fn drop_segment(&mut self, number: Number) {
        if let Err(error) = self.directory.remove(number)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, segment = number, "cannot remove a spool segment of the history");
        }
        self.forget(number);
    }

    fn forget(&mut self, number: Number) {
        self.ledger.forget(number);
        self.position = Some(Position::after(number));
    }

    /// Ends, once, what earlier processes left open; when everything of theirs has been read.
    fn close_orphans(&mut self) -> Result<(), Fault> {
        if !self.orphans_are_closed {
            let database = self.database.as_mut().expect("rows are written to an open database");
            settle(&mut database.connection, self.directory.number())?;
            let sessions = close_orphans(&database.connection, self.directory.number(), self.seen)?;
            if sessions > 0 {
                tracing::info!(sessions, "sessions of an earlier process are interrupted");
            }
            self.orphans_are_closed = true;
            // What came through this spool was of another process until now.
            self.usage.iter_mut().for_each(Usage::forget);
        }
        Ok(())
    }

    fn failed(&mut self, fault: &Fault) {
        let path = self.options.database.display();
        self.trouble.meet(&format!("{path}: {fault}"));
        match fault {
            Fault::Locked => {}
            Fault::Gone => self.database = None,
            Fault::Damaged(_) => {
                self.database = None;
                self.replace_damaged();
            }
            Fault::Full | Fault::Newer { .. } | Fault::Foreign | Fault::Unusable(_) => {
                self.database = None;
                self.retry = (self.retry * 2).min(RETRY.1);
            }
        }
    }

    fn replace_damaged(&mut self) {
        let moment = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        match set_aside(&self.options.database, &moment) {
            Ok(aside) => tracing::warn!(aside = %aside.display(), "the damaged database of the history is set aside"),
            Err(error) => {
                tracing::warn!(%error, "cannot set the damaged database of the history aside");
                self.retry = (self.retry * 2).min(RETRY.1);
            }
        }
    }

    /// A database that cannot be written must not fill the disk, and what waits for it should outlive a power loss.
    fn keep_within_bound(&mut self) {
        if !self.trouble.is_over() {
            self.flush_spool();
        }
        let mut position = self.position.unwrap_or_default();
        let spool = (&*self.directory, &*self.ledger);
        if let Err(error) = self.shedder.shed(spool, self.options.spool_bound, &mut position, &self.losses) {
            tracing::debug!(%error, "cannot make room in the history's spool");
        }
        if self.position.is_some() {
            self.position = Some(position);
        }
    }

    fn flush_spool(&self) {
        for segment in self.ledger.newest(2) {
            // What the disk does not take now, it may take later; the kernel has it in any case.
            let _best_effort = self.directory.open(segment).and_then(|file| file.sync_data());
        }
    }
}
