//! The header in front of every relayed datagram (RFC 1928 §7).
//!
//! Knows nothing of associations, peers or rules. Fragments are not reassembled, as the RFC allows.

use std::net::SocketAddr;

use crate::address::{AddressFault, Target};
use crate::message::Message;
use crate::reader::{Reader, Short};

/// A datagram from the client, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    pub target: Target,
    /// May be empty; an empty datagram is a datagram.
    pub payload: &'a [u8],
    /// Bytes in front of the payload, 8 (a name of one byte) to 262 (a name of 255).
    pub header_length: usize,
}

/// Why a datagram is dropped; nothing is ever answered to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UdpFault {
    #[error("the datagram is shorter than its header")]
    Short,
    /// A FRAG other than 0.
    #[error("fragment {0} of a datagram, fragments are not supported")]
    Fragment(u8),
    #[error("unknown address type {0:#04x}")]
    AddressType(u8),
    #[error("the host name is empty")]
    EmptyName,
}

/// Takes a datagram from the client apart.
///
/// RSV should be zero; it is not looked at, because it carries nothing and some clients fill it.
///
/// # Errors
/// The header is incomplete, carries no usable address, or belongs to a fragment.
pub fn decode(datagram: &[u8]) -> Result<Datagram<'_>, UdpFault> {
    let mut reader = Reader::new(datagram);
    let _reserved = reader.number()?;
    match reader.byte()? {
        0 => {}
        fragment => return Err(UdpFault::Fragment(fragment)),
    }
    let target = Target::decode(&mut reader)?;
    Ok(Datagram { target, payload: reader.rest(), header_length: reader.consumed() })
}

/// Writes the header for a datagram that came `from` a peer: 10 or 22 bytes; an IPv4-mapped sender is shown as IPv4.
#[must_use]
pub fn encode_header(from: SocketAddr) -> Message {
    Message::with_address([0, 0, 0], from)
}

impl From<Short> for UdpFault {
    fn from(Short: Short) -> Self {
        Self::Short
    }
}

impl From<AddressFault> for UdpFault {
    fn from(fault: AddressFault) -> Self {
        match fault {
            AddressFault::Short => Self::Short,
            AddressFault::Type(byte) => Self::AddressType(byte),
            AddressFault::EmptyName => Self::EmptyName,
        }
    }
}
