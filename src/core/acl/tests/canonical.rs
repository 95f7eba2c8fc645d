//! One spelling for every destination, as tables and as properties.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use acl::{Destination, NameFault};
use proptest::prelude::*;

#[test]
fn names_have_one_spelling() {
    let table = [
        ("example.com", "example.com"),
        ("EXAMPLE.Com", "example.com"),
        ("example.com.", "example.com"),
        ("localhost", "localhost"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("_sip._tcp.example.com", "_sip._tcp.example.com"),
        ("r1---sn-4g5.example", "r1---sn-4g5.example"),
        ("1and1.com", "1and1.com"),
        ("127.0.0.1.nip.io", "127.0.0.1.nip.io"),
        ("0xcafe.example", "0xcafe.example"),
        ("0xnothex", "0xnothex"),
        ("a.0y1", "a.0y1"),
    ];
    for (written, canonical) in table {
        assert_eq!(parse(written), Ok(format!("name {canonical}")), "{written}");
    }
}

#[test]
fn literal_addresses_are_addresses() {
    let table = [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]", "192.0.2.1"),
        ("64:ff9b::7f00:1", "64:ff9b::7f00:1"),
    ];
    for (written, canonical) in table {
        assert_eq!(parse(written), Ok(format!("address {canonical}")), "{written}");
    }
}

#[test]
fn what_is_neither_name_nor_address_is_refused() {
    let label64 = "a".repeat(64);
    let name254 = vec!["a".repeat(62); 4].join(".") + "aaa";
    let table = [
        ("", NameFault::Empty),
        (".", NameFault::Empty),
        ("..", NameFault::EmptyLabel),
        ("example.com..", NameFault::EmptyLabel),
        (".example.com", NameFault::EmptyLabel),
        ("a..b", NameFault::EmptyLabel),
        (&label64, NameFault::LabelTooLong),
        (&name254, NameFault::TooLong),
        ("bücher.example", NameFault::Byte(0xc3)),
        ("a b", NameFault::Byte(b' ')),
        ("a\0b", NameFault::Byte(0)),
        ("example.com:80", NameFault::Byte(b':')),
        ("user@example.com", NameFault::Byte(b'@')),
        ("*.example.com", NameFault::Byte(b'*')),
        ("a/b", NameFault::Byte(b'/')),
        ("[127.0.0.1]", NameFault::Byte(b'[')),
        ("[::1", NameFault::Byte(b'[')),
        ("[[::1]]", NameFault::Byte(b'[')),
        ("fe80::1%eth0", NameFault::Byte(b':')),
        ("12.34.56.789 ", NameFault::Byte(b' ')),
    ];
    for (written, fault) in table {
        assert_eq!(parse(written), Err(fault), "{written:?}");
    }
    assert_eq!(Destination::parse_name(b"a\xff"), Err(NameFault::Byte(0xff)));
}

#[test]
fn odd_spellings_of_addresses_are_refused() {
    let spellings = [
        "127.1",
        "127.0.1",
        "0x7f000001",
        "0X7F000001",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.01",
        "127.0.0.0x1",
        "0x",
        "0",
        "1.2.3.4.5",
        "256.256.256.256",
        "127.0.0.1.1",
        "127.1.",
        "example.0x7f",
        "example.1",
    ];
    for written in spellings {
        assert_eq!(parse(written), Err(NameFault::OddAddress), "{written}");
    }
}

#[test]
fn the_longest_label_and_name_pass() {
    let label = "a".repeat(63);
    let name = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    assert_eq!(name.len(), 253);
    assert_eq!(parse(&name), Ok(format!("name {name}")));
    assert_eq!(parse(&format!("{name}.")), Ok(format!("name {name}")));
}

#[test]
fn every_fault_says_what_is_wrong() {
    let faults = [
        (NameFault::Empty, "the name is empty"),
        (NameFault::TooLong, "the name has more than 253 bytes"),
        (NameFault::EmptyLabel, "the name has an empty label"),
        (NameFault::LabelTooLong, "a label of the name has more than 63 bytes"),
        (NameFault::Byte(7), "the name contains the byte 0x07"),
        (NameFault::OddAddress, "the name is an unusual spelling of an address"),
    ];
    for (fault, text) in faults {
        assert_eq!(fault.to_string(), text);
    }
}

proptest! {
    #[test]
    fn any_bytes_become_a_canonical_destination_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(destination) = Destination::parse_name(&bytes) {
            prop_assert_eq!(Destination::parse_name(destination.to_string().as_bytes()), Ok(destination));
        }
    }

    #[test]
    fn a_name_that_passes_is_plain(written in "[a-zA-Z0-9._x-]{1,40}") {
        if let Ok(Destination::Name(name)) = Destination::parse_name(written.as_bytes()) {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
            prop_assert!(name.as_str().bytes().all(plain));
            prop_assert!(!name.as_str().ends_with('.'));
            prop_assert!(name.as_str().parse::<IpAddr>().is_err());
        }
    }

    #[test]
    fn every_number_of_inet_aton_is_refused(a in any::<u32>()) {
        for written in [format!("{a}"), format!("{a:#x}"), format!("0{a:o}"), format!("1.{}", a & 0xff_ffff)] {
            prop_assert_eq!(Destination::parse_name(written.as_bytes()), Err(NameFault::OddAddress));
        }
    }

    #[test]
    fn every_address_is_read_back(v4 in any::<[u8; 4]>(), v6 in any::<[u8; 16]>()) {
        let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
        for address in [IpAddr::V4(v4), IpAddr::V6(v6), IpAddr::V6(v4.to_ipv6_mapped())] {
            let expected = Destination::Address(address.to_canonical());
            prop_assert_eq!(&Destination::from_address(address), &expected);
            prop_assert_eq!(Destination::parse_name(address.to_string().as_bytes()), Ok(expected));
        }
    }
}

fn parse(written: &str) -> Result<String, NameFault> {
    Destination::parse_name(written.as_bytes()).map(|destination| match &destination {
        Destination::Address(_) => format!("address {destination}"),
        Destination::Name(_) => format!("name {destination}"),
    })
}
