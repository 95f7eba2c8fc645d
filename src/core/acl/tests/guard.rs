//! What the hard guard blocks, and what opens it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use acl::{Exception, Ground, Guard, Reason, Verdict};
use proptest::prelude::*;

#[test]
fn forbidden_places_are_blocked_with_their_ground() {
    let table = [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("0.255.255.255", "unspecified"),
        ("::", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("169.254.0.1", "link-local"),
        ("169.254.255.255", "link-local"),
        ("fe80::1", "link-local"),
        ("febf:ffff::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("ff02::1", "multicast"),
        ("ffff::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.2", "metadata"),
        ("168.63.129.16", "metadata"),
        ("100.100.100.200", "metadata"),
        ("192.0.0.192", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("fd20:ce::254", "metadata"),
        ("198.51.100.7", "own-address"),
        ("2001:db8::7", "own-address"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "metadata"),
        ("::127.0.0.1", "loopback inside v4-compatible"),
        ("::2", "unspecified inside v4-compatible"),
        ("::ffff:0:127.0.0.1", "loopback inside v4-translated"),
        ("64:ff9b::127.0.0.1", "loopback inside NAT64"),
        ("64:ff9b::a9fe:a9fe", "metadata inside NAT64"),
        ("64:ff9b:1::127.0.0.1", "loopback inside local NAT64"),
        ("64:ff9b::198.51.100.7", "own-address inside NAT64"),
        ("2002:7f00:1::", "loopback inside 6to4"),
        ("2002:a9fe:a9fe::1", "metadata inside 6to4"),
        ("2001:0:7f00:1::f7f7:f7f7", "loopback inside Teredo server"),
        ("2001:0:808:808::80ff:fffe", "loopback inside Teredo client"),
        ("2001:db8::5efe:127.0.0.1", "loopback inside ISATAP"),
        ("2001:db8::200:5efe:169.254.169.254", "metadata inside ISATAP"),
    ];
    let guard = host(&[]);
    for (address, reason) in table {
        assert_eq!(judged(&guard, address, 443), reason, "{address}");
    }
}

#[test]
fn the_rest_of_the_world_is_allowed() {
    let table = [
        "1.0.0.1",
        "8.8.8.8",
        "10.0.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "172.16.0.1",
        "192.168.1.1",
        "198.51.100.8",
        "223.255.255.255",
        "240.0.0.1",
        "255.255.255.254",
        "168.63.129.17",
        "2606:4700:4700::1111",
        "2001:db8::8",
        "fd00::1",
        "fec0::1",
        "fe7f::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::8.8.8.8",
        "2002:808:808::1",
        "2001:db8::5efe:8.8.8.8",
    ];
    let guard = host(&[]);
    for address in table {
        assert_eq!(judged(&guard, address, 443), "allowed", "{address}");
    }
}

#[test]
fn a_network_opens_every_port_of_its_addresses() {
    let guard = host(&[network("127.0.0.0/8"), network("198.51.100.7/32")]);
    assert_eq!(judged(&guard, "127.0.0.1", 53), "allowed");
    assert_eq!(judged(&guard, "127.9.9.9", 5432), "allowed");
    assert_eq!(judged(&guard, "198.51.100.7", 22), "allowed");
    assert_eq!(judged(&guard, "64:ff9b::127.0.0.1", 53), "allowed", "what it carries is open");
    assert_eq!(judged(&guard, "::1", 53), "loopback");
    assert_eq!(judged(&guard, "2001:db8::7", 22), "own-address");
}

#[test]
fn an_endpoint_opens_one_port_of_one_address() {
    let guard = host(&[endpoint("127.0.0.1:5432"), endpoint("[fd00:ec2::254]:80")]);
    assert_eq!(judged(&guard, "127.0.0.1", 5432), "allowed");
    assert_eq!(judged(&guard, "::ffff:127.0.0.1", 5432), "allowed");
    assert_eq!(judged(&guard, "2002:7f00:1::", 5432), "allowed");
    assert_eq!(judged(&guard, "fd00:ec2::254", 80), "allowed");
    assert_eq!(judged(&guard, "127.0.0.1", 5433), "loopback");
    assert_eq!(judged(&guard, "127.0.0.2", 5432), "loopback");
    assert_eq!(judged(&guard, "fd00:ec2::254", 443), "metadata");
}

#[test]
fn an_opened_transition_network_hides_nothing_of_its_own_kind() {
    let guard = host(&[network("64:ff9b::/96")]);
    assert_eq!(judged(&guard, "64:ff9b::127.0.0.1", 80), "allowed");
    assert_eq!(judged(&guard, "2002:7f00:1::", 80), "loopback inside 6to4");
}

#[test]
fn exceptions_written_as_v4_mapped_mean_the_ipv4_network() {
    let guard = host(&[network("::ffff:127.0.0.0/104"), endpoint("[::ffff:169.254.169.254]:80")]);
    assert_eq!(judged(&guard, "127.0.0.1", 80), "allowed");
    assert_eq!(judged(&guard, "169.254.169.254", 80), "allowed");
    assert_eq!(judged(&guard, "128.0.0.1", 80), "allowed");
    assert_eq!(judged(&guard, "169.254.169.254", 81), "metadata");
    let everything_v6 = host(&[network("::/0")]);
    assert_eq!(judged(&everything_v6, "::1", 80), "allowed");
    assert_eq!(judged(&everything_v6, "127.0.0.1", 80), "loopback", "an IPv6 network opens no IPv4 address");
}

#[test]
fn our_own_listener_stays_blocked_inside_an_open_network() {
    let guard = host(&[network("0.0.0.0/0"), network("::/0")]);
    assert_eq!(judged(&guard, "198.51.100.7", 1080), "own-listener");
    assert_eq!(judged(&guard, "127.0.0.1", 1081), "own-listener");
    assert_eq!(judged(&guard, "0.0.0.0", 1081), "own-listener", "Linux connects it to loopback");
    assert_eq!(judged(&guard, "64:ff9b::198.51.100.7", 1080), "own-listener inside NAT64");
    assert_eq!(judged(&guard, "127.0.0.1", 1080), "allowed", "nothing of ours listens there");
    assert_eq!(judged(&guard, "198.51.100.7", 1082), "allowed");
}

#[test]
fn a_wildcard_listener_listens_on_every_address_of_ours() {
    let open = [network("0.0.0.0/0"), network("::/0")];
    for wildcard in ["0.0.0.0:1080", "[::]:1080"] {
        let guard = Guard::new(&open, own_addresses(), [wildcard.parse().expect("an endpoint")]);
        for address in ["127.0.0.1", "127.0.0.2", "::1", "::", "0.0.0.0", "198.51.100.7", "2001:db8::7"] {
            assert_eq!(judged(&guard, address, 1080), "own-listener", "{address} with {wildcard}");
        }
        assert_eq!(judged(&guard, "198.51.100.8", 1080), "allowed");
    }
}

#[test]
fn only_its_exact_endpoint_opens_our_own_listener() {
    let guard = host(&[endpoint("198.51.100.7:1080")]);
    assert_eq!(judged(&guard, "198.51.100.7", 1080), "allowed");
    assert_eq!(judged(&guard, "64:ff9b::198.51.100.7", 1080), "allowed");
    assert_eq!(judged(&guard, "127.0.0.1", 1081), "own-listener");
}

#[test]
fn own_addresses_and_listeners_may_be_written_as_v4_mapped() {
    let guard =
        Guard::new(&[], [ip("::ffff:198.51.100.7")], ["[::ffff:198.51.100.9]:1080".parse().expect("an endpoint")]);
    assert_eq!(judged(&guard, "198.51.100.7", 80), "own-address");
    assert_eq!(judged(&guard, "198.51.100.9", 1080), "own-listener");
}

#[test]
fn the_label_of_a_reason_names_the_ground_alone() {
    let blocked = host(&[]).judge(ip("2002:7f00:1::"), 80);
    let Verdict::Blocked(reason) = blocked else { panic!("6to4 of loopback was {blocked:?}") };
    assert_eq!(reason.label(), "loopback");
    let labels: std::collections::HashSet<&str> = Ground::ALL.iter().map(|ground| ground.as_str()).collect();
    assert_eq!(labels.len(), Ground::ALL.len());
}

proptest! {
    #[test]
    fn a_blocked_ipv4_address_is_blocked_in_every_carrier(bits in any::<u32>(), low in 0u8..3, port in any::<u16>()) {
        // Two of three inputs are pulled into forbidden ranges, else most would be harmless.
        let bits = match low { 0 => bits, 1 => bits & 0x00ff_ffff | 0x7f00_0000, _ => bits & 0xffff | 0xa9fe_0000 };
        let guard = host(&[]);
        let address = Ipv4Addr::from_bits(bits);
        let plain = guard.judge(address.into(), port);
        prop_assert_eq!(guard.judge(address.to_ipv6_mapped().into(), port), plain);
        if let Verdict::Blocked(Reason { ground, .. }) = plain {
            for carrier in carriers(address) {
                let verdict = guard.judge(carrier.into(), port);
                let is_same = matches!(verdict, Verdict::Blocked(reason) if reason.ground == ground);
                prop_assert!(is_same || carrier == Ipv6Addr::UNSPECIFIED || carrier == Ipv6Addr::LOCALHOST, "{carrier}: {verdict:?}");
            }
        }
    }

    #[test]
    fn an_exact_exception_always_opens(octets in any::<[u8; 16]>(), port in any::<u16>()) {
        for address in [IpAddr::from(octets), IpAddr::from([octets[0], octets[1], octets[2], octets[3]])] {
            let guard = host(&[Exception::Endpoint(SocketAddr::new(address, port))]);
            prop_assert_eq!(guard.judge(address, port), Verdict::Allowed);
        }
    }

    #[test]
    fn an_exception_never_closes_anything(octets in any::<[u8; 16]>(), opened in any::<[u8; 4]>(), length in 0u8..=32) {
        let opened = ipnet::Ipv4Net::new(opened.into(), length).expect("a length of at most 32");
        let address = IpAddr::from(octets);
        if host(&[]).judge(address, 443) == Verdict::Allowed {
            prop_assert_eq!(host(&[Exception::Network(opened.into())]).judge(address, 443), Verdict::Allowed);
        }
    }
}

/// A host with two addresses that listens on one of them and on loopback.
fn host(exceptions: &[Exception]) -> Guard {
    let listeners = ["198.51.100.7:1080", "127.0.0.1:1081"].map(|text| text.parse().expect("an endpoint"));
    Guard::new(exceptions, own_addresses(), listeners)
}

fn own_addresses() -> [IpAddr; 2] {
    [ip("198.51.100.7"), ip("2001:db8::7")]
}

fn judged(guard: &Guard, address: &str, port: u16) -> String {
    match guard.judge(ip(address), port) {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked(reason) => reason.to_string(),
    }
}

fn carriers(address: Ipv4Addr) -> [Ipv6Addr; 6] {
    let v4 = u128::from(address.to_bits());
    [
        v4,
        0xffff << 48 | v4,
        0x64_ff9b << 96 | v4,
        0x2002 << 112 | v4 << 80 | 1,
        0x2001 << 112 | 0x0808_0808 << 64 | (v4 ^ 0xffff_ffff),
        0x2001_0db8 << 96 | 0x5efe << 32 | v4,
    ]
    .map(Ipv6Addr::from_bits)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn network(text: &str) -> Exception {
    Exception::Network(text.parse().expect("a network"))
}

fn endpoint(text: &str) -> Exception {
    Exception::Endpoint(text.parse().expect("an endpoint"))
}
