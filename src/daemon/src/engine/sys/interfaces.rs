//! The addresses of this host.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use nix::sys::socket::SockaddrStorage;

/// The addresses of every interface (getifaddrs(3)).
///
/// # Errors
/// The kernel does not say: no descriptor is left, or netlink is forbidden.
pub(crate) fn addresses() -> io::Result<HashSet<IpAddr>> {
    Ok(nix::ifaddrs::getifaddrs()?.filter_map(|interface| ip(&interface.address?)).collect())
}

/// The address from which this host would reach `peer`; asks the routing table, sends nothing.
pub(crate) fn towards(peer: IpAddr) -> Option<IpAddr> {
    let any = match peer {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let probe = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    // The port means nothing; connect(2) on a datagram socket only chooses the route.
    probe.connect(SocketAddr::new(peer, 9)).ok()?;
    Some(probe.local_addr().ok()?.ip())
}

/// Where this host itself reaches what listens there; what listens on every address is reached by loopback.
pub(crate) fn reached_here(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, bound.port())
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}
