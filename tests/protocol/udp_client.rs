//! UDP ASSOCIATE: who is the client, whatever its request says.

use std::mem;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use rig::port::Port;
use rig::socks5::{UDP_ASSOCIATE, greeted, rep};
use rig::udp::{Association, address, datagrams, next, post, wrapped, zeros};
use rig::wire::Wire;

use crate::{LOOPBACK, start};

const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

#[test]
fn udp_dst_zero() {
    let daemon = start(LOOPBACK);
    let v6_zeros: SocketAddr = "[::]:0".parse().unwrap();
    for claimed in [zeros(), v6_zeros.into(), ("0", 0).into()] {
        let association = Association::with(greeted(daemon.addr()), claimed);
        only_the_first_port_of_the_control_peer_is_the_client(&association);
    }
}

#[test]
fn udp_dst_port_only() {
    let daemon = start(LOOPBACK);
    let socket = datagrams(Ipv4Addr::LOCALHOST.into());
    let port = address(&socket).port();
    let mut association = Association::with(greeted(daemon.addr()), SocketAddr::from(([0, 0, 0, 0], port)));
    let another_port = mem::replace(&mut association.socket, socket);
    only_the_client_is_heard(&association, &another_port);
}

#[test]
fn udp_dst_full() {
    let daemon = start(LOOPBACK);
    let socket = datagrams(Ipv4Addr::LOCALHOST.into());
    let mut association = Association::with(greeted(daemon.addr()), address(&socket));
    let another_port = mem::replace(&mut association.socket, socket);
    only_the_client_is_heard(&association, &another_port);
}

/// A client behind NAT writes its inner address, which means nothing here.
#[test]
fn udp_dst_wrong() {
    let inner = SocketAddr::from(([10, 1, 2, 3], 4000));
    let by_default = start(LOOPBACK);
    only_the_first_port_of_the_control_peer_is_the_client(&Association::with(greeted(by_default.addr()), inner));

    let strict = start(&[LOOPBACK, "[udp]\nclient_address = \"strict\"\n"].concat());
    let mut client = greeted(strict.addr());
    assert_eq!(client.ask(UDP_ASSOCIATE, inner).code, rep::NOT_ALLOWED);
    only_the_first_port_of_the_control_peer_is_the_client(&Association::open(strict.addr()));
}

/// Behind a balancer, the client is the one that its header names.
#[test]
fn udp_proxy_protocol() {
    let balanced = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let listen = format!("[[listen]]\naddress = \"{}\"\nproxy_protocol_from = [\"127.0.0.1\"]\n", balanced.addr());
    let daemon = start(&[LOOPBACK, &listen].concat());
    let mut control = Wire::connect(balanced.addr());
    control.send(b"PROXY TCP4 127.0.0.66 127.0.0.1 4321 1080\r\n");
    control.greet();
    let mut association = Association::with(control, zeros());
    let introducer = mem::replace(&mut association.socket, datagrams(STRANGER));
    only_the_client_is_heard(&association, &introducer);

    drop(association);
    assert_eq!(daemon.session().text("client"), "127.0.0.66:4321");
}

fn only_the_first_port_of_the_control_peer_is_the_client(association: &Association) {
    only_the_client_is_heard(association, &datagrams(STRANGER));
    only_the_client_is_heard(association, &datagrams(association.source().ip()));
}

/// What `other` sends first goes nowhere, and what the client sends then does.
fn only_the_client_is_heard(association: &Association, other: &UdpSocket) {
    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    let to = address(&target);
    post(other, &wrapped(to, b"from somebody else"), association.relay);
    association.send(to, b"from the client");
    let (payload, exit) = next(&target);
    assert_eq!(payload.escape_ascii().to_string(), "from the client");
    post(&target, b"answer", exit);
    assert_eq!(association.receive(), (to, b"answer".to_vec()));
}
