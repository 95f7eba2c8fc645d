//! Where a listener waits: an address and port, or a Unix socket.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::problem::Fault;
use crate::values::{Parsed, Written};

/// `sun_path` holds 108 bytes and the last one is NUL (unix(7)).
const UNIX_PATH_MAX: usize = 107;

/// An address to listen on, as written: `"0.0.0.0:1081"`, `"[::1]:1080"` or `"unix:/run/rustsocks.sock"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP address; port 0 lets the kernel choose a free port.
    Tcp(SocketAddr),
    /// The absolute path of a Unix stream socket, at most 107 bytes.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Parsed for Endpoint {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text.strip_prefix("unix:") {
            Some(path) => unix(path).map(Self::Unix),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                Fault::new(format!("{text:?} is not an address to listen on"))
                    .hint("write \"192.0.2.1:1080\", \"[2001:db8::1]:1080\" or \"unix:/run/rustsocks.sock\"")
            }),
        }
    }
}

impl Written for Endpoint {
    fn written(&self) -> String {
        self.to_string()
    }
}

fn unix(path: &str) -> Result<PathBuf, Fault> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(Fault::new(format!("{path:?} is not an absolute path")).hint("write \"unix:/run/rustsocks.sock\""));
    }
    if path.len() > UNIX_PATH_MAX {
        return Err(Fault::new(format!(
            "the path of a Unix socket has at most {UNIX_PATH_MAX} bytes, not {}",
            path.len()
        ))
        .hint("choose a shorter path"));
    }
    Ok(PathBuf::from(path))
}

/// Where the metrics listener waits, as written: `"127.0.0.1"`, `"::1"` or `"unix:/run/rustsocks/metrics.sock"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsAddress {
    /// An IP address; the port is a key of its own.
    Ip(IpAddr),
    /// The absolute path of a Unix stream socket, at most 107 bytes.
    Unix(PathBuf),
}

impl Parsed for MetricsAddress {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text.strip_prefix("unix:") {
            Some(path) => unix(path).map(Self::Unix),
            None => text.parse().map(Self::Ip).map_err(|_| {
                Fault::new(format!("{text:?} is not an address to listen on"))
                    .hint("write an address without a port, \"127.0.0.1\" or \"::1\", or \"unix:/run/rustsocks/metrics.sock\"")
            }),
        }
    }
}

impl Written for MetricsAddress {
    fn written(&self) -> String {
        match self {
            Self::Ip(address) => address.to_string(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

/// The absolute path of a Unix stream socket, at most 107 bytes: `"/run/rustsocks/admin.sock"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPath(PathBuf);

impl SocketPath {
    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Parsed for SocketPath {
    fn parse(text: &str) -> Result<Self, Fault> {
        unix(text).map(Self).map_err(|fault| fault.hint("write a path: \"/run/rustsocks/admin.sock\""))
    }
}

impl Written for SocketPath {
    fn written(&self) -> String {
        self.0.display().to_string()
    }
}

/// The permission bits of a Unix socket, written in octal: `"0660"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(u32);

impl Mode {
    /// Owner and group may connect; what a Unix listener has when nothing is written.
    pub const OWNER_AND_GROUP: Self = Self(0o660);

    /// The bits for chmod(2), `0..=0o777`.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl Parsed for Mode {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        u32::from_str_radix(text, 8).ok().filter(|&bits| is_octal && bits <= 0o777).map(Self).ok_or_else(|| {
            Fault::new(format!("{text:?} is not a file mode")).hint("write it in octal, \"0000\" to \"0777\"")
        })
    }
}

impl Written for Mode {
    fn written(&self) -> String {
        format!("{:04o}", self.0)
    }
}
