//! How many connections were turned away and why, and how many of the lines about it may still be written this second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Lines about single sources that one second may see; the rest is counted and told in one.
const LINES: u64 = 100;

/// Why a connection was closed before anything was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// Its source owes penalties.
    Penalised,
    /// Its source has too many unauthenticated connections.
    TooManyOfSource,
    /// There are many unauthenticated connections, and chance was against it.
    Crowded,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    penalised: AtomicU64,
    too_many_of_source: AtomicU64,
    crowded: AtomicU64,
    lines: AtomicU64,
    /// As of the last look.
    told: [AtomicU64; 3],
}

/// What happened since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) penalised: u64,
    pub(crate) too_many_of_source: u64,
    pub(crate) crowded: u64,
    /// Lines that were not written.
    pub(crate) untold: u64,
}

impl Tally {
    pub(crate) fn count(&self, why: TurnedAway) {
        match why {
            TurnedAway::Penalised => &self.penalised,
            TurnedAway::TooManyOfSource => &self.too_many_of_source,
            TurnedAway::Crowded => &self.crowded,
        }
        .fetch_add(1, Relaxed);
    }

    /// How many there were since the start, by the stable word for metrics.
    pub(crate) fn totals(&self) -> [(&'static str, u64); 3] {
        [("penalised", &self.penalised), ("too_many_of_source", &self.too_many_of_source), ("crowded", &self.crowded)]
            .map(|(reason, count)| (reason, count.load(Relaxed)))
    }

    /// Whether one more line about a single source may be written before the next look.
    pub(crate) fn may_tell(&self) -> bool {
        self.lines.fetch_add(1, Relaxed) < LINES
    }

    /// What happened since the last look. To be called by one thread, once a second.
    pub(crate) fn look(&self) -> Since {
        let untold = self.lines.swap(0, Relaxed).saturating_sub(LINES);
        let [penalised, too_many_of_source, crowded] = &self.told;
        let since = |count: &AtomicU64, told: &AtomicU64| {
            let now = count.load(Relaxed);
            now - told.swap(now, Relaxed)
        };
        Since {
            penalised: since(&self.penalised, penalised),
            too_many_of_source: since(&self.too_many_of_source, too_many_of_source),
            crowded: since(&self.crowded, crowded),
            untold,
        }
    }
}

/// A duration as lines about penalties have it: in seconds, rounded up.
pub(crate) fn whole_secs(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_tells_what_is_new() {
        let tally = Tally::default();
        tally.count(TurnedAway::Penalised);
        tally.count(TurnedAway::Penalised);
        tally.count(TurnedAway::Crowded);
        let since = |penalised, crowded, untold| Since { penalised, too_many_of_source: 0, crowded, untold };
        assert_eq!(tally.look(), since(2, 1, 0));
        tally.count(TurnedAway::Penalised);
        assert_eq!(tally.look(), since(1, 0, 0));
        let told = (0..LINES + 7).filter(|_| tally.may_tell()).count();
        assert_eq!(told as u64, LINES);
        assert_eq!(tally.look(), since(0, 0, 7));
        assert!(tally.may_tell());
    }
}
