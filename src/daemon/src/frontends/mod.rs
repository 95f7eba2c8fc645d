//! Where requests come in.

pub(crate) mod http;
pub(crate) mod office;
pub(crate) mod socks;
