//! A listener in the file system: its mode says who may connect, and its file comes and goes with the daemon.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::sys::signal::Signal;
use rig::signals::send;
use rig::socks5::{CONNECT, NO_AUTHENTICATION, UDP_ASSOCIATE, greeting, rep, request};
use rig::target::{Target, echo};
use rig::wait::{PATIENCE, eventually};

use crate::launch;

const LISTEN: &str = "[[listen]]\naddress = \"unix:{dir}/socks\"\n";

#[test]
fn the_file_has_its_mode_serves_and_goes_with_the_daemon() {
    for (line, mode) in [("", 0o660), ("mode = \"0600\"\n", 0o600), ("mode = \"0666\"\n", 0o666)] {
        let mut service = launch(&[LISTEN, line].concat()).start();
        let path = service.directory().join("socks");
        assert_eq!(fs::metadata(&path).expect("the socket is there").permissions().mode() & 0o777, mode);
        assert_served(&path);
        let line =
            service.log.session(|line| line.text("client") == "local", PATIENCE).expect("the session has its line");
        assert_eq!(line.text("ending"), "client_closed");
        service.process.signal(Signal::SIGTERM);
        assert!(service.process.exit_within(PATIENCE).is_some(), "it ends");
        assert!(!path.exists(), "the file went with the daemon");
    }
}

#[test]
fn the_file_survives_a_worker_and_serves_the_next_one() {
    let service = launch(LISTEN).start();
    let path = service.directory().join("socks");
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _ = service.successor_of(worker);
    assert_served(&path);
}

/// What SIGKILL leaves behind is no obstacle.
#[test]
fn a_socket_of_an_earlier_run_is_replaced() {
    let launch = launch(LISTEN);
    let path = launch.directory().join("socks");
    drop(UnixListener::bind(&path).expect("a temporary directory can hold a socket"));
    assert!(path.exists(), "nobody removes it");
    let _service = launch.start();
    assert_served(&path);
}

/// UDP ASSOCIATE needs addresses, and a client here has none.
#[test]
fn datagrams_are_refused_to_a_client_without_an_address() {
    let service = launch(LISTEN).start();
    let mut client = connected(&service.directory().join("socks"));
    assert_eq!(ask(&mut client, UDP_ASSOCIATE, SocketAddr::from(([0, 0, 0, 0], 0))), rep::COMMAND);
}

fn assert_served(path: &Path) {
    let mut client = connected(path);
    assert_eq!(ask(&mut client, CONNECT, Target::listen().serve(echo)), rep::SUCCEEDED);
    client.write_all(b"through a file").expect("the other side reads");
    client.shutdown(std::net::Shutdown::Write).expect("the connection is open");
    let mut echoed = Vec::new();
    client.read_to_end(&mut echoed).expect("the echo ends");
    assert_eq!(echoed, b"through a file");
}

fn connected(path: &Path) -> UnixStream {
    let takes = || UnixStream::connect(path).is_ok();
    assert!(eventually(PATIENCE, takes), "{} takes no connection", path.display());
    let client = UnixStream::connect(path).expect("it took one a moment ago");
    client.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    client
}

/// The reply code to a request after a greeting.
fn ask(client: &mut UnixStream, command: u8, to: SocketAddr) -> u8 {
    client.write_all(&greeting(&[NO_AUTHENTICATION])).expect("the other side reads");
    client.write_all(&request(command, to)).expect("the other side reads");
    let mut choice_and_reply = [0; 2 + 10];
    client.read_exact(&mut choice_and_reply).expect("choice and reply come");
    choice_and_reply[3]
}
