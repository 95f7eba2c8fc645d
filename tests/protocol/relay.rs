//! Bytes between two open ends: none lost, none late, and each side's end told to the other as what it was.

use std::thread;

use rig::daemon::Daemon;
use rig::target::tunnel;
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn half_close_client() {
    let daemon = start(LOOPBACK);
    let (client, target) = tunnel(daemon.addr());
    half_close(client, target);
}

#[test]
fn half_close_server() {
    let daemon = start(LOOPBACK);
    let (client, target) = tunnel(daemon.addr());
    half_close(target, client);
}

#[test]
fn rst_propagates() {
    let daemon = start(LOOPBACK);
    let (client, mut target) = tunnel(daemon.addr());
    let from = client.local();
    client.reset();
    assert_eq!(target.end(), End::Reset);
    assert_eq!(daemon.session_of(from).text("ending"), "client_reset");

    let (mut client, target) = tunnel(daemon.addr());
    target.reset();
    assert_eq!(client.end(), End::Reset);
    assert_eq!(daemon.session_of(client.local()).text("ending"), "upstream_reset");
}

#[test]
fn the_side_that_finished_first_is_in_the_session_line() {
    let daemon = start(LOOPBACK);
    for (ending, is_client_first) in [("client_closed", true), ("upstream_closed", false)] {
        let (mut client, mut target) = tunnel(daemon.addr());
        let (first, second) = if is_client_first { (&mut client, &mut target) } else { (&mut target, &mut client) };
        first.finish();
        assert_eq!(second.end(), End::Closed);
        second.finish();
        assert_eq!(first.end(), End::Closed);
        assert_eq!(daemon.session_of(client.leave()).text("ending"), ending);
    }
}

#[test]
fn urgent_data() {
    let daemon = start(LOOPBACK);
    let (mut client, mut target) = tunnel(daemon.addr());
    client.send(b"before ");
    client.send_urgent(b'!');
    client.send(b"after");
    client.finish();
    let (mut arrived, end) = target.rest();
    // RFC 6093 §3: whether the urgent byte is in the stream is the receiver's choice; the others always are.
    arrived.retain(|byte| *byte != b'!');
    assert_eq!((arrived.escape_ascii().to_string().as_str(), end), ("before after", End::Closed));
}

/// Both directions at once, more than any buffer holds, and not a byte changed; the session's line has the exact numbers.
#[test]
fn every_byte_arrives_and_is_counted() {
    let daemon = start(LOOPBACK);
    let (mut client, mut target) = tunnel(daemon.addr());
    let (up, down) = (pattern(9 * MEBIBYTE + 1, 1), pattern(17 * MEBIBYTE + 3, 2));
    let (mut sender, mut answerer) = (another(&client), another(&target));
    thread::scope(|scope| {
        scope.spawn(|| {
            sender.send(&up);
            sender.finish();
        });
        scope.spawn(|| {
            answerer.send(&down);
            answerer.finish();
        });
        let arriving = scope.spawn(|| target.rest() == (up.clone(), End::Closed));
        assert!(client.rest() == (down.clone(), End::Closed), "what comes down is what was sent");
        assert!(arriving.join().unwrap(), "what goes up is what was sent");
    });
    assert_counts(&daemon, client, up.len(), down.len());
}

/// A relay may carry bulk and small messages in different ways; a stream that changes between them stays one stream.
#[test]
fn bulk_and_small_messages_take_turns() {
    let daemon = start(LOOPBACK);
    let (mut client, mut target) = tunnel(daemon.addr());
    let mut total = 0;
    for (round, size) in [1, 3 * MEBIBYTE, 10, 70_000, 2 * MEBIBYTE, 1, 16_384, 4 * MEBIBYTE, 5].into_iter().enumerate()
    {
        let message = pattern(size, round + 1);
        carry(&mut client, &mut target, &message);
        carry(&mut target, &mut client, &message);
        total += size;
    }
    drop(target);
    assert_counts(&daemon, client, total, total);
}

/// One side asks and finishes; the other side sees the end at once, and all of its answer arrives.
fn half_close(mut asking: Wire, mut answering: Wire) {
    asking.send(b"question");
    asking.finish();
    assert_eq!(answering.rest(), (b"question".to_vec(), End::Closed));
    let answer = pattern(MEBIBYTE, 3);
    thread::scope(|scope| {
        scope.spawn(|| {
            answering.send(&answer);
            answering.finish();
        });
        assert!(asking.rest() == (answer.clone(), End::Closed), "the whole answer arrives");
    });
}

/// Sends a message from one end and compares what arrives at the other.
fn carry(from: &mut Wire, to: &mut Wire, message: &[u8]) {
    thread::scope(|scope| {
        scope.spawn(|| from.send(message));
        assert!(to.receive_all(message.len()) == message, "{} bytes arrive as they were", message.len());
    });
}

fn assert_counts(daemon: &Daemon, client: Wire, up: usize, down: usize) {
    let line = daemon.session_of(client.leave());
    assert_eq!((line.number("bytes_sent"), line.number("bytes_received")), (up as u64, down as u64));
}

fn another(wire: &Wire) -> Wire {
    Wire::new(wire.stream().try_clone().expect("a descriptor can be had"))
}

/// Bytes that repeat in no power of two.
fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| ((index * seed) % 251).to_le_bytes()[0]).collect()
}
