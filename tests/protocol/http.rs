//! HTTP CONNECT on the same port.

use std::net::Ipv4Addr;
use std::time::Duration;

use rig::daemon::Daemon;
use rig::dns::{Answer, Dns, Zone};
use rig::http::{Head, connect};
use rig::target::{Target, Unanswering, Vacant};
use rig::users::Users;
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

/// "alice:wonderland" and "alice:looking-glass" in the Basic scheme (RFC 7617 §2).
const RIGHT: &str = "Proxy-Authorization: Basic YWxpY2U6d29uZGVybGFuZA==";
const WRONG: &str = "proxy-authorization: basic YWxpY2U6bG9va2luZy1nbGFzcw==";

#[test]
fn http_connect_same_port() {
    let dns = Dns::serve(Zone::default().at("target.test", Ipv4Addr::LOCALHOST).with("broken.test", Answer::Failure));
    let only_one_address = "[guard]\nallow = [\"127.0.0.1\"]\n[timeouts]\nconnect_secs = 1\n";
    let daemon = start(&[only_one_address, &dns.settings()].concat());
    let (target, vacant) = (Target::listen(), Vacant::port());
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());

    for host in ["127.0.0.1", "target.test"] {
        let (mut client, head) = answered(&daemon, &connect(&format!("{host}:{}", target.addr().port()), &[]));
        assert_eq!(head.status, 200, "{}", head.text);
        client.send(b"\x16\x03\x01");
        assert_eq!(target.accept().receive(), [0x16, 3, 1]);
    }
    check(&daemon, &vacant.addr().to_string(), 502);
    check(&daemon, "nowhere.test:80", 502);
    check(&daemon, "broken.test:80", 502);
    check(&daemon, &full.addr().to_string(), 504);
    check(&daemon, "127.0.0.2:80", 403);
}

#[test]
fn http_connect_says_yes_only_after_the_dial() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nconnect_secs = 2\n"].concat());
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());
    let mut client = Wire::connect(daemon.addr());
    client.send(&connect(&full.addr().to_string(), &[]));
    assert!(client.is_silent_for(Duration::from_millis(800)), "nothing is said before the dial is done");
    assert_eq!(client.http_head().status, 504);
}

#[test]
fn http_connect_keeps_early_data() {
    let daemon = start(LOOPBACK);
    let target = Target::listen();
    let early = [&connect(&target.addr().to_string(), &["User-Agent: test"])[..], b"early"].concat();
    let mut client = Wire::connect(daemon.addr());
    client.send(&early);
    assert_eq!(&target.accept().receive(), b"early");
    assert_eq!(client.http_head().status, 200);
    let mut bytewise = Wire::connect(daemon.addr());
    bytewise.send_bytewise(&early);
    assert_eq!(&target.accept().receive(), b"early");
}

#[test]
fn http_connect_authenticates() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let daemon = start(&[LOOPBACK, &users.settings(&["userpass"])].concat());
    let target = Target::listen();
    let to = target.addr().to_string();
    let (client, head) = answered(&daemon, &connect(&to, &[RIGHT]));
    assert_eq!(head.status, 200, "{}", head.text);
    drop(target.accept());
    let line = daemon.session_of(client.leave());
    assert_eq!((line.text("user"), line.text("dialect")), ("alice", "http"));

    for headers in
        [&[][..], &[WRONG], &["Proxy-Authorization: Basic !"], &["Proxy-Authorization: Bearer x"], &[RIGHT, RIGHT]]
    {
        let (mut client, head) = answered(&daemon, &connect(&to, headers));
        assert_eq!(head.status, 407, "{headers:?}");
        assert!(head.text.to_ascii_lowercase().contains("proxy-authenticate: basic realm="), "{}", head.text);
        assert_eq!(client.rest().1, End::Closed);
    }
}

#[test]
fn what_is_not_a_connect_is_answered_and_closed() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nhandshake_secs = 300\n"].concat());
    let endless_head = [&b"CONNECT a:80 HTTP/1.1\r\nX: "[..], &vec![b'x'; 20_000]].concat();
    let requests: [(&[u8], u16); 5] = [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT a HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT a:80 HTTP/2.0\r\n\r\n", 505),
        (b"CONNECT a:80\r\n\r\n", 400),
        (&endless_head, 431),
    ];
    for (request, status) in requests {
        let (mut client, head) = answered(&daemon, request);
        assert_eq!(head.status, status, "{}", request.escape_ascii());
        assert_eq!(client.rest().1, End::Closed);
        assert_eq!(daemon.session_of(client.leave()).text("ending"), "client_violation");
    }
}

fn check(daemon: &Daemon, authority: &str, status: u16) {
    let (mut client, head) = answered(daemon, &connect(authority, &[]));
    assert_eq!(head.status, status, "CONNECT {authority}");
    assert_eq!(client.rest().1, End::Closed, "CONNECT {authority}");
}

fn answered(daemon: &Daemon, request: &[u8]) -> (Wire, Head) {
    let mut client = Wire::connect(daemon.addr());
    client.send(request);
    let head = client.http_head();
    (client, head)
}
