//! A name server for tests: over UDP and TCP on one port, as slow, broken or silent as it is told to be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, PTR};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::Files;

/// How a question is answered.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// These addresses; none is an empty answer (NODATA).
    Addresses(Vec<IpAddr>),
    Pointer(&'static str),
    /// An alias for this name, and nothing more.
    Alias(&'static str),
    Code(ResponseCode),
    Silence,
    After(Duration, Box<Reply>),
    /// First an answer with another id and these addresses, then the reply.
    AfterForgery(Vec<IpAddr>, Box<Reply>),
    /// UDP says only that it is too long.
    OnlyOverTcp(Box<Reply>),
}

type Zone = HashMap<(String, RecordType), Reply>;

/// Runs as long as the runtime of its test.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) files: Files,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
}

/// Where questions are noted and answered.
#[derive(Clone)]
struct Desk {
    zone: Arc<Zone>,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
}

pub(super) fn addresses<const N: usize>(addresses: [&str; N]) -> Reply {
    Reply::Addresses(addresses.iter().map(|address| address.parse().unwrap()).collect())
}

pub(super) fn after(milliseconds: u64, reply: Reply) -> Reply {
    Reply::After(Duration::from_millis(milliseconds), Box::new(reply))
}

impl Server {
    /// Serves one name: its A and its AAAA records.
    pub(super) async fn with(name: &str, a: Reply, aaaa: Reply) -> Self {
        Self::serve([(name, RecordType::A, a), (name, RecordType::AAAA, aaaa)]).await
    }

    pub(super) async fn serve<const N: usize>(records: [(&str, RecordType, Reply); N]) -> Self {
        let (udp, tcp) = sockets(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        Self::start(udp, tcp, records)
    }

    /// At a chosen place.
    pub(super) async fn serve_at<const N: usize>(
        address: SocketAddr,
        records: [(&str, RecordType, Reply); N],
    ) -> std::io::Result<Self> {
        let (udp, tcp) = sockets(address).await?;
        Ok(Self::start(udp, tcp, records))
    }

    pub(super) fn resolv_conf(&self) -> String {
        format!("nameserver {}\n", self.address.ip())
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How often this was asked, whatever the transport.
    pub(super) fn asked(&self, name: &str, kind: RecordType) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|question| **question == (name.to_owned(), kind)).count()
    }

    fn start<const N: usize>(udp: UdpSocket, tcp: TcpListener, records: [(&str, RecordType, Reply); N]) -> Self {
        let zone = records.into_iter().map(|(name, kind, reply)| ((name.to_owned(), kind), reply)).collect();
        let desk = Desk { zone: Arc::new(zone), asked: Arc::default() };
        let (address, asked) = (udp.local_addr().unwrap(), Arc::clone(&desk.asked));
        tokio::spawn(desk.clone().serve_udp(Arc::new(udp)));
        tokio::spawn(desk.serve_tcp(tcp));
        let files = Files::new(&format!("nameserver {}\n", address.ip()), "");
        Self { address, files, asked }
    }
}

/// Both transports on one port.
async fn sockets(address: SocketAddr) -> std::io::Result<(UdpSocket, TcpListener)> {
    loop {
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if address.port() != 0 => return Err(error),
            Err(_) => {}
        }
    }
}

impl Desk {
    async fn serve_udp(self, socket: Arc<UdpSocket>) {
        let mut room = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut room).await {
            let (desk, socket, query) = (self.clone(), Arc::clone(&socket), room[..length].to_vec());
            tokio::spawn(async move {
                for answer in desk.answers(&query, Transport::Udp).await {
                    socket.send_to(&answer, client).await.unwrap();
                }
            });
        }
    }

    async fn serve_tcp(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().converse(stream));
        }
    }

    /// Messages with their length before them (RFC 1035 section 4.2.2), until the client leaves.
    async fn converse(self, mut stream: TcpStream) {
        while let Ok(length) = stream.read_u16().await {
            let mut query = vec![0; length.into()];
            stream.read_exact(&mut query).await.unwrap();
            for answer in self.answers(&query, Transport::Tcp).await {
                stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        }
    }

    /// The messages that are sent for one question.
    async fn answers(&self, query: &[u8], transport: Transport) -> Vec<Vec<u8>> {
        let query = Message::from_vec(query).unwrap();
        let question = query.queries[0].clone();
        let key = (question.name().to_ascii().trim_end_matches('.').to_owned(), question.query_type());
        let mut reply = self.zone.get(&key).cloned().unwrap_or(Reply::Code(ResponseCode::NXDomain));
        self.asked.lock().unwrap().push(key);
        let mut sent = Vec::new();
        loop {
            reply = match reply {
                Reply::After(pause, next) => {
                    tokio::time::sleep(pause).await;
                    *next
                }
                Reply::AfterForgery(forged, next) => {
                    let mut message = response(&query, &question, &Reply::Addresses(forged));
                    message.metadata.id = query.metadata.id.wrapping_add(1);
                    sent.push(message.to_vec().unwrap());
                    *next
                }
                Reply::OnlyOverTcp(_) if transport == Transport::Udp => {
                    let mut message = response(&query, &question, &Reply::Addresses(Vec::new()));
                    message.metadata.truncation = true;
                    sent.push(message.to_vec().unwrap());
                    return sent;
                }
                Reply::OnlyOverTcp(next) => *next,
                Reply::Silence => return sent,
                last @ (Reply::Addresses(_) | Reply::Pointer(_) | Reply::Alias(_) | Reply::Code(_)) => {
                    sent.push(response(&query, &question, &last).to_vec().unwrap());
                    return sent;
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

fn response(query: &Message, question: &Query, reply: &Reply) -> Message {
    let mut message = Message::response(query.metadata.id, query.metadata.op_code);
    message.add_query(question.clone());
    let records: Vec<RData> = match reply {
        Reply::Addresses(addresses) => addresses.iter().map(|address| record(*address)).collect(),
        Reply::Pointer(name) => vec![RData::PTR(PTR(Name::from_ascii(name).unwrap()))],
        Reply::Alias(name) => vec![RData::CNAME(CNAME(Name::from_ascii(name).unwrap()))],
        Reply::Code(code) => {
            message.metadata.response_code = *code;
            Vec::new()
        }
        Reply::Silence | Reply::After(..) | Reply::AfterForgery(..) | Reply::OnlyOverTcp(_) => {
            unreachable!("taken apart by the desk")
        }
    };
    message.add_answers(records.into_iter().map(|data| Record::from_rdata(question.name().clone(), 60, data)));
    message
}

fn record(address: IpAddr) -> RData {
    match address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    }
}
