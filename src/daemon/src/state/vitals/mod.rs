//! How the daemon is: rates of the last minutes, hours and day, what was denied lately, and whether all is well.
//!
//! One thread looks once a second and writes it down here; whoever asks reads what was seen last. Nothing here is on the way of a byte.
//! Knows no clock: the time is an argument.

pub(crate) mod board;
pub(crate) mod denials;
pub(crate) mod series;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::board::Board;
use self::denials::Denials;
use self::series::Series;

#[derive(Debug, Default)]
pub(crate) struct Vitals {
    pub(crate) series: Series,
    pub(crate) board: Board,
    pub(crate) denials: Arc<Denials>,
    pub(crate) lateness: Arc<Lateness>,
    usage: Mutex<Usage>,
    /// When the metrics were last fetched, in microseconds since 1970; 0 before the first time.
    fetched: AtomicI64,
    /// When the monitor last heard from us, likewise.
    beat: AtomicI64,
}

/// What this process uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// Bytes that are in RAM.
    pub(crate) resident: u64,
    /// Bytes that it may have there; nothing is no limit.
    pub(crate) most_memory: Option<u64>,
    pub(crate) descriptors: u64,
    pub(crate) most_descriptors: u64,
    /// Seconds of processor time since the start.
    pub(crate) processor: f64,
    /// Connections that found the queue of a listener full: of everybody on this host, since its start.
    pub(crate) overflows: Option<u64>,
}

/// The longest that a relay thread came too late since somebody last asked.
#[derive(Debug, Default)]
pub(crate) struct Lateness(AtomicU64);

impl Lateness {
    pub(crate) fn note(&self, late: Duration) {
        self.0.fetch_max(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// The longest; it begins anew.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_micros(self.0.swap(0, Relaxed))
    }
}

impl Vitals {
    pub(crate) fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_usage(&self, usage: Usage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = usage;
    }

    /// Somebody has fetched the metrics.
    pub(crate) fn note_fetch(&self, now: Timestamp) {
        self.fetched.store(now.as_microsecond(), Relaxed);
    }

    pub(crate) fn last_fetch(&self) -> Option<Timestamp> {
        moment(&self.fetched)
    }

    /// The monitor was told that we live.
    pub(crate) fn note_beat(&self, now: Timestamp) {
        self.beat.store(now.as_microsecond(), Relaxed);
    }

    pub(crate) fn last_beat(&self) -> Option<Timestamp> {
        moment(&self.beat)
    }
}

fn moment(micros: &AtomicI64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros.load(Relaxed)).ok().filter(|moment| *moment > Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_delay_is_told_once() {
        let lateness = Lateness::default();
        for millis in [2, 7, 3] {
            lateness.note(Duration::from_millis(millis));
        }
        assert_eq!(lateness.take(), Duration::from_millis(7));
        assert_eq!(lateness.take(), Duration::ZERO);
    }

    #[test]
    fn what_never_was_has_no_time() {
        let vitals = Vitals::default();
        assert_eq!(vitals.last_fetch(), None);
        let now = Timestamp::from_second(1_000).unwrap();
        vitals.note_fetch(now);
        assert_eq!((vitals.last_fetch(), vitals.last_beat()), (Some(now), None));
    }
}
