//! One session as it is kept: everything that a row of the history has, at one moment of the session's life.
//!
//! Each record is whole, so that any of them makes a row, and the last one makes the final row.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::flows::Flows;
use crate::status::Status;

/// The longest text of a record, in bytes: a name of 255 bytes, each escaped as `\x00`.
pub const TEXT_MAX: usize = 1020;

/// A session at the moment `seen`. Texts borrow from the session or from the frame that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<'a> {
    /// UUIDv7 (RFC 9562): its first 48 bits are `started` in milliseconds.
    pub id: [u8; 16],
    pub status: Status,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub started: i64,
    /// `started` and the session's age at this record; the end, when the record is the last one.
    pub seen: i64,
    /// The listener's name.
    pub listener: &'a str,
    /// Nothing on a Unix socket.
    pub source: Option<SocketAddr>,
    /// Who it is, proven; nothing before that.
    pub user: Option<&'a str>,
    /// Who it said it was, proven by nothing.
    pub claimed: Option<&'a str>,
    /// How it was found out who it is.
    pub auth: Option<&'a str>,
    pub asked: Option<Asked<'a>>,
    /// The address that was dialled, or the peer that came to a BIND.
    pub peer: Option<SocketAddr>,
    /// Our own address towards it, or the one that the client was told.
    pub exit: Option<SocketAddr>,
    /// From the client, delivered.
    pub sent: Traffic,
    /// To the client, delivered.
    pub received: Traffic,
    pub phases: Phases,
    /// The generation of policy that it lives under.
    pub generation: u64,
    /// Why it is over; nothing while it is active.
    pub close_reason: Option<&'a str>,
    /// The rule that decided, as people know it; nothing where the default or the guard did.
    pub rule: Option<&'a str>,
    /// `allow` or `block`; nothing where it never came to a decision.
    pub decision: Option<&'a str>,
    /// A remark for the administrator.
    pub remark: Option<&'a str>,
    /// The peers of an association. They came with version 3 and stand behind the record, like what came with version 2.
    #[serde(skip)]
    pub flows: Flows<'a>,
}

/// What the client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked<'a> {
    pub dialect: &'a str,
    pub command: &'a str,
    /// `tcp` or `udp`.
    pub protocol: &'a str,
    /// Nothing where it names no destination (UDP ASSOCIATE).
    #[serde(borrow)]
    pub host: Option<Host<'a>>,
    pub port: Option<u16>,
}

/// A destination as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host<'a> {
    Address(IpAddr),
    /// A name, in its own spelling, escaped.
    Name(&'a str),
}

/// One direction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Payload.
    pub bytes: u64,
    /// Datagrams; 0 for a stream.
    pub packets: u64,
}

/// How long each step took, in microseconds; nothing for a step that was not taken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    pub handshake: Option<u64>,
    /// Finding out who it is; a part of the handshake.
    pub auth: Option<u64>,
    /// Asking the rules and the guard. It came with version 2 and stands behind the record, so that version 1 is read by leaving it out.
    #[serde(skip)]
    pub rules: Option<u64>,
    pub dns: Option<u64>,
    pub connect: Option<u64>,
    /// From the beginning of the relay to the first byte that reached the client.
    pub first_byte: Option<u64>,
}

/// As much of a text as a record takes.
#[must_use]
pub fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX)]
}
