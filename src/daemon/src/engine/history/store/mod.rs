//! The database: one SQLite file, opened so that what is committed survives a power loss, and so that readers never wait.

pub(super) mod cleanup;
mod columns;
pub(super) mod database;
pub(super) mod fault;
mod finality;
#[cfg(test)]
mod fixture;
mod flows;
mod integer;
pub(super) mod key;
pub(super) mod rows;
pub(super) mod schema;
pub(super) mod usage;
