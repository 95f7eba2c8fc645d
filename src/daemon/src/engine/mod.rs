//! Where the daemon touches the world: sockets, names, passwords, logs, and who did what.

pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod concessions;
pub(crate) mod dial;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod relay;
pub(crate) mod sys;
pub(crate) mod tls;
