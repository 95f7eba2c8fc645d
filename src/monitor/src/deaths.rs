//! Decides how soon a worker that died is replaced, and when to stop trying.
//!
//! Knows no process and no clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A worker that lived shorter than this is taken to die from something that waiting may cure.
const QUICK: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// So many deaths within [`WINDOW`] are the end.
pub(crate) const LIMIT: usize = 10;
pub(crate) const WINDOW: Duration = Duration::from_mins(1);

/// The deaths that still matter.
#[derive(Debug, Default)]
pub(crate) struct Deaths {
    recent: VecDeque<Instant>,
    quick_in_a_row: u32,
}

/// What to do after a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Next {
    RestartAfter(Duration),
    GiveUp,
}

impl Deaths {
    /// Counts a death of a worker that had lived so long.
    ///
    /// The first quick death and every death after a long life is followed by a restart at once, the second quick one in a row by a pause of
    /// 100 ms, and each further one by double that, up to 5 s.
    pub(crate) fn count(&mut self, lived: Duration, now: Instant) -> Next {
        self.recent.push_back(now);
        self.recent.retain(|death| now.saturating_duration_since(*death) < WINDOW);
        self.quick_in_a_row = if lived < QUICK { self.quick_in_a_row.saturating_add(1) } else { 0 };
        if self.recent.len() >= LIMIT { Next::GiveUp } else { Next::RestartAfter(self.pause()) }
    }

    fn pause(&self) -> Duration {
        match self.quick_in_a_row.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Next = Next::RestartAfter(Duration::ZERO);

    #[test]
    fn quick_deaths_are_followed_by_growing_pauses_and_the_tenth_is_the_last() {
        let mut deaths = Deaths::default();
        let mut now = Instant::now();
        for pause in [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let pause = Duration::from_millis(pause);
            assert_eq!(deaths.count(Duration::from_millis(50), now), Next::RestartAfter(pause));
            now += pause;
        }
        assert_eq!(deaths.count(Duration::from_millis(50), now), Next::GiveUp);
    }

    #[test]
    fn a_death_after_a_long_life_is_followed_by_a_restart_at_once() {
        let mut deaths = Deaths::default();
        let start = Instant::now();
        assert_eq!(deaths.count(Duration::ZERO, start), AT_ONCE);
        assert_ne!(deaths.count(Duration::ZERO, start), AT_ONCE);
        assert_eq!(deaths.count(QUICK, start), AT_ONCE);
        assert_eq!(deaths.count(Duration::ZERO, start), AT_ONCE);
    }

    #[test]
    fn a_death_every_seven_seconds_goes_on_for_ever() {
        let mut deaths = Deaths::default();
        let start = Instant::now();
        for death in 0..1000 {
            let now = start + Duration::from_secs(7) * death;
            assert_eq!(deaths.count(Duration::from_secs(7), now), AT_ONCE);
        }
    }
}
