//! Addresses, networks and port ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::problem::Fault;
use crate::values::{Parsed, Written};

/// Ports below this one are the system's (RFC 6335 §6); a client is never given one.
const FIRST_USER_PORT: u16 = 1024;

/// The ports that a client may be given, `1024..=65535`, written `"20000-29999"` or `"20000"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// Every port from the first to the last; never empty.
    #[must_use]
    pub fn range(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

impl Parsed for Ports {
    fn parse(text: &str) -> Result<Self, Fault> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if FIRST_USER_PORT <= first && first <= last => Ok(Self { first, last }),
            _ => Err(Fault::new(format!("{text:?} is not a range of ports from {FIRST_USER_PORT} to 65535"))
                .hint("write the first and the last port: \"20000-29999\"")),
        }
    }
}

impl Written for Ports {
    fn written(&self) -> String {
        format!("{}-{}", self.first, self.last)
    }
}

/// The address of the first listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindAddress {
    /// Listen here.
    Address(IpAddr),
    /// Written `"none"`: only the `[[listen]]` tables listen.
    None,
}

impl Parsed for BindAddress {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "none" {
            return Ok(Self::None);
        }
        text.parse().map(Self::Address).map_err(|_| {
            Fault::new(format!("{text:?} is not an IP address"))
                .hint("write an address without a port: \"127.0.0.1\" or \"::1\"; \"none\" leaves only [[listen]]")
        })
    }
}

impl Written for BindAddress {
    fn written(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::None => "none".to_owned(),
        }
    }
}

/// What the operator opens in the hard guard: an address, a network, or one port of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Every port of every address of the network; a single address is a network of one.
    Network(IpNet),
    /// This port of this address.
    Endpoint(SocketAddr),
}

impl Parsed for Opening {
    fn parse(text: &str) -> Result<Self, Fault> {
        if let Ok(endpoint) = text.parse::<SocketAddr>() {
            return Ok(Self::Endpoint(endpoint));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(IpNet::from(address)));
        }
        if text.parse::<IpNet>().is_ok() {
            return IpNet::parse(text).map(Self::Network);
        }
        Err(Fault::new(format!("{text:?} is not an address, a network or an address with a port"))
            .hint("write \"192.0.2.1\", \"192.0.2.0/24\", \"192.0.2.1:53\" or \"[2001:db8::1]:53\""))
    }
}

impl Written for Opening {
    fn written(&self) -> String {
        match self {
            Self::Network(network) => network.written(),
            Self::Endpoint(endpoint) => endpoint.to_string(),
        }
    }
}

impl Parsed for IpNet {
    fn parse(text: &str) -> Result<Self, Fault> {
        let network: Self = match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => text.parse().map_err(|_| {
                Fault::new(format!("{text:?} is not a network")).hint("write \"192.0.2.0/24\" or \"2001:db8::/32\"")
            })?,
        };
        if network.addr() == network.network() {
            return Ok(network);
        }
        // Nobody can tell whether the address or the length was meant.
        Err(Fault::new(format!("{text:?} has bits set beyond its prefix")).hint(format!(
            "write \"{}\" or \"{}\"",
            network.trunc(),
            network.addr()
        )))
    }
}

impl Written for IpNet {
    fn written(&self) -> String {
        if self.prefix_len() == self.max_prefix_len() { self.addr().to_string() } else { self.to_string() }
    }
}

macro_rules! written_address {
    ($($address:ty, $example:literal;)+) => {$(
        impl Parsed for $address {
            fn parse(text: &str) -> Result<Self, Fault> {
                text.parse()
                    .map_err(|_| Fault::new(format!("{text:?} cannot be used here")).hint(concat!("write ", $example)))
            }
        }

        impl Written for $address {
            fn written(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

written_address! {
    IpAddr, "an address: \"192.0.2.1\" or \"2001:db8::1\"";
    Ipv4Addr, "an IPv4 address: \"192.0.2.1\"";
    Ipv6Addr, "an IPv6 address: \"2001:db8::1\"";
}
