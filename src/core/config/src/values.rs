//! The values that settings are made of, each parsed once into a type that cannot be wrong.
//!
//! Knows how a value is written, and nothing of keys, tables or files.

mod choices;
mod endpoint;
mod network;
mod text;
mod words;

pub use choices::Choices;
pub use endpoint::{Endpoint, Mode};
pub use network::{BindAddress, Opening, Ports};
pub use text::{Interface, Label};
pub use words::{ClientAddress, LogFormat, LogLevel, Method, Protocol, Replies, Resolver};

use crate::problem::Fault;

/// A value that the operator writes as a string.
pub(crate) trait Written: Sized {
    /// The value, or what is wrong with the text.
    fn parse(text: &str) -> Result<Self, Fault>;
    /// The text that [`Written::parse`] reads back as this value.
    fn written(&self) -> String;
}
