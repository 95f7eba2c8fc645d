//! What the daemon remembers, on two shelves that never mix:
//! the snapshot is what the operator wrote, the sessions, the penalties and the reloads are what is happening; the history is their way to the
//! disk, and the metrics count them; the journal has the last lines of the log, the vitals how all of it goes.
//!
//! Knows nothing of sockets, protocols' bytes or runtimes.

pub(crate) mod effective;
pub(crate) mod history;
pub(crate) mod hits;
pub(crate) mod journal;
pub(crate) mod limits;
pub(crate) mod logins;
pub(crate) mod metrics;
pub(crate) mod penalties;
pub(crate) mod program;
pub(crate) mod readiness;
pub(crate) mod reloads;
pub(crate) mod rules;
pub(crate) mod session;
pub(crate) mod snapshot;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod vitals;
