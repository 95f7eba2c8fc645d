//! Where the daemon touches the world: sockets, names, passwords, logs.

pub(crate) mod auth;
pub(crate) mod dial;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod relay;
pub(crate) mod sys;
pub(crate) mod tls;
