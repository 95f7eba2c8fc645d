//! SOCKS4 and 4a on the same port.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use rig::daemon::Daemon;
use rig::dns::{Dns, Zone};
use rig::socks4::{CONNECT, GRANTED, REJECTED, named_request, request};
use rig::target::{Target, Vacant};
use rig::users::Users;
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

/// The user id is what the client calls itself: worth a log line, never an identity.
#[test]
fn socks4_userid() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let open = start(&[LOOPBACK, &users.settings(&["userpass", "none"])].concat());
    let target = Target::listen();
    let client = granted(&open, &request(CONNECT, v4(target.addr()), b"alice"));
    drop(target.accept());
    let line = open.session_of(client.leave());
    assert_eq!((line.text("user"), line.text("claimed"), line.text("dialect")), ("anonymous", "alice", "socks4"));

    let closed = start(&[LOOPBACK, &users.settings(&["userpass"])].concat());
    for user in [&b""[..], b"alice"] {
        refused(&closed, &request(CONNECT, v4(target.addr()), user));
    }
}

#[test]
fn socks4a() {
    let dns = Dns::serve(Zone::default().at("target.test", Ipv4Addr::LOCALHOST));
    let daemon = start(&[LOOPBACK, &dns.settings()].concat());
    let target = Target::listen();
    let port = target.addr().port();
    let mut client = granted(&daemon, &[&named_request(CONNECT, b"target.test", port, b"")[..], b"early"].concat());
    let mut accepted = target.accept();
    assert_eq!(&accepted.receive(), b"early");
    accepted.send(b"answer");
    assert_eq!(&client.receive(), b"answer");
    refused(&daemon, &named_request(CONNECT, b"nowhere.test", port, b""));
    refused(&daemon, &named_request(CONNECT, b"", port, b""));
}

#[test]
fn socks4_failures_have_one_code() {
    let daemon = start("[guard]\nallow = [\"127.0.0.1\"]\n");
    let held = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), 80);
    for to in [v4(Vacant::port().addr()), held] {
        refused(&daemon, &request(CONNECT, to, b""));
    }
    refused(&daemon, &request(9, held, b""));
}

#[test]
fn socks4_bytewise() {
    let daemon = start(LOOPBACK);
    let target = Target::listen();
    let mut client = Wire::connect(daemon.addr());
    client.send_bytewise(&request(CONNECT, v4(target.addr()), b"somebody"));
    assert_eq!(client.socks4_reply().code, GRANTED);
}

/// Both texts end with a zero; a client that never sends it must not fill our memory.
#[test]
fn a_text_without_end_is_refused() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nhandshake_secs = 300\n"].concat());
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
    let target = Target::listen();
    let _longest = granted(&daemon, &request(CONNECT, v4(target.addr()), &[b'u'; 255]));
    refused(&daemon, &request(CONNECT, to, &[b'u'; 4000])[..2000]);
    refused(&daemon, &named_request(CONNECT, &[b'n'; 4000], 80, b"")[..2000]);
}

fn granted(daemon: &Daemon, request: &[u8]) -> Wire {
    let mut client = Wire::connect(daemon.addr());
    client.send(request);
    assert_eq!(client.socks4_reply().code, GRANTED);
    client
}

fn refused(daemon: &Daemon, request: &[u8]) {
    let mut client = Wire::connect(daemon.addr());
    client.send(request);
    assert_eq!(client.rest(), (vec![0, REJECTED, 0, 0, 0, 0, 0, 0], End::Closed));
}

fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("SOCKS4 cannot carry {address}"),
    }
}
