//! Which destinations somebody asks for: an address, a network, a name, or everything below a name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A destination as an administrator writes it in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// One address is a network of one.
    Network(IpNet),
    /// A name that clients asked for; without regard to case.
    Name(String),
    /// Every name that ends in a dot and this one.
    Below(String),
}

/// Neither an address nor a network nor a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no destination; write an address, a network (10.0.0.0/8), a name, or *.example.com")]
pub struct NotSought(String);

impl FromStr for Sought {
    type Err = NotSought;

    fn from_str(text: &str) -> Result<Self, NotSought> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.to_canonical().into()));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        let name = |name: &str| name.to_ascii_lowercase();
        match text.strip_prefix("*.") {
            Some(parent) if is_name(parent) => Ok(Self::Below(name(parent))),
            None if is_name(text) => Ok(Self::Name(name(text))),
            Some(_) | None => Err(NotSought(text.to_owned())),
        }
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Below(parent) => write!(f, "*.{parent}"),
        }
    }
}

/// What a client may have asked for in the form in which it is kept: printable, escapes included.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"*/".contains(&byte))
}
