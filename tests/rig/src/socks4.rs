//! What a SOCKS4 and 4a client says and hears.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::wire::Wire;

pub const CONNECT: u8 = 1;
pub const BIND: u8 = 2;

pub const GRANTED: u8 = 0x5A;
pub const REJECTED: u8 = 0x5B;

/// A reply: code and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    pub code: u8,
    pub bound: SocketAddrV4,
}

/// A SOCKS4 request.
#[must_use]
pub fn request(command: u8, to: SocketAddrV4, user: &[u8]) -> Vec<u8> {
    [&[4, command][..], &to.port().to_be_bytes(), &to.ip().octets(), user, &[0]].concat()
}

/// A request of `SOCKS4a`: the address 0.0.0.1 says that a name follows.
#[must_use]
pub fn named_request(command: u8, name: &[u8], port: u16, user: &[u8]) -> Vec<u8> {
    let marker = SocketAddrV4::new(Ipv4Addr::new(0, 0, 0, 1), port);
    [&request(command, marker, user), name, &[0]].concat()
}

impl Wire {
    /// The next SOCKS4 reply.
    #[must_use]
    pub fn socks4_reply(&mut self) -> Reply {
        let [version, code, high, low, a, b, c, d] = self.receive();
        assert_eq!(version, 0, "version of a SOCKS4 reply");
        let port = u16::from_be_bytes([high, low]);
        Reply { code, bound: SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port) }
    }
}
