//! Which REP code a cause has (RFC 1928 §6), and what a failure looks like on the wire.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rig::daemon::Daemon;
use rig::dns::{Answer, Dns, Zone};
use rig::network;
use rig::socks5::{BIND, CONNECT, Destination, RESOLVE, greeted, rep, request};
use rig::target::{Unanswering, Vacant};
use rig::wait::eventually;
use rig::wire::End;

use crate::start;

const ONLY_ONE_ADDRESS: &str = "[guard]\nallow = [\"127.0.0.1\"]\n";

#[test]
fn rep_follows_the_cause() {
    let dns =
        Dns::serve(Zone::default().with("broken.test", Answer::Failure).with("empty.test", Answer::Addresses(vec![])));
    let daemon = start(&[ONLY_ONE_ADDRESS, &dns.settings(), "[timeouts]\nconnect_secs = 1\n"].concat());
    let (vacant, full) = (Vacant::port(), Unanswering::on(Ipv4Addr::LOCALHOST.into()));
    let held = SocketAddr::from(([127, 0, 0, 2], 80));

    check(&daemon, "refused", &request(CONNECT, vacant.addr()), rep::REFUSED, "connection_refused");
    check(&daemon, "no answer", &request(CONNECT, full.addr()), rep::TTL_EXPIRED, "timed_out");
    check(&daemon, "no such name", &request(CONNECT, ("nowhere.test", 80)), rep::HOST_UNREACHABLE, "name_not_found");
    check(&daemon, "no address", &request(CONNECT, ("empty.test", 80)), rep::HOST_UNREACHABLE, "name_not_found");
    check(&daemon, "servers fail", &request(CONNECT, ("broken.test", 80)), rep::HOST_UNREACHABLE, "resolver_failed");
    check(&daemon, "held by the guard", &request(CONNECT, held), rep::NOT_ALLOWED, "guarded");
    check(&daemon, "switched off", &request(BIND, vacant.addr()), rep::COMMAND, "command_off");
    check(&daemon, "switched off", &request(RESOLVE, ("nowhere.test", 0)), rep::COMMAND, "command_off");
}

#[test]
fn what_rfc_1928_does_not_know_is_answered_with_its_own_code() {
    let daemon = start("");
    for command in [0, 4, 9, 0xF7, 0xFF] {
        let reply = greeted(daemon.addr()).ask(command, Vacant::port().addr());
        assert_eq!(reply.code, rep::COMMAND, "command {command:#04x}");
    }
    for kind in [0, 2, 5, 0xFF] {
        let mut client = greeted(daemon.addr());
        client.send(&[5, CONNECT, 0, kind, 127, 0, 0, 1, 0, 80]);
        assert_eq!(client.reply().code, rep::ADDRESS_TYPE, "ATYP {kind:#04x}");
    }
}

#[test]
fn a_route_that_is_missing_and_a_route_that_forbids_have_different_codes() {
    network::alone(|| {
        network::ip("address add 192.0.2.1/32 dev lo");
        network::ip("route add unreachable 198.51.100.0/24");
        let daemon = start("");
        let at = |address: &str| request(CONNECT, address.parse::<SocketAddr>().unwrap());
        check(&daemon, "no IPv4 route", &at("203.0.113.1:80"), rep::NETWORK_UNREACHABLE, "network_unreachable");
        check(&daemon, "no IPv6 route", &at("[2001:db8::1]:80"), rep::NETWORK_UNREACHABLE, "network_unreachable");
        check(&daemon, "unreachable", &at("198.51.100.1:80"), rep::HOST_UNREACHABLE, "host_unreachable");
    });
}

#[test]
fn rep_failure_shape() {
    let daemon = start(ONLY_ONE_ADDRESS);
    let vacant = Vacant::port();
    let held: Destination = ("127.0.0.2", 80).into();
    for (to, code) in [(Destination::from(vacant.addr()), rep::REFUSED), (held, rep::NOT_ALLOWED)] {
        let mut client = greeted(daemon.addr());
        client.send(&[&request(CONNECT, to)[..], &[b'x'; 5000]].concat());
        assert_eq!(client.rest(), (vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0], End::Closed));
        // Closing over what the client sent too early would be a reset, which some systems let overtake the reply.
        let is_reset = eventually(Duration::from_millis(100), || client.try_send(b"x").is_err());
        assert!(!is_reset, "the connection stays until the client has closed it");
    }
}

#[test]
fn rep_before_dial() {
    let daemon = start(&[ONLY_ONE_ADDRESS, "[timeouts]\nconnect_secs = 2\n"].concat());
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());
    let mut client = greeted(daemon.addr());
    client.send(&request(CONNECT, full.addr()));
    assert!(client.is_silent_for(Duration::from_millis(800)), "nothing is said before the dial is done");
    assert_eq!(client.reply().code, rep::TTL_EXPIRED);
}

fn check(daemon: &Daemon, cause: &str, request: &[u8], code: u8, reason: &str) {
    let mut client = greeted(daemon.addr());
    client.send(request);
    assert_eq!(client.reply().code, code, "{cause}");
    assert_eq!(client.end(), End::Closed, "{cause}");
    let line = daemon.session_of(client.leave());
    assert_eq!((line.text("ending"), line.text("reason")), ("refused", reason), "{cause}");
}
