//! UDP ASSOCIATE: how long an association lives, and what is counted in it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use rig::scrape::Endpoint;
use rig::udp::{Association, address, datagrams, is_open, is_silent_for, next, post};
use rig::wait::{PATIENCE, eventually};
use rig::wire::End;

use crate::{LOOPBACK, start};

#[test]
fn udp_control_junk() {
    let daemon = start(LOOPBACK);
    let mut association = Association::open(daemon.addr());
    // More than any buffer holds: it is read, not only left lying.
    association.control.send(&vec![0x05; 16 << 20]);
    assert_relays(&association);
}

#[test]
fn udp_control_close() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    assert_relays(&association);
    let relay = association.relay;
    let line = daemon.session_of(association.control.leave());
    assert_eq!(line.text("ending"), "client_closed");
    assert_gone(relay);
}

#[test]
fn udp_control_fin() {
    let daemon = start(LOOPBACK);
    let mut association = Association::open(daemon.addr());
    assert_relays(&association);
    association.control.finish();
    assert_eq!(association.control.end(), End::Closed);
    assert_gone(association.relay);
}

#[test]
fn an_association_ends_when_its_control_connection_is_reset() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    let relay = association.relay;
    association.control.reset();
    assert_eq!(daemon.session().text("ending"), "client_reset");
    assert_gone(relay);
}

#[test]
fn udp_idle() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nudp_idle_secs = 1\n"].concat());
    let mut association = Association::open(daemon.addr());
    for _ in 0..10 {
        assert_relays(&association);
        thread::sleep(Duration::from_millis(200));
    }
    assert!(daemon.log.sessions().is_empty(), "datagrams keep an association alive");
    assert_eq!(association.control.end(), End::Closed);
    assert_gone(association.relay);
    assert_eq!(daemon.session().text("ending"), "udp_idle");
}

#[test]
fn udp_bytes_counted() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    for length in [0, 1, 1_000, 50_000] {
        association.send(address(&target), &vec![b'u'; length]);
        let (_, exit) = next(&target);
        post(&target, &vec![b'd'; 2 * length / 3], exit);
        assert_eq!(association.receive().1.len(), 2 * length / 3);
    }
    association.send_raw(b"not a datagram of SOCKS");
    let line = daemon.session_of(association.control.leave());
    let counted = ["bytes_sent", "bytes_received", "packets_sent", "packets_received"].map(|field| line.number(field));
    assert_eq!(counted, [51_001, 33_333 + 666, 4, 4], "payloads, and only of what was relayed");
    assert_eq!(line.text("command"), "udp_associate");
}

/// What is too much is dropped and waits nowhere: of each datagram it is soon known whether it was delivered or dropped.
#[test]
fn udp_bandwidth() {
    let metrics = Endpoint::reserve();
    let limit = "[limits]\nbandwidth_limit_mbps = 0.008\n";
    let daemon = start(&[LOOPBACK, limit, &metrics.settings()].concat());
    let association = Association::open(daemon.addr());
    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    association.send(address(&target), b"first");
    let (_, exit) = next(&target);
    let mut on_their_way = 1;
    for _ in 0..5 {
        for _ in 0..BURST {
            association.send(address(&target), &[b'u'; 1_000]);
            post(&target, &[b'd'; 1_000], exit);
        }
        on_their_way += 2 * BURST;
        let known = || delivered(&metrics, "sent") + delivered(&metrics, "received") + dropped(&metrics);
        assert!(eventually(PATIENCE, || known() == on_their_way), "{} of {on_their_way}", known());
    }
    assert!(dropped(&metrics) > 5 * BURST, "{}", dropped(&metrics));
    assert_eq!(arrived(&target) + 1, delivered(&metrics, "sent"), "and the first one");
    assert_eq!(arrived(&association.socket), delivered(&metrics, "received"));
    // Whoever keeps to it is served.
    let passes = || {
        association.send(address(&target), b"!");
        !is_silent_for(&target, Duration::from_millis(100))
    };
    assert!(eventually(PATIENCE, passes), "the association goes on");
    let line = daemon.session_of(association.control.leave());
    assert!(line.text("remark").contains("over_limit="), "{}", line.text("remark"));
}

/// Few enough for every socket's buffer on the way.
const BURST: u64 = 20;

fn delivered(metrics: &Endpoint, direction: &str) -> u64 {
    metrics.scrape().count(&format!("rustsocks_datagrams_total{{direction=\"{direction}\"}}"))
}

fn dropped(metrics: &Endpoint) -> u64 {
    metrics.scrape().count("rustsocks_udp_dropped_total{cause=\"over_limit\"}")
}

/// How many datagrams lie in the socket; it takes them out.
fn arrived(socket: &UdpSocket) -> u64 {
    socket.set_nonblocking(true).expect("a socket need not wait");
    let count = std::iter::from_fn(|| socket.recv(&mut [0; 2_000]).ok()).count();
    socket.set_nonblocking(false).expect("a socket can wait");
    count as u64
}

fn assert_relays(association: &Association) {
    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    association.send(address(&target), b"alive");
    assert_eq!(next(&target).0, b"alive");
}

fn assert_gone(relay: SocketAddr) {
    assert!(eventually(PATIENCE, || !is_open(relay)), "the relay {relay} is still open");
}
