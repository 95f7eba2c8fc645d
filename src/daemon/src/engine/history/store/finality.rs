//! Whether a record still changes the row of its session.

use history::{Record, Status};

/// Whether it does while the row has this status: a final row stays, whatever is read again.
pub(super) fn changes(record: &Record<'_>, status: &str) -> bool {
    let is_open = status == Status::Active.word();
    let is_interrupted = status == Status::Interrupted.word() && record.status != Status::Active;
    is_open || is_interrupted
}
