//! The header that a load balancer puts in front of a connection: PROXY protocol, versions 1 and 2.
//!
//! Source: haproxy's `doc/proxy-protocol.txt`. Knows nothing of whom to believe: decode only what a trusted neighbour sent.
//! The extensions of version 2 (TLVs, with them its optional checksum) are skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::reader::{Reader, Short};

/// How far the header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    NeedMore,
    /// What follows the `consumed` bytes is what the client sent.
    Done {
        consumed: usize,
        path: Path,
    },
}

/// Which way the connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// On behalf of a client.
    Proxied { source: SocketAddr, destination: SocketAddr },
    /// From the neighbour itself (LOCAL, a health check), or it cannot say (UNKNOWN, UNSPEC, Unix sockets, datagrams): the real addresses count.
    Direct,
}

/// Why the connection has to be dropped, without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProxyFault {
    #[error("the connection does not begin with a PROXY protocol header")]
    Absent,
    #[error("the PROXY protocol header is malformed")]
    Malformed,
    #[error("the PROXY protocol header is longer than {limit} bytes")]
    TooLong { limit: usize },
}

/// Reads the header at the front of `input`, which is everything that has come so far.
///
/// # Errors
/// `input` cannot become a header, however much more comes.
pub fn decode(input: &[u8]) -> Result<Progress, ProxyFault> {
    let decoded = if begins(input, SIGNATURE) {
        version_2(input)
    } else if begins(input, PREFIX) {
        version_1(input)
    } else {
        return Err(ProxyFault::Absent);
    };
    match decoded {
        Ok((consumed, path)) => Ok(Progress::Done { consumed, path }),
        Err(Stop::NeedMore) => Ok(Progress::NeedMore),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// Whether the input is what `mark` begins with, or begins with it.
fn begins(input: &[u8], mark: &[u8]) -> bool {
    input.iter().zip(mark).all(|(byte, expected)| byte == expected)
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n` (§2.1).
fn version_1(input: &[u8]) -> Result<(usize, Path), Stop> {
    let window = &input[..input.len().min(LONGEST_V1)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return Err(if window.len() == LONGEST_V1 { too_long(LONGEST_V1) } else { Stop::NeedMore });
    };
    let line = str::from_utf8(&window[..end]).map_err(|_| ProxyFault::Malformed)?;
    let words: Vec<&str> = line.split(' ').collect();
    let path = match words[..] {
        ["PROXY", "UNKNOWN", ..] => Path::Direct,
        ["PROXY", "TCP4", from, to, from_port, to_port] => proxied::<Ipv4Addr>([from, to], [from_port, to_port])?,
        ["PROXY", "TCP6", from, to, from_port, to_port] => proxied::<Ipv6Addr>([from, to], [from_port, to_port])?,
        _ => return Err(ProxyFault::Malformed.into()),
    };
    Ok((end + 2, path))
}

fn proxied<Ip: FromStr + Into<IpAddr>>(addresses: [&str; 2], ports: [&str; 2]) -> Result<Path, ProxyFault> {
    let address = |text: &str| text.parse::<Ip>().map_err(|_| ProxyFault::Malformed);
    Ok(Path::Proxied {
        source: SocketAddr::new(address(addresses[0])?.into(), port(ports[0])?),
        destination: SocketAddr::new(address(addresses[1])?.into(), port(ports[1])?),
    })
}

fn port(text: &str) -> Result<u16, ProxyFault> {
    // The standard parser would let a plus sign pass.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ProxyFault::Malformed);
    }
    text.parse().map_err(|_| ProxyFault::Malformed)
}

/// The binary header (§2.2): signature, version and command, family and protocol, length, addresses, extensions.
fn version_2(input: &[u8]) -> Result<(usize, Path), Stop> {
    let mut reader = Reader::new(input);
    let _signature: [u8; SIGNATURE.len()] = reader.array()?;
    let command = Command::decode(reader.byte()?)?;
    let transport = Transport::decode(reader.byte()?)?;
    let length = usize::from(reader.number()?);
    if reader.consumed() + length > LONGEST_V2 {
        return Err(too_long(LONGEST_V2));
    }
    let block = reader.take(length)?;
    let path = match command {
        Command::Local => Path::Direct,
        Command::Proxy => transport.path(block).map_err(|Short| ProxyFault::Malformed)?,
    };
    Ok((reader.consumed(), path))
}

enum Command {
    Local,
    Proxy,
}

impl Command {
    /// The high four bits are the version, always 2.
    fn decode(byte: u8) -> Result<Self, ProxyFault> {
        match byte {
            0x20 => Ok(Self::Local),
            0x21 => Ok(Self::Proxy),
            _ => Err(ProxyFault::Malformed),
        }
    }
}

enum Transport {
    TcpV4,
    TcpV6,
    /// Valid, and of no use to us.
    Other,
}

impl Transport {
    /// The high four bits are the family (unspecified, IPv4, IPv6, Unix), the low ones the protocol (unspecified, stream, datagram).
    fn decode(byte: u8) -> Result<Self, ProxyFault> {
        match (byte >> 4, byte & 0x0f) {
            (1, 1) => Ok(Self::TcpV4),
            (2, 1) => Ok(Self::TcpV6),
            (0..=3, 0..=2) => Ok(Self::Other),
            _ => Err(ProxyFault::Malformed),
        }
    }

    /// Both addresses come before both ports; what follows them are extensions.
    fn path(&self, block: &[u8]) -> Result<Path, Short> {
        let mut reader = Reader::new(block);
        let (source, destination): (IpAddr, IpAddr) = match self {
            Self::TcpV4 => (reader.array::<4>()?.into(), reader.array::<4>()?.into()),
            Self::TcpV6 => (reader.array::<16>()?.into(), reader.array::<16>()?.into()),
            Self::Other => return Ok(Path::Direct),
        };
        let (source, destination) = ((source, reader.number()?).into(), (destination, reader.number()?).into());
        Ok(Path::Proxied { source, destination })
    }
}

fn too_long(limit: usize) -> Stop {
    ProxyFault::TooLong { limit }.into()
}

enum Stop {
    NeedMore,
    Fault(ProxyFault),
}

impl From<Short> for Stop {
    fn from(Short: Short) -> Self {
        Self::NeedMore
    }
}

impl From<ProxyFault> for Stop {
    fn from(fault: ProxyFault) -> Self {
        Self::Fault(fault)
    }
}

const PREFIX: &[u8] = b"PROXY ";
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// With its line end: the worst case that §2.1 counts out.
const LONGEST_V1: usize = 107;
/// The addresses are 36 bytes; the rest is room for extensions, of which proxies send a few hundred bytes.
const LONGEST_V2: usize = 2048;
