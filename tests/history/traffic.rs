//! The counts of a row are exactly what the two ends counted, for each command.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;

use rig::socks5::{BIND, greeted, rep};
use rig::target::tunnel;
use rig::udp::{Association, address, datagrams, next, post};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{history_of, launch};

#[test]
fn the_bytes_of_a_stream_are_those_that_arrived() {
    let service = launch("").start();
    // One byte, a few, more than a buffer, and enough to be spliced.
    for (up, down) in [(1, 0), (0, 1), (1_000, 70_000), (5_000_000, 3_000_001)] {
        let (client, target) = tunnel(service.addr());
        let from = client.local();
        assert_eq!(exchanged(client, &target, up, down), (up, down));
        let row = history_of(&service).row_of(from);
        assert_eq!((row.number("bytes_sent"), row.number("bytes_received")), (wide(up), wide(down)));
        assert_eq!((row.number("packets_sent"), row.number("packets_received")), (0, 0));
    }
}

#[test]
fn the_bytes_of_a_peer_that_came_are_counted_too() {
    let service = launch("[commands]\nbind = true\n").start();
    let mut client = greeted(service.addr());
    let awaited = client.ask(BIND, SocketAddr::from((Ipv4Addr::new(127, 0, 0, 9), 0)));
    assert_eq!(awaited.code, rep::SUCCEEDED);
    let peer = Wire::connect_from(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)), awaited.bound.address());
    assert_eq!(client.reply().code, rep::SUCCEEDED);
    let (from, came) = (client.local(), peer.local());
    assert_eq!(exchanged(client, &peer, 123_456, 7_890), (123_456, 7_890));
    let row = history_of(&service).row_of(from);
    assert_eq!((row.number("bytes_sent"), row.number("bytes_received")), (123_456, 7_890));
    assert_eq!((row.text("command"), row.text("protocol")), ("bind", "tcp"));
    assert_eq!((row.text("dest_ip"), row.number("dest_port")), ("127.0.0.9", came.port().into()));
}

#[test]
fn the_datagrams_of_an_association_are_those_that_arrived() {
    const SIZES: [usize; 6] = [0, 1, 100, 1_200, 9_000, 65_000];
    let service = launch("").start();
    let association = Association::open(service.addr());
    let target = datagrams(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (mut up, mut down) = ((0, 0), (0, 0));
    for size in SIZES {
        association.send(address(&target), &vec![b'.'; size]);
        let (heard, from) = next(&target);
        up = (up.0 + 1, up.1 + heard.len());
        for answer in [&heard[..heard.len() / 2], b"and another"] {
            post(&target, answer, from);
            let (_, heard) = association.receive();
            down = (down.0 + 1, down.1 + heard.len());
        }
    }
    let from = association.control.local();
    drop(association);
    let row = history_of(&service).row_of(from);
    assert_eq!((row.number("packets_sent"), row.number("bytes_sent")), (up.0, wide(up.1)));
    assert_eq!((row.number("packets_received"), row.number("bytes_received")), (down.0, wide(down.1)));
    assert_eq!((row.text("command"), row.text("protocol"), row.text("status")), ("udp_associate", "udp", "closed"));
    assert!(row.is_null("dest_host") && row.is_null("dest_ip") && row.is_null("dest_port"));
}

/// A row knows the peers with the most bytes, and the rest in its sums; what the last checkpoint said makes room for the end.
#[test]
fn the_peers_of_an_association_are_kept_as_far_as_there_is_room() {
    const KEPT: usize = 32;
    let service = launch("").start();
    let history = history_of(&service);
    let flows =
        || history.ask("SELECT * FROM flows JOIN sessions USING (session_id) ORDER BY peer_port").unwrap_or_default();
    let association = Association::open(service.addr());
    let mut peers: Vec<_> = (0..KEPT + 8).map(|_| datagrams(IpAddr::V4(Ipv4Addr::LOCALHOST))).collect();
    association.send(address(&peers[0]), b".");
    let _ = next(&peers[0]);
    let is_checkpointed = || matches!(flows().as_slice(), [row] if row.text("status") == "active");
    assert!(eventually(PATIENCE, is_checkpointed), "{:?}", flows());

    for (number, peer) in peers.iter().enumerate() {
        association.send(address(peer), &vec![b'.'; 100 * number]);
        let _ = next(peer);
    }
    let row = history.row_of(association.control.leave());
    let mut expected: Vec<_> =
        peers.drain(8..).zip(8..).map(|(peer, number)| (address(&peer).port(), 100 * number)).collect();
    expected.sort_unstable();
    let found: Vec<_> = history.ask("SELECT * FROM flows ORDER BY peer_port").expect("the table is there");
    let found: Vec<_> = found
        .iter()
        .map(|row| (row.number("peer_port"), row.number("bytes_sent"), row.number("packets_sent")))
        .collect();
    assert_eq!(found, expected.into_iter().map(|(port, bytes)| (i64::from(port), wide(bytes), 1)).collect::<Vec<_>>());
    let all: usize = (0..KEPT + 8).map(|number| 100 * number).sum();
    assert_eq!((row.number("bytes_sent"), row.number("packets_sent")), (wide(all + 1), wide(KEPT + 9)));

    // Whoever removes a session removes them too.
    history.open().execute("DELETE FROM sessions", []).expect("it is ours");
    assert!(flows().is_empty() && history.ask("SELECT * FROM flows").expect("the table is there").is_empty());
}

/// Sends so much each way, both at once, and ends; returns what arrived at the target and at the client.
fn exchanged(client: Wire, target: &Wire, up: usize, down: usize) -> (usize, usize) {
    let client = thread::spawn(move || sent_and_heard(&client, up));
    let at_target = sent_and_heard(target, down);
    (at_target, client.join().expect("nothing breaks"))
}

fn sent_and_heard(end: &Wire, bytes: usize) -> usize {
    let mut writing = end.stream().try_clone().expect("a descriptor can be had");
    let writer = thread::spawn(move || {
        writing.write_all(&vec![b'.'; bytes]).expect("the other end reads");
        writing.shutdown(std::net::Shutdown::Write).expect("the stream is open");
    });
    let mut heard = Vec::new();
    let mut reading = end.stream();
    reading.read_to_end(&mut heard).expect("the other end finishes");
    writer.join().expect("nothing breaks");
    heard.len()
}

fn wide(count: usize) -> i64 {
    i64::try_from(count).expect("counts are small")
}
