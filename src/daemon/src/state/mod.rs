//! What the daemon remembers, on two shelves that never mix:
//! the snapshot is what the operator wrote, the sessions are what is happening.
//!
//! Knows nothing of sockets, protocols' bytes or runtimes.

pub(crate) mod rules;
pub(crate) mod session;
pub(crate) mod snapshot;
pub(crate) mod users;
