//! The IPv4 addresses that an IPv6 address carries: whoever may not go to one may not go to the other.
//!
//! Knows the transition formats, and nothing of what is allowed.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How an IPv4 address is carried inside an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
    Mapped,
    /// `::a.b.c.d` (RFC 4291 §2.5.5.1).
    Compatible,
    /// `::ffff:0:a.b.c.d` (RFC 2765 §2.1).
    Translated,
    /// `64:ff9b::a.b.c.d` (RFC 6052 §2.1).
    Nat64,
    /// `64:ff9b:1::/48` for local use (RFC 8215), at every position that RFC 6052 §2.2 knows.
    Nat64Local,
    /// `2002:aabb:ccdd::/48` (RFC 3056 §2).
    SixToFour,
    /// The server in `2001:0:aabb:ccdd::/64` (RFC 4380 §4).
    TeredoServer,
    /// The client in the last 32 bits of a Teredo address, inverted (RFC 4380 §4).
    TeredoClient,
    /// An interface identifier `0:5efe:a.b.c.d` or `200:5efe:a.b.c.d` (RFC 5214 §6.1).
    Isatap,
}

impl Carrier {
    /// What administrators call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mapped => "v4-mapped",
            Self::Compatible => "v4-compatible",
            Self::Translated => "v4-translated",
            Self::Nat64 => "NAT64",
            Self::Nat64Local => "local NAT64",
            Self::SixToFour => "6to4",
            Self::TeredoServer => "Teredo server",
            Self::TeredoClient => "Teredo client",
            Self::Isatap => "ISATAP",
        }
    }
}

/// An IPv4 address found inside an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// How it is carried.
    pub carrier: Carrier,
    /// The address.
    pub address: Ipv4Addr,
}

/// Every IPv4 address that the address carries.
///
/// `::` and `::1` carry none; they mean themselves.
pub fn carried(address: Ipv6Addr) -> impl Iterator<Item = Carried> {
    let found = [tunnelled(address), by_prefix(address), isatap(address)];
    let single = found.into_iter().flatten();
    single.chain(teredo_server(address)).chain(local_nat64(address))
}

/// Formats that a prefix of 96 bits announces; the IPv4 address is the last 32 bits.
fn by_prefix(address: Ipv6Addr) -> Option<Carried> {
    let carrier = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, _, _] => Carrier::Mapped,
        [0, 0, 0, 0, 0xffff, 0, _, _] => Carrier::Translated,
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Carrier::Nat64,
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0, 0, 0, 0, 0, 0, _, _] => Carrier::Compatible,
        _ => return None,
    };
    Some(Carried { carrier, address: last_32_bits(address) })
}

fn tunnelled(address: Ipv6Addr) -> Option<Carried> {
    match address.segments() {
        [0x2002, high, low, ..] => Some(Carried { carrier: Carrier::SixToFour, address: joined(high, low) }),
        [0x2001, 0, _, _, _, _, high, low] => {
            Some(Carried { carrier: Carrier::TeredoClient, address: joined(!high, !low) })
        }
        _ => None,
    }
}

fn teredo_server(address: Ipv6Addr) -> Option<Carried> {
    match address.segments() {
        [0x2001, 0, high, low, ..] => Some(Carried { carrier: Carrier::TeredoServer, address: joined(high, low) }),
        _ => None,
    }
}

fn isatap(address: Ipv6Addr) -> Option<Carried> {
    match address.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            Some(Carried { carrier: Carrier::Isatap, address: joined(high, low) })
        }
        _ => None,
    }
}

/// Inside `64:ff9b:1::/48` the operator of the translator chooses the prefix length, and with it the position of the
/// IPv4 address; what follows it is zero (RFC 6052 §2.2). Every position that fits is read: rather a harmless address
/// too many refused than one way to loopback open.
fn local_nat64(address: Ipv6Addr) -> impl Iterator<Item = Carried> {
    let is_local = matches!(address.segments(), [0x64, 0xff9b, 1, ..]);
    let bytes = address.octets();
    let ends_by = |used: usize| bytes[used..].iter().all(|&byte| byte == 0);
    let [.., b6, b7, _, b9, b10, b11, b12, _, _, _] = bytes;
    let readings = [
        ends_by(11).then_some([b6, b7, b9, b10]),
        ends_by(12).then_some([b7, b9, b10, b11]),
        ends_by(13).then_some([b9, b10, b11, b12]),
        (!ends_by(12)).then_some(last_32_bits(address).octets()),
    ];
    let found = readings.into_iter().flatten().filter(move |_| is_local);
    found.map(|octets| Carried { carrier: Carrier::Nat64Local, address: octets.into() })
}

fn last_32_bits(address: Ipv6Addr) -> Ipv4Addr {
    let [.., high, low] = address.segments();
    joined(high, low)
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}
