//! Datagrams that should not be there, all against one association: each is dropped and counted, and the good ones pass.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::udp::{Association, LONGEST, address, datagrams, is_open, next, post, wrapped};
use rig::wait::{PATIENCE, eventually};

use crate::start;

#[test]
fn whatever_does_not_belong_to_an_association_is_dropped_and_counted() {
    let service = start("");
    let association = Association::open(service.addr());
    let target = datagrams(Ipv4Addr::LOCALHOST.into());
    let to = address(&target);
    association.send(to, b"first");
    let (_, exit) = next(&target);

    spoof(&association, to);
    post(&datagrams(Ipv4Addr::LOCALHOST.into()), b"unsolicited", exit);
    association.send_raw(&fragment(to));
    association.send_raw(b"");
    post(&target, &vec![b'x'; LONGEST], exit);

    // Both directions still work, with an empty payload too, and nothing of the above has come through.
    association.send(to, b"");
    assert_eq!(next(&target).0, b"");
    post(&target, b"answer", exit);
    assert_eq!(association.receive(), (to, b"answer".to_vec()));

    let (control, relay) = (association.control.local(), association.relay);
    drop(association);
    assert_gone(relay);
    let line = service.session_of(control);
    assert_eq!(line.text("remark"), "dropped stranger=2 fragment=1 malformed=1 unsolicited=1 too_large=1");
    assert_eq!((line.number("packets_sent"), line.number("packets_received")), (2, 1));
}

/// From another address, and from another port of the client's own.
fn spoof(association: &Association, to: SocketAddr) {
    for ip in [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST] {
        post(&datagrams(ip.into()), &wrapped(to, b"spoofed"), association.relay);
    }
}

fn fragment(to: SocketAddr) -> Vec<u8> {
    let mut datagram = wrapped(to, b"a piece");
    datagram[2] = 1;
    datagram
}

/// An idle machine needs some milliseconds.
fn assert_gone(relay: SocketAddr) {
    let closed = Instant::now();
    assert!(eventually(PATIENCE, || !is_open(relay)), "the relay is still open");
    let taken = closed.elapsed();
    measured(format!("the association was gone {taken:?} after its control connection"));
    assert!(taken < Duration::from_secs(3), "it took {taken:?}");
}
