//! Where a client wants to go: an address or a name, and a port, exactly as it was sent.
//!
//! Knows nothing of resolving or judging: a name is 1–255 raw bytes, an IPv4-mapped address stays as the client wrote it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::escaped::Escaped;
use crate::reader::{Reader, Short};

/// A destination as the client asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub host: Host,
    /// 0–65535; zero is legal in a UDP ASSOCIATE and it is the caller who refuses it elsewhere.
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    /// May be an address in disguise ("127.0.0.1"); the caller has to look.
    Name(Name),
}

/// An address as it shows itself, but without std's formatting of each number where it is an IPv4 one, which takes longer: each
/// session has four of them in its line of the log.
#[derive(Clone, Copy, Debug)]
pub struct Plainly(pub SocketAddr);

/// 1–255 bytes as they were sent, not necessarily UTF-8, not necessarily a host name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Box<[u8]>);

impl Target {
    /// Reads ATYP, address and port (RFC 1928 §5).
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, AddressFault> {
        let host = match reader.byte()? {
            ATYP_V4 => Host::V4(Ipv4Addr::from(reader.array()?)),
            ATYP_NAME => Host::Name(Name::new(reader.counted()?).ok_or(AddressFault::EmptyName)?),
            ATYP_V6 => Host::V6(Ipv6Addr::from(reader.array()?)),
            other => return Err(AddressFault::Type(other)),
        };
        let port = reader.number()?;
        Ok(Self { host, port })
    }
}

impl Name {
    /// `None` unless there are 1 to 255 bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=Self::MAX).contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What one length byte can announce.
    pub(crate) const MAX: usize = 255;
}

/// Writes `host:port`, with brackets where the host has colons of its own and hostile bytes escaped.
impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host {
            Host::V4(address) => Plainly(SocketAddr::from((*address, *port))).fmt(out),
            Host::V6(address) => write!(out, "[{address}]:{port}"),
            Host::Name(name) if name.as_bytes().contains(&b':') => write!(out, "[{name}]:{port}"),
            Host::Name(name) => write!(out, "{name}:{port}"),
        }
    }
}

impl fmt::Display for Plainly {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SocketAddr::V4(address) = self.0 else { return self.0.fmt(out) };
        let mut digits = itoa::Buffer::new();
        for (octet, end) in address.ip().octets().into_iter().zip([".", ".", ".", ":"]) {
            out.write_str(digits.format(octet))?;
            out.write_str(end)?;
        }
        out.write_str(digits.format(address.port()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(out),
            Self::V6(address) => address.fmt(out),
            Self::Name(name) => name.fmt(out),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.0).fmt(out)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{self}\"")
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(v4) => Host::V4(*v4.ip()),
            SocketAddr::V6(v6) => Host::V6(*v6.ip()),
        };
        Self { host, port: address.port() }
    }
}

/// What can be wrong with ATYP and address; a request and a datagram answer it differently.
#[derive(Debug)]
pub(crate) enum AddressFault {
    Short,
    Type(u8),
    EmptyName,
}

impl From<Short> for AddressFault {
    fn from(Short: Short) -> Self {
        Self::Short
    }
}

// RFC 1928 §5.
pub(crate) const ATYP_V4: u8 = 1;
pub(crate) const ATYP_NAME: u8 = 3;
pub(crate) const ATYP_V6: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_255_bytes() {
        assert_eq!(Name::new(b""), None);
        assert_eq!(Name::new(&[b'a'; 256]), None);
        assert_eq!(Name::new(&[b'a'; 255]).unwrap().as_bytes(), [b'a'; 255]);
        assert_eq!(Name::new(b"\xff").unwrap().as_bytes(), b"\xff");
    }

    #[test]
    fn a_target_reads_as_host_and_port() {
        check(Host::V4(Ipv4Addr::LOCALHOST), "127.0.0.1:80");
        check(Host::V6(Ipv6Addr::LOCALHOST), "[::1]:80");
        check(name(b"db.corp"), "db.corp:80");
        check(name(b"::1"), "[::1]:80");
        check(name(b"a\r\nb"), r"a\x0d\x0ab:80");
    }

    #[test]
    fn a_socket_address_is_a_target() {
        for address in ["192.0.2.1:80", "[2001:db8::1]:443"] {
            let target = Target::from(address.parse::<SocketAddr>().unwrap());
            assert_eq!(target.to_string(), address);
        }
    }

    #[test]
    fn a_host_reads_without_brackets() {
        assert_eq!(Host::V4(Ipv4Addr::LOCALHOST).to_string(), "127.0.0.1");
        assert_eq!(Host::V6(Ipv6Addr::LOCALHOST).to_string(), "::1");
        assert_eq!(name(b"a b").to_string(), r"a\x20b");
        assert_eq!(format!("{:?}", name(b"a b")), r#"Name("a\x20b")"#);
    }

    fn check(host: Host, expected: &str) {
        assert_eq!(Target { host, port: 80 }.to_string(), expected);
    }

    fn name(bytes: &[u8]) -> Host {
        Host::Name(Name::new(bytes).unwrap())
    }
}
