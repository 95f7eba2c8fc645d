//! What a client did wrong, and the bytes it is owed before the connection is closed.
//!
//! Knows nothing of logs or metrics; it only words the fault for the administrator who will read it there.

use std::fmt;

use crate::dialect::{Dialect, Failure};
use crate::http::answers;
use crate::message::Message;
use crate::reader::Short;

/// The conversation cannot go on: send the [`farewell`](Self::farewell), then close (FIN, not RST, so that it can be read).
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct Violation {
    pub fault: Fault,
    farewell: Message,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The first byte opens no language of this listener.
    #[error("the client spoke {spoke}, which this listener does not (first byte {byte:#04x})")]
    Foreign { byte: u8, spoke: Spoke },
    /// NMETHODS is 0.
    #[error("the client offers no authentication method")]
    NoMethods,
    /// The METHODS bytes of the greeting, as sent.
    #[error("no common authentication method, the client offers {}", Offered(.offered))]
    NoCommonMethod { offered: Box<[u8]> },
    #[error("the username/password message has version {0}, not 1")]
    PasswordVersion(u8),
    #[error("the user name is empty")]
    EmptyUser,
    /// Tor's clients may do so (socks-extensions §1); here it is refused, so that no password travels for nothing.
    #[error("the client sent a user name and password that were not asked for")]
    UnaskedPassword,
    #[error("the request has version {0}, not 5")]
    RequestVersion(u8),
    #[error("unknown command {0:#04x}")]
    Command(u8),
    #[error("unknown address type {0:#04x}")]
    AddressType(u8),
    #[error("the host name is empty")]
    EmptyName,
    #[error("the SOCKS4 user id is longer than 255 bytes")]
    UserIdTooLong,
    #[error("the SOCKS4a host name is longer than 255 bytes")]
    NameTooLong,
    #[error("SOCKS4 cannot prove who the client is, and this listener requires it")]
    Socks4Unproven,
    #[error("the HTTP request is malformed")]
    HttpMalformed,
    #[error("the head of the HTTP request is longer than 8 KiB")]
    HttpTooLong,
    #[error("the HTTP version is neither 1.0 nor 1.1")]
    HttpVersion,
    #[error("the client spoke HTTP with another method than CONNECT")]
    HttpMethod,
    #[error("the target of the HTTP CONNECT is not host:port")]
    HttpTarget,
    #[error("the HTTP CONNECT carries no credentials, and this listener requires them")]
    CredentialsMissing,
    #[error("the credentials of the HTTP CONNECT are not one well-formed Basic header")]
    CredentialsMalformed,
}

/// What a client most likely speaks, judged by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spoke {
    Http,
    Tls,
    Socks4,
    Socks5,
    Unknown,
}

impl Violation {
    pub(crate) fn new(dialect: Dialect, fault: Fault) -> Self {
        let farewell = farewell(dialect, &fault);
        Self { fault, farewell }
    }

    /// No dialect has begun, so which one is named here makes no difference: nothing is owed.
    pub(crate) fn foreign(byte: u8) -> Self {
        Self::new(Dialect::Socks5, Fault::Foreign { byte, spoke: Spoke::guess(byte) })
    }

    /// What the client should read before the close; empty when it would not understand us anyway.
    #[must_use]
    pub fn farewell(&self) -> &[u8] {
        self.farewell.as_bytes()
    }
}

impl Spoke {
    pub(crate) fn guess(byte: u8) -> Self {
        match byte {
            b'A'..=b'Z' => Self::Http,
            TLS_HANDSHAKE => Self::Tls,
            4 => Self::Socks4,
            5 => Self::Socks5,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Spoke {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::Socks4 => "SOCKS4",
            Self::Socks5 => "SOCKS5",
            Self::Unknown => "an unknown protocol",
        })
    }
}

fn farewell(dialect: Dialect, fault: &Fault) -> Message {
    match fault {
        Fault::Foreign { .. } => Message::EMPTY,
        Fault::NoMethods | Fault::NoCommonMethod { .. } => Message::fixed(NO_ACCEPTABLE_METHODS),
        Fault::PasswordVersion(_) | Fault::EmptyUser => Message::fixed(PASSWORD_REFUSED),
        Fault::Command(_) => dialect.failed(Failure::CommandNotSupported),
        Fault::AddressType(_) => dialect.failed(Failure::AddressTypeNotSupported),
        Fault::UnaskedPassword
        | Fault::RequestVersion(_)
        | Fault::EmptyName
        | Fault::UserIdTooLong
        | Fault::NameTooLong
        | Fault::Socks4Unproven => dialect.failed(Failure::General),
        Fault::HttpMalformed | Fault::HttpTarget => Message::fixed(answers::BAD_REQUEST),
        Fault::HttpTooLong => Message::fixed(answers::HEAD_TOO_LARGE),
        Fault::HttpVersion => Message::fixed(answers::VERSION_NOT_SUPPORTED),
        Fault::HttpMethod => Message::fixed(answers::METHOD_NOT_ALLOWED),
        Fault::CredentialsMissing | Fault::CredentialsMalformed => Message::fixed(answers::AUTHENTICATION_REQUIRED),
    }
}

/// Names the methods of a greeting for the administrator; at most 255 of them, as the greeting has no room for more.
struct Offered<'a>(&'a [u8]);

impl fmt::Display for Offered<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, code) in self.0.iter().enumerate() {
            let separator = if nth == 0 { "" } else { ", " };
            out.write_str(separator)?;
            match code {
                0 => out.write_str("none")?,
                1 => out.write_str("GSSAPI")?,
                2 => out.write_str("username/password")?,
                other => write!(out, "{other:#04x}")?,
            }
        }
        Ok(())
    }
}

/// RFC 1928 §3.
pub(crate) const NO_ACCEPTABLE_METHODS: &[u8] = &[5, 0xff];
/// RFC 1929 §2: any status but zero; the version is that of the subnegotiation.
pub(crate) const PASSWORD_REFUSED: &[u8] = &[1, 1];
/// RFC 8446 §5.1, the content type of a record that carries a hello.
const TLS_HANDSHAKE: u8 = 0x16;

/// Why a decoder has nothing to return.
#[derive(Debug)]
pub(crate) enum Stop {
    NeedMore,
    Fault(Fault),
}

impl Stop {
    /// Waiting is `Ok(None)`; a fault is worded in the dialect of the conversation.
    pub(crate) fn settle<T>(result: Result<T, Self>, dialect: Dialect) -> Result<Option<T>, Violation> {
        match result {
            Ok(decoded) => Ok(Some(decoded)),
            Err(Self::NeedMore) => Ok(None),
            Err(Self::Fault(fault)) => Err(Violation::new(dialect, fault)),
        }
    }
}

impl From<Short> for Stop {
    fn from(Short: Short) -> Self {
        Self::NeedMore
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
