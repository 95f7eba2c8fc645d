//! The kinds of address that the guard blocks, whoever asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is wrong with a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// `0.0.0.0/8` and `::`: "this host" (RFC 1122 §3.2.1.3), which Linux takes for loopback.
    Unspecified,
    /// `127.0.0.0/8` and `::1`: services that trust this host.
    Loopback,
    /// `169.254.0.0/16` and `fe80::/10`: the neighbours on the wire.
    LinkLocal,
    /// `224.0.0.0/4` and `ff00::/8`.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// An address where a cloud hands out credentials.
    Metadata,
    /// An address of this host.
    OwnAddress,
    /// A port that we listen on, which would make a loop.
    OwnListener,
}

/// Where clouds hand out credentials; those that are link-local too are named for what they are.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254), // Amazon, Google, Microsoft, OpenStack and others
    Ipv4Addr::new(169, 254, 170, 2),   // Amazon, tasks of ECS
    Ipv4Addr::new(168, 63, 129, 16),   // Microsoft
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];

const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // Amazon
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
];

impl Ground {
    /// Every ground, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Unspecified,
        Self::Loopback,
        Self::LinkLocal,
        Self::Multicast,
        Self::Broadcast,
        Self::Metadata,
        Self::OwnAddress,
        Self::OwnListener,
    ];

    /// A stable word for logs, metrics and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Metadata => "metadata",
            Self::OwnAddress => "own-address",
            Self::OwnListener => "own-listener",
        }
    }

    /// What is wrong with an address by itself; nothing is known here about whose it is.
    pub(super) fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Option<Ground> {
    if METADATA_V4.contains(&address) {
        return Some(Ground::Metadata);
    }
    match address.octets() {
        [0, ..] => Some(Ground::Unspecified),
        [127, ..] => Some(Ground::Loopback),
        [169, 254, ..] => Some(Ground::LinkLocal),
        [224..=239, ..] => Some(Ground::Multicast),
        [255, 255, 255, 255] => Some(Ground::Broadcast),
        _ => None,
    }
}

fn of_v6(address: Ipv6Addr) -> Option<Ground> {
    if METADATA_V6.contains(&address) {
        return Some(Ground::Metadata);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(Ground::Unspecified),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(Ground::Loopback),
        [0xfe80..=0xfebf, ..] => Some(Ground::LinkLocal),
        [0xff00..=0xffff, ..] => Some(Ground::Multicast),
        _ => None,
    }
}
