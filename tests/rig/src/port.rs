//! Ports for servers that must be told one.

use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A TCP port that nobody else is given while this lives, and that a server may still listen on.
///
/// Holds a bound socket that never listens. Both reuse options let a server bind beside it, whichever of the two the
/// server sets; and the kernel never chooses a bound port for anybody who asks for any port.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _reserving: Socket,
}

impl Port {
    /// Reserves a port of this address.
    #[must_use]
    pub fn reserve(ip: IpAddr) -> Self {
        let any = SocketAddr::new(ip, 0);
        let socket = Socket::new(Domain::for_address(any), Type::STREAM, None).expect("a socket can be had");
        socket.bind(&any.into()).unwrap_or_else(|error| panic!("no port on {ip}: {error}"));
        // After the choice: set before it, a port that another one of ours reserves could be chosen again.
        socket.set_reuse_address(true).expect("SO_REUSEADDR can be set on a TCP socket");
        socket.set_reuse_port(true).expect("SO_REUSEPORT can be set on a TCP socket");
        let address = socket.local_addr().expect("a bound socket has an address");
        Self { address: address.as_socket().expect("a TCP socket has an IP address"), _reserving: socket }
    }

    /// Where a server may listen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }
}
