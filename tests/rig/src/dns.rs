//! A name server (RFC 1035) for one daemon: a table of names, over UDP and TCP, that can also be slow, broken or silent.
//!
//! resolv.conf(5) cannot name a port, so every server has a loopback address of its own, on port 53. Needs root.

mod message;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, process, thread};

use tempfile::TempDir;

use self::message::Question;
use crate::place;

/// What is known of the names.
#[derive(Debug, Default, Clone)]
pub struct Zone {
    names: HashMap<String, Answer>,
}

/// What happens when a name is asked for.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These addresses, each to the question of its family.
    Addresses(Vec<IpAddr>),
    /// These addresses, but UDP says only that they are too many (TC).
    OnlyOverTcp(Vec<IpAddr>),
    /// These addresses, after a while.
    Slow(Duration, Vec<IpAddr>),
    /// This name, to the question for a pointer.
    Pointer(String),
    /// SERVFAIL.
    Failure,
    /// Nothing at all.
    Silence,
}

/// A name server that runs as long as the process; its files go with it.
#[derive(Debug)]
pub struct Dns {
    zone: Arc<Mutex<Arc<Zone>>>,
    asked: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
}

impl Zone {
    /// Adds a name. A name that is not in the zone does not exist.
    #[must_use]
    pub fn with(mut self, name: &str, answer: Answer) -> Self {
        self.names.insert(name.to_ascii_lowercase(), answer);
        self
    }

    /// Adds a name with one address.
    #[must_use]
    pub fn at(self, name: &str, address: impl Into<IpAddr>) -> Self {
        self.with(name, Answer::Addresses(vec![address.into()]))
    }
}

impl Dns {
    /// Serves a zone.
    #[must_use]
    pub fn serve(zone: Zone) -> Self {
        let (udp, tcp) = sockets();
        let (zone, asked) = (Arc::new(Mutex::new(Arc::new(zone))), Arc::default());
        let desk = Desk { zone: Arc::clone(&zone), asked: Arc::clone(&asked) };
        let directory = place::for_everybody();
        write_files(&directory, udp.local_addr().expect("a bound socket has an address"));
        let over_tcp = desk.clone();
        thread::spawn(move || over_tcp.serve_tcp(&tcp));
        thread::spawn(move || desk.serve_udp(&Arc::new(udp)));
        Self { zone, asked, directory }
    }

    /// Answers out of another zone from now on.
    pub fn changes_to(&self, zone: Zone) {
        *self.zone.lock().expect("no holder of this lock panics") = Arc::new(zone);
    }

    /// The daemon's `[dns]` table: this server, and a hosts file without a name. Further keys of `[dns]` may follow it.
    #[must_use]
    pub fn settings(&self) -> String {
        let directory = self.directory.path().display();
        format!("[dns]\nresolv_conf = \"{directory}/resolv.conf\"\nhosts_file = \"{directory}/hosts\"\n")
    }

    /// The file that names this server (resolv.conf(5)).
    #[must_use]
    pub fn resolv_conf(&self) -> PathBuf {
        self.directory.path().join("resolv.conf")
    }

    /// How often a name was asked for, over both families.
    #[must_use]
    pub fn asked_for(&self, name: &str) -> usize {
        let asked = self.asked.lock().expect("no holder of this lock panics");
        asked.iter().filter(|seen| *seen == name).count()
    }
}

/// A free loopback address with port 53; begins at a place of its own, since other processes look for one too.
fn sockets() -> (UdpSocket, TcpListener) {
    let start = process::id() % 0xfd00;
    let candidates = (0..0xfd00).map(|step| 1 + (start + step) % 0xfd00);
    let addresses = candidates.map(|number| {
        let [_, _, high, low] = number.to_be_bytes();
        SocketAddr::from((Ipv4Addr::new(127, 53, high, low), 53))
    });
    let bound = addresses.map(|at| UdpSocket::bind(at).and_then(|udp| Ok((udp, TcpListener::bind(at)?))));
    bound.flatten().next().expect("root may use port 53 of a loopback address")
}

fn write_files(directory: &TempDir, server: SocketAddr) {
    let files = [("resolv.conf", format!("nameserver {}\n", server.ip())), ("hosts", String::new())];
    for (name, text) in files {
        fs::write(directory.path().join(name), text).expect("a temporary directory can be written");
    }
}

/// Where questions are noted and answered.
#[derive(Clone)]
struct Desk {
    zone: Arc<Mutex<Arc<Zone>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

impl Desk {
    fn serve_udp(&self, socket: &Arc<UdpSocket>) {
        let mut room = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut room) {
            let (desk, socket, query) = (self.clone(), Arc::clone(socket), room[..length].to_vec());
            // A slow answer must not hold up the others.
            thread::spawn(move || {
                if let Some(answer) = desk.answer(&query, Transport::Udp) {
                    let _ = socket.send_to(&answer, client);
                }
            });
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            let desk = self.clone();
            thread::spawn(move || desk.converse(stream));
        }
    }

    /// RFC 1035 §4.2.2: every message has its length in front.
    fn converse(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).ok()?;
            let answer = self.answer(&query, Transport::Tcp)?;
            let length = u16::try_from(answer.len()).ok()?.to_be_bytes();
            stream.write_all(&[&length[..], &answer].concat()).ok()?;
        }
    }

    fn answer(&self, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let question = Question::parse(query)?;
        self.asked.lock().expect("no holder of this lock panics").push(question.name.clone());
        let zone = Arc::clone(&self.zone.lock().expect("no holder of this lock panics"));
        match zone.names.get(&question.name) {
            None => Some(question.no_such_name()),
            Some(Answer::Silence) => None,
            Some(Answer::Failure) => Some(question.failure()),
            Some(Answer::Pointer(name)) => Some(question.pointer(name)),
            Some(Answer::OnlyOverTcp(_)) if transport == Transport::Udp => Some(question.truncated()),
            Some(Answer::Addresses(addresses) | Answer::OnlyOverTcp(addresses)) => Some(question.addresses(addresses)),
            Some(Answer::Slow(pause, addresses)) => {
                thread::sleep(*pause);
                Some(question.addresses(addresses))
            }
        }
    }
}
