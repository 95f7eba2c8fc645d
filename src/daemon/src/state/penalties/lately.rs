//! What was seen when, up to a bound: beyond it, what was not seen for the longest time is forgotten.

use std::hash::Hash;
use std::time::{Duration, Instant};

use lru::LruCache;

#[derive(Debug)]
pub(crate) struct Lately<T: Hash + Eq>(LruCache<T, Instant>);

impl<T: Hash + Eq> Default for Lately<T> {
    fn default() -> Self {
        Self(LruCache::unbounded())
    }
}

impl<T: Hash + Eq> Lately<T> {
    /// Notes that it was seen now, and keeps at most `most`.
    pub(crate) fn saw(&mut self, what: T, most: usize, now: Instant) {
        self.0.put(what, now);
        while self.0.len() > most {
            self.0.pop_lru();
        }
    }

    /// Whether it was seen within `time`.
    pub(crate) fn has_seen(&self, what: &T, time: Duration, now: Instant) -> bool {
        self.0.peek(what).is_some_and(|since| now.saturating_duration_since(*since) < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn what_was_seen_is_known_for_a_time() {
        let (mut lately, start) = (Lately::default(), Instant::now());
        lately.saw('a', 10, start);
        assert!(lately.has_seen(&'a', HOUR, start) && !lately.has_seen(&'b', HOUR, start));
        assert!(!lately.has_seen(&'a', HOUR, start + HOUR));
        lately.saw('a', 10, start + HOUR);
        assert!(lately.has_seen(&'a', HOUR, start + HOUR));
    }

    #[test]
    fn beyond_the_bound_what_was_not_seen_for_the_longest_time_is_forgotten() {
        let (mut lately, start) = (Lately::default(), Instant::now());
        for what in ['a', 'b', 'a', 'c'] {
            lately.saw(what, 2, start);
        }
        assert_eq!(['a', 'b', 'c'].map(|what| lately.has_seen(&what, HOUR, start)), [true, false, true]);
        assert_eq!(lately.0.len(), 2);
    }
}
