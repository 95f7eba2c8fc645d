//! How much of a quota is used up, and what is worth telling of it.

use super::account::Carried;

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counts {
    /// What the user sends.
    Sent,
    /// What the user receives.
    Received,
    /// Both together.
    Both,
}

/// How far somebody was at the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gauge {
    /// The threshold that was reached; nothing before the first look.
    reached: Option<u8>,
}

/// What one look says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Nothing is left.
    pub is_spent: bool,
    /// A threshold in percent that is reached since the look before; 100 is all of it.
    pub news: Option<u8>,
}

impl Counts {
    /// So many bytes of it count.
    #[must_use]
    pub fn of(self, carried: Carried) -> u64 {
        match self {
            Self::Sent => carried.sent,
            Self::Received => carried.received,
            Self::Both => carried.sent.saturating_add(carried.received),
        }
    }
}

impl Gauge {
    /// One that tells of everything that is reached from the beginning on.
    #[must_use]
    pub fn at_zero() -> Self {
        Self { reached: Some(0) }
    }

    /// Looks how much of `most` bytes is used up. Of several thresholds that are passed at once only the highest is news; who
    /// was past one before the first look is not told of it, and who gets more is told again.
    pub fn look(&mut self, used: u64, most: u64, thresholds: &[u8]) -> Reading {
        let is_spent = used >= most;
        let percent = u128::from(used) * 100 / u128::from(most.max(1));
        let passed = thresholds.iter().copied().filter(|threshold| u128::from(*threshold) <= percent).max();
        let reached = if is_spent { 100 } else { passed.unwrap_or(0).min(99) };
        let before = self.reached.replace(reached);
        Reading { is_spent, news: before.is_some_and(|before| before < reached).then_some(reached) }
    }
}
