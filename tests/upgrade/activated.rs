//! Sockets of the service manager: the first client starts the service, and reload and upgrade keep them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::thread;

use nix::sys::signal::Signal;
use rig::port::Port;
use rig::service::{Launch, Service};
use rig::target::{Target, echo};
use rig::visitor::{Failure, visit};
use rig::wait::{PATIENCE, found};

use crate::{Installed, LOOPBACK, all_went_well, said, serves, upgrade};

/// The signal alone reloads, so that each reload of a test has its line.
const QUIET: &str = "[server]\nwatch_files = false\n";

const BOTH: &str = "[[listen]]\naddress = \"unix:{dir}/socks\"\n";

#[test]
fn the_first_client_starts_the_service_and_reload_and_upgrade_keep_the_sockets() {
    let (installed, target) = (Installed::new(), Target::listen().serve(echo));
    let service = activated(&installed, target);
    let path = service.directory().join("socks");
    assert_eq!(said(&service, "socket taken over from the service manager"), 2);
    UnixStream::connect(&path).expect("the second socket is served, too");

    let visitors = rig::visitor::Visitors::come(service.addr(), target);
    for text in [[QUIET, LOOPBACK].concat(), [QUIET, LOOPBACK, BOTH].concat()] {
        service.rewrite(&text);
        let reload = service.reload();
        assert_eq!(reload.text("configuration"), "applied", "{reload:?}");
        assert!(path.exists(), "the file is the service manager's");
    }
    let worker = service.worker_pid();
    assert_ne!(upgrade(&service, &installed), worker);
    serves(service.addr(), target);
    assert!(all_went_well(visitors) > 0);
}

#[test]
fn a_socket_at_no_listener_is_told_and_does_not_hinder() {
    let (installed, target) = (Installed::new(), Target::listen().serve(echo));
    let launch = Launch::of(&installed.path()).config(LOOPBACK);
    let elsewhere = Port::reserve([127, 0, 0, 1].into());
    let wrapper = wrapper(&launch, &[&format!("--listen={}", elsewhere.addr())]);
    let service = start(launch.behind(&wrapper), target);
    let words = service.event_with("left a socket where no listener of the configuration is");
    assert!(words.contains("nobody serves it"), "{words}");
    serves(service.addr(), target);
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    rig::usage::require_root();
    let (installed, target) = (Installed::new(), Target::listen().serve(echo));
    let service = Launch::of(&installed.path()).config(LOOPBACK).env("LISTEN_PID", "1").env("LISTEN_FDS", "1").start();
    serves(service.addr(), target);
    assert_eq!(said(&service, "socket taken over from the service manager"), 0);
}

/// A service with a TCP and a Unix socket that were there before it; the latter's file outlives it.
fn activated(installed: &Installed, target: SocketAddr) -> Service {
    rig::usage::require_root();
    let launch = Launch::of(&installed.path()).config(&[QUIET, LOOPBACK, BOTH].concat());
    let path = launch.directory().join("socks");
    let wrapper = wrapper(&launch, &[&format!("--listen={}", path.display())]);
    start(launch.behind(&wrapper), target)
}

/// systemd-socket-activate(1), which listens, waits for a client, and becomes the program.
fn wrapper(launch: &Launch, more: &[&str]) -> String {
    let names = vec!["socks"; 1 + more.len()].join(":");
    let kept = ["NOTIFY_SOCKET", "RUSTSOCKS_LOGGING_FILE", "RUSTSOCKS_LOGGING_FORMAT", "STATE_DIRECTORY"];
    let kept = kept.map(|variable| format!("--setenv={variable}")).join(" ");
    format!("systemd-socket-activate --listen={} {} --fdname={names} {kept}", launch.addr(), more.join(" "))
}

/// Its first client comes before it does, and is served.
fn start(launch: Launch, target: SocketAddr) -> Service {
    let proxy = launch.addr();
    let first = thread::spawn(move || {
        found(2 * PATIENCE, || match visit(proxy, target, b"first") {
            Err(Failure::NotConnected(_)) => None,
            visited => Some(visited),
        })
    });
    let service = launch.start();
    let visited = first.join().expect("the client does not panic").expect("the socket was there");
    assert!(visited.is_ok(), "{visited:?}");
    service
}

#[test]
fn the_file_of_a_socket_stays_when_the_service_stops() {
    let (installed, target) = (Installed::new(), Target::listen().serve(echo));
    let mut service = activated(&installed, target);
    let path = service.directory().join("socks");
    service.process.signal(Signal::SIGTERM);
    assert!(service.process.exit_within(2 * PATIENCE).is_some_and(|exit| exit.success()));
    assert!(fs::symlink_metadata(path).is_ok());
}
