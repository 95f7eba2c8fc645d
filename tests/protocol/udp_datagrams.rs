//! UDP ASSOCIATE: what becomes of each datagram that the client sends.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rig::daemon::Daemon;
use rig::dns::{Answer, Dns, Zone};
use rig::socks5::{Destination, Host};
use rig::udp::{Association, LONGEST, address, datagrams, next, post, wrapped};
use rig::wait::{PATIENCE, eventually};

use crate::{LOOPBACK, start};

/// Bytes before the payload when the destination is an IPv4 address.
const HEADER_V4: usize = 10;

#[test]
fn udp_frag_nonzero() {
    let fragments = [1, 2, 0x7f, 0x80, 0xff].map(|number| {
        move |to: SocketAddr| {
            let mut datagram = wrapped(to, b"fragment");
            datagram[2] = number;
            datagram
        }
    });
    check_dropped(fragments, "fragment=5");
}

/// Tolerated: the field carries nothing, and some clients fill it.
#[test]
fn udp_rsv_nonzero() {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), target());
    let mut datagram = wrapped(address(&target), b"reserved");
    datagram[..2].copy_from_slice(&[0xff, 0x01]);
    association.send_raw(&datagram);
    assert_eq!(next(&target).0, b"reserved");
}

#[test]
fn udp_short_packet() {
    let cuts = [0, 1, 3, 4, 5, 9].map(|length| move |to: SocketAddr| wrapped(to, b"")[..length].to_vec());
    check_dropped(cuts, "malformed=6");
}

#[test]
fn udp_bad_atyp() {
    let kinds = [0, 2, 5, 0xff].map(|kind| {
        move |to: SocketAddr| {
            let mut datagram = wrapped(to, b"unknown");
            datagram[3] = kind;
            datagram
        }
    });
    check_dropped(kinds, "malformed=4");
}

#[test]
fn udp_domain_0_len() {
    let nameless = |to: SocketAddr| wrapped(Destination { host: Host::Name(vec![]), port: to.port() }, b"nameless");
    check_dropped([nameless], "malformed=1");
}

/// A name that takes its time holds up nobody else; the addresses behind names are judged; and that a name does not
/// exist is remembered for a while.
#[test]
fn udp_domain() {
    let slow = Answer::Slow(Duration::from_secs(1), vec![Ipv4Addr::LOCALHOST.into()]);
    let zone = Zone::default().with("slow.test", slow).at("held.test", Ipv4Addr::new(127, 0, 0, 2));
    let dns = Dns::serve(zone);
    let daemon = start(&["[guard]\nallow = [\"127.0.0.1\"]\n", &dns.settings()].concat());
    let (association, target) = (Association::open(daemon.addr()), target());
    let port = address(&target).port();

    association.send(("slow.test", port), b"by a slow name");
    association.send(("held.test", port), b"to a held address");
    association.send(address(&target), b"by address");
    assert_eq!(next(&target).0, b"by address", "a datagram waits only for its own name");
    assert_eq!(next(&target).0, b"by a slow name");
    association.send(("127.0.0.1", port), b"by a name that is an address");
    assert_eq!(next(&target).0, b"by a name that is an address");

    let asked = || dns.asked_for("nowhere.test");
    association.send(("nowhere.test", port), b"nowhere");
    assert!(eventually(PATIENCE, || asked() == 2), "one question for each family");
    for _ in 0..50 {
        association.send(("nowhere.test", port), b"nowhere");
        association.send(address(&target), b"next");
        assert_eq!(next(&target).0, b"next");
    }
    assert_eq!(asked(), 2, "a name that does not exist is not asked for again at once");
    assert!(remark(&daemon, association).contains("blocked=1"), "the held address was judged");
}

#[test]
fn udp_v4_and_v6_in_one() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    let targets = [datagrams(Ipv4Addr::LOCALHOST.into()), datagrams(Ipv6Addr::LOCALHOST.into())];
    for target in targets.iter().chain(&targets) {
        assert_answered(&association, target);
    }
}

#[test]
fn udp_v4_mapped() {
    let daemon = start("[guard]\nallow = [\"127.0.0.1\"]\n");
    let (association, target) = (Association::open(daemon.addr()), target());
    let held = datagrams(Ipv4Addr::new(127, 0, 0, 2).into());
    let mapped = |address: SocketAddr| match address {
        SocketAddr::V4(address) => SocketAddr::new(address.ip().to_ipv6_mapped().into(), address.port()),
        SocketAddr::V6(_) => panic!("{address} is not IPv4"),
    };
    association.send(mapped(address(&held)), b"to an address that is held");
    association.send(mapped(address(&target)), b"to the IPv4 address that it is");
    assert_eq!(next(&target).0, b"to the IPv4 address that it is");
    assert_eq!(remark(&daemon, association), "dropped blocked=1");
}

#[test]
fn udp_dest_same_ip_as_client() {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), target());
    assert_eq!(association.source().ip(), address(&target).ip());
    assert_answered(&association, &target);
}

#[test]
fn udp_64k() {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), target());
    let longest = LONGEST - HEADER_V4;
    let up: Vec<u8> = (0..longest).map(|index| (index % 251).to_le_bytes()[0]).collect();
    association.send(address(&target), &up);
    let (arrived, exit) = next(&target);
    assert!(arrived == up, "{} of {longest} bytes arrived", arrived.len());

    // One byte more than fits behind the header: it must not arrive at all.
    post(&target, &vec![b'x'; longest + 1], exit);
    post(&target, &up, exit);
    let (_, down) = association.receive();
    assert!(down == up, "{} of {longest} bytes came back", down.len());
    assert_eq!(remark(&daemon, association), "dropped too_large=1");
}

#[test]
fn udp_empty_payload() {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), target());
    association.send(address(&target), b"");
    let (payload, exit) = next(&target);
    assert_eq!(payload, b"");
    post(&target, b"", exit);
    assert_eq!(association.receive(), (address(&target), vec![]));
}

#[test]
fn udp_acl_per_datagram() {
    let (open, held) = (target(), target());
    let daemon = start(&format!("[guard]\nallow = [\"{}\"]\n", address(&open)));
    let association = Association::open(daemon.addr());
    for round in 0..3_u8 {
        association.send(address(&held), &[round]);
        association.send(address(&open), &[round]);
        assert_eq!(next(&open).0, [round]);
    }
    held.set_nonblocking(true).unwrap();
    assert!(held.recv(&mut [0]).is_err(), "a datagram came to the port that is held");
    assert_eq!(remark(&daemon, association), "dropped blocked=3");
}

/// Each datagram, made from a good target's address, is dropped; a good one after them arrives; and the session's line
/// has the count.
fn check_dropped<const N: usize>(bad: [impl Fn(SocketAddr) -> Vec<u8>; N], counted: &str) {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), target());
    for datagram in bad {
        association.send_raw(&datagram(address(&target)));
    }
    association.send(address(&target), b"good");
    assert_eq!(next(&target).0, b"good");
    assert_eq!(remark(&daemon, association), format!("dropped {counted}"));
}

fn assert_answered(association: &Association, target: &UdpSocket) {
    association.send(address(target), b"question");
    let (payload, exit) = next(target);
    assert_eq!(payload, b"question");
    post(target, b"answer", exit);
    assert_eq!(association.receive(), (address(target), b"answer".to_vec()));
}

fn remark(daemon: &Daemon, association: Association) -> String {
    daemon.session_of(association.control.leave()).text("remark").to_owned()
}

fn target() -> UdpSocket {
    datagrams(Ipv4Addr::LOCALHOST.into())
}
