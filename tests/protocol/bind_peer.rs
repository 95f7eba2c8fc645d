//! BIND: which peer is let in, how long it is awaited, and what is left when nobody comes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rig::daemon::Daemon;
use rig::dns::{Dns, Zone};
use rig::socks5::{BIND, Destination, greeted, rep};
use rig::wait::{PATIENCE, eventually};
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

const ON: &str = "[commands]\nbind = true\n";
const EXPECTED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

/// A peer that was not named is turned away, and the wait for the right one goes on: a stranger who is faster must not
/// be able to spoil it.
#[test]
fn bind_peer_filter() {
    let daemon = start(&[LOOPBACK, ON].concat());
    let (client, awaited) = listening(&daemon, SocketAddr::new(EXPECTED, 0));
    for _ in 0..3 {
        turned_away(OTHER, awaited);
    }
    assert!(client.is_silent_for(Duration::from_millis(50)), "the client is told nothing of strangers");
    assert_let_in(client, Wire::connect_from(EXPECTED, awaited));
}

#[test]
fn a_peer_may_be_named_by_its_host_name() {
    let dns = Dns::serve(Zone::default().at("peer.test", Ipv4Addr::new(127, 0, 0, 9)));
    let daemon = start(&[LOOPBACK, ON, &dns.settings()].concat());
    let (client, awaited) = listening(&daemon, ("peer.test", 0));
    turned_away(OTHER, awaited);
    assert_let_in(client, Wire::connect_from(EXPECTED, awaited));
}

/// Whoever the client may not reach may not come in either.
#[test]
fn bind_acl_reply() {
    let daemon = start(&["[guard]\nallow = [\"127.0.0.1\", \"127.0.0.9\"]\n", ON].concat());
    let (client, awaited) = listening(&daemon, SocketAddr::from(([0, 0, 0, 0], 0)));
    turned_away(OTHER, awaited);
    assert!(client.is_silent_for(Duration::from_millis(50)), "a peer that the guard holds is not announced");
    assert_let_in(client, Wire::connect_from(EXPECTED, awaited));
}

#[test]
fn bind_timeout() {
    let daemon = start(&[LOOPBACK, ON, "[timeouts]\nbind_secs = 1\n"].concat());
    let (mut client, awaited) = listening(&daemon, SocketAddr::new(EXPECTED, 0));
    let began = Instant::now();
    // Strangers do not extend it.
    while client.is_silent_for(Duration::from_millis(100)) && began.elapsed() < PATIENCE {
        drop(TcpStream::connect_timeout(&awaited, Duration::from_millis(100)));
    }
    assert_eq!(client.reply().code, rep::TTL_EXPIRED);
    assert_eq!(client.end(), End::Closed);
    assert_closed(awaited);
    assert_eq!(daemon.session_of(client.leave()).text("reason"), "no_peer");
}

#[test]
fn bind_client_leaves() {
    let daemon = start(&[LOOPBACK, ON, "[timeouts]\nbind_secs = 3600\n"].concat());
    let (client, awaited) = listening(&daemon, SocketAddr::new(EXPECTED, 0));
    assert_eq!(daemon.session_of(client.leave()).text("ending"), "client_left");
    assert_closed(awaited);
}

/// One peer is one connection: the listener is closed as soon as it has come.
#[test]
fn a_second_peer_finds_nobody() {
    let daemon = start(&[LOOPBACK, ON].concat());
    let (mut client, awaited) = listening(&daemon, SocketAddr::new(EXPECTED, 0));
    let _first = Wire::connect_from(EXPECTED, awaited);
    assert_eq!(client.reply().code, rep::SUCCEEDED);
    assert_closed(awaited);
}

fn listening(daemon: &Daemon, expected_peer: impl Into<Destination>) -> (Wire, SocketAddr) {
    let mut client = greeted(daemon.addr());
    let first = client.ask(BIND, expected_peer);
    assert_eq!(first.code, rep::SUCCEEDED);
    (client, first.bound.address())
}

/// The stranger is gone again, perhaps before it has seen itself connected.
fn turned_away(stranger: IpAddr, awaited: SocketAddr) {
    if let Ok(mut stranger) = Wire::try_connect_from(stranger, awaited) {
        let _ = stranger.end();
    }
}

fn assert_let_in(mut client: Wire, mut peer: Wire) {
    let second = client.reply();
    assert_eq!((second.code, second.bound.address()), (rep::SUCCEEDED, peer.local()));
    peer.send(b"let in");
    assert_eq!(&client.receive(), b"let in");
}

fn assert_closed(listener: SocketAddr) {
    let is_closed = || TcpStream::connect_timeout(&listener, Duration::from_secs(1)).is_err();
    assert!(eventually(PATIENCE, is_closed), "{listener} is still open");
}
