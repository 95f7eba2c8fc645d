//! A name server (RFC 1035) that answers whatever a test makes up: forged, endless, circular or garbled messages.
//!
//! For answers that make sense, there is [`dns`](crate::dns). Needs root, for port 53 of a loopback address of its own.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::{fs, process, thread};

use tempfile::TempDir;

use crate::place;

const A: u16 = 1;
const CNAME: u16 = 5;
const INTERNET: u16 = 1;

/// QR, AA, RD and RA.
const ANSWER: u16 = 0x8580;
const TRUNCATED: u16 = 0x0200;

/// How a question was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// A question, as far as lies need it.
#[derive(Debug, Clone)]
pub struct Question {
    pub transport: Transport,
    /// In lower case, without a final dot.
    pub name: String,
    pub id: u16,
    is_for_v4: bool,
    /// The question section as it came.
    section: Vec<u8>,
}

/// A name server that runs as long as the process; its files go with it.
#[derive(Debug)]
pub struct Liar {
    directory: TempDir,
}

type Lie = dyn Fn(&Question) -> Vec<Vec<u8>> + Send + Sync;

impl Liar {
    /// Answers each question with these messages, one after the other.
    #[must_use]
    pub fn serve(lie: impl Fn(&Question) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = sockets();
        let directory = place::for_everybody();
        let server = udp.local_addr().expect("a bound socket has an address").ip();
        let files = [("resolv.conf", format!("nameserver {server}\n")), ("hosts", String::new())];
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("a temporary directory can be written");
        }
        let lie: Arc<Lie> = Arc::new(lie);
        let over_tcp = Arc::clone(&lie);
        thread::spawn(move || tcp.incoming().flatten().for_each(|stream| drop(converse(stream, &*over_tcp))));
        thread::spawn(move || answer_datagrams(&udp, &*lie));
        Self { directory }
    }

    /// The daemon's `[dns]` table; further keys of `[dns]` may follow it.
    #[must_use]
    pub fn settings(&self) -> String {
        let directory = self.directory.path().display();
        format!("[dns]\nresolv_conf = \"{directory}/resolv.conf\"\nhosts_file = \"{directory}/hosts\"\n")
    }
}

impl Question {
    fn parse(query: &[u8], transport: Transport) -> Option<Self> {
        let body = query.get(12..)?;
        let (mut labels, mut rest) = (Vec::new(), body);
        while let (&length @ 1.., tail) = rest.split_first()? {
            let (label, tail) = tail.split_at_checked(length.into())?;
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
            rest = tail;
        }
        let section = body[..body.len() - rest.len() + 5].to_vec();
        let is_for_v4 = rest.get(1..3)? == A.to_be_bytes();
        let id = u16::from_be_bytes([query[0], query[1]]);
        Some(Self { transport, name: labels.join("."), id, is_for_v4, section })
    }

    /// The same question under another number.
    #[must_use]
    pub fn numbered(&self, id: u16) -> Self {
        Self { id, ..self.clone() }
    }

    /// These IPv4 addresses; to a question for IPv6, none.
    #[must_use]
    pub fn addresses(&self, addresses: &[Ipv4Addr]) -> Vec<u8> {
        let addresses = if self.is_for_v4 { addresses } else { &[] };
        let records: Vec<_> = addresses.iter().map(|ip| record(A, &ip.octets())).collect();
        self.message(ANSWER, &records)
    }

    /// "Look for this name instead."
    #[must_use]
    pub fn alias(&self, name: &str) -> Vec<u8> {
        self.message(ANSWER, &[record(CNAME, &encoded(name))])
    }

    /// "Ask again over TCP."
    #[must_use]
    pub fn truncated(&self) -> Vec<u8> {
        self.message(ANSWER | TRUNCATED, &[])
    }

    fn message(&self, flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
        let count = u16::try_from(records.len()).expect("a message has room for fewer records than u16 can count");
        let header = [self.id, flags, 1, count, 0, 0].map(u16::to_be_bytes).concat();
        [header, self.section.clone(), records.concat()].concat()
    }
}

/// A record about the name of the question, that may be kept for 60 s.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a record is short");
    // RFC 1035 §4.1.4: the name is the one at offset 12.
    let fields = [0xC00C, kind, INTERNET, 0, 60, length].map(u16::to_be_bytes).concat();
    [&fields, data].concat()
}

fn encoded(name: &str) -> Vec<u8> {
    let label = |label: &str| {
        let length = u8::try_from(label.len()).expect("a label has at most 63 bytes");
        [&[length], label.as_bytes()].concat()
    };
    name.split('.').chain([""]).flat_map(label).collect()
}

/// A free loopback address with port 53, in a range of its own.
fn sockets() -> (UdpSocket, TcpListener) {
    let start = process::id() % 0xfd00;
    let addresses = (0..0xfd00).map(|step| 1 + (start + step) % 0xfd00).map(|number| {
        let [_, _, high, low] = number.to_be_bytes();
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 54, high, low)), 53)
    });
    let bound = addresses.map(|at| UdpSocket::bind(at).and_then(|udp| Ok((udp, TcpListener::bind(at)?))));
    bound.flatten().next().expect("root may use port 53 of a loopback address")
}

fn answer_datagrams(socket: &UdpSocket, lie: &Lie) {
    let mut room = [0; 4096];
    while let Ok((length, client)) = socket.recv_from(&mut room) {
        let Some(question) = Question::parse(&room[..length], Transport::Udp) else { continue };
        for message in lie(&question) {
            let _ = socket.send_to(&message, client);
        }
    }
}

/// RFC 1035 §4.2.2: every message has its length in front.
fn converse(mut stream: TcpStream, lie: &Lie) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut query = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut query)?;
        let Some(question) = Question::parse(&query, Transport::Tcp) else { return Ok(()) };
        for message in lie(&question) {
            let length = u16::try_from(message.len()).expect("a message has at most 65535 bytes").to_be_bytes();
            stream.write_all(&[&length[..], &message].concat())?;
        }
    }
}
