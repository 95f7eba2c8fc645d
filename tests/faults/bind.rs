//! BIND with the wrong peer, with no peer and with too many: only the one that was awaited comes in, and nothing is left over.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rig::process::descriptors;
use rig::service::Service;
use rig::socks5::{BIND, greeted, rep};
use rig::target::{Target, echo};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::{End, Wire};

use crate::start;

const EXPECTED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

#[test]
fn a_wrong_peer_is_reset_and_the_right_one_still_comes_in() {
    let service = start("[commands]\nbind = true\n");
    let (mut client, awaited) = listening(&service);
    for _ in 0..5 {
        assert!(is_turned_away(awaited));
    }
    let mut peer = Wire::connect_from(EXPECTED, awaited);
    let second = client.reply();
    assert_eq!((second.code, second.bound.address()), (rep::SUCCEEDED, peer.local()));
    client.send(b"at last");
    assert_eq!(&peer.receive(), b"at last");
}

#[test]
fn without_a_peer_the_client_is_told_when_the_time_is_over() {
    let service = start("[commands]\nbind = true\n[timeouts]\nbind_secs = 2\n");
    let began = Instant::now();
    let (mut client, awaited) = listening(&service);
    assert!(is_turned_away(awaited));
    assert_eq!(client.reply().code, rep::TTL_EXPIRED);
    let taken = began.elapsed();
    assert!(taken >= Duration::from_secs(2), "the time was not over after {taken:?}");
    assert_eq!(client.end(), End::Closed);
    assert_eq!(service.session_of(client.local()).text("reason"), "no_peer");
    assert!(TcpStream::connect(awaited).is_err(), "the listener is closed");
}

/// All at once, and all from the right address.
#[test]
fn of_many_peers_only_one_comes_in() {
    let service = start("[commands]\nbind = true\n");
    let worker = service.worker_pid();
    visit(service.addr(), Target::listen().serve(echo), b"first").expect("all is well");
    service.wait_for_history();
    let base = descriptors(worker);
    for _ in 0..5 {
        let (mut client, awaited) = listening(&service);
        let peers: Vec<_> = (0..8).map(|_| thread::spawn(move || greeted_by(awaited))).collect();
        let second = client.reply();
        client.send(b"you");
        client.finish();
        let greeted = peers.into_iter().filter_map(|peer| peer.join().expect("a peer does not panic"));
        assert_eq!((second.code, greeted.collect::<Vec<_>>()), (rep::SUCCEEDED, vec![second.bound.address()]));
    }
    assert!(eventually(PATIENCE, || descriptors(worker) <= base), "the descriptors are given back");
}

/// The address of a peer to whom the client spoke, if it did.
fn greeted_by(awaited: SocketAddr) -> Option<SocketAddr> {
    let mut peer = Wire::try_connect_from(EXPECTED, awaited).ok()?;
    (peer.hear(3, PATIENCE).0 == b"you").then(|| peer.local())
}

/// A peer from elsewhere is reset, perhaps before it knows that it was connected.
fn is_turned_away(awaited: SocketAddr) -> bool {
    match Wire::try_connect_from(OTHER, awaited) {
        Ok(mut peer) => peer.end() == End::Reset,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn listening(service: &Service) -> (Wire, SocketAddr) {
    let mut client = greeted(service.addr());
    let first = client.ask(BIND, SocketAddr::new(EXPECTED, 0));
    assert_eq!(first.code, rep::SUCCEEDED);
    (client, first.bound.address())
}
