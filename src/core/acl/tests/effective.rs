//! Which IPv4 addresses an IPv6 address carries.

use std::net::{Ipv4Addr, Ipv6Addr};

use acl::{Carried, Carrier, carried};
use proptest::prelude::*;

#[test]
fn every_format_gives_up_its_address() {
    let table: [(&str, &[&str]); 24] = [
        ("::ffff:127.0.0.1", &["v4-mapped 127.0.0.1"]),
        ("::ffff:0:127.0.0.1", &["v4-translated 127.0.0.1"]),
        ("::127.0.0.1", &["v4-compatible 127.0.0.1"]),
        ("::2", &["v4-compatible 0.0.0.2"]),
        ("64:ff9b::127.0.0.1", &["NAT64 127.0.0.1"]),
        ("64:ff9b::a9fe:a9fe", &["NAT64 169.254.169.254"]),
        ("2002:7f00:1::", &["6to4 127.0.0.1"]),
        ("2002:7f00:1:1234:5678:9abc:def0:1234", &["6to4 127.0.0.1"]),
        ("2002:808:808::5efe:127.0.0.1", &["6to4 8.8.8.8", "ISATAP 127.0.0.1"]),
        ("2001:0:7f00:1:8000:f227:f7f7:f7f7", &["Teredo client 8.8.8.8", "Teredo server 127.0.0.1"]),
        ("2001::808:808:0:0:80ff:fffe", &["Teredo client 127.0.0.1", "Teredo server 8.8.8.8"]),
        ("2001:db8::5efe:127.0.0.1", &["ISATAP 127.0.0.1"]),
        ("2001:db8::200:5efe:127.0.0.1", &["ISATAP 127.0.0.1"]),
        ("fe80::5efe:10.0.0.1", &["ISATAP 10.0.0.1"]),
        ("64:ff9b:1::127.0.0.1", &["local NAT64 127.0.0.1"]),
        ("64:ff9b:1:7f00:0:100::", &["local NAT64 127.0.0.1", "local NAT64 0.0.1.0", "local NAT64 0.1.0.0"]),
        ("64:ff9b:1:7f:0:1::", &["local NAT64 127.0.0.1", "local NAT64 0.0.1.0"]),
        ("64:ff9b:1:0:7f:0:100:0", &["local NAT64 127.0.0.1", "local NAT64 1.0.0.0"]),
        ("64:ff9b:2::127.0.0.1", &[]),
        ("64:ff9b:0:1::127.0.0.1", &[]),
        ("::", &[]),
        ("::1", &[]),
        ("2001:db8::7f00:1", &[]),
        ("2606:4700:4700::1111", &[]),
    ];
    for (address, expected) in table {
        assert_eq!(read(address), expected, "{address}");
    }
}

#[test]
fn every_carrier_has_a_name_of_its_own() {
    let all = [
        Carrier::Mapped,
        Carrier::Compatible,
        Carrier::Translated,
        Carrier::Nat64,
        Carrier::Nat64Local,
        Carrier::SixToFour,
        Carrier::TeredoServer,
        Carrier::TeredoClient,
        Carrier::Isatap,
    ];
    let names: std::collections::HashSet<&str> = all.iter().map(|carrier| carrier.as_str()).collect();
    assert_eq!(names.len(), all.len());
}

proptest! {
    #[test]
    fn what_is_packed_is_found(address in any::<u32>(), rest in any::<u32>()) {
        let address = Ipv4Addr::from_bits(address);
        for (carrier, packed) in packings(address, rest) {
            let is_found = carried(packed).any(|found| found == Carried { carrier, address });
            prop_assert!(is_found || packed == Ipv6Addr::UNSPECIFIED || packed == Ipv6Addr::LOCALHOST, "{packed}");
        }
    }

    #[test]
    fn global_unicast_beside_the_formats_carries_nothing(low in any::<[u8; 15]>()) {
        let mut octets = [0x26; 16];
        octets[1..].copy_from_slice(&low);
        prop_assume!(octets[10..12] != [0x5e, 0xfe]);
        prop_assert_eq!(carried(Ipv6Addr::from(octets)).count(), 0);
    }
}

fn read(address: &str) -> Vec<String> {
    let address = address.parse().expect("the table holds IPv6 addresses");
    carried(address).map(|found| format!("{} {}", found.carrier.as_str(), found.address)).collect()
}

fn packings(address: Ipv4Addr, rest: u32) -> Vec<(Carrier, Ipv6Addr)> {
    let v4 = u128::from(address.to_bits());
    let rest = u128::from(rest);
    [
        (Carrier::Mapped, 0xffff << 32 | v4),
        (Carrier::Compatible, v4),
        (Carrier::Translated, 0xffff << 48 | v4),
        (Carrier::Nat64, 0x64_ff9b << 96 | v4),
        (Carrier::SixToFour, 0x2002 << 112 | v4 << 80 | rest),
        (Carrier::TeredoServer, 0x2001 << 112 | v4 << 64 | rest),
        (Carrier::TeredoClient, 0x2001 << 112 | rest << 64 | (v4 ^ 0xffff_ffff)),
        (Carrier::Isatap, 0x2001_0db8 << 96 | rest << 64 | 0x5efe << 32 | v4),
    ]
    .map(|(carrier, bits)| (carrier, Ipv6Addr::from_bits(bits)))
    .into()
}
