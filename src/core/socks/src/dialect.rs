//! How each language says yes and no.
//!
//! Knows nothing of why; the caller maps its reasons to a [`Failure`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::address::{ATYP_NAME, ATYP_V4, Name};
use crate::http::answers;
use crate::message::Message;

/// The language of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    Socks5,
    /// SOCKS4 and 4a.
    Socks4,
    HttpConnect,
}

/// Why a request was not granted: the REP codes of RFC 1928 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Failure {
    /// Our own fault: out of descriptors, internal.
    General = 1,
    /// Denied by rule, quota or limit.
    NotAllowed = 2,
    NetworkUnreachable = 3,
    /// Also: the name does not exist.
    HostUnreachable = 4,
    ConnectionRefused = 5,
    /// The RFC's "TTL expired"; what servers say when a connect times out.
    TtlExpired = 6,
    /// Also: the command is switched off.
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}

impl Dialect {
    /// The request is granted; `bound` is our own address towards the target, or the peer's in the second reply to a BIND.
    ///
    /// SOCKS4 has no room for an IPv6 address and sends 0.0.0.0 in its place; HTTP sends no address at all.
    #[must_use]
    pub fn granted(self, bound: SocketAddr) -> Message {
        match self {
            Self::Socks5 => Message::with_address([5, 0, 0], bound),
            Self::Socks4 => socks4_granted(bound),
            Self::HttpConnect => Message::fixed(answers::ESTABLISHED),
        }
    }

    /// The answer to `RESOLVE_PTR` (Tor socks-extensions §2), the one reply that carries a name; only SOCKS5 has a place for it.
    #[must_use]
    pub fn named(self, name: &Name) -> Message {
        match self {
            Self::Socks5 => socks5_named(name.as_bytes()),
            Self::Socks4 | Self::HttpConnect => self.failed(Failure::CommandNotSupported),
        }
    }

    /// A failure has one shape: addresses and ports are zeros, in SOCKS5 of ATYP 1, because some clients can parse no other.
    #[must_use]
    pub fn failed(self, failure: Failure) -> Message {
        match self {
            Self::Socks5 => Message::short(&[&[5, failure.code(), 0, ATYP_V4], &[0; 4], &[0; 2]]),
            Self::Socks4 => Message::fixed(SOCKS4_REJECTED),
            Self::HttpConnect => Message::fixed(answers::failed(failure)),
        }
    }
}

impl Failure {
    /// The REP byte, 1–8.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

fn socks5_named(name: &[u8]) -> Message {
    let length = u8::try_from(name.len()).expect("a name has at most 255 bytes");
    Message::long([&[5, 0, 0, ATYP_NAME, length], name, &[0, 0]].concat())
}

fn socks4_granted(bound: SocketAddr) -> Message {
    let ip = match bound.ip().to_canonical() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    Message::short(&[&[0, SOCKS4_GRANTED], &bound.port().to_be_bytes(), &ip.octets()])
}

// SOCKS: A protocol for TCP proxy across firewalls (Ying-Da Lee), the reply codes of version 4.
const SOCKS4_GRANTED: u8 = 0x5a;
const SOCKS4_REJECTED: &[u8] = &[0, 0x5b, 0, 0, 0, 0, 0, 0];
