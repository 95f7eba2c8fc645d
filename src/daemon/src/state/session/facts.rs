//! What is known of a session, written down as it becomes known.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socks::{Command, Dialect, Target};

/// Who the client is: proof that a backend let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// No authentication was asked for.
    Anonymous,
    /// A name whose password was right.
    User(Arc<str>),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(name) => name.escape_debug().fmt(f),
        }
    }
}

/// Where a client's connection came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Address(SocketAddr),
    /// A Unix-socket listener: the kernel knows no address.
    Local,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Local => f.write_str("local"),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) identity: Option<Identity>,
    /// What the client called itself, proven by nothing: SOCKS4's user id, or the name of a login that was refused.
    pub(crate) claimed: Option<Box<str>>,
    pub(crate) request: Option<Asked>,
    /// The address that was dialled, or the peer that came to a BIND.
    pub(crate) peer: Option<SocketAddr>,
    /// Our own address on that connection, or of the UDP relay.
    pub(crate) exit: Option<SocketAddr>,
    /// A remark for the administrator, for instance "spoke TLS".
    pub(crate) remark: Option<Box<str>>,
    pub(crate) phases: Phases,
}

/// What the client asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) dialect: Dialect,
    pub(crate) command: Command,
    pub(crate) target: Target,
}

/// How long each step took.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Phases {
    pub(crate) handshake: Option<Duration>,
    pub(crate) dns: Option<Duration>,
    pub(crate) connect: Option<Duration>,
}
