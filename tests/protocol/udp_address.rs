//! UDP ASSOCIATE: the address that the client is told to send to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rig::network;
use rig::socks5::{UDP_ASSOCIATE, greeted, rep};
use rig::udp::{Association, address, datagrams, next, post, zeros};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{LOOPBACK, start, start_on};

const EVERYWHERE: &str = "[server]\ni_understand_open_proxy = true\n";

#[test]
fn udp_bnd_address() {
    let daemon = start_on(Ipv4Addr::UNSPECIFIED, EVERYWHERE);
    for reached_by in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 7)] {
        let association = Association::open(SocketAddr::new(reached_by.into(), daemon.addr().port()));
        assert_eq!(association.relay.ip(), IpAddr::from(reached_by));
        assert_ne!(association.relay.port(), 0);
    }
    let daemon = start_on(Ipv6Addr::LOCALHOST, "");
    assert_eq!(Association::open(daemon.addr()).relay.ip(), IpAddr::from(Ipv6Addr::LOCALHOST));
}

#[test]
fn udp_bnd_address_is_the_advertised_one_of_its_family() {
    let udp = "[udp]\nadvertised_address_v4 = \"198.51.100.7\"\nadvertised_address_v6 = \"2001:db8::7\"\n";
    let advertised: [(IpAddr, &str); 2] =
        [(Ipv4Addr::LOCALHOST.into(), "198.51.100.7"), (Ipv6Addr::LOCALHOST.into(), "2001:db8::7")];
    for (listening_on, told) in advertised {
        let daemon = start_on(listening_on, udp);
        let reply = greeted(daemon.addr()).ask(UDP_ASSOCIATE, zeros());
        assert_eq!(reply.bound.address().ip().to_string(), told);
    }
}

/// Behind NAT the client sends to the advertised address, and its datagrams still come in on a real one.
#[test]
fn an_advertised_address_does_not_change_where_datagrams_are_taken() {
    let daemon = start(&[LOOPBACK, "[udp]\nadvertised_address_v4 = \"198.51.100.7\"\n"].concat());
    let mut association = Association::open(daemon.addr());
    association.relay.set_ip(Ipv4Addr::LOCALHOST.into());
    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    association.send(address(&target), b"through the NAT");
    assert_eq!(next(&target).0, b"through the NAT");
}

#[test]
fn udp_port_range() {
    network::alone(|| {
        let daemon = start("[udp]\nport_range = \"20000-20002\"\n");
        let mut associations: Vec<_> = (0..3).map(|_| Association::open(daemon.addr())).collect();
        let mut ports: Vec<_> = associations.iter().map(|association| association.relay.port()).collect();
        ports.sort_unstable();
        assert_eq!(ports, [20_000, 20_001, 20_002]);

        let mut client = greeted(daemon.addr());
        assert_eq!(client.ask(UDP_ASSOCIATE, zeros()).code, rep::GENERAL, "the range is exhausted");
        assert_eq!(daemon.session_of(client.leave()).text("reason"), "ports_exhausted");

        let freed = associations.remove(1).relay.port();
        let next_port = || greeted(daemon.addr()).ask(UDP_ASSOCIATE, zeros());
        assert!(
            eventually(PATIENCE, || next_port().bound.address().port() == freed),
            "a port that is free is used again"
        );
    });
}

/// On a host with many addresses answers come from the one that the client knows, not from the one the route prefers.
#[test]
fn udp_reply_source() {
    let daemon = start_on(Ipv4Addr::UNSPECIFIED, &[EVERYWHERE, LOOPBACK].concat());
    let second_home = SocketAddr::from(([127, 0, 0, 7], daemon.addr().port()));
    let mut control = Wire::connect_from(Ipv4Addr::LOCALHOST.into(), second_home);
    control.greet();
    let association = Association::with(control, zeros());
    assert_eq!(association.relay.ip(), second_home.ip());

    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    association.send(address(&target), b"question");
    post(&target, b"answer", next(&target).1);
    // `receive` compares the sender with the relay's address and port.
    assert_eq!(association.receive(), (address(&target), b"answer".to_vec()));
}
