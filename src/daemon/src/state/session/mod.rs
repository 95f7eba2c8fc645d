//! One client's session, from its first byte to its one line in the log.
//!
//! Knows nothing of sockets: the relay adds to its lanes, the frontends write its facts down,
//! and whoever wants it gone says why.

pub(crate) mod comings;
pub(crate) mod course;
pub(crate) mod ending;
pub(crate) mod facts;
pub(crate) mod flows;
pub(crate) mod handshakes;
pub(crate) mod judge;
pub(crate) mod lane;
pub(crate) mod pace;
pub(crate) mod refusal;
pub(crate) mod revoke;
pub(crate) mod roster;
pub(crate) mod seats;
pub(crate) mod sweep;
pub(crate) mod ticket;
pub(crate) mod witness;
