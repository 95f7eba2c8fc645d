//! How fast somebody may come: a token bucket, kept as the one moment at which it will be full again.

use std::num::NonZeroU32;

const SECOND: u64 = 1_000_000_000;

/// So many a second in the long run, and so many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    per_sec: NonZeroU32,
    burst: NonZeroU32,
}

/// A bucket that gives out one token for each arrival.
///
/// What it needs to know of the past is when it will be full; so another pace holds from the next question on, and nothing has
/// to be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moments {
    full_at: u64,
}

impl Pace {
    /// `per_sec` tokens come in a second, 1 to 1 000 000, and the bucket holds `burst`, 1 to 1 000 000; `None` outside of that.
    #[must_use]
    pub fn new(per_sec: u32, burst: u32) -> Option<Self> {
        let within = |number| NonZeroU32::new(number).filter(|number| number.get() <= 1_000_000);
        Some(Self { per_sec: within(per_sec)?, burst: within(burst)? })
    }

    /// Tokens in a second.
    #[must_use]
    pub fn per_sec(self) -> u32 {
        self.per_sec.get()
    }

    /// Tokens in a full bucket.
    #[must_use]
    pub fn burst(self) -> u32 {
        self.burst.get()
    }

    /// Nanoseconds that one token takes to come.
    fn step(self) -> u64 {
        SECOND / u64::from(self.per_sec.get())
    }

    /// Nanoseconds that an empty bucket takes to be full.
    fn whole(self) -> u64 {
        self.step() * u64::from(self.burst.get())
    }
}

impl Moments {
    /// Whether there is a token at `now`.
    #[must_use]
    pub fn has_one(self, pace: Pace, now: u64) -> bool {
        self.missing(now) + pace.step() <= pace.whole()
    }

    /// Makes it at most as empty as a bucket of this pace can be, if another pace held before.
    pub fn fit(&mut self, pace: Pace, now: u64) {
        self.full_at = self.full_at.min(now + pace.whole());
    }

    /// Takes a token, which must be there.
    pub fn take(&mut self, pace: Pace, now: u64) {
        self.full_at = now + self.missing(now) + pace.step();
    }

    /// When it will be full again, if nothing more is taken.
    #[must_use]
    pub fn full_at(self) -> u64 {
        self.full_at
    }

    /// Nanoseconds until it is full.
    fn missing(self, now: u64) -> u64 {
        self.full_at.saturating_sub(now)
    }
}
