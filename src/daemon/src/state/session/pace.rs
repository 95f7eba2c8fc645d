//! How fast a session moves bytes, as it was seen the last time that somebody looked at everybody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Bytes from the client, and to it.
#[derive(Debug)]
pub(crate) struct Pace {
    seen: [AtomicU64; 2],
    /// A second.
    rates: [AtomicU64; 2],
}

const UNKNOWN: u64 = u64::MAX;

impl Default for Pace {
    fn default() -> Self {
        let unknown = || [UNKNOWN; 2].map(AtomicU64::new);
        Self { seen: unknown(), rates: unknown() }
    }
}

impl Pace {
    /// It has carried so much now; `passed` is how long ago it was seen before, if that says something of now. One at a time.
    pub(crate) fn see(&self, carried: [u64; 2], passed: Option<Duration>) {
        for ((seen, rate), carried) in self.seen.iter().zip(&self.rates).zip(carried) {
            let was = seen.load(Relaxed);
            let passed = passed.filter(|_| was != UNKNOWN);
            let now = passed.map_or(UNKNOWN, |passed| per_second(carried.saturating_sub(was), passed));
            // Of those that rest, nothing is written.
            if was != carried {
                seen.store(carried, Relaxed);
            }
            if rate.load(Relaxed) != now {
                rate.store(now, Relaxed);
            }
        }
    }

    /// Bytes a second from and to the client; nothing until it was seen twice.
    pub(crate) fn rates(&self) -> Option<(u64, u64)> {
        let [up, down] = self.rates.each_ref().map(|rate| rate.load(Relaxed));
        (up != UNKNOWN && down != UNKNOWN).then_some((up, down))
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is shown, not accounted"
)]
fn per_second(bytes: u64, passed: Duration) -> u64 {
    if bytes == 0 { 0 } else { (bytes as f64 / passed.as_secs_f64()) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_rates_once_it_was_seen_twice_and_lately() {
        let pace = Pace::default();
        let rates = |carried, passed: Option<u64>| {
            pace.see(carried, passed.map(Duration::from_secs));
            pace.rates()
        };
        assert_eq!(rates([100, 0], Some(1)), None, "whatever it carried before");
        assert_eq!(rates([300, 8], Some(2)), Some((100, 4)));
        assert_eq!(rates([300, 8], Some(1)), Some((0, 0)));
        assert_eq!(rates([900, 8], None), None, "nobody looked for long");
        assert_eq!(rates([901, 8], Some(1)), Some((1, 0)));
    }
}
