//! UDP ASSOCIATE: what comes back to the client, and from whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rig::udp::{Association, address, datagrams, next, post};

use crate::{LOOPBACK, start};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[test]
fn udp_reply_header() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    for ip in [LOCALHOST, Ipv4Addr::new(127, 0, 0, 9).into(), Ipv6Addr::LOCALHOST.into()] {
        let target = datagrams(ip);
        let exit = exit_towards(&association, &target);
        post(&target, b"answer", exit);
        assert_eq!(association.receive(), (address(&target), b"answer".to_vec()), "the sender is named");
    }
}

/// The default lets only the address and port answer that the client has sent to.
#[test]
fn udp_unsolicited() {
    check_replies("", &["the target"]);
    check_replies("[udp]\nreplies = \"address-port\"\n", &["the target"]);
    check_replies("[udp]\nreplies = \"address\"\n", &["another port", "the target"]);
    check_replies("[udp]\nreplies = \"any\"\n", &["another address", "another port", "the target"]);
}

/// Nobody listens at one destination, and its host says so with an ICMP message; the association lives on.
#[test]
fn udp_icmp() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    let target = datagrams(LOCALHOST);
    for ip in [LOCALHOST, Ipv6Addr::LOCALHOST.into()] {
        let vacant = address(&datagrams(ip));
        for _ in 0..5 {
            association.send(vacant, b"is anybody there?");
            let exit = exit_towards(&association, &target);
            post(&target, b"answer", exit);
            assert_eq!(association.receive().1, b"answer");
        }
    }
}

/// Three senders answer, the one that was asked last; these are heard.
fn check_replies(config: &str, heard: &[&str]) {
    let daemon = start(&[LOOPBACK, config].concat());
    let association = Association::open(daemon.addr());
    let target = datagrams(LOCALHOST);
    let exit = exit_towards(&association, &target);
    let senders = [
        ("another address", datagrams(Ipv4Addr::new(127, 0, 0, 9).into())),
        ("another port", datagrams(LOCALHOST)),
        ("the target", target),
    ];
    for (who, socket) in &senders {
        post(socket, who.as_bytes(), exit);
    }
    for who in heard {
        let (from, payload) = association.receive();
        assert_eq!(payload.escape_ascii().to_string(), *who, "{config:?}");
        let sender = senders.iter().find(|(name, _)| name == who).expect("only these send");
        assert_eq!(from, address(&sender.1), "{config:?}");
    }
    let unheard = senders.len() - heard.len();
    let remark = daemon.session_of(association.control.leave()).text("remark").to_owned();
    let expected = if unheard == 0 { String::new() } else { format!("dropped unsolicited={unheard}") };
    assert_eq!(remark, expected, "{config:?}");
}

/// Asks the target; where it heard the question from.
fn exit_towards(association: &Association, target: &UdpSocket) -> SocketAddr {
    association.send(address(target), b"question");
    let (payload, exit) = next(target);
    assert_eq!(payload, b"question");
    exit
}
