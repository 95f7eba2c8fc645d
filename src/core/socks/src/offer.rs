//! What a listener is willing to speak.
//!
//! Knows nothing of how a method proves anything; that is the caller's business.

/// The languages and methods of one listener; immutable, so every connection may share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub socks5: bool,
    pub socks4: Socks4,
    pub http_connect: bool,
    /// In the server's order of preference: the first one that the client speaks too is taken (RFC 1928 §3).
    pub methods: Vec<Method>,
}

/// SOCKS4 has no way to prove who a client is, so it is spoken only where nobody has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socks4 {
    /// Not a language of this listener.
    Foreign,
    /// Understood well enough to be refused: the client has to prove who it is.
    Refused,
    Spoken,
}

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// X'00', no authentication required.
    None,
    /// X'02', user name and password (RFC 1929), or the Basic scheme of HTTP (RFC 7617).
    UserPass,
}

impl Offer {
    /// The longest single message that may have to be in the caller's buffer at once, in bytes.
    #[must_use]
    pub fn longest_message(&self) -> usize {
        if self.http_connect { HTTP_HEAD } else { SOCKS_MESSAGE }
    }

    pub(crate) fn choose(&self, client_speaks: impl Fn(Method) -> bool) -> Option<Method> {
        self.methods.iter().copied().find(|&method| client_speaks(method))
    }
}

impl Method {
    /// RFC 1928 §3.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::UserPass => 2,
        }
    }
}

/// A `SOCKS4a` request is the longest SOCKS message: 8 bytes, then a user id and a name of 255 bytes, each with its NUL.
pub(crate) const SOCKS_MESSAGE: usize = 8 + 256 + 256;

/// As generous as common HTTP servers are.
pub(crate) const HTTP_HEAD: usize = 8 * 1024;
