//! The hard guard: places that no rule can allow, because reaching them turns the proxy against its own host.
//!
//! Only an exception that the operator wrote opens one of them. Knows addresses and ports, and nothing of names:
//! every address that a name resolves to is judged by itself, at the moment it would be dialled.

pub(crate) mod ground;

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

use crate::effective::{Carrier, carried};
use crate::guard::ground::Ground;

/// What the operator opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// Every port of every address of the network, but never one of our own listeners.
    Network(IpNet),
    /// One port of one address, even if we listen there ourselves.
    Endpoint(SocketAddr),
}

/// Judges addresses; immutable, so a change of our own addresses makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    endpoints: HashSet<(IpAddr, u16)>,
    networks: Vec<IpNet>,
    own_addresses: HashSet<IpAddr>,
    own_listeners: Vec<(IpAddr, u16)>,
}

/// What the guard says.
#[must_use = "an address that was not judged must not be dialled"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The guard has nothing against it; rules may still.
    Allowed,
    /// Nobody may go there.
    Blocked(Reason),
}

/// Why an address is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// What is wrong with it.
    pub ground: Ground,
    /// How the IPv6 address carries the IPv4 address that is meant; nothing when the address itself is meant.
    pub carrier: Option<Carrier>,
}

impl Guard {
    /// A guard for a host that has these addresses and listens on these endpoints.
    ///
    /// A listener on an unspecified address (`0.0.0.0`, `::`) listens on all of our addresses, of both families.
    #[must_use]
    pub fn new(
        exceptions: &[Exception],
        own_addresses: impl IntoIterator<Item = IpAddr>,
        own_listeners: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        let mut guard = Self {
            own_addresses: own_addresses.into_iter().map(|address| address.to_canonical()).collect(),
            own_listeners: own_listeners.into_iter().map(canonical).collect(),
            ..Self::default()
        };
        for exception in exceptions {
            match *exception {
                Exception::Network(network) => guard.networks.push(unmapped(network)),
                Exception::Endpoint(endpoint) => {
                    guard.endpoints.insert(canonical(endpoint));
                }
            }
        }
        guard
    }

    /// Whether this port of this address may be reached. Allocates nothing.
    pub fn judge(&self, address: IpAddr, port: u16) -> Verdict {
        let address = address.to_canonical();
        if self.is_opened_exactly(address, port) {
            return Verdict::Allowed;
        }
        match self.loop_to_ourselves(address, port).or_else(|| self.forbidden(address, port)) {
            Some(reason) => Verdict::Blocked(reason),
            None => Verdict::Allowed,
        }
    }

    /// A way back into one of our own listeners; only an exception for exactly that endpoint opens it.
    fn loop_to_ourselves(&self, address: IpAddr, port: u16) -> Option<Reason> {
        first_reason(address, |address| {
            let is_loop = self.is_own_listener(address, port) && !self.is_opened_exactly(address, port);
            is_loop.then_some(Ground::OwnListener)
        })
    }

    fn forbidden(&self, address: IpAddr, port: u16) -> Option<Reason> {
        if self.is_in_open_network(address) {
            return None;
        }
        first_reason(address, |address| {
            let is_open = self.is_opened_exactly(address, port) || self.is_in_open_network(address);
            let own = self.own_addresses.contains(&address).then_some(Ground::OwnAddress);
            Ground::of(address).or(own).filter(|_| !is_open)
        })
    }

    fn is_opened_exactly(&self, address: IpAddr, port: u16) -> bool {
        self.endpoints.contains(&(address, port))
    }

    fn is_in_open_network(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn is_own_listener(&self, address: IpAddr, port: u16) -> bool {
        let reached = reached(address);
        let answers = |&(own, own_port): &(IpAddr, u16)| {
            own_port == port && (own == reached || (own.is_unspecified() && self.is_local(reached)))
        };
        self.own_listeners.iter().any(answers)
    }

    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.own_addresses.contains(&address)
    }
}

impl Reason {
    /// The ground as a stable word for metrics and logs.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.ground.as_str()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ground.as_str())?;
        self.carrier.iter().try_for_each(|carrier| write!(f, " inside {}", carrier.as_str()))
    }
}

/// Asks about the address itself, then about every IPv4 address it carries.
fn first_reason(address: IpAddr, ground: impl Fn(IpAddr) -> Option<Ground>) -> Option<Reason> {
    let itself = ground(address).map(|ground| Reason { ground, carrier: None });
    let IpAddr::V6(outer) = address else { return itself };
    itself.or_else(|| {
        carried(outer).find_map(|inner| {
            ground(inner.address.into()).map(|ground| Reason { ground, carrier: Some(inner.carrier) })
        })
    })
}

/// Linux takes a connection to the unspecified address for one to loopback.
fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

fn canonical(endpoint: SocketAddr) -> (IpAddr, u16) {
    (endpoint.ip().to_canonical(), endpoint.port())
}

/// A network of v4-mapped addresses as the IPv4 network it means.
pub(crate) fn unmapped(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let inner = match network.network().to_canonical() {
        IpAddr::V4(inner) => network.prefix_len().checked_sub(MAPPED_BITS).map(|length| (inner, length)),
        IpAddr::V6(_) => None,
    };
    let inner = inner.filter(|_| matches!(network, IpNet::V6(_)));
    inner.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}
