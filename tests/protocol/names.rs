//! Names instead of addresses: who resolves them, and what a name may not get around.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rig::dns::{Answer, Dns, Zone};
use rig::socks5::{CONNECT, Destination, GSSAPI, Host, NO_AUTHENTICATION, USERPASS, greeted, rep};
use rig::target::Target;
use rig::wire::Wire;

use crate::{LOOPBACK, start};

#[test]
fn proxychains_remote_dns() {
    resolved_by_the_proxy(&[NO_AUTHENTICATION, USERPASS]);
}

#[test]
fn socks5h() {
    resolved_by_the_proxy(&[NO_AUTHENTICATION, GSSAPI]);
}

#[test]
fn what_works_with_ssh_works_here() {
    resolved_by_the_proxy(&[NO_AUTHENTICATION]);
}

#[test]
fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let dns = Dns::serve(Zone::default().with("long.test", Answer::OnlyOverTcp(vec![Ipv4Addr::LOCALHOST.into()])));
    let daemon = start(&[LOOPBACK, &dns.settings()].concat());
    let target = Target::listen();
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, ("long.test", target.addr().port())).code, rep::SUCCEEDED);
}

#[test]
fn connect_domain_255() {
    let longest_possible = [&"a".repeat(63), &*"b".repeat(63), &"c".repeat(63), &"d".repeat(61)].join(".");
    let dns = Dns::serve(Zone::default().at(&longest_possible, Ipv4Addr::LOCALHOST));
    let daemon = start(&[LOOPBACK, &dns.settings()].concat());
    let target = Target::listen();
    let port = target.addr().port();

    let reply = greeted(daemon.addr()).ask(CONNECT, (longest_possible.as_str(), port));
    assert_eq!((longest_possible.len(), reply.code), (253, rep::SUCCEEDED));
    // The field takes 255 bytes, more than a host name can have (RFC 1035 §2.3.4).
    for name in [vec![b'a'; 255], vec![0xff; 255], [b'a', b'.'].repeat(127), b"line\r\nbreak.test\0".to_vec()] {
        let length = name.len();
        let to = Destination { host: Host::Name(name), port };
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, to).code, rep::HOST_UNREACHABLE, "{length} bytes");
    }
}

#[test]
fn connect_domain_is_ip_literal() {
    let daemon = start("[guard]\nallow = [\"127.0.0.1\", \"::1\"]\n");
    let (v4, v6) = (Target::listen(), Target::listen_on(Ipv6Addr::LOCALHOST.into()));
    for (literal, target) in [("127.0.0.1", &v4), ("::1", &v6)] {
        let reply = greeted(daemon.addr()).ask(CONNECT, (literal, target.addr().port()));
        assert_eq!((reply.code, reply.bound.address()), (rep::SUCCEEDED, target.accept().peer()), "{literal}");
    }
    for literal in ["127.0.0.2", "::ffff:127.0.0.2", "::", "0.0.0.0"] {
        let code = greeted(daemon.addr()).ask(CONNECT, (literal, v4.addr().port())).code;
        assert_eq!(code, rep::NOT_ALLOWED, "{literal} is judged as the address that it is");
    }
}

/// `inet_aton(3)` reads these as addresses; here they are neither addresses nor names.
#[test]
fn an_address_in_disguise_is_refused() {
    let daemon = start(LOOPBACK);
    let target = Target::listen();
    for disguise in ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1"] {
        let code = greeted(daemon.addr()).ask(CONNECT, (disguise, target.addr().port())).code;
        assert_eq!(code, rep::HOST_UNREACHABLE, "{disguise}");
    }
}

/// A name whose addresses are all held is refused, and one good address does not let another one in.
#[test]
fn every_resolved_address_is_judged() {
    let held = Ipv4Addr::new(127, 0, 0, 2);
    let mixed = vec![held.into(), Ipv4Addr::LOCALHOST.into()];
    let dns = Dns::serve(Zone::default().at("held.test", held).with("mixed.test", Answer::Addresses(mixed)));
    let daemon = start(&["[guard]\nallow = [\"127.0.0.1\"]\n", &dns.settings()].concat());
    let behind_the_guard = Target::listen_on(held.into());
    let port = behind_the_guard.addr().port();
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, ("held.test", port)).code, rep::NOT_ALLOWED);
    assert_ne!(greeted(daemon.addr()).ask(CONNECT, ("mixed.test", port)).code, rep::SUCCEEDED);
    assert!(behind_the_guard.is_left_alone_for(Duration::from_millis(50)), "it was dialled all the same");
}

/// The client's greeting offers what that client offers; then it asks for a name.
fn resolved_by_the_proxy(offered: &[u8]) {
    let dns = Dns::serve(Zone::default().at("target.test", Ipv4Addr::LOCALHOST));
    let daemon = start(&[LOOPBACK, &dns.settings()].concat());
    let target = Target::listen();
    let mut client = Wire::connect(daemon.addr());
    assert_eq!(client.offer(offered), [5, NO_AUTHENTICATION]);
    assert_eq!(client.ask(CONNECT, ("target.test", target.addr().port())).code, rep::SUCCEEDED);
    assert!(dns.asked_for("target.test") > 0, "the proxy resolves the name");
    client.send(b"hello");
    assert_eq!(&target.accept().receive(), b"hello");
}
