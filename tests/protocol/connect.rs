//! CONNECT: the dial, its budget, and what the client learns of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use rig::dns::{Answer, Dns, Zone};
use rig::network;
use rig::socks5::{CONNECT, Destination, greeted, rep, request};
use rig::target::{Target, Unanswering};

use crate::{LOOPBACK, start};

#[test]
fn connect_bnd() {
    let daemon = start(LOOPBACK);
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        let target = Target::listen_on(ip);
        let reply = greeted(daemon.addr()).ask(CONNECT, target.addr());
        assert_eq!((reply.code, reply.bound.address()), (rep::SUCCEEDED, target.accept().peer()));
    }
}

#[test]
fn connect_port_zero() {
    let daemon = start(LOOPBACK);
    let nowhere: [Destination; 2] = [("127.0.0.1", 0).into(), SocketAddr::from(([127, 0, 0, 1], 0)).into()];
    for to in nowhere {
        let code = greeted(daemon.addr()).ask(CONNECT, to).code;
        assert!([rep::GENERAL, rep::HOST_UNREACHABLE].contains(&code), "REP {code}");
    }
}

#[test]
fn connect_client_leaves() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nconnect_secs = 600\n"].concat());
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());
    let mut client = greeted(daemon.addr());
    client.send(&request(CONNECT, full.addr()));
    assert!(client.is_silent_for(Duration::from_millis(100)), "the dial goes on");
    assert_eq!(daemon.session_of(client.leave()).text("ending"), "client_left");
}

/// With more early data than is buffered nothing is read any more, and still a reset is heard.
#[test]
fn connect_client_resets_behind_its_early_data() {
    let daemon = start(&[LOOPBACK, "[timeouts]\nconnect_secs = 600\n"].concat());
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());
    let mut client = greeted(daemon.addr());
    client.send(&[request(CONNECT, full.addr()), vec![b'x'; 50_000]].concat());
    assert!(client.is_silent_for(Duration::from_millis(100)), "the dial goes on");
    client.reset();
    assert_eq!(daemon.session().text("ending"), "client_reset");
}

/// DNS and sixteen addresses, each of which would take for ever, share one deadline.
#[test]
fn connect_total_budget() {
    network::alone(|| {
        dark_networks();
        let dns =
            Dns::serve(Zone::default().with("dark.test", Answer::Slow(Duration::from_secs(1), dark_addresses(8))));
        let daemon = start(&[&dns.settings(), "[timeouts]\nconnect_secs = 3\n"].concat());
        let mut client = greeted(daemon.addr());
        let asked = Instant::now();
        assert_eq!(client.ask(CONNECT, ("dark.test", 80)).code, rep::TTL_EXPIRED);
        let taken = asked.elapsed().as_secs_f32();
        assert!((2.8..8.0).contains(&taken), "the budget of 3 s took {taken} s");
    });
}

/// The only address that answers is the first of the other family: it is tried second, one head start later.
/// In any other order it would be the 41st, and the budget over.
#[test]
fn families_are_interleaved_with_a_head_start() {
    network::alone(|| {
        dark_networks();
        let target = Target::listen();
        let mut addresses = dark_addresses(40);
        addresses.retain(IpAddr::is_ipv6);
        addresses.push(Ipv4Addr::LOCALHOST.into());
        let dns = Dns::serve(Zone::default().with("both.test", Answer::Addresses(addresses)));
        let daemon = start(&[LOOPBACK, &dns.settings(), "[timeouts]\nconnect_secs = 8\n"].concat());
        let mut client = greeted(daemon.addr());
        let asked = Instant::now();
        let reply = client.ask(CONNECT, ("both.test", target.addr().port()));
        assert_eq!((reply.code, reply.bound.address()), (rep::SUCCEEDED, target.accept().peer()));
        assert!(asked.elapsed() > Duration::from_millis(200), "RFC 8305 §5 gives the first address 250 ms");
    });
}

fn dark_networks() {
    network::add_black_holes(&["198.51.100.0/24", "2001:db8:1::/48"]);
    network::ip("address add 192.0.2.1/32 dev hole");
    network::ip("address add 2001:db8::1/128 dev hole nodad");
}

/// Addresses that swallow every SYN, as many of each family.
fn dark_addresses(count: u8) -> Vec<IpAddr> {
    let of = |number: u8| {
        let v4 = Ipv4Addr::new(198, 51, 100, number);
        [v4.into(), Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, number.into()).into()]
    };
    (1..=count).flat_map(of).collect()
}
