//! What the monitor is told to do: addresses, one command, a few durations.
//!
//! Whoever starts the monitor has parsed a configuration and fills this in.
//! The monitor itself knows no configuration file and hands the texts to the worker unread.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use wire::DocumentKind;

use crate::launch::{Launcher, Profile};

/// Everything that the monitor needs to know.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What a reload may change.
    pub terms: Terms,
    /// How many threads of the worker accept.
    /// Each gets a socket of its own for every TCP listener (`SO_REUSEPORT`), and a duplicate of the one socket of every Unix listener.
    pub threads: NonZeroU16,
    /// What every worker is given to work by, each in a sealed memfd; the configuration first.
    pub documents: Vec<Document>,
    /// How every process of the service is started.
    pub launcher: Launcher,
    /// What a worker is.
    pub worker: WorkerCommand,
    /// The PAM helpers, if anybody is to be asked for a login that PAM judges.
    pub helpers: Option<PamHelpers>,
    /// What takes the place of this process when an upgrade is asked for.
    pub successor: Successor,
    /// How long a worker may take from its start to `Ready`; 30 s is a good value.
    pub start_limit: Duration,
}

/// What a configuration asks of the monitor and may ask otherwise while the service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Where to listen, in the order of the configuration: at most 65,536 entries.
    pub listeners: Vec<Listener>,
    /// Connections that may wait on one socket to be accepted; the kernel cuts it to `net.core.somaxconn`.
    pub backlog: u32,
    /// What accepted TCP connections inherit from their listener.
    pub accepted: Accepted,
    /// How long the worker, or one of its threads, may be silent before it is taken for stalled; at least 3 s, for it beats once a second.
    pub watchdog: Duration,
    /// How long the sessions may take to end after the first SIGTERM or SIGINT.
    pub drain: Duration,
    /// How long the sessions of a worker may take to end whose place a worker of a newer program has taken; at most 49 days.
    pub upgrade_drain: Duration,
    /// Whether a changed file is a reload.
    pub watch_files: bool,
}

/// A text that the worker works by, and that the monitor hands on unread.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    pub kind: DocumentKind,
    /// The reload that brought this text; 1 is the start of the service.
    pub generation: u64,
    pub text: Vec<u8>,
}

impl fmt::Debug for Document {
    /// Without the text, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {} bytes", self.kind.name(), self.generation, self.text.len())
    }
}

/// One place to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listener {
    /// A TCP address; port 0 takes a free one.
    /// An IPv6 address does not listen for IPv4.
    Tcp { address: SocketAddr },
    /// A stream socket in the file system, with the permission bits of its file, and its group if that is not ours.
    Unix { path: PathBuf, mode: u32, group: Option<u32> },
}

impl Listener {
    /// Whether both are the same place, whatever else differs.
    #[must_use]
    pub(crate) fn is_at_place_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp { address }, Self::Tcp { address: other }) => address == other,
            (Self::Unix { path, .. }, Self::Unix { path: other, .. }) => path == other,
            (Self::Tcp { .. }, Self::Unix { .. }) | (Self::Unix { .. }, Self::Tcp { .. }) => false,
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address } => write!(f, "{address}"),
            Self::Unix { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// Options of a TCP listener that Linux copies into each connection accepted on it, so that no accept pays for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    /// `TCP_NODELAY`.
    pub nodelay: bool,
    /// `SO_KEEPALIVE` with its three values.
    pub keepalive: Option<Keepalive>,
    /// `TCP_USER_TIMEOUT`: how long sent data may stay unacknowledged.
    pub user_timeout: Option<Duration>,
    /// `SO_OOBINLINE`: urgent data stays in the stream.
    pub oob_inline: bool,
}

/// Keepalive values, see `tcp(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// `TCP_KEEPIDLE`, in whole seconds.
    pub idle: Duration,
    /// `TCP_KEEPINTVL`, in whole seconds.
    pub interval: Duration,
    /// `TCP_KEEPCNT`.
    pub probes: u32,
}

/// The program that a worker is.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// `/proc/self/exe` starts the very program that runs now, even if its file has been replaced since.
    pub program: PathBuf,
    /// Arguments that select the worker's role; it finds its [`Link`](crate::link::Link) by itself.
    pub args: Vec<OsString>,
    /// What it may do.
    pub profile: Profile,
}

/// The programs that ask PAM on behalf of the worker: each has one line to it as standard input, and ends when that does.
#[derive(Debug, Clone)]
pub struct PamHelpers {
    /// `rustsocks-pam`.
    pub program: PathBuf,
    /// The services that it may ask, and where they are: fixed here, so that the worker cannot choose others.
    pub args: Vec<OsString>,
    /// How many run at a time.
    pub count: NonZeroU16,
}

/// The program that this one was started from, which may have been replaced by a newer one meanwhile.
#[derive(Debug, Clone)]
pub struct Successor {
    /// Its path, not `/proc/self/exe`, which stays what was started.
    pub program: PathBuf,
    /// Arguments with which it does everything that comes before [`succeed`](crate::succeed), and ends with 0 if it could begin.
    pub rehearsal: Vec<OsString>,
    /// Arguments with which it calls [`succeed`](crate::succeed).
    pub args: Vec<OsString>,
}

#[cfg(test)]
impl Plan {
    pub(crate) fn for_tests() -> Self {
        let account = None;
        Self {
            terms: Terms::for_tests(),
            threads: NonZeroU16::MIN,
            documents: Vec::new(),
            launcher: Launcher { program: "/bin/false".into(), args: Vec::new() },
            worker: WorkerCommand {
                program: "/bin/false".into(),
                args: Vec::new(),
                profile: Profile::Worker { account, sockets: crate::launch::Sockets::Plain },
            },
            helpers: None,
            successor: Successor { program: "/bin/false".into(), rehearsal: Vec::new(), args: Vec::new() },
            start_limit: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
impl Terms {
    /// Nothing to listen on, and values that suit a test.
    pub(crate) fn for_tests() -> Self {
        Self {
            listeners: Vec::new(),
            backlog: 128,
            accepted: Accepted::default(),
            watchdog: Duration::from_secs(10),
            drain: Duration::from_secs(30),
            upgrade_drain: Duration::from_mins(1),
            watch_files: false,
        }
    }
}
