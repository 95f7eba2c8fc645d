//! What one user has carried, by the quarter of an hour.

use std::ops::{Add, AddAssign};

use super::calendar::Span;

/// Every clock on earth begins its hours at one of these moments.
const QUARTER: i64 = 900;

/// A quarter of an hour: so many after 1970-01-01T00:00:00Z; what was before is in the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Quarter(u32);

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// From the user.
    pub sent: u64,
    /// To the user.
    pub received: u64,
}

/// What was carried when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// In the order of time; quarters in which nothing was carried are left out.
    quarters: Vec<(Quarter, Carried)>,
}

impl Quarter {
    /// The one that the moment is in, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn of(second: i64) -> Self {
        Self(u32::try_from(second.max(0) / QUARTER).unwrap_or(u32::MAX))
    }

    /// The one with this number.
    #[must_use]
    pub fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// How many were before it.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl Account {
    /// Adds what was carried in that quarter. Quarters may come in any order.
    pub fn add(&mut self, quarter: Quarter, carried: Carried) {
        if carried == Carried::default() {
            return;
        }
        match self.quarters.binary_search_by_key(&quarter, |(quarter, _)| *quarter) {
            Ok(at) => self.quarters[at].1 += carried,
            Err(at) => self.quarters.insert(at, (quarter, carried)),
        }
    }

    /// What was carried in a span of time that begins and ends with a quarter.
    #[must_use]
    pub fn within(&self, span: Span) -> Carried {
        let (begins, ends) = (Quarter::of(span.begins), Quarter::of(span.ends));
        let first = self.quarters.partition_point(|(quarter, _)| *quarter < begins);
        let within = self.quarters[first..].iter().take_while(|(quarter, _)| *quarter < ends);
        within.fold(Carried::default(), |sum, (_, carried)| sum + *carried)
    }

    /// Forgets what was carried before that quarter.
    pub fn forget_before(&mut self, quarter: Quarter) {
        let first = self.quarters.partition_point(|(other, _)| *other < quarter);
        self.quarters.drain(..first);
    }

    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.quarters.is_empty()
    }
}

impl Add for Carried {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { sent: self.sent.saturating_add(other.sent), received: self.received.saturating_add(other.received) }
    }
}

impl AddAssign for Carried {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
