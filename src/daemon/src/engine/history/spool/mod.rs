//! The spool: append-only segments in a directory beside the database. What write(2) has taken survives the death of the process,
//! and whoever comes next reads it.

pub(super) mod directory;
pub(super) mod ledger;
pub(super) mod position;
pub(super) mod reader;
pub(super) mod shed;
pub(super) mod writer;
