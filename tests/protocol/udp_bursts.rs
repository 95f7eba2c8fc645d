//! UDP ASSOCIATE: many datagrams at once, which the kernel and the relay may handle in batches: each stays what it was.

use std::net::{Ipv4Addr, Ipv6Addr};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::UdpGsoSegment;
use rig::udp::{Association, address, datagrams, next, post, wrapped};

use crate::{LOOPBACK, start};

/// Few enough for every socket's buffer on the way, so that none may be lost.
const BURST: usize = 40;

#[test]
fn datagrams_of_one_size_keep_their_bounds_and_their_order() {
    check(&[1_200; BURST]);
}

#[test]
fn datagrams_of_many_sizes_keep_their_bounds_and_their_order() {
    let sizes: Vec<usize> = (0..BURST).map(|number| 1 + (number * 37) % 1_400).collect();
    check(&sizes);
    check(&[1, 1_400, 1_400, 1_400, 700, 1_400, 1, 1, 9_000, 1_400, 2]);
}

/// A burst that alternates between two targets of different families reaches both, and both answers come back.
#[test]
fn a_burst_to_two_targets_is_told_apart() {
    let daemon = start(LOOPBACK);
    let association = Association::open(daemon.addr());
    let targets = [datagrams(Ipv4Addr::LOCALHOST.into()), datagrams(Ipv6Addr::LOCALHOST.into())];
    for number in 0..BURST {
        association.send(address(&targets[number % 2]), &payload(number, 100));
    }
    for number in 0..BURST {
        let (arrived, _) = next(&targets[number % 2]);
        assert!(arrived == payload(number, 100), "datagram {number}");
    }
}

/// A client may hand the kernel many datagrams in one call (udp(7), `UDP_SEGMENT`).
#[test]
fn datagrams_sent_as_one_segmented_buffer_arrive_one_by_one() {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), datagrams(Ipv4Addr::LOCALHOST.into()));
    let segments: Vec<_> = (0..BURST).map(|number| wrapped(address(&target), &payload(number, 500))).collect();
    let length = i32::try_from(segments[0].len()).unwrap();
    setsockopt(&association.socket, UdpGsoSegment, &length).unwrap();
    association.send_raw(&segments.concat());
    for number in 0..BURST {
        assert!(next(&target).0 == payload(number, 500), "datagram {number}");
    }
}

/// Sends a burst of these sizes to a target and back.
fn check(sizes: &[usize]) {
    let daemon = start(LOOPBACK);
    let (association, target) = (Association::open(daemon.addr()), datagrams(Ipv4Addr::LOCALHOST.into()));
    for (number, size) in sizes.iter().enumerate() {
        association.send(address(&target), &payload(number, *size));
    }
    let exits: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(number, size)| {
            let (arrived, exit) = next(&target);
            assert!(arrived == payload(number, *size), "datagram {number} of {size} bytes came as {}", arrived.len());
            exit
        })
        .collect();
    for (number, size) in sizes.iter().enumerate() {
        post(&target, &payload(number, *size), exits[0]);
    }
    for (number, size) in sizes.iter().enumerate() {
        let (from, arrived) = association.receive();
        assert!(from == address(&target) && arrived == payload(number, *size), "answer {number} of {size} bytes");
    }
}

/// Begins with the number of the datagram and goes on in a way of its own.
fn payload(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|index| (number + index * 7).to_le_bytes()[0]).collect()
}
