//! A SOCKS5 client's datagrams (RFC 1928 §7): the association, its socket and the header before every payload.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::socks5::{Destination, UDP_ASSOCIATE, greeted, rep};
use crate::wait::PATIENCE;
use crate::wire::Wire;

/// The longest payload of a UDP datagram over IPv4: 65 535 bytes without both headers.
pub const LONGEST: usize = 65_507;

/// "I do not know yet where I shall send from" (RFC 1928 §7).
#[must_use]
pub fn zeros() -> Destination {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()
}

/// An association and the client's socket.
#[derive(Debug)]
pub struct Association {
    pub control: Wire,
    /// Where the client sends to.
    pub relay: SocketAddr,
    pub socket: UdpSocket,
}

impl Association {
    /// Associates without saying where the datagrams will come from.
    #[must_use]
    pub fn open(proxy: SocketAddr) -> Self {
        Self::with(greeted(proxy), zeros())
    }

    /// Associates over a connection that has greeted.
    #[must_use]
    pub fn with(mut control: Wire, claimed: impl Into<Destination>) -> Self {
        let socket = datagrams(control.local().ip());
        let reply = control.ask(UDP_ASSOCIATE, claimed);
        assert_eq!(reply.code, rep::SUCCEEDED, "UDP ASSOCIATE should be granted");
        Self { control, relay: reply.bound.address(), socket }
    }

    /// The address that the client sends from.
    #[must_use]
    pub fn source(&self) -> SocketAddr {
        address(&self.socket)
    }

    /// Sends a payload to a destination.
    pub fn send(&self, to: impl Into<Destination>, payload: &[u8]) {
        self.send_raw(&wrapped(to, payload));
    }

    /// Sends bytes as they are.
    pub fn send_raw(&self, datagram: &[u8]) {
        post(&self.socket, datagram, self.relay);
    }

    /// The next answer: who sent it, and what.
    #[must_use]
    pub fn receive(&self) -> (SocketAddr, Vec<u8>) {
        let (datagram, relay) = next(&self.socket);
        assert_eq!(relay, self.relay, "answers come from the relay's advertised address");
        unwrapped(&datagram)
    }
}

/// Whether an address still takes datagrams; the host of one that does not says so (ICMP, udp(7)).
#[must_use]
pub fn is_open(relay: SocketAddr) -> bool {
    let probe = datagrams(relay.ip());
    probe.connect(relay).expect("a relay has an address of this host");
    probe.send(&[]).is_ok() && is_silent_for(&probe, Duration::from_millis(20))
}

/// A socket that waits no longer than [`PATIENCE`].
#[must_use]
pub fn datagrams(ip: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap_or_else(|error| panic!("no UDP socket on {ip}: {error}"));
    socket.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    socket
}

/// Where a socket takes datagrams.
#[must_use]
pub fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("a bound socket has an address")
}

/// Sends one datagram.
pub fn post(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    socket.send_to(datagram, to).unwrap_or_else(|error| panic!("no datagram to {to}: {error}"));
}

/// The next datagram and its sender.
#[must_use]
pub fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut room = vec![0; 1 << 16];
    let (length, sender) = socket.recv_from(&mut room).expect("a datagram should come");
    room.truncate(length);
    (room, sender)
}

/// Whether no datagram comes for this long.
#[must_use]
pub fn is_silent_for(socket: &UdpSocket, time: Duration) -> bool {
    socket.set_read_timeout(Some(time)).expect("the time is not zero");
    let received = socket.recv_from(&mut [0]);
    socket.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    received.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Header and payload.
#[must_use]
pub fn wrapped(to: impl Into<Destination>, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, 0][..], &to.into().encoded(), payload].concat()
}

/// Takes the header off a datagram from the relay.
#[must_use]
pub fn unwrapped(datagram: &[u8]) -> (SocketAddr, Vec<u8>) {
    let rest = datagram.strip_prefix(&[0, 0, 0]).expect("RSV and FRAG are zero");
    let (from, payload) = Destination::decode(rest);
    (from.address(), payload.to_vec())
}
