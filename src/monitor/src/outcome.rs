//! How a monitor ends, and what its process should exit with.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | asked to stop, and the worker ended by itself without complaint |
//! | 1 | asked to stop, but the worker failed meanwhile or had to be killed |
//! | 69 | a listener cannot be had: somebody else has the address, or the system refuses (`EX_UNAVAILABLE`) |
//! | 70 | the worker dies again and again, or never got ready, or what a former program left cannot be taken over (`EX_SOFTWARE`) |
//! | 71 | the system refuses something that every service needs (`EX_OSERR`) |
//! | 77 | the privilege for a port below 1024 is missing (`EX_NOPERM`) |
//! | 78 | the configuration cannot be served: a foreign address, a file in the way, the worker's own refusal, PAM helpers that do not run (`EX_CONFIG`) |
//!
//! The numbers from 64 on are those of `sysexits.h(3head)`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The end of a monitor that was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Exit {
    /// The worker ended by itself and without complaint.
    Clean,
    /// The worker failed while stopping, or had to be killed.
    Unclean,
}

impl Exit {
    /// The exit code of the process, see the table of this module.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Unclean => 1,
        }
    }
}

/// The end of a monitor that could not start or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("the worker refuses to start: {reason}")]
    Refused { reason: String },
    #[error("the worker ended before it was ready ({status}); its own log lines say why")]
    DiedAtStart { status: ExitStatus },
    #[error("the worker was not ready within {limit:?} and was killed")]
    NotReady { limit: Duration },
    #[error("the worker died {deaths} times within {window:?}; giving up, the log says how each one ended")]
    GaveUp { deaths: usize, window: Duration },
    #[error("cannot start the launcher {}", program.display())]
    Spawn {
        program: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot start a PAM helper, rustsocks-pam")]
    NoHelper {
        #[source]
        cause: io::Error,
    },
    #[error("a PAM helper ended before the service was ready ({status}); its own words are on standard error")]
    HelperDied { status: ExitStatus },
    #[error("cannot take the place of the former program")]
    Legacy(#[from] LegacyError),
    #[error("cannot receive signals")]
    Signals {
        #[source]
        cause: io::Error,
    },
    #[error("cannot wait for events")]
    Wait {
        #[source]
        cause: io::Error,
    },
}

impl MonitorError {
    /// The exit code of the process, see the table of this module.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Bind(error) => error.code(),
            Self::Refused { .. } | Self::NoHelper { .. } | Self::HelperDied { .. } => 78,
            Self::DiedAtStart { .. } | Self::NotReady { .. } | Self::GaveUp { .. } | Self::Legacy(_) => 70,
            Self::Spawn { .. } | Self::Signals { .. } | Self::Wait { .. } => 71,
        }
    }
}

/// What a former program has left is not as a monitor leaves it.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    #[error(
        "standard input is not a monitor's socket; this role is taken by a monitor alone, start the program without it"
    )]
    NoMonitor,
    #[error("cannot take it over")]
    Io(#[from] io::Error),
    #[error("cannot read a frame")]
    Frame(#[from] wire::FrameError),
    #[error("it is not whole: {0}")]
    Broken(&'static str),
}

/// A listener that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen on {address}: somebody else does; `ss -ltnp 'sport = :{}'` shows who", address.port())]
    InUse { address: SocketAddr },
    #[error(
        "cannot listen on {address}: ports below 1024 need root or CAP_NET_BIND_SERVICE; start the service as root or choose a higher port"
    )]
    Privileged { address: SocketAddr },
    #[error(
        "cannot listen on {address}: no interface of this host has that address; `ip -brief address` lists those it has"
    )]
    NotHere { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Tcp {
        address: SocketAddr,
        #[source]
        cause: io::Error,
    },
    #[error("cannot listen on {}: somebody else does; `ss -lxp src {}` shows who", path.display(), path.display())]
    Answered { path: PathBuf },
    #[error("cannot listen on {}: there is a file that is not a socket; move it away or choose another path", path.display())]
    NotASocket { path: PathBuf },
    #[error("cannot listen on {}", path.display())]
    Unix {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot listen in {found} places: 65536 are the limit")]
    TooMany { found: usize },
}

impl BindError {
    fn code(&self) -> u8 {
        match self {
            Self::InUse { .. } | Self::Tcp { .. } | Self::Answered { .. } | Self::Unix { .. } => 69,
            Self::Privileged { .. } => 77,
            Self::NotHere { .. } | Self::NotASocket { .. } | Self::TooMany { .. } => 78,
        }
    }
}
