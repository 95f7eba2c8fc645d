//! A token bucket of bytes: what one class may move by a rate, exact to a billionth of a byte.

const SECOND: i128 = 1_000_000_000;

/// How far a bucket is filled. It may be overdrawn; a debt is repaid before anything else is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    /// Bytes that come in a second.
    rate: u64,
    /// Billionths of a byte, like the level.
    whole: i128,
    level: i128,
    at: u64,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: u64, burst: u64, now: u64) -> Self {
        let whole = i128::from(burst) * SECOND;
        Self { rate, whole, level: whole, at: now }
    }

    /// The same with another rate: what is in it stays, as far as there is room, and so does a debt as far as it can be one.
    pub(crate) fn retuned(mut self, rate: u64, burst: u64, now: u64) -> Self {
        self.refresh(now);
        let whole = i128::from(burst) * SECOND;
        Self { rate, whole, level: self.level.clamp(-whole, whole), at: now }
    }

    pub(crate) fn refresh(&mut self, now: u64) {
        let passed = i128::from(now.saturating_sub(self.at));
        self.level = (self.level + passed * i128::from(self.rate)).min(self.whole);
        self.at = self.at.max(now);
    }

    /// Whether anything is in it, as of the last refresh.
    pub(crate) fn has_some(&self) -> bool {
        self.level > 0
    }

    /// What of 100 is in it by then.
    pub(crate) fn percent(mut self, now: u64) -> u8 {
        self.refresh(now);
        u8::try_from(self.level.max(0) * 100 / self.whole.max(1)).unwrap_or(100)
    }

    pub(crate) fn take(&mut self, bytes: u64) {
        self.level -= i128::from(bytes) * SECOND;
    }

    pub(crate) fn put(&mut self, bytes: u64) {
        self.level = (self.level + i128::from(bytes) * SECOND).min(self.whole);
    }

    /// When so many bytes will be in it, or as many as it holds.
    pub(crate) fn has_at(&self, bytes: u64) -> u64 {
        let wanted = (i128::from(bytes) * SECOND).min(self.whole);
        let missing = (wanted - self.level).max(0);
        let wait = (missing + i128::from(self.rate) - 1) / i128::from(self.rate.max(1));
        self.at.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX))
    }
}
