//! Where requests come in.

pub(crate) mod admin;
pub(crate) mod http;
pub(crate) mod office;
pub(crate) mod socks;
