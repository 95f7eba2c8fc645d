//! What is known of a session, written down as it becomes known.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acl::Decision;
use socks::{Command, Dialect, Password, Plainly, Target};

/// That a backend let the client in, and as whom; nothing else leads past the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) identity: Identity,
    pub(crate) method: AuthMethod,
}

/// What whoever proved no name is called wherever users have names.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// Who the client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nobody in particular.
    Anonymous,
    /// A name that was proven.
    User(User),
}

/// A user as rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: Arc<str>,
    pub(crate) groups: Arc<[Arc<str>]>,
}

/// How a client proves who it is; the word of the configuration, the logs and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AuthMethod {
    /// Not at all.
    None,
    /// Name and password, checked against the users file.
    UserPass,
    /// The address alone, judged by a PAM service.
    PamAddress,
    /// Name and password, judged by a PAM service.
    PamUsername,
}

impl Identity {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anonymous => ANONYMOUS,
            Self::User(user) => &user.name,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str(ANONYMOUS),
            Self::User(user) => user.name.escape_debug().fmt(f),
        }
    }
}

impl AuthMethod {
    /// Whether a client has to name itself for it.
    pub(crate) fn wants_credentials(self) -> bool {
        match self {
            Self::None | Self::PamAddress => false,
            Self::UserPass | Self::PamUsername => true,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::UserPass => "userpass",
            Self::PamAddress => "pam.address",
            Self::PamUsername => "pam.username",
        }
    }
}

impl From<AuthMethod> for acl::AuthMethod {
    fn from(method: AuthMethod) -> Self {
        match method {
            AuthMethod::None => Self::None,
            AuthMethod::UserPass => Self::UserPass,
            AuthMethod::PamAddress => Self::PamAddress,
            AuthMethod::PamUsername => Self::PamUsername,
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A name and a password, as the client sent them: 1 to 255 and 0 to 255 raw bytes (RFC 1929 §2).
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Password,
}

/// Where a client's connection came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Address(SocketAddr),
    /// A Unix-socket listener: the kernel knows no address.
    Local,
}

impl Origin {
    /// What is said where there is no address.
    pub(crate) const LOCAL: &str = "local";

    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address.ip()),
            Self::Local => None,
        }
    }

    /// The address without its port, for logs.
    pub(crate) fn host(&self) -> impl fmt::Display {
        let ip = self.ip();
        fmt::from_fn(move |f| match ip {
            Some(ip) => write!(f, "{ip}"),
            None => f.write_str(Self::LOCAL),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => Plainly(*address).fmt(f),
            Self::Local => f.write_str(Self::LOCAL),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) proof: Option<Proof>,
    /// What the client called itself, proven by nothing: SOCKS4's user id, or the name of a login that was refused.
    pub(crate) claimed: Option<Box<str>>,
    /// Kept only while a rule may still want a PAM service asked about them.
    pub(crate) credentials: Option<Credentials>,
    pub(crate) request: Option<Asked>,
    /// What the rules and the guard said of the request in the end.
    pub(crate) decision: Option<Decision>,
    /// Whether that is the decision that let the connection in, which stands.
    pub(crate) is_let_in: bool,
    /// The address that was dialled, or the peer that came to a BIND.
    pub(crate) peer: Option<SocketAddr>,
    /// Our own address on that connection, or of the UDP relay.
    pub(crate) exit: Option<SocketAddr>,
    /// A remark for the administrator, for instance "spoke TLS".
    pub(crate) remark: Option<Box<str>>,
    pub(crate) phases: Phases,
}

impl Facts {
    /// Says something beside what has been said.
    pub(crate) fn add_remark(&mut self, remark: &str) {
        let all = self.remark.take().map_or_else(|| remark.to_owned(), |before| format!("{before}; {remark}"));
        self.remark = Some(all.into());
    }
}

/// What the client asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) dialect: Dialect,
    pub(crate) command: Command,
    pub(crate) target: Target,
}

impl Asked {
    /// Where the client wants to go; what an association names is where the client will send from itself.
    pub(crate) fn destination(&self) -> Option<&Target> {
        (self.command != Command::UdpAssociate).then_some(&self.target)
    }
}

/// How long each step took.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Phases {
    pub(crate) handshake: Option<Duration>,
    /// Finding out who it is; a part of the handshake.
    pub(crate) auth: Option<Duration>,
    /// Asking the rules and the guard about the request, all its addresses together; datagrams are not in it.
    pub(crate) rules: Option<Duration>,
    pub(crate) dns: Option<Duration>,
    pub(crate) connect: Option<Duration>,
    /// From the beginning of the relay to the first byte that reached the client.
    pub(crate) first_byte: Option<Duration>,
}
