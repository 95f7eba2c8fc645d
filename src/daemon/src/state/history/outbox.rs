//! Letters to the history: a bounded queue with many writers, who never wait, and one reader.
//!
//! When it is full the letter is lost and counted. Knows nothing of what the letters are about.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use history::Kind;

use super::losses::Losses;

/// A reader that does one thing for so many milliseconds is held up.
const HELD_UP: u64 = 50;

/// The writers' end.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    queue: SyncSender<Letter<T>>,
    shared: Arc<Shared>,
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Letters<T> {
    queue: Receiver<Letter<T>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) enum Letter<T> {
    About(Kind, T),
    /// Nothing of importance comes after this one.
    Last,
}

#[derive(Debug)]
struct Shared {
    is_behind: AtomicBool,
    made: Instant,
    /// Milliseconds since `made` at which the reader began something that may take long; 0 when it does nothing of that kind.
    busy_at: AtomicU64,
    losses: Arc<Losses>,
}

/// That a letter was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// An outbox for so many letters that wait to be read.
pub(crate) fn outbox<T>(bound: usize) -> (Outbox<T>, Letters<T>) {
    let (sender, receiver) = sync_channel(bound);
    let shared = Shared {
        is_behind: AtomicBool::default(),
        made: Instant::now(),
        busy_at: AtomicU64::default(),
        losses: Arc::default(),
    };
    let shared = Arc::new(shared);
    (Outbox { queue: sender, shared: Arc::clone(&shared) }, Letters { queue: receiver, shared })
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<T> Outbox<T> {
    /// # Errors
    /// The outbox is full, or nobody reads it any more; the letter is counted as lost.
    pub(crate) fn post(&self, kind: Kind, about: T) -> Result<(), Lost> {
        self.queue.try_send(Letter::About(kind, about)).map_err(|_full| {
            self.shared.losses.add(kind, 1);
            Lost
        })
    }

    /// Whether the reader has failed, or is held up right now, so that nobody should wait for it.
    pub(crate) fn is_behind(&self) -> bool {
        let busy_at = self.shared.busy_at.load(Relaxed);
        self.shared.is_behind.load(Relaxed) || (busy_at > 0 && self.shared.age() > busy_at + HELD_UP)
    }

    /// Tells the reader that the house closes; `false` when the outbox is full.
    pub(crate) fn finish(&self) -> bool {
        self.queue.try_send(Letter::Last).is_ok()
    }

    /// Everything that the history has lost, here and later on.
    pub(crate) fn losses(&self) -> &Arc<Losses> {
        &self.shared.losses
    }
}

impl<T> Letters<T> {
    /// The next letter, if one comes in time.
    pub(crate) fn next_within(&self, patience: Duration) -> Option<Letter<T>> {
        match self.queue.recv_timeout(patience) {
            Ok(letter) => Some(letter),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Letter::Last),
        }
    }

    /// The next letter, if one is there.
    pub(crate) fn next(&self) -> Option<Letter<T>> {
        match self.queue.try_recv() {
            Ok(letter) => Some(letter),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Letter::Last),
        }
    }

    /// The reader says whether what it takes out gets anywhere.
    pub(crate) fn set_behind(&self, is_behind: bool) {
        self.shared.is_behind.store(is_behind, Relaxed);
    }

    /// Does what may take long; if it does, [`Outbox::is_behind`] knows.
    pub(crate) fn busy<R>(&self, work: impl FnOnce() -> R) -> R {
        self.shared.busy_at.store(self.shared.age().max(1), Relaxed);
        let done = work();
        self.shared.busy_at.store(0, Relaxed);
        done
    }
}

impl Shared {
    fn age(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_find_no_room_are_counted_by_kind() {
        let (outbox, letters) = outbox(1);
        assert_eq!(outbox.post(Kind::Opened, 1), Ok(()));
        assert_eq!(outbox.post(Kind::Opened, 2), Err(Lost));
        assert_eq!(outbox.post(Kind::Closed, 3), Err(Lost));
        assert_eq!(Kind::ALL.map(|kind| outbox.losses().count(kind)), [0, 1, 1]);
        assert!(matches!(letters.next(), Some(Letter::About(Kind::Opened, 1))));
        assert!(letters.next().is_none());
    }

    #[test]
    fn a_reader_that_is_held_up_is_behind_until_it_goes_on() {
        let (outbox, letters) = outbox::<()>(1);
        letters.busy(|| {
            assert!(!outbox.is_behind());
            while outbox.shared.age() <= HELD_UP + 10 {
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(outbox.is_behind());
        });
        assert!(!outbox.is_behind());
    }

    #[test]
    fn without_writers_the_last_letter_has_come() {
        let (outbox, letters) = outbox::<()>(1);
        drop(outbox);
        assert!(matches!(letters.next(), Some(Letter::Last)));
        assert!(matches!(letters.next_within(Duration::ZERO), Some(Letter::Last)));
    }
}
