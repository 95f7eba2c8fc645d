//! Thousands of sessions that are in and do nothing, as far as the descriptors of one process go.

use std::net::{SocketAddr, TcpListener};
use std::thread;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::socks5::{CONNECT, greeted, rep};
use crate::wire::Wire;

/// Room in this process and, by inheritance, in the daemon: two descriptors of each session on either side.
const DESCRIPTORS: u64 = 65_536;

/// Handshakes at once that the daemon is to have room for, each of which takes a descriptor from the sessions.
pub const HANDSHAKES: u64 = 100;

/// Sessions that may come and go beside those who stay.
pub const BESIDE: usize = 100;

/// What the daemon keeps back beside the two descriptors of each session (docs/operations.md), for its two HTTP listeners too.
const RESERVED: u64 = 128 + 2 * 120 + 2 * 256 + HANDSHAKES + 2 * BESIDE as u64;

/// How many sessions fit: two descriptors of each, in the daemon as in this process, and what the daemon keeps back.
///
/// Raises this process's own limit as far as it may.
#[must_use]
pub fn room() -> usize {
    let (_, hard) = limit();
    let most = DESCRIPTORS.max(hard);
    // Not every root may raise it.
    let raised = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    raised.or_else(|_| setrlimit(Resource::RLIMIT_NOFILE, hard, hard)).expect("the soft limit may be the hard one");
    usize::try_from(limit().0.saturating_sub(RESERVED) / 2).expect("there are not so many")
}

/// The limits of a daemon that has room for so many, in which nobody is sent away for doing nothing.
#[must_use]
pub fn limits(sessions: usize) -> String {
    let most = sessions + BESIDE;
    format!("[limits]\nmax_connections = {most}\nmax_handshakes = {HANDSHAKES}\nconnection_timeout_secs = 0\n")
}

/// So many sessions through this proxy, each to the same target that says nothing; they are in for as long as these are held.
#[must_use]
pub fn settle(proxy: SocketAddr, sessions: usize) -> Vec<Wire> {
    let target = silent();
    (0..sessions).map(|_| session(proxy, target)).collect()
}

/// A target that takes whoever comes and says nothing.
fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("a listener has an address");
    thread::spawn(move || listener.incoming().flatten().collect::<Vec<_>>());
    address
}

fn session(proxy: SocketAddr, target: SocketAddr) -> Wire {
    let mut client = greeted(proxy);
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED, "a session is refused");
    client
}

fn limit() -> (u64, u64) {
    getrlimit(Resource::RLIMIT_NOFILE).expect("every process has a limit")
}
