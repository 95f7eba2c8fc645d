//! What the thread that writes the spool and the one that reads it tell each other.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::directory::Number;
use super::position::Position;

/// Shared by both threads; its lock is held for a few instructions.
#[derive(Debug, Default)]
pub(in crate::engine::history) struct Ledger {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Every segment with the length up to which it holds whole frames.
    segments: BTreeMap<Number, u64>,
    /// The one that is appended to.
    current: Option<Number>,
    /// Frames written since the start.
    frames: u64,
    /// The reader wants to know when there are so many.
    wanted: u64,
    /// What is before it is in the database.
    read: Position,
    /// When everything that was written before was in the database.
    caught_up: Option<Instant>,
    is_over: bool,
}

/// What the reader sees at one look.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::history) struct Look {
    pub(in crate::engine::history) frames: u64,
    /// Nothing more will be written.
    pub(in crate::engine::history) is_over: bool,
}

/// What the database lacks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::history) struct Arrears {
    pub(in crate::engine::history) bytes: u64,
    /// How long ago it had everything; nothing if it has, or never had.
    pub(in crate::engine::history) lag: Duration,
}

/// A segment as far as it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::history) struct Readable {
    pub(in crate::engine::history) number: Number,
    pub(in crate::engine::history) length: u64,
    /// It will not grow.
    pub(in crate::engine::history) is_complete: bool,
}

impl Ledger {
    /// Notes a segment that is there already, or is made anew from another one.
    pub(in crate::engine::history) fn found(&self, number: Number, length: u64) {
        self.lock().segments.insert(number, length);
    }

    /// From here on frames go to this segment; the one before is complete.
    pub(in crate::engine::history) fn began(&self, number: Number) {
        let mut state = self.lock();
        state.segments.insert(number, 0);
        state.current = Some(number);
    }

    /// So many more frames are written, and the current segment is so long now.
    pub(in crate::engine::history) fn wrote(&self, length: u64, frames: u64) {
        let mut state = self.lock();
        if let Some(current) = state.current {
            state.segments.insert(current, length);
        }
        state.frames += frames;
        if state.frames >= state.wanted {
            self.news.notify_all();
        }
    }

    /// Nothing is appended to the current segment any more.
    pub(in crate::engine::history) fn completed(&self) {
        self.lock().current = None;
    }

    pub(in crate::engine::history) fn finish(&self) {
        let mut state = self.lock();
        state.current = None;
        state.is_over = true;
        self.news.notify_all();
    }

    /// A segment is gone.
    pub(in crate::engine::history) fn forget(&self, number: Number) {
        self.lock().segments.remove(&number);
    }

    /// The first segment from `number` on.
    pub(in crate::engine::history) fn from(&self, number: Number) -> Option<Readable> {
        let state = self.lock();
        let (number, length) = state.segments.range(number..).next()?;
        Some(Readable { number: *number, length: *length, is_complete: state.current != Some(*number) })
    }

    /// Every segment that is complete, oldest first.
    pub(in crate::engine::history) fn complete(&self) -> Vec<Number> {
        let state = self.lock();
        state.segments.keys().copied().filter(|number| state.current != Some(*number)).collect()
    }

    /// The last so many segments, the current one among them.
    pub(in crate::engine::history) fn newest(&self, count: usize) -> Vec<Number> {
        self.lock().segments.keys().rev().take(count).copied().collect()
    }

    /// Bytes of all segments.
    pub(in crate::engine::history) fn bytes(&self) -> u64 {
        self.lock().segments.values().sum()
    }

    /// Everything before `position`, which is all that was written before `moment`, is in the database.
    pub(in crate::engine::history) fn caught_up(&self, position: Position, moment: Instant) {
        let mut state = self.lock();
        (state.read, state.caught_up) = (position, Some(moment));
    }

    /// What is written and not in the database.
    pub(in crate::engine::history) fn arrears(&self) -> Arrears {
        let state = self.lock();
        let unread = |(number, length): (&Number, &u64)| {
            let read = if *number == state.read.segment { state.read.offset } else { 0 };
            length.saturating_sub(read)
        };
        let bytes = state.segments.iter().map(unread).sum();
        let lag = state.caught_up.filter(|_| bytes > 0).map(|moment| moment.elapsed());
        Arrears { bytes, lag: lag.unwrap_or_default() }
    }

    /// Waits until there are `wanted` frames, nothing more comes, or it is `until`.
    pub(in crate::engine::history) fn wait(&self, wanted: u64, until: Instant) -> Look {
        let mut state = self.lock();
        state.wanted = wanted;
        while state.frames < wanted && !state.is_over {
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.wanted = u64::MAX;
        Look { frames: state.frames, is_over: state.is_over }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_lacks_is_what_was_written_since_it_had_everything() {
        let ledger = Ledger::default();
        ledger.found(3, 100);
        ledger.began(5);
        ledger.wrote(40, 1);
        assert_eq!(ledger.arrears(), Arrears { bytes: 140, lag: Duration::ZERO });
        ledger.forget(3);
        let moment = Instant::now().checked_sub(Duration::from_mins(1)).unwrap();
        ledger.caught_up(Position { segment: 5, offset: 40 }, moment);
        assert_eq!(ledger.arrears(), Arrears::default());
        ledger.wrote(50, 1);
        let Arrears { bytes, lag } = ledger.arrears();
        assert!(bytes == 10 && lag >= Duration::from_mins(1), "{bytes} bytes since {lag:?}");
    }
}
