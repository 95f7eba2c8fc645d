//! What a client that is not identified yet may take: time and room.

use std::time::{Duration, Instant};

use rig::daemon::Daemon;
use rig::socks5::{CONNECT, greeted, greeting, rep};
use rig::target::{Target, tunnel};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{LOOPBACK, start};

#[test]
fn handshake_deadline() {
    let daemon = start("[timeouts]\nhandshake_secs = 1\n");
    let mut client = Wire::connect(daemon.addr());
    let began = Instant::now();
    // 255 methods at one per 200 ms are 51 s of a client that is never silent for long.
    let message = greeting(&[0; 255]);
    let ended = message.iter().any(|byte| {
        let sent = client.try_send(&[*byte]);
        let (_, end) = client.hear(1, Duration::from_millis(200));
        sent.is_err() || end.is_some()
    });
    let taken = began.elapsed();
    assert!(ended, "a byte every 200 ms must not extend the deadline");
    assert!(taken > Duration::from_millis(900) && taken < Duration::from_secs(15), "closed after {taken:?}");
    assert_eq!(daemon.session().text("ending"), "handshake_timeout");
}

#[test]
fn handshake_cap() {
    let daemon = start(&[LOOPBACK, "[limits]\nmax_handshakes = 4\n[timeouts]\nhandshake_secs = 300\n"].concat());
    let slow: Vec<_> = (0..12).map(|_| half_greeted(&daemon)).collect();
    let shed = || daemon.log.sessions().len();
    assert!(eventually(PATIENCE, || shed() == 8), "{} of 12 gave way where 4 may stay", shed());
    let (mut client, mut target) = tunnel(daemon.addr());
    client.send(b"a real user");
    assert_eq!(&target.receive(), b"a real user");
    assert!(daemon.log.sessions().iter().all(|line| line.text("ending") == "handshake_shed"));
    drop(slow);

    // Whoever is identified no longer counts: more of them than the ceiling live side by side.
    let others: Vec<_> = (0..6).map(|_| tunnel(daemon.addr())).collect();
    client.send(b"still here");
    assert_eq!(&target.receive(), b"still here");
    drop(others);
}

#[test]
fn a_request_beyond_max_connections_is_refused_with_a_reply() {
    let daemon = start(&[LOOPBACK, "[limits]\nmax_connections = 1\n"].concat());
    let first = tunnel(daemon.addr());
    let target = Target::listen();
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, target.addr()).code, rep::NOT_ALLOWED);
    drop(first);
    let is_granted = || greeted(daemon.addr()).ask(CONNECT, target.addr()).code == rep::SUCCEEDED;
    assert!(eventually(PATIENCE, is_granted), "the seat of a session that is over is free");
}

fn half_greeted(daemon: &Daemon) -> Wire {
    let mut client = Wire::connect(daemon.addr());
    client.send(&[5]);
    client
}
