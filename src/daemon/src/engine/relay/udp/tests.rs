//! Whole associations over loopback sockets.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use acl::{Exception, Guard, HostName};
use config::ClientAddress;
use socks::{Host, Target};
use tokio::sync::Notify;

use super::names::Lookup;
use super::*;
use crate::engine::sys::datagrams::{self, Outgoing};
use crate::state::limits::bandwidth::way::{Direction, Way};
use crate::state::metrics::Metrics;
use crate::state::session::lane::Lane;
use crate::state::session::refusal::Refusal;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::Ticket;
use crate::state::snapshot::Snapshot;

/// The largest UDP payload of IPv4: 65 535 bytes less an IP header of 20 and a UDP header of 8.
const LARGEST: usize = 65_507;

/// RSV, FRAG, ATYP, an IPv4 address and a port.
const HEADER: usize = 10;

#[tokio::test]
async fn datagrams_of_every_size_pass_whole_both_ways_and_are_counted() {
    let world = World::default();
    let peer = socket("127.0.0.1:0").await;
    let packets = world.relay(Replies::AddressPort, async |client| {
        let sizes = [0, 1, 1_200, 20_000, LARGEST - HEADER];
        for size in sizes {
            let payload = vec![b'p'; size];
            client.send(address(&peer), &payload).await;
            let (received, exit) = receive(&peer).await;
            assert_eq!(received, payload);
            peer.send_to(&payload, exit).await.unwrap();
            assert_eq!(client.receive().await, (address(&peer).to_string(), payload));
        }
        sizes.len() as u64
    });
    let (packets, drops) = packets.await;
    let bytes = (1 + 1_200 + 20_000 + LARGEST - HEADER) as u64;
    assert_eq!((world.up().packets(), world.up().bytes()), (packets, bytes));
    assert_eq!((world.down().packets(), world.down().bytes()), (packets, bytes));
    assert_eq!(drops, "dropped");
}

#[tokio::test]
async fn a_reply_that_fits_no_datagram_with_its_header_is_dropped_and_never_cut() {
    let world = World::default();
    let peer = socket("127.0.0.1:0").await;
    let ((), drops) = world
        .relay(Replies::AddressPort, async |client| {
            let exit = client.reach(&peer).await;
            peer.send_to(&vec![b'p'; LARGEST], exit).await.unwrap();
            peer.send_to(b"next", exit).await.unwrap();
            assert_eq!(client.receive().await.1, b"next");
        })
        .await;
    assert_eq!(drops, "dropped too_large=1");
}

#[tokio::test]
async fn trains_pass_datagram_by_datagram_in_order_both_ways() {
    let world = World::default();
    let peer = socket("127.0.0.1:0").await;
    world
        .relay(Replies::AddressPort, async |client| {
            let numbered: Vec<Vec<u8>> = (0..100_u8).map(|number| vec![number; 600]).collect();
            let headed: Vec<Vec<u8>> = numbered.iter().map(|payload| headed(address(&peer), payload)).collect();
            for train in headed.chunks(50) {
                send_train(&client.socket, client.relay, &train.concat(), 610);
            }
            let mut exit = None;
            for payload in &numbered {
                let (received, from) = receive(&peer).await;
                assert_eq!(&received, payload);
                exit = Some(from);
            }
            send_train(&peer, exit.unwrap(), &numbered[..50].concat(), 600);
            for payload in &numbered[..50] {
                assert_eq!(&client.receive().await.1, payload);
            }
        })
        .await;
    assert_eq!((world.up().packets(), world.down().packets()), (100, 50));
}

#[tokio::test]
async fn both_families_share_one_association() {
    let world = World::default();
    let (v4, v6) = (socket("127.0.0.1:0").await, socket("[::1]:0").await);
    world
        .relay(Replies::AddressPort, async |client| {
            for peer in [&v4, &v6] {
                let exit = client.reach(peer).await;
                peer.send_to(b"answer", exit).await.unwrap();
                assert_eq!(client.receive().await, (address(peer).to_string(), b"answer".to_vec()));
            }
            let mapped = SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), address(&v4).port());
            client.send(mapped, b"mapped").await;
            assert_eq!(receive(&v4).await.0, b"mapped");
        })
        .await;
}

#[tokio::test]
async fn what_is_no_datagram_of_the_client_goes_nowhere_and_is_counted() {
    let world = World::default();
    let peer = socket("127.0.0.1:0").await;
    let ((), drops) = world
        .relay(Replies::AddressPort, async |client| {
            let good = headed(address(&peer), b"good");
            let changed = |at: usize, byte: u8| {
                let mut datagram = good.clone();
                datagram[at] = byte;
                datagram
            };
            let stranger = socket("127.0.0.2:0").await;
            stranger.send_to(&good, client.relay).await.unwrap();
            client.send_raw(b"").await;
            client.send_raw(&good[..9]).await;
            client.send_raw(&changed(3, 9)).await;
            client.send_raw(&[0, 0, 0, 3, 0, 0, 53, b'x']).await;
            client.send(SocketAddr::new(address(&peer).ip(), 0), b"port zero").await;
            client.send_raw(&changed(2, 1)).await;
            client.send(SocketAddr::from(([127, 0, 0, 9], 53)), b"blocked").await;
            // RSV carries nothing and is not looked at.
            client.send_raw(&changed(0, 0xff)).await;
            assert_eq!(receive(&peer).await.0, b"good");
            let second_port = socket("127.0.0.1:0").await;
            second_port.send_to(&good, client.relay).await.unwrap();
            client.reach(&peer).await;
        })
        .await;
    assert_eq!(drops, "dropped stranger=2 fragment=1 malformed=5 blocked=1");
    assert_eq!(world.up().packets(), 2);
}

#[tokio::test]
async fn each_mode_of_replies_lets_its_own_senders_answer() {
    for (replies, expected, drops) in [
        (Replies::Any, vec!["peer", "port", "stranger", "end"], "dropped"),
        (Replies::Address, vec!["peer", "port", "end"], "dropped unsolicited=1"),
        (Replies::AddressPort, vec!["peer", "end"], "dropped unsolicited=2"),
    ] {
        let world = World::default();
        let (peer, port) = (socket("127.0.0.1:0").await, socket("127.0.0.1:0").await);
        let stranger = socket("127.0.0.2:0").await;
        let told = world.relay(replies, async |client| {
            let exit = client.reach(&peer).await;
            for (sender, word) in [(&peer, "peer"), (&port, "port"), (&stranger, "stranger"), (&peer, "end")] {
                sender.send_to(word.as_bytes(), exit).await.unwrap();
            }
            let mut answers = Vec::new();
            while answers.last().is_none_or(|last| last != "end") {
                answers.push(String::from_utf8(client.receive().await.1).unwrap());
            }
            answers
        });
        let (answers, dropped) = told.await;
        assert_eq!(
            (answers, dropped.as_str()),
            (expected.into_iter().map(str::to_owned).collect(), drops),
            "{replies}"
        );
    }
}

#[tokio::test]
async fn a_peer_that_is_not_there_ends_nothing() {
    let world = World::default();
    let peer = socket("127.0.0.1:0").await;
    let closed = address(&socket("127.0.0.1:0").await);
    world
        .relay(Replies::AddressPort, async |client| {
            for _ in 0..3 {
                client.send(closed, b"nobody").await;
            }
            client.reach(&peer).await;
        })
        .await;
}

#[tokio::test]
async fn a_name_being_looked_up_holds_up_nobody_else() {
    let world = World::default();
    let peer = socket("127.0.0.1:0").await;
    let port = address(&peer).port();
    let ((), drops) = world
        .relay(Replies::AddressPort, async |client| {
            client.send_to_name("good.example", port, b"by name").await;
            client.send_to_name("gone.example", port, b"to nobody").await;
            client.send_to_name("guarded.example", port, b"to a guarded place").await;
            client.reach(&peer).await;
            world.directory.open.notify_waiters();
            assert_eq!(receive(&peer).await.0, b"by name");
            client.send_to_name("good.example", port, b"known by now").await;
            assert_eq!(receive(&peer).await.0, b"known by now");
            client.send_to_name("127.0.0.1", port, b"an address in disguise").await;
            assert_eq!(receive(&peer).await.0, b"an address in disguise");
        })
        .await;
    assert_eq!(drops, "dropped blocked=1 unresolved=1");
}

#[tokio::test]
async fn a_guard_that_changes_holds_at_once() {
    let world = World::default();
    let (peer, other) = (socket("127.0.0.1:0").await, socket("127.0.0.1:0").await);
    let ((), drops) = world
        .relay(Replies::AddressPort, async |client| {
            client.reach(&peer).await;
            world.ticket.session().snapshot.guard.store(Arc::new(Guard::new(
                &[Exception::Endpoint(address(&other))],
                [],
                [],
            )));
            client.send(address(&peer), b"blocked").await;
            client.reach(&other).await;
        })
        .await;
    assert_eq!(drops, "dropped blocked=1");
}

/// What an association borrows.
struct World {
    ticket: Ticket,
    directory: Book,
    exit: Exit,
}

/// Knows its names by heart and tells them once it is open.
#[derive(Default)]
struct Book {
    open: Notify,
}

/// The client's end of an association.
struct Customer {
    socket: UdpSocket,
    relay: SocketAddr,
}

impl Default for World {
    fn default() -> Self {
        let snapshot = Snapshot::for_tests();
        snapshot.guard.store(Arc::new(guard()));
        let ticket = Ticket::for_tests(&Roster::new(1, Vec::new()), Arc::new(snapshot));
        Self { ticket, directory: Book::default(), exit: Exit::default() }
    }
}

impl World {
    fn up(&self) -> &Lane {
        &self.ticket.session().up
    }

    fn down(&self) -> &Lane {
        &self.ticket.session().down
    }

    /// Runs the scene beside an association; returns what it returns and what was dropped.
    async fn relay<T>(&self, replies: Replies, scene: impl AsyncFnOnce(&Customer) -> T) -> (T, String) {
        let said = Target { host: Host::V4(Ipv4Addr::UNSPECIFIED), port: 0 };
        let client = Client::announced(&said, Ipv4Addr::LOCALHOST.into(), ClientAddress::Control).unwrap();
        let means = Means {
            judge: Judge::anonymous(self.ticket.session()),
            directory: &self.directory,
            up: Way::new(self.ticket.session(), Direction::Up),
            down: Way::new(self.ticket.session(), Direction::Down),
            flows: &Flows::new(8),
            exit: &self.exit,
            replies,
            max_peers: 8,
            totals: &Totals::new(&Metrics::default()),
        };
        let mut association = Association::open(means, client, (Ipv4Addr::LOCALHOST, 0).into(), None).unwrap();
        let customer = Customer { socket: socket("127.0.0.1:0").await, relay: association.address().unwrap() };
        let result = tokio::select! {
            never = std::future::poll_fn(|cx| association.poll(cx)) => match never {},
            result = tokio::time::timeout(Duration::from_secs(10), scene(&customer)) => result,
        };
        (result.expect("the scene hangs"), association.drops().to_string())
    }
}

impl Directory for Book {
    fn look_up(&self, name: HostName) -> Lookup<'_> {
        Box::pin(async move {
            self.open.notified().await;
            match name.as_str() {
                "good.example" => Ok(Arc::from([IpAddr::from([127, 0, 0, 9]), Ipv4Addr::LOCALHOST.into()])),
                "guarded.example" => Ok(Arc::from([IpAddr::from([127, 0, 0, 9])])),
                _ => Err(Refusal::NameNotFound),
            }
        })
    }
}

impl Customer {
    async fn send(&self, to: SocketAddr, payload: &[u8]) {
        self.send_raw(&headed(to, payload)).await;
    }

    async fn send_to_name(&self, name: &str, port: u16, payload: &[u8]) {
        let length = u8::try_from(name.len()).unwrap();
        let datagram = [&[0, 0, 0, 3, length], name.as_bytes(), &port.to_be_bytes(), payload].concat();
        self.send_raw(&datagram).await;
    }

    async fn send_raw(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.relay).await.unwrap();
    }

    /// Reaches the peer and returns where the peer saw the datagram come from.
    async fn reach(&self, peer: &UdpSocket) -> SocketAddr {
        self.send(address(peer), b"reach").await;
        let (payload, exit) = receive(peer).await;
        assert_eq!(payload, b"reach");
        exit
    }

    /// The sender that the header names, and the payload.
    async fn receive(&self) -> (String, Vec<u8>) {
        let (datagram, from) = receive(&self.socket).await;
        assert_eq!(from, self.relay);
        let decoded = socks::udp::decode(&datagram).unwrap();
        (decoded.target.to_string(), decoded.payload.to_vec())
    }
}

/// Opens loopback but for one address.
fn guard() -> Guard {
    let open = ["127.0.0.0/29", "::1/128"].map(|network| Exception::Network(network.parse().unwrap()));
    Guard::new(&open, [], [])
}

async fn socket(address: &str) -> UdpSocket {
    UdpSocket::bind(address).await.unwrap()
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().unwrap()
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
    buffer.truncate(length);
    (buffer, from)
}

fn headed(to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0, 0, 0];
    match to {
        SocketAddr::V4(to) => datagram.extend([&[1][..], &to.ip().octets()].concat()),
        SocketAddr::V6(to) => datagram.extend([&[4][..], &to.ip().octets()].concat()),
    }
    datagram.extend(to.port().to_be_bytes());
    datagram.extend(payload);
    datagram
}

fn send_train(socket: &UdpSocket, to: SocketAddr, bytes: &[u8], segment: u16) {
    let parts = [io::IoSlice::new(bytes)];
    let train = Outgoing { to, parts: &parts, segment: Some(segment) };
    assert_eq!(datagrams::send(socket, &[train]).unwrap(), 1);
}
