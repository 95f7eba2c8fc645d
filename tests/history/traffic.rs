//! The counts of a row are exactly what the two ends counted, for each command.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;

use rig::socks5::{BIND, greeted, rep};
use rig::target::tunnel;
use rig::udp::{Association, address, datagrams, next, post};
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
