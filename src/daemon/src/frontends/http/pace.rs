//! How fast somebody may ask: a bucket for each, of which the one that was not used for the longest time is forgotten.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

/// Buckets that are remembered.
const MOST: NonZeroUsize = NonZeroUsize::new(4_096).expect("it is not zero");

#[derive(Debug)]
pub(super) struct Pace<K: Hash + Eq> {
    /// Between two requests of somebody who asks all the time.
    interval: Duration,
    /// How far somebody may be ahead of that.
    slack: Duration,
    /// When the next request would come if all came at that interval (GCRA).
    due: Mutex<LruCache<K, Instant>>,
}

impl<K: Hash + Eq> Pace<K> {
    /// So many a second, and twice as many at once.
    pub(super) fn new(a_second: u32) -> Self {
        let interval = Duration::from_secs(1) / a_second.max(1);
        Self { interval, slack: Duration::from_secs(2).saturating_sub(interval), due: Mutex::new(LruCache::new(MOST)) }
    }

    /// Whether one more may come now; if not, after which time.
    pub(super) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let due = due.get_or_insert_mut(key, || now);
        let next = (*due).max(now);
        let ahead = next.saturating_duration_since(now);
        if ahead > self.slack {
            return Err(ahead.saturating_sub(self.slack));
        }
        *due = next + self.interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_many_come_at_once_and_then_one_at_each_interval() {
        let (pace, now) = (Pace::new(10), Instant::now());
        let at_once = (0..100).filter(|_| pace.take("a", now).is_ok()).count();
        assert_eq!(at_once, 20);
        let wait = pace.take("a", now).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(pace.take("b", now), Ok(()), "everybody has his own");
        let later = now + Duration::from_millis(500);
        assert_eq!((0..100).filter(|_| pace.take("a", later).is_ok()).count(), 5);
    }
}
