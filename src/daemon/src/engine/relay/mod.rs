//! Moves bytes and datagrams between a client and its target.
//!
//! Sees streams and lanes; knows nothing of users, rules or commands.

mod flow;
pub(crate) mod pump;
pub(crate) mod udp;

#[cfg(test)]
mod tests;
