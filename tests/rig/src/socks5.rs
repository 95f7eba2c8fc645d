//! What a SOCKS5 client says and hears (RFC 1928, RFC 1929), byte for byte.

use std::net::{IpAddr, SocketAddr};

use crate::wire::Wire;

pub const CONNECT: u8 = 1;
pub const BIND: u8 = 2;
pub const UDP_ASSOCIATE: u8 = 3;
/// Tor's lookup of a name (socks-extensions §2).
pub const RESOLVE: u8 = 0xF0;
/// Tor's lookup of an address.
pub const RESOLVE_PTR: u8 = 0xF1;

pub const NO_AUTHENTICATION: u8 = 0;
pub const GSSAPI: u8 = 1;
pub const USERPASS: u8 = 2;

/// REP codes of RFC 1928 §6.
pub mod rep {
    pub const SUCCEEDED: u8 = 0;
    pub const GENERAL: u8 = 1;
    pub const NOT_ALLOWED: u8 = 2;
    pub const NETWORK_UNREACHABLE: u8 = 3;
    pub const HOST_UNREACHABLE: u8 = 4;
    pub const REFUSED: u8 = 5;
    pub const TTL_EXPIRED: u8 = 6;
    pub const COMMAND: u8 = 7;
    pub const ADDRESS_TYPE: u8 = 8;
}

/// A host as SOCKS5 writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Address(IpAddr),
    Name(Vec<u8>),
}

/// Host and port as SOCKS5 writes them: in requests, replies and before datagrams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub host: Host,
    pub port: u16,
}

impl Destination {
    /// ATYP, address and port.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = match &self.host {
            Host::Address(IpAddr::V4(ip)) => [&[1][..], &ip.octets()].concat(),
            Host::Address(IpAddr::V6(ip)) => [&[4][..], &ip.octets()].concat(),
            Host::Name(name) => {
                let length = u8::try_from(name.len()).expect("SOCKS5 has one byte for a name's length");
                [&[3, length][..], name].concat()
            }
        };
        bytes.extend(self.port.to_be_bytes());
        bytes
    }

    /// The address that it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match &self.host {
            Host::Address(ip) => SocketAddr::new(*ip, self.port),
            Host::Name(name) => panic!("an address should be here, not the name {}", name.escape_ascii()),
        }
    }

    /// Takes a destination off the front of `bytes`.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> (Self, &[u8]) {
        let (host, rest) = match bytes {
            [1, rest @ ..] => take(rest, |octets: [u8; 4]| Host::Address(octets.into())),
            [4, rest @ ..] => take(rest, |octets: [u8; 16]| Host::Address(octets.into())),
            [3, length, rest @ ..] => {
                let (name, rest) = rest.split_at(usize::from(*length));
                (Host::Name(name.to_vec()), rest)
            }
            _ => panic!("no address begins with {}", bytes.escape_ascii()),
        };
        let (port, rest) = take(rest, u16::from_be_bytes);
        (Self { host, port }, rest)
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::Address(address.ip()), port: address.port() }
    }
}

impl From<(&str, u16)> for Destination {
    fn from((name, port): (&str, u16)) -> Self {
        Self { host: Host::Name(name.into()), port }
    }
}

/// A reply that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u8,
    pub bound: Destination,
}

/// Version, number of methods, methods.
#[must_use]
pub fn greeting(methods: &[u8]) -> Vec<u8> {
    let count = u8::try_from(methods.len()).expect("SOCKS5 has one byte for the number of methods");
    [&[5, count][..], methods].concat()
}

/// RFC 1929 §2.
#[must_use]
pub fn login(name: &[u8], password: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| u8::try_from(text.len()).expect("RFC 1929 has one byte for a length");
    [&[1, length(name)][..], name, &[length(password)], password].concat()
}

/// Version, command, a zero, destination.
#[must_use]
pub fn request(command: u8, to: impl Into<Destination>) -> Vec<u8> {
    [&[5, command, 0][..], &to.into().encoded()].concat()
}

impl Wire {
    /// Agrees on no authentication.
    pub fn greet(&mut self) {
        assert_eq!(self.offer(&[NO_AUTHENTICATION]), [5, NO_AUTHENTICATION], "no authentication should be asked for");
    }

    /// Offers methods and hears which one is taken.
    #[must_use]
    pub fn offer(&mut self, methods: &[u8]) -> [u8; 2] {
        self.send(&greeting(methods));
        self.receive()
    }

    /// Agrees on name and password, sends them, and hears version and status.
    #[must_use]
    pub fn log_in(&mut self, name: &[u8], password: &[u8]) -> [u8; 2] {
        assert_eq!(self.offer(&[USERPASS]), [5, USERPASS], "a password should be asked for");
        self.send(&login(name, password));
        self.receive()
    }

    /// Sends a request and hears the reply.
    #[must_use]
    pub fn ask(&mut self, command: u8, to: impl Into<Destination>) -> Reply {
        self.send(&request(command, to));
        self.reply()
    }

    /// The next reply.
    #[must_use]
    pub fn reply(&mut self) -> Reply {
        let [version, code, reserved, kind] = self.receive();
        assert_eq!((version, reserved), (5, 0), "version and reserved byte of a reply");
        let bound = match kind {
            1 => self.bound::<6>(kind),
            3 => self.bound_name(),
            4 => self.bound::<18>(kind),
            other => panic!("no reply carries ATYP {other}"),
        };
        Reply { code, bound }
    }

    fn bound<const N: usize>(&mut self, kind: u8) -> Destination {
        let address: [u8; N] = self.receive();
        Destination::decode(&[&[kind][..], &address].concat()).0
    }

    /// Only an answer to `RESOLVE_PTR` carries a name.
    fn bound_name(&mut self) -> Destination {
        let [length] = self.receive();
        let name_and_port = self.receive_all(usize::from(length) + 2);
        Destination::decode(&[&[3, length][..], &name_and_port].concat()).0
    }
}

/// A client that has greeted without authentication and waits to ask.
#[must_use]
pub fn greeted(proxy: SocketAddr) -> Wire {
    let mut client = Wire::connect(proxy);
    client.greet();
    client
}

fn take<const N: usize, T>(bytes: &[u8], make: impl Fn([u8; N]) -> T) -> (T, &[u8]) {
    let (field, rest) = bytes.split_first_chunk().expect("an address and a port are whole");
    (make(*field), rest)
}
