//! Runs the example `toy` as a service and watches it from outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running monitor with its worker; killed on drop.
pub(crate) struct Toy {
    monitor: Child,
    log: Receiver<String>,
    seen: Vec<String>,
}

/// The monitor's command, to be given arguments and environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(program());
    command.arg("monitor").env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    command
}

pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("a test program has a path");
    let program: PathBuf = tests.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("examples/toy");
    assert!(program.exists(), "{} is missing: `cargo test -p rustsocks-monitor` builds it", program.display());
    program
}

impl Toy {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(command().args(arguments))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut monitor = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().expect("the toy starts");
        let stderr = monitor.stderr.take().expect("piped");
        Self { monitor, log: follow(stderr), seen: Vec::new() }
    }

    /// A toy that listens on TCP and serves, and the address.
    pub(crate) fn serving(arguments: &[&str]) -> (Self, SocketAddr) {
        let mut toy = Self::spawn(command().arg("tcp=127.0.0.1:0").args(arguments));
        let address = toy.address();
        toy.wait_for("worker ready");
        (toy, address)
    }

    /// The address of its TCP listener, as logged.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line = self.wait_for("listening");
        let (_, rest) = line.split_once("address=").expect("an address in the line");
        rest.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a socket address")
    }

    /// The next log line that contains the words.
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = match self.log.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no {words:?} in:\n{}", self.seen.join("\n"))
                }
            };
            self.seen.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send_signal(self.monitor.id(), signal);
    }

    /// Waits for the monitor's end: its exit code and everything it has logged.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = self.monitor.wait().expect("waited");
        self.seen.extend(self.log.iter());
        (status.code(), self.seen.join("\n"))
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        // The worker dies with its monitor; both calls fail harmlessly if the test has waited already.
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

fn follow(stderr: ChildStderr) -> Receiver<String> {
    let (say, log) = mpsc::channel();
    thread::spawn(move || BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
    log
}

/// Says a line to the worker and hears its whole answer.
pub(crate) fn ask(address: SocketAddr, line: &str) -> std::io::Result<String> {
    let mut answer = String::new();
    say(address, line)?.read_to_string(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}

/// Says a line to the worker and keeps the connection.
pub(crate) fn say(address: SocketAddr, line: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{line}")?;
    Ok(stream)
}

/// A session that is open until it is dropped.
pub(crate) fn hold(address: SocketAddr) -> TcpStream {
    let stream = say(address, "hold").expect("connected");
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer).expect("answered");
    assert_eq!(answer, "held\n");
    stream
}

pub(crate) fn worker(address: SocketAddr) -> u32 {
    ask(address, "pid").expect("answered").parse().expect("a pid")
}

pub(crate) fn send_signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid"));
    kill(pid, signal).expect("sent");
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
