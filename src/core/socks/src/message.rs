//! One message to the client, small enough to be passed by value.
//!
//! Knows nothing of what the bytes say. Only the answer to a reverse lookup is ever allocated.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::address::{ATYP_V4, ATYP_V6};

/// Bytes that are ready to be sent; may be empty when nothing is owed.
#[derive(Clone)]
pub struct Message(Bytes);

#[derive(Clone)]
enum Bytes {
    Short(Short),
    Fixed(&'static [u8]),
    Long(Box<[u8]>),
}

impl Message {
    pub(crate) const EMPTY: Self = Self::fixed(&[]);

    pub(crate) const fn fixed(bytes: &'static [u8]) -> Self {
        Self(Bytes::Fixed(bytes))
    }

    pub(crate) fn long(bytes: Vec<u8>) -> Self {
        Self(Bytes::Long(bytes.into()))
    }

    /// At most 22 bytes in all.
    pub(crate) fn short(parts: &[&[u8]]) -> Self {
        let mut short = Short::default();
        for part in parts {
            short.append(part);
        }
        Self(Bytes::Short(short))
    }

    /// Three leading bytes, then ATYP, address and port; an IPv4-mapped address is sent as the IPv4 address that it is.
    pub(crate) fn with_address(lead: [u8; 3], address: SocketAddr) -> Self {
        let port = address.port().to_be_bytes();
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self::short(&[&lead, &[ATYP_V4], &ip.octets(), &port]),
            IpAddr::V6(ip) => Self::short(&[&lead, &[ATYP_V6], &ip.octets(), &port]),
        }
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Short(short) => short.as_bytes(),
            Bytes::Fixed(bytes) => bytes,
            Bytes::Long(bytes) => bytes,
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Message(b\"{}\")", self.as_bytes().escape_ascii())
    }
}

#[derive(Clone, Copy, Default)]
struct Short {
    length: u8,
    bytes: [u8; SHORT],
}

/// Three bytes, ATYP, an IPv6 address and a port: the longest reply or UDP header that carries an address.
const SHORT: usize = 3 + 1 + 16 + 2;

impl Short {
    fn append(&mut self, part: &[u8]) {
        let (start, end) = (usize::from(self.length), usize::from(self.length) + part.len());
        self.bytes[start..end].copy_from_slice(part);
        self.length = u8::try_from(end).expect("the slice above ends within 22 bytes");
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}
