//! The sockets of an association: one towards the client, and one of each address family towards its peers.
//!
//! They are never the same one, so a peer may have the client's own address and nobody outside can reach the client's side.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::Exit;
use crate::engine::sys::{datagrams, ports};
use crate::state::session::refusal::Refusal;

/// Bytes that a socket asks to hold in each direction; the kernel grants up to `net.core.rmem_max` and `wmem_max`.
/// Unlike TCP's, these buffers do not grow by themselves, and a burst that finds them full is lost.
const BUFFER: usize = 1 << 20;

/// Opens the client's side on exactly this address, on a port of the range or any.
///
/// # Errors
/// As [`ports::first_free`].
pub(super) fn open_relay(mut address: SocketAddr, range: Option<RangeInclusive<u16>>) -> Result<UdpSocket, Refusal> {
    let refusal = |error| ports::refusal(&error);
    let socket = open(address.ip()).map_err(refusal)?;
    ports::first_free(range, |port| {
        address.set_port(port);
        socket.bind(&address.into())
    })?;
    UdpSocket::from_std(socket.into()).map_err(refusal)
}

impl Exit {
    /// Opens the side towards peers of this peer's family.
    ///
    /// # Errors
    /// Those of socket(2), bind(2) and setsockopt(2); `mark` and `interface` may need a capability.
    pub(super) fn open(&self, peer: IpAddr) -> io::Result<UdpSocket> {
        UdpSocket::from_std(self.leave(peer)?.into())
    }

    /// Whether the host has a route and a source address for this peer; nothing is sent.
    pub(super) fn reaches(&self, peer: SocketAddr) -> bool {
        self.leave(peer.ip()).and_then(|socket| socket.connect(&peer.into())).is_ok()
    }

    fn leave(&self, peer: IpAddr) -> io::Result<Socket> {
        let socket = open(peer)?;
        socket.bind_device(self.interface.as_deref().map(str::as_bytes))?;
        if let Some(mark) = self.mark {
            socket.set_mark(mark)?;
        }
        socket.bind(&SocketAddr::new(self.source(peer), 0).into())?;
        Ok(socket)
    }

    fn source(&self, peer: IpAddr) -> IpAddr {
        match peer {
            IpAddr::V4(_) => self.v4.unwrap_or(Ipv4Addr::UNSPECIFIED).into(),
            IpAddr::V6(_) => self.v6.unwrap_or(Ipv6Addr::UNSPECIFIED).into(),
        }
    }
}

/// A socket of this address's family alone.
fn open(address: IpAddr) -> io::Result<Socket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    match address {
        IpAddr::V4(_) => datagrams::allow_fragments(&socket)?,
        IpAddr::V6(_) => socket.set_only_v6(true)?,
    }
    datagrams::receive_trains(&socket);
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    Ok(socket)
}
