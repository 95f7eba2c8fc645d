//! The values that settings are made of, each parsed once into a type that cannot be wrong.
//!
//! Knows how a value is written, and nothing of keys, tables or files.

pub(crate) mod choices;
pub(crate) mod crowding;
pub(crate) mod database;
pub(crate) mod endpoint;
pub(crate) mod network;
pub(crate) mod pacing;
pub(crate) mod text;
pub(crate) mod words;

use crate::problem::Fault;

/// A value that the operator writes as a string.
pub(crate) trait Parsed: Sized {
    /// The value, or what is wrong with the text.
    fn parse(text: &str) -> Result<Self, Fault>;
}

/// A value that may be shown again; secrets are not.
pub(crate) trait Written: Parsed {
    /// The text that [`Parsed::parse`] reads back as this value.
    fn written(&self) -> String;
}
