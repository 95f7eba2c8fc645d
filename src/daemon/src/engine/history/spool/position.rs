//! Where the reader of the spool goes on.

use super::directory::Number;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::engine::history) struct Position {
    pub(in crate::engine::history) segment: Number,
    pub(in crate::engine::history) offset: u64,
}

impl Position {
    /// The beginning of whatever comes after this segment.
    pub(in crate::engine::history) fn after(segment: Number) -> Self {
        Self { segment: segment + 1, offset: 0 }
    }
}
