//! Where requests come in.

pub(crate) mod socks;
