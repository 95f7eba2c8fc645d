//! The conversation after the client has been identified: what it asks for.
//!
//! Knows nothing of the identity that it carries, not even its type, nor of which commands are switched on.

use crate::address::Target;
use crate::dialect::Dialect;
use crate::http;
use crate::message::Message;
use crate::reader::Reader;
use crate::violation::{Stop, Violation};
use crate::{socks4, socks5};

/// A client whose identity is established; nothing else leads to a request parser.
#[derive(Clone, Debug)]
pub struct Accepted<I> {
    identity: I,
    dialect: Dialect,
    greeting: Message,
}

/// What the client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The language in which it has to be answered.
    pub dialect: Dialect,
    pub command: Command,
    pub target: Target,
}

/// RFC 1928 §4, and Tor's two extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    Connect,
    Bind,
    UdpAssociate,
    /// Tor's X'F0': the address of a name.
    Resolve,
    /// Tor's X'F1': the name of an address.
    ResolvePtr,
}

impl<I> Accepted<I> {
    pub(crate) fn new(identity: I, dialect: Dialect, greeting: Message) -> Self {
        Self { identity, dialect, greeting }
    }

    pub fn identity(&self) -> &I {
        &self.identity
    }

    #[must_use]
    pub fn into_identity(self) -> I {
        self.identity
    }

    /// The language of the conversation, for a refusal before any request has come.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What has to be sent before the client goes on: `05 00`, `01 00`, or nothing in SOCKS4 and HTTP.
    pub fn greeting(&self) -> &Message {
        &self.greeting
    }

    /// Returns the request and how many bytes of `input` it took, or `None` until it is complete.
    ///
    /// `input` is everything after what the opening consumed; what follows the request belongs to the target.
    ///
    /// # Errors
    /// The client broke the protocol; the violation says how, and what it is still owed.
    pub fn receive(&self, input: &[u8]) -> Result<Option<(usize, Request)>, Violation> {
        Stop::settle(self.request(input), self.dialect)
    }

    fn request(&self, input: &[u8]) -> Result<(usize, Request), Stop> {
        let mut reader = Reader::new(input);
        let request = match self.dialect {
            Dialect::Socks5 => socks5::request(&mut reader)?,
            Dialect::Socks4 => socks4::request(&mut reader)?,
            Dialect::HttpConnect => http::request(&mut reader)?,
        };
        Ok((reader.consumed(), request))
    }
}
