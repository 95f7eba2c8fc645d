//! A rustsocks daemon of our own: with its own directory, port and log, and gone with its owner.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::place;
use crate::port::Port;
use crate::process::Process;
use crate::session_log::{Line, SessionLog};
use crate::wait::PATIENCE;

/// A daemon that is ready.
#[derive(Debug)]
pub struct Daemon {
    pub process: Process,
    pub log: SessionLog,
    port: Port,
    directory: TempDir,
}

impl Daemon {
    /// Starts `program` on a free port of 127.0.0.1 and waits until it says that it is ready.
    ///
    /// In `config`, the file's text, `{dir}` stands for the daemon's directory. Address, port and the place and form of
    /// the log are the rig's.
    #[must_use]
    pub fn start(program: &Path, config: &str) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), program, config)
    }

    /// The same on another address.
    #[must_use]
    pub fn start_on(ip: IpAddr, program: &Path, config: &str) -> Self {
        let directory = place::for_everybody();
        let port = Port::reserve(ip);
        let config = write_config(directory.path(), config);
        let notices = Notices::listen(directory.path());
        let log = directory.path().join("log");
        let mut command = Command::new(program);
        command.arg("--config").arg(config).env("NOTIFY_SOCKET", &notices.path);
        command.args(["--bind", &ip.to_string(), "--port", &port.addr().port().to_string()]);
        command.env("RUSTSOCKS_LOGGING_FORMAT", "json").env("RUSTSOCKS_LOGGING_FILE", &log);
        command.env("STATE_DIRECTORY", directory.path());
        let mut process = Process::start(command, directory.path().join("stderr"));
        notices.wait_for_ready(&mut process);
        Self { process, log: SessionLog::of(log), port, directory }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Its own directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process that speaks with clients.
    #[must_use]
    pub fn worker_pid(&self) -> u32 {
        let children = self.process.children();
        assert_eq!(children.len(), 1, "the monitor has one worker");
        children[0]
    }

    /// The line of the one session that is over; waits for it.
    #[must_use]
    pub fn session(&self) -> Line {
        self.session_where(|_| true)
    }

    /// The line of the session from this client address; waits for it.
    #[must_use]
    pub fn session_of(&self, client: SocketAddr) -> Line {
        let client = client.to_string();
        self.session_where(|line| line.text("client") == client)
    }

    fn session_where(&self, wanted: impl Fn(&Line) -> bool) -> Line {
        self.log.session(wanted, PATIENCE).expect("the session is over and has its line")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if thread::panicking() {
            tell(&self.process.errors(), &self.log.text());
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test harness shows it below the failure")]
fn tell(errors: &str, log: &str) {
    eprintln!("--- the daemon's standard error\n{errors}--- and its log\n{log}---");
}

fn write_config(directory: &Path, config: &str) -> PathBuf {
    let place = directory.to_str().expect("temporary directories have plain names");
    let file = directory.join("rustsocks.toml");
    fs::write(&file, config.replace("{dir}", place)).expect("a temporary directory can be written");
    file
}

/// The service manager's side of `sd_notify(3)`.
struct Notices {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Notices {
    fn listen(directory: &Path) -> Self {
        let path = directory.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a temporary directory can hold a socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("the limit is not zero");
        Self { socket, path }
    }

    fn wait_for_ready(&self, process: &mut Process) {
        let deadline = Instant::now() + PATIENCE;
        while !self.next_says_ready() {
            assert!(process.runs(), "the daemon ended: {}", process.errors());
            assert!(Instant::now() < deadline, "the daemon is not ready: {}", process.errors());
        }
    }

    fn next_says_ready(&self) -> bool {
        let mut notice = [0; 4096];
        let length = self.socket.recv(&mut notice).unwrap_or_default();
        notice[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1")
    }
}
