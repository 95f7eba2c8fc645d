//! One spelling for every destination, so that no rule can be passed by writing a name differently.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The longest name in its textual form without the trailing dot (RFC 1035 §2.3.4: 255 bytes on the wire).
pub(crate) const NAME_MAX: usize = 253;
/// RFC 1035 §2.3.4.
pub(crate) const LABEL_MAX: usize = 63;

/// Where a client wants to go, in the one spelling that rules and the guard see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// An address; never a v4-mapped one.
    Address(IpAddr),
    /// A name that has to be resolved.
    Name(HostName),
}

/// A host name: lower case, no trailing dot, ASCII letters, digits, hyphens and underscores in labels of 1 to 63
/// bytes, at most 253 bytes, and not an address in any spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Box<str>);

/// Why a name cannot be a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing is left after the trailing dot.
    #[error("the name is empty")]
    Empty,
    /// More than 253 bytes.
    #[error("the name has more than {NAME_MAX} bytes")]
    TooLong,
    /// Two dots in a row, or one in front.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// More than 63 bytes between two dots.
    #[error("a label of the name has more than {LABEL_MAX} bytes")]
    LabelTooLong,
    /// A byte that no host name has; international names arrive as punycode (RFC 5891).
    #[error("the name contains the byte {0:#04x}")]
    Byte(u8),
    /// `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`: `inet_aton(3)` would read an address in it, and no two
    /// programs agree on which one.
    #[error("the name is an unusual spelling of an address")]
    OddAddress,
}

impl Destination {
    /// An address as a client gave it; a v4-mapped one becomes the IPv4 address it means.
    #[must_use]
    pub fn from_address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// A name as a client sent it, in the bytes of SOCKS5's domain address (RFC 1928 §5).
    ///
    /// A plain IPv4 or IPv6 address, the latter also in brackets, becomes an address.
    ///
    /// # Errors
    /// The first reason why the bytes are neither an address nor a host name.
    pub fn parse_name(bytes: &[u8]) -> Result<Self, NameFault> {
        let name = bytes.strip_suffix(b".").unwrap_or(bytes);
        if let Some(address) = literal(name) {
            return Ok(Self::from_address(address));
        }
        HostName::parse(name).map(Self::Name)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl HostName {
    /// The name in its canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a name without a trailing dot.
    pub(crate) fn parse(name: &[u8]) -> Result<Self, NameFault> {
        if name.is_empty() {
            return Err(NameFault::Empty);
        }
        if name.len() > NAME_MAX {
            return Err(NameFault::TooLong);
        }
        name.split(|&byte| byte == b'.').try_for_each(check_label)?;
        if ends_in_number(name) {
            return Err(NameFault::OddAddress);
        }
        let text = name.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect();
        Ok(Self(text))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn literal(name: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(name).ok()?;
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn check_label(label: &[u8]) -> Result<(), NameFault> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
    if let Some(&byte) = label.iter().find(|byte| !is_allowed(byte)) {
        return Err(NameFault::Byte(byte));
    }
    match label.len() {
        0 => Err(NameFault::EmptyLabel),
        1..=LABEL_MAX => Ok(()),
        _ => Err(NameFault::LabelTooLong),
    }
}

/// Whether the last label is a number for `inet_aton(3)`, as the URL standard's "ends in a number" checker asks.
/// No top-level domain is one (RFC 3696 §2), so a name that ends so was meant as an address.
pub(crate) fn ends_in_number(name: &[u8]) -> bool {
    let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or(name);
    match last.strip_prefix(b"0x").or_else(|| last.strip_prefix(b"0X")) {
        Some(digits) => digits.iter().all(u8::is_ascii_hexdigit),
        None => last.iter().all(u8::is_ascii_digit),
    }
}
