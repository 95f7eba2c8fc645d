//! How sessions leave memory for the disk: a scribe hears of them and puts letters into a bounded outbox, records are made
//! from these, and each session has a mark whether its opening is kept.
//!
//! Knows nothing of files or databases: `engine/history` empties the outbox.

pub(crate) mod kept;
pub(crate) mod losses;
pub(crate) mod outbox;
pub(crate) mod record;
pub(crate) mod scribe;
