//! Who is counted as one: an address, or the network that one customer has.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Where clients come from, as penalties tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Source {
    Network(IpNet),
    /// A Unix socket: everybody who may open it, and nobody in particular.
    Local,
}

impl Source {
    /// The network of this many leading bits around an address.
    pub(crate) fn around(ip: IpAddr, prefixes: Prefixes) -> Self {
        let bits = match ip {
            IpAddr::V4(_) => prefixes.v4,
            IpAddr::V6(_) => prefixes.v6,
        };
        Self::Network(IpNet::new(ip, bits).map_or_else(|_too_long| ip.into(), |network| network.trunc()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(one) if one.prefix_len() == one.max_prefix_len() => one.addr().fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::Local => f.write_str("local"),
        }
    }
}

/// How many leading bits of an address are one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefixes {
    pub(crate) v4: u8,
    pub(crate) v6: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let usual = Prefixes { v4: 32, v6: 64 };
        let wide = Prefixes { v4: 24, v6: 128 };
        for (address, prefixes, source) in [
            ("192.0.2.7", usual, "192.0.2.7"),
            ("2001:db8::1", usual, "2001:db8::/64"),
            ("2001:db8:0:0:ffff::1", usual, "2001:db8::/64"),
            ("2001:db8:0:1::1", usual, "2001:db8:0:1::/64"),
            ("192.0.2.7", wide, "192.0.2.0/24"),
            ("2001:db8::1", wide, "2001:db8::1"),
        ] {
            assert_eq!(Source::around(address.parse().unwrap(), prefixes).to_string(), source);
        }
    }
}
