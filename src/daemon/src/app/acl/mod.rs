//! The commands about rules: they ask the function that traffic asks, and start nothing.

pub(super) mod args;
pub(super) mod check;
pub(super) mod test;
pub(super) mod validate;

mod book;
