//! The last lines of the log, for operators who cannot read where it is written to.
//!
//! Whoever writes never waits: a line goes into a queue without a lock, and whoever finds the queue full empties it into the ring,
//! unless somebody reads the ring just then; such a line is lost, and counted. Whoever reads empties the queue first.
//! Both bounds hold at every moment: so many lines, and so many bytes.

pub(crate) mod line;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

pub(crate) use self::line::{Line, Written};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) lines: usize,
    /// What the lines take in memory, everything counted.
    pub(crate) bytes: usize,
    /// Lines between those who write and the ring.
    pub(crate) queue: usize,
}

impl Bounds {
    pub(crate) const USUAL: Self = Self { lines: 10_000, bytes: 4 * 1024 * 1024, queue: 256 };
}

#[derive(Debug)]
pub(crate) struct Journal {
    bounds: Bounds,
    queue: SyncSender<Written>,
    /// Lines that found no room since the ring was last filled.
    lost: AtomicU64,
    ring: Mutex<Ring>,
}

/// What is kept of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
    /// The number that the next line gets.
    pub(crate) next: u64,
    /// Lines that were lost on their way into the ring, since the start.
    pub(crate) lost: u64,
}

#[derive(Debug)]
struct Ring {
    queue: Receiver<Written>,
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    next: u64,
    lost: u64,
}

impl Journal {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        let (sender, receiver) = sync_channel(bounds.queue);
        let ring = Ring { queue: receiver, lines: VecDeque::new(), bytes: 0, next: 1, lost: 0 };
        Arc::new(Self { bounds, queue: sender, lost: AtomicU64::new(0), ring: Mutex::new(ring) })
    }

    /// Keeps a line, unless there is no room in the queue and somebody reads just now.
    pub(crate) fn note(&self, line: Written) {
        let Err(TrySendError::Full(line) | TrySendError::Disconnected(line)) = self.queue.try_send(line) else {
            return;
        };
        let mut ring = match self.ring.try_lock() {
            Ok(ring) => ring,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.lost.fetch_add(1, Relaxed);
                return;
            }
        };
        ring.fill(self.bounds, self.lost.swap(0, Relaxed));
        ring.add(self.bounds, line);
    }

    /// The lines with this number and the later ones, at most so many, the oldest first.
    pub(crate) fn since(&self, number: u64, most: usize) -> Vec<Arc<Line>> {
        let ring = self.ring();
        let first = ring.lines.partition_point(|line| line.number < number);
        ring.lines.range(first..).take(most).cloned().collect()
    }

    /// The lines before this number, the latest first.
    pub(crate) fn before(&self, number: u64) -> Vec<Arc<Line>> {
        let ring = self.ring();
        let end = ring.lines.partition_point(|line| line.number < number);
        ring.lines.range(..end).rev().cloned().collect()
    }

    pub(crate) fn kept(&self) -> Kept {
        let ring = self.ring();
        Kept { lines: ring.lines.len(), bytes: ring.bytes, next: ring.next, lost: ring.lost }
    }

    /// The ring, with everything in it that has been written.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.fill(self.bounds, self.lost.swap(0, Relaxed));
        ring
    }
}

impl Ring {
    /// Takes in what waits; the numbers of what was lost are left out, so that every reader sees where lines are missing.
    fn fill(&mut self, bounds: Bounds, lost: u64) {
        // As many as the queue holds: others may write meanwhile for ever.
        for _ in 0..bounds.queue {
            let Ok(line) = self.queue.try_recv() else { break };
            self.add(bounds, line);
        }
        self.next += lost;
        self.lost += lost;
    }

    fn add(&mut self, bounds: Bounds, written: Written) {
        let line = Line { number: self.next, written };
        self.next += 1;
        self.bytes += line.size();
        self.lines.push_back(Arc::new(line));
        while self.lines.len() > bounds.lines || self.bytes > bounds.bytes {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tracing::Level;

    use super::line::Draft;
    use super::*;

    fn written(text: &str) -> Written {
        let mut draft = Draft::new(1, Level::INFO, "daemon");
        draft.add("message", &text);
        draft.finish()
    }

    fn texts(lines: &[Arc<Line>]) -> Vec<&str> {
        lines.iter().map(|line| line.written.message()).collect()
    }

    #[test]
    fn the_oldest_lines_go_first_and_keep_their_numbers() {
        let journal = Journal::new(Bounds { lines: 3, bytes: 1_000_000, queue: 2 });
        for text in ["one", "two", "three", "four", "five"] {
            journal.note(written(text));
        }
        let lines = journal.since(0, 10);
        assert_eq!(texts(&lines), ["three", "four", "five"]);
        assert_eq!(lines[0].number, 3);
        assert_eq!(texts(&journal.since(4, 1)), ["four"]);
        assert_eq!(texts(&journal.before(5)), ["four", "three"]);
        let Kept { lines, next, lost, .. } = journal.kept();
        assert_eq!((lines, next, lost), (3, 6, 0));
    }

    #[test]
    fn who_finds_the_queue_full_while_somebody_reads_loses_a_line_that_is_counted_and_missing() {
        let journal = Journal::new(Bounds { lines: 10, bytes: 1_000_000, queue: 1 });
        let reading = journal.ring.lock().unwrap();
        for text in ["one", "two", "three"] {
            journal.note(written(text));
        }
        drop(reading);
        assert_eq!(texts(&journal.since(0, 10)), ["one"]);
        journal.note(written("four"));
        let lines = journal.since(2, 10);
        assert_eq!((lines[0].number, lines[0].written.message()), (4, "four"));
        assert_eq!(journal.kept().lost, 2);
    }

    #[test]
    fn many_writers_and_a_reader_account_for_every_line() {
        let journal = Journal::new(Bounds { lines: 100_000, bytes: 1 << 30, queue: 16 });
        let (writers, each) = (4, 2_000);
        std::thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| (0..each).for_each(|_| journal.note(written("a line"))));
            }
            while journal.kept().next <= writers * each / 2 {
                std::thread::yield_now();
            }
        });
        let Kept { lines, next, lost, .. } = journal.kept();
        assert_eq!(lines as u64 + lost, writers * each);
        assert_eq!(next, writers * each + 1);
        assert!(journal.since(0, 100_000).windows(2).all(|pair| pair[0].number < pair[1].number));
    }

    proptest! {
        #[test]
        fn neither_bound_is_ever_exceeded(
            lines in 1_usize..20, bytes in 0_usize..3_000, queue in 0_usize..5,
            lengths in prop::collection::vec(0_usize..400, 0..60),
        ) {
            let journal = Journal::new(Bounds { lines, bytes, queue });
            for length in &lengths {
                journal.note(written(&"x".repeat(*length)));
                let kept = journal.kept();
                prop_assert!(kept.lines <= lines && kept.bytes <= bytes, "{kept:?}");
                let counted: usize = journal.since(0, usize::MAX).iter().map(|line| line.size()).sum();
                prop_assert_eq!(counted, kept.bytes);
            }
            prop_assert_eq!(journal.kept().next, lengths.len() as u64 + 1);
        }
    }
}
