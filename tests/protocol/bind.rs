//! BIND: two replies, and where the peer is awaited.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use rig::daemon::Daemon;
use rig::network;
use rig::socks4;
use rig::socks5::{BIND, Reply, greeted, rep};
use rig::wire::Wire;

use crate::{LOOPBACK, start, start_on};

const ON: &str = "[commands]\nbind = true\n";
const ANYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

#[test]
fn bind_two_replies() {
    let daemon = start(&[LOOPBACK, ON].concat());
    for expected_peer in [ANYBODY, SocketAddr::from(([127, 0, 0, 1], 21))] {
        let (client, awaited) = listening(&daemon, expected_peer);
        assert!(client.is_silent_for(Duration::from_millis(50)), "the second reply waits for the peer");
        assert_joined(client, Wire::connect(awaited));
    }
}

/// Behind NAT the peer needs the address that reaches us from outside.
#[test]
fn bind_tells_the_advertised_address() {
    let daemon = start(&[LOOPBACK, ON, "[bind]\nadvertised_address_v4 = \"198.51.100.7\"\n"].concat());
    let (client, awaited) = listening(&daemon, ANYBODY);
    assert_eq!(awaited.ip().to_string(), "198.51.100.7");
    assert_joined(client, Wire::connect(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), awaited.port())));
}

#[test]
fn bind_v6() {
    let daemon = start_on(Ipv6Addr::LOCALHOST, &[LOOPBACK, ON].concat());
    for expected_peer in ["[::]:0", "[::1]:0"] {
        let (client, awaited) = listening(&daemon, expected_peer.parse().unwrap());
        assert_eq!(awaited.ip(), IpAddr::from(Ipv6Addr::LOCALHOST));
        assert_joined(client, Wire::connect(awaited));
    }
}

#[test]
fn bind_port_hint() {
    network::alone(|| {
        let daemon = start(&[LOOPBACK, ON].concat());
        let hint = SocketAddr::from(([0, 0, 0, 0], 7_021));
        let (_first, granted) = listening(&daemon, hint);
        assert_eq!(granted.port(), 7_021, "a free port is granted");
        let (_second, taken) = listening(&daemon, hint);
        assert_ne!(taken.port(), 7_021, "a port that is taken is only a wish");
        let (_third, privileged) = listening(&daemon, SocketAddr::from(([0, 0, 0, 0], 21)));
        assert_ne!(privileged.port(), 21, "privileged ports are not for clients");
    });
}

#[test]
fn bind_port_range() {
    network::alone(|| {
        let daemon = start(&[LOOPBACK, ON, "[bind]\nport_range = \"7000-7002\"\n"].concat());
        let hint = SocketAddr::from(([0, 0, 0, 0], 9_000));
        let (_clients, mut ports): (Vec<_>, Vec<_>) =
            (0..3).map(|_| listening(&daemon, hint)).map(|(client, awaited)| (client, awaited.port())).unzip();
        ports.sort_unstable();
        assert_eq!(ports, [7_000, 7_001, 7_002]);
        let mut client = greeted(daemon.addr());
        assert_eq!(client.ask(BIND, hint).code, rep::GENERAL, "the range is exhausted");
        assert_eq!(daemon.session_of(client.leave()).text("reason"), "ports_exhausted");
    });
}

#[test]
fn bind_off() {
    let daemon = start(LOOPBACK);
    assert_eq!(greeted(daemon.addr()).ask(BIND, ANYBODY).code, rep::COMMAND);
}

#[test]
fn bind_socks4() {
    let daemon = start(&[LOOPBACK, ON].concat());
    let mut client = Wire::connect(daemon.addr());
    let expected_peer = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    client.send(&socks4::request(socks4::BIND, expected_peer, b"alice"));
    let first = client.socks4_reply();
    assert_eq!((first.code, *first.bound.ip()), (socks4::GRANTED, Ipv4Addr::LOCALHOST));
    let mut peer = Wire::connect(first.bound.into());
    let second = client.socks4_reply();
    assert_eq!((second.code, SocketAddr::from(second.bound)), (socks4::GRANTED, peer.local()));
    peer.send(b"from the peer");
    assert_eq!(&client.receive(), b"from the peer");
}

/// A client whose BIND is granted, and where its peer is awaited: an address that a peer can use.
fn listening(daemon: &Daemon, expected_peer: SocketAddr) -> (Wire, SocketAddr) {
    let mut client = greeted(daemon.addr());
    let Reply { code, bound } = client.ask(BIND, expected_peer);
    let awaited = bound.address();
    assert_eq!(code, rep::SUCCEEDED);
    assert!(!awaited.ip().is_unspecified() && awaited.port() != 0, "no peer can connect to {awaited}");
    (client, awaited)
}

/// The second reply names the peer; then bytes go both ways.
fn assert_joined(mut client: Wire, mut peer: Wire) {
    peer.send(b"from the peer");
    let second = client.reply();
    assert_eq!((second.code, second.bound.address()), (rep::SUCCEEDED, peer.local()));
    assert_eq!(&client.receive(), b"from the peer");
    client.send(b"from the client");
    assert_eq!(&peer.receive(), b"from the client");
}
