//! The two halves of the address space: the public internet, and everything that only means something nearer by.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which half an address belongs to; every address belongs to exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Realm {
    /// The addresses that mean the same host everywhere.
    Public,
    /// `0.0.0.0/8`, `10.0.0.0/8`, `100.64.0.0/10`, `127.0.0.0/8`, `169.254.0.0/16`, `172.16.0.0/12`, `192.0.0.0/24`,
    /// `192.168.0.0/16`, `198.18.0.0/15`, `224.0.0.0/4`, `240.0.0.0/4`; `::/127`, `fc00::/7`, `fe80::/9`, `ff00::/8`.
    Private,
}

impl Realm {
    /// Which half this address belongs to by itself, whatever it carries.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let is_private = match address {
            IpAddr::V4(address) => is_private_v4(address),
            IpAddr::V6(address) => is_private_v6(address),
        };
        if is_private { Self::Private } else { Self::Public }
    }

    /// The word in a rule.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "@public",
            Self::Private => "@private",
        }
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The blocks of the special-purpose registry (RFC 6890) that carry traffic inside networks. Those for documentation
/// are not among them: nobody routes them, and laboratories use them to play the internet.
fn is_private_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        [0 | 10 | 127 | 224..=255, ..] | [169, 254, ..] | [192, 168, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] => true,
        _ => false,
    }
}

/// Loopback and unspecified, unique local (RFC 4193), link-local, the site-local addresses of RFC 3879, multicast.
fn is_private_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => true,
        [first, ..] => first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80 || first & 0xff00 == 0xff00,
    }
}
