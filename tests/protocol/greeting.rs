//! The first message: versions, methods, and how much of it comes at once.

use std::net::Ipv4Addr;

use rig::port::Port;
use rig::socks5::{CONNECT, GSSAPI, NO_AUTHENTICATION, USERPASS, greeting, login, rep, request};
use rig::target::Target;
use rig::users::Users;
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

#[test]
fn greet_bytewise() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let daemon = start(&[LOOPBACK, &users.settings(&["userpass"])].concat());
    let target = Target::listen();
    let mut client = Wire::connect(daemon.addr());

    client.send_bytewise(&greeting(&[USERPASS]));
    assert_eq!(client.receive(), [5, USERPASS]);
    client.send_bytewise(&login(b"alice", b"wonderland"));
    assert_eq!(client.receive(), [1, 0]);
    client.send_bytewise(&request(CONNECT, target.addr()));
    assert_eq!(client.reply().code, rep::SUCCEEDED);
    client.send_bytewise(b"payload");
    assert_eq!(&target.accept().receive(), b"payload");
}

#[test]
fn greet_pipelined() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let daemon = start(&[LOOPBACK, &users.settings(&["userpass"])].concat());
    let target = Target::listen();
    let mut client = Wire::connect(daemon.addr());
    let payload: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();

    let handshake = [greeting(&[USERPASS]), login(b"alice", b"wonderland"), request(CONNECT, target.addr())].concat();
    client.send(&[&handshake, &payload[..1000]].concat());
    client.send(&payload[1000..]);

    assert_eq!(client.receive(), [5, USERPASS]);
    assert_eq!(client.receive(), [1, 0]);
    assert_eq!(client.reply().code, rep::SUCCEEDED);
    assert!(target.accept().receive_all(payload.len()) == payload, "the payload arrives whole and in order");
}

#[test]
fn greet_nmethods_zero() {
    let daemon = start("");
    let mut client = Wire::connect(daemon.addr());
    assert_eq!(client.offer(&[]), [5, 0xff]);
    assert_eq!(client.end(), End::Closed);
}

#[test]
fn greet_no_common_method() {
    let daemon = start("");
    for methods in [&[GSSAPI][..], &[USERPASS], &[3, 0x80, 0xfe], &[0xff]] {
        let mut client = Wire::connect(daemon.addr());
        assert_eq!(client.offer(methods), [5, 0xff], "offered {methods:?}");
        assert_eq!(client.end(), End::Closed, "offered {methods:?}");
    }
}

#[test]
fn greet_wrong_version() {
    let socks_only = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let address = socks_only.addr();
    let daemon = start(&format!(
        "[[listen]]\naddress = \"{address}\"\nprotocols = [\"socks5\"]\n[timeouts]\nhandshake_secs = 300\n"
    ));
    let openings: [(&[u8], &str); 4] = [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "spoke HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "spoke TLS"),
        (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", "spoke SOCKS4"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "spoke"),
    ];
    for (opening, remark) in openings {
        let mut client = Wire::connect(address);
        client.send(opening);
        assert_eq!(client.rest().0, b"", "nothing is owed to a client that {remark}");
        let line = daemon.session_of(client.leave());
        assert_eq!(line.text("ending"), "client_violation");
        assert!(line.text("remark").contains(remark), "{:?} should tell that the client {remark}", line.text("remark"));
    }
}

#[test]
fn greet_server_preference() {
    let users = Users::of(&[("alice", b"wonderland")]);
    for (order, picked) in [(["userpass", "none"], USERPASS), (["none", "userpass"], NO_AUTHENTICATION)] {
        let daemon = start(&users.settings(&order));
        let mut client = Wire::connect(daemon.addr());
        // curl offers all three at once, in this order.
        assert_eq!(client.offer(&[NO_AUTHENTICATION, GSSAPI, USERPASS]), [5, picked], "the server prefers {order:?}");
    }
}
