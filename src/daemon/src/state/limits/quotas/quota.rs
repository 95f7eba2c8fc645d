//! One quota as the operator wrote it, ready for use.

use std::num::NonZeroU64;
use std::sync::Arc;

use limits::quota::account::Carried;
use limits::quota::calendar::Calendar;
use limits::quota::gauge::Counts;

/// How much may be carried, by whom, and what happens when it is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) name: Arc<str>,
    /// Whose users it is for; nothing means everybody who logs in.
    pub(crate) group: Option<Arc<str>>,
    /// Whether they have it together.
    pub(crate) is_shared: bool,
    /// Bytes; 0 is no limit.
    pub(crate) bytes: u64,
    pub(crate) counts: Counts,
    pub(crate) calendar: Calendar,
    pub(crate) action: Action,
    /// Percentages that are worth a line.
    pub(crate) warn_at: Vec<u8>,
}

/// What happens when it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Whoever comes is refused.
    Refuse,
    /// The same, and whoever is in is sent away.
    End,
    /// There are so many bytes a second left, in each direction.
    Slow(NonZeroU64),
}

impl Quota {
    /// Whether it is for a user with these groups.
    pub(super) fn is_for(&self, groups: &[Arc<str>]) -> bool {
        self.group.as_ref().is_none_or(|group| groups.contains(group))
    }

    /// So many bytes of it count.
    pub(super) fn of(&self, carried: Carried) -> u64 {
        self.counts.of(carried)
    }
}
