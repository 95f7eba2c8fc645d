//! Frames on their way to the history: a bounded buffer with many writers, who never wait, and one reader, who takes it whole.
//!
//! What finds no room is lost and counted, the cheapest kind first. Knows nothing of what the frames say.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use history::Kind;

use super::losses::Losses;

/// A reader that does one thing for so many milliseconds is held up.
const HELD_UP: u64 = 50;

/// How long frames may wait for others when nobody waits for them.
const LINGER: Duration = Duration::from_millis(5);

/// How much room there is, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Here.
    pub(crate) in_memory: usize,
    /// Where the reader puts the frames.
    pub(crate) on_disk: u64,
}

/// The writers' end.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    shared: Arc<Shared<T>>,
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    shared: Arc<Shared<T>>,
}

/// What has come since the reader took it the last time.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    /// One after the other.
    pub(crate) frames: Vec<u8>,
    pub(crate) count: u64,
    /// Who wants to know that the frames are kept.
    pub(crate) waiting: Vec<T>,
    /// Nothing of importance comes after this batch.
    pub(crate) is_last: bool,
}

#[derive(Debug)]
struct Shared<T> {
    table: Mutex<Table<T>>,
    news: Condvar,
    room: Room,
    /// What the reader has put where it puts the frames.
    on_disk: AtomicU64,
    is_behind: AtomicBool,
    made: Instant,
    /// Milliseconds since `made` at which the reader began something that may take long; 0 when it does nothing of that kind.
    busy_at: AtomicU64,
    losses: Arc<Losses>,
}

#[derive(Debug)]
struct Table<T> {
    batch: Batch<T>,
    reader: Reader,
}

/// What the reader does, and so what it must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// It will look by itself.
    Busy,
    /// It waits for anything.
    Idle,
    /// It waits for somebody who waits.
    Lingering,
}

/// That a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// Both ends of an outbox with so much room.
pub(crate) fn outbox<T>(room: Room) -> (Outbox<T>, Inbox<T>) {
    let shared = Arc::new(Shared {
        table: Mutex::new(Table { batch: Batch::default(), reader: Reader::Busy }),
        news: Condvar::new(),
        room,
        on_disk: AtomicU64::default(),
        is_behind: AtomicBool::default(),
        made: Instant::now(),
        busy_at: AtomicU64::default(),
        losses: Arc::default(),
    });
    (Outbox { shared: Arc::clone(&shared) }, Inbox { shared })
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { frames: Vec::new(), count: 0, waiting: Vec::new(), is_last: false }
    }
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Outbox<T> {
    /// Posts one frame; `waiting` is told when it is kept, or was given up.
    ///
    /// # Errors
    /// There is no room for its kind; it is counted as lost.
    pub(crate) fn post(&self, kind: Kind, frame: &[u8], waiting: Option<T>) -> Result<(), Lost> {
        let mut table = self.shared.lock();
        if !self.shared.has_room(kind, table.batch.frames.len()) {
            drop(table);
            self.shared.losses.add(kind, 1);
            return Err(Lost);
        }
        table.batch.frames.extend_from_slice(frame);
        table.batch.count += 1;
        let is_urgent = waiting.is_some();
        table.batch.waiting.extend(waiting);
        self.shared.tell(&mut table, is_urgent);
        Ok(())
    }

    /// Whether the reader has failed, or is held up right now, so that nobody should wait for it.
    pub(crate) fn is_behind(&self) -> bool {
        let busy_at = self.shared.busy_at.load(Relaxed);
        self.shared.is_behind.load(Relaxed) || (busy_at > 0 && self.shared.age() > busy_at + HELD_UP)
    }

    /// Tells the reader that the house closes.
    pub(crate) fn finish(&self) {
        let mut table = self.shared.lock();
        table.batch.is_last = true;
        self.shared.tell(&mut table, true);
    }

    /// What has not been taken yet.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.shared.lock().batch.frames.len()
    }

    /// Everything that the history has lost, here and later on.
    pub(crate) fn losses(&self) -> &Arc<Losses> {
        &self.shared.losses
    }
}

impl<T> Inbox<T> {
    /// Takes what has come, as soon as something has; leaves `spare`, which should be empty, in its place.
    pub(crate) fn take(&self, spare: Batch<T>) -> Batch<T> {
        let mut table = self.shared.lock();
        while table.batch.is_empty() {
            table = self.shared.wait(table, Reader::Idle, Duration::MAX);
        }
        if table.batch.waiting.is_empty() && !table.batch.is_last {
            table = self.shared.wait(table, Reader::Lingering, LINGER);
        }
        std::mem::replace(&mut table.batch, spare)
    }

    /// Whether the house closes within so long.
    pub(crate) fn is_closing_within(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut table = self.shared.lock();
        while !table.batch.is_last && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            table = self.shared.wait(table, Reader::Lingering, left);
        }
        table.batch.is_last
    }

    /// Says whether what was taken gets anywhere, and how much lies there now.
    pub(crate) fn report(&self, is_behind: bool, on_disk: u64) {
        self.shared.is_behind.store(is_behind, Relaxed);
        self.shared.on_disk.store(on_disk, Relaxed);
    }

    /// Does what may take long; if it does, [`Outbox::is_behind`] knows.
    pub(crate) fn busy<R>(&self, work: impl FnOnce() -> R) -> R {
        self.shared.busy_at.store(self.shared.age().max(1), Relaxed);
        let done = work();
        self.shared.busy_at.store(0, Relaxed);
        done
    }
}

impl<T> Batch<T> {
    /// Forgets everything but the last batch's mark; keeps no more room than that many bytes.
    pub(crate) fn clear(&mut self, room: usize) {
        self.frames.clear();
        self.frames.shrink_to(room);
        self.count = 0;
        self.waiting.clear();
    }

    fn is_empty(&self) -> bool {
        self.count == 0 && !self.is_last
    }
}

impl<T> Shared<T> {
    /// What is dear may take room that what is cheap may not.
    fn has_room(&self, kind: Kind, in_memory: usize) -> bool {
        let (memory, disk) = match kind {
            Kind::Checkpoint => (self.room.in_memory / 2, self.room.on_disk),
            Kind::Opened => (self.room.in_memory / 4 * 3, self.room.on_disk),
            Kind::Closed => (self.room.in_memory, self.room.on_disk + self.room.on_disk / 8),
        };
        in_memory < memory && self.on_disk.load(Relaxed) < disk
    }

    fn tell(&self, table: &mut Table<T>, is_urgent: bool) {
        let must_know = match table.reader {
            Reader::Busy => false,
            Reader::Idle => true,
            Reader::Lingering => is_urgent,
        };
        if must_know {
            table.reader = Reader::Busy;
            self.news.notify_one();
        }
    }

    /// Waits until the reader is told, or that much time is over.
    fn wait<'t>(
        &self,
        mut table: MutexGuard<'t, Table<T>>,
        reader: Reader,
        limit: Duration,
    ) -> MutexGuard<'t, Table<T>> {
        table.reader = reader;
        let is_untold = |table: &mut Table<T>| table.reader != Reader::Busy;
        let waited = self.news.wait_timeout_while(table, limit, is_untold);
        let mut table = waited.unwrap_or_else(PoisonError::into_inner).0;
        table.reader = Reader::Busy;
        table
    }

    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn age(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const ROOM: Room = Room { in_memory: 40, on_disk: 800 };

    #[test]
    fn what_is_dear_finds_room_that_what_is_cheap_does_not() {
        let (outbox, inbox) = outbox::<()>(ROOM);
        let posted = [(); 4].map(|()| Kind::ALL.map(|kind| outbox.post(kind, &[0; 4], None).is_ok()));
        assert_eq!(posted, [[true; 3], [true; 3], [false, true, true], [false, false, true]]);
        assert_eq!(Kind::ALL.map(|kind| outbox.losses().count(kind)), [2, 1, 0]);
        assert_eq!(inbox.take(Batch::default()).count, 9);
        for (on_disk, expected) in [(799, [true; 3]), (800, [false, false, true]), (900, [false; 3])] {
            inbox.report(false, on_disk);
            let posted = Kind::ALL.map(|kind| outbox.post(kind, &[0], None).is_ok());
            assert_eq!(posted, expected, "{on_disk} bytes on the disk");
        }
    }

    #[test]
    fn the_reader_takes_everything_in_order_and_hears_the_last_word() {
        let (outbox, inbox) = outbox(ROOM);
        let reader = thread::spawn(move || {
            let (mut frames, mut waiting, mut is_last) = (Vec::new(), Vec::new(), false);
            while !is_last {
                let batch = inbox.take(Batch::default());
                frames.extend(batch.frames);
                waiting.extend(batch.waiting);
                is_last = batch.is_last;
            }
            (frames, waiting)
        });
        for number in 0..20_u8 {
            while outbox.post(Kind::Closed, &[number], (number % 3 == 0).then_some(number)).is_err() {}
        }
        outbox.finish();
        let (frames, waiting) = reader.join().unwrap();
        assert_eq!(frames, (0..20).collect::<Vec<u8>>());
        assert_eq!(waiting, [0, 3, 6, 9, 12, 15, 18]);
    }

    #[test]
    fn a_reader_that_is_held_up_is_behind_until_it_goes_on() {
        let (outbox, inbox) = outbox::<()>(ROOM);
        inbox.busy(|| {
            assert!(!outbox.is_behind());
            while outbox.shared.age() <= HELD_UP + 10 {
                thread::sleep(Duration::from_millis(1));
            }
            assert!(outbox.is_behind());
        });
        assert!(!outbox.is_behind());
        inbox.report(true, 0);
        assert!(outbox.is_behind());
    }
}
