//! How far a quota is used up, and what is told of that.

use std::sync::Arc;

use limits::quota::calendar::Span;
use limits::quota::gauge::Gauge;

use super::super::concession::Grantee;
use super::super::quota::Quota;

/// How far one quota is used up by one user, or by those who share it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    pub(super) used: u64,
    /// Bytes with all that was granted; 0 is no limit.
    pub(super) most: u64,
    pub(super) gauge: Gauge,
    pub(super) is_spent: bool,
}

/// What somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) quota: Arc<str>,
    /// Nobody in particular shares a quota without a group.
    pub(crate) whose: Option<Grantee>,
    /// 100 is all of it.
    pub(crate) percent: u8,
    pub(crate) used: u64,
    pub(crate) most: u64,
    /// When it begins anew, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) ends: i64,
}

impl Level {
    /// Compares what is used with what is written of the quota and was granted besides, and tells of the threshold that it reaches.
    pub(super) fn look(&mut self, quota: &Quota, written: u64, granted: u64, tell: impl FnOnce(&Self, u8)) {
        if written == 0 {
            (self.most, self.is_spent) = (0, false);
            return;
        }
        self.most = written.saturating_add(granted);
        let reading = self.gauge.look(self.used, self.most, &quota.warn_at);
        self.is_spent = reading.is_spent;
        if let Some(percent) = reading.news {
            tell(self, percent);
        }
    }
}

impl Told {
    pub(super) fn of(quota: &Quota, whose: Option<Grantee>, level: &Level, (percent, span): (u8, Span)) -> Self {
        let Level { used, most, .. } = *level;
        Self { quota: Arc::clone(&quota.name), whose, percent, used, most, ends: span.ends }
    }
}
