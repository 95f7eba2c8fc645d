//! What the service manager hears, through a socket that plays its part.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::toy::{Toy, ask, command, hold, send_signal, worker};

/// A service manager that only listens.
struct Manager {
    socket: UnixDatagram,
    _directory: Option<TempDir>,
    name: String,
}

impl Manager {
    fn at_path() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        Self { socket, _directory: Some(directory), name: path.display().to_string() }
    }

    fn abstract_name() -> Self {
        let name = format!("rustsocks-toy-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        Self { socket: UnixDatagram::bind_addr(&address).expect("bound"), _directory: None, name: format!("@{name}") }
    }

    fn serve(&self, arguments: &[&str]) -> Toy {
        let watchdog = Duration::from_secs(6).as_micros().to_string();
        Toy::spawn(command().env("NOTIFY_SOCKET", &self.name).env("WATCHDOG_USEC", watchdog).args(arguments))
    }

    /// The next message, if one comes in time.
    fn hear(&self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within.max(Duration::from_millis(1)))).expect("set");
        let mut bytes = [0; 1024];
        let length = loop {
            match self.socket.recv(&mut bytes) {
                Ok(length) => break length,
                // With a timeout, the kernel does not resume the call by itself (signal(7)).
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => panic!("{error}"),
            }
        };
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// The next message that contains the words.
    fn wait_for(&self, words: &str) -> String {
        let mut heard = Vec::new();
        while let Some(message) = self.hear(Duration::from_secs(20)) {
            if message.contains(words) {
                return message;
            }
            heard.push(message);
        }
        panic!("no {words:?} in {heard:?}");
    }

    /// Whether the words come within the time.
    fn hears(&self, words: &str, within: Duration) -> bool {
        let until = Instant::now() + within;
        std::iter::from_fn(|| self.hear(until.checked_duration_since(Instant::now())?))
            .any(|message| message.contains(words))
    }
}

#[test]
fn it_hears_of_the_whole_life_of_the_service() {
    for manager in [Manager::at_path(), Manager::abstract_name()] {
        let mut toy = manager.serve(&["tcp=127.0.0.1:0"]);
        let address = toy.address();
        manager.wait_for("STATUS=Starting: worker ");
        manager.wait_for("READY=1");
        let worker = worker(address);
        manager.wait_for(&format!("STATUS=Serving: worker {worker}, sessions 0, restarts 0"));
        manager.wait_for("WATCHDOG=1");
        let _session = hold(address);
        manager.wait_for(&format!("STATUS=Serving: worker {worker}, sessions 1, restarts 0"));

        send_signal(worker, Signal::SIGKILL);
        manager.wait_for("sessions 0, restarts 1");
        toy.signal(Signal::SIGTERM);
        let stopping = manager.wait_for("STOPPING=1");
        assert!(stopping.contains("EXTEND_TIMEOUT_USEC=36000000"), "{stopping}");
        manager.wait_for("STATUS=Stopped");
        assert_eq!(toy.end().0, Some(0));
    }
}

#[test]
fn it_is_fed_only_while_the_worker_beats() {
    let manager = Manager::at_path();
    let mut toy = manager.serve(&["tcp=127.0.0.1:0", "watchdog_ms=8000"]);
    let address = toy.address();
    for _ in 0..3 {
        assert!(manager.hears("WATCHDOG=1", Duration::from_secs(4)), "fed every two seconds");
    }
    ask(address, "hush").expect("answered");
    let mut fed = Instant::now();
    loop {
        let message = manager.hear(Duration::from_secs(20)).expect("the worker is restarted");
        if message.contains("WATCHDOG=1") {
            fed = Instant::now();
        } else if message.contains(", restarts 1") {
            break;
        }
    }
    // Silence counts after three of the eight seconds.
    assert!(fed.elapsed() > Duration::from_secs(4), "{:?}", fed.elapsed());
    assert!(manager.hears("WATCHDOG=1", Duration::from_secs(4)), "the next worker beats");
}

#[test]
fn its_variables_are_not_passed_on() {
    let manager = Manager::at_path();
    let mut toy = manager.serve(&["tcp=127.0.0.1:0"]);
    let address = toy.address();
    let names = ask(address, "environment").expect("answered");
    assert!(names.split(' ').any(|name| name == "PATH"), "{names}");
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"] {
        assert!(!names.split(' ').any(|found| found == name), "{name}");
    }
}

#[test]
fn it_hears_in_one_line_why_the_service_did_not_start() {
    let manager = Manager::at_path();
    let toy = manager.serve(&["behaviour=refuse"]);
    let last = manager.wait_for("STATUS=Failed");
    assert_eq!(last, "STATUS=Failed: the worker refuses to start: line 3: no such key MAINPID=1\n");
    assert_eq!(toy.end().0, Some(78));
}
