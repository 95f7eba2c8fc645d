//! Three servers behind one face, for tests that compare them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::{fmt, fs};

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::port::Port;
use crate::process::Process;
use crate::wait::{PATIENCE, eventually};

/// A server without authentication that may connect to loopback.
#[derive(Debug)]
pub enum Server {
    Ours(Daemon),
    Dante(Peer),
    Microsocks(Peer),
}

/// Somebody else's server.
#[derive(Debug)]
pub struct Peer {
    port: Port,
    _process: Process,
    _directory: TempDir,
}

impl Server {
    /// Dante as Debian ships it, with every command allowed.
    ///
    /// Returns nothing when it is not installed.
    #[must_use]
    pub fn dante() -> Option<Self> {
        let program = installed("danted")?;
        Some(Self::Dante(Peer::start(|port, directory| {
            let file = directory.join("danted.conf");
            fs::write(&file, dante_config(port)).expect("a temporary directory can be written");
            let mut command = Command::new(program);
            command.arg("-f").arg(file).arg("-p").arg(directory.join("pid"));
            command
        })))
    }

    /// microsocks as Debian ships it.
    ///
    /// Returns nothing when it is not installed.
    #[must_use]
    pub fn microsocks() -> Option<Self> {
        let program = installed("microsocks")?;
        Some(Self::Microsocks(Peer::start(|port, _| {
            let mut command = Command::new(program);
            command.args(["-i", &port.ip().to_string(), "-p", &port.port().to_string()]);
            command
        })))
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match self {
            Self::Ours(daemon) => daemon.addr(),
            Self::Dante(peer) | Self::Microsocks(peer) => peer.port.addr(),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours(_) => "RustSocks",
            Self::Dante(_) => "Dante",
            Self::Microsocks(_) => "microsocks",
        })
    }
}

impl Peer {
    fn start(command: impl FnOnce(SocketAddr, &Path) -> Command) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let port = Port::reserve(Ipv4Addr::LOCALHOST.into());
        let command = command(port.addr(), directory.path());
        let mut process = Process::start(command, directory.path().join("stderr"));
        let listens = || std::net::TcpStream::connect(port.addr()).is_ok() || !process.runs();
        assert!(eventually(PATIENCE, listens) && process.runs(), "a peer did not start: {}", process.errors());
        Self { port, _process: process, _directory: directory }
    }
}

fn installed(program: &str) -> Option<std::path::PathBuf> {
    ["/usr/sbin", "/usr/bin"].iter().map(|place| Path::new(place).join(program)).find(|path| path.exists())
}

/// Dante's statements go one per line.
fn dante_config(port: SocketAddr) -> String {
    format!(
        "logoutput: stderr
internal: {} port = {}
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{
  from: 0/0 to: 0/0
  command: bind connect udpassociate bindreply udpreply
}}
",
        port.ip(),
        port.port()
    )
}
