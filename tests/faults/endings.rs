//! Every way in which two peers can end a relay: all bytes that were sent before a FIN arrive, the log has the right word,
//! and the worker is left with no descriptor more than before.

use std::thread;

use rig::process::descriptors;
use rig::service::Service;
use rig::target::tunnel;
use rig::wait::{PATIENCE, eventually};
use rig::wire::{End, Wire};

use crate::start;

const ROUNDS: usize = 10;

/// More than one buffer, less than a socket's.
const MUCH: usize = 300_000;

/// What is done to a relay, and the words that the log may have for it.
struct Case {
    who: Side,
    what: &'static str,
    /// The first wire belongs to the side that acts.
    act: fn(Wire, Wire),
    endings: &'static [&'static str],
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Client,
    Target,
}

const CASES: &[Case] = &[
    Case { who: Side::Client, what: "finishes first", act: finish, endings: &["client_closed"] },
    Case { who: Side::Target, what: "finishes first", act: finish, endings: &["upstream_closed"] },
    Case { who: Side::Client, what: "finishes, and so does the other", act: finish_both, endings: CLOSED },
    Case { who: Side::Client, what: "resets", act: reset, endings: &["client_reset"] },
    Case { who: Side::Target, what: "resets", act: reset, endings: &["upstream_reset"] },
    Case { who: Side::Client, what: "resets, and so does the other", act: reset_both, endings: RESET },
    Case {
        who: Side::Client,
        what: "resets after the other's FIN",
        act: reset_half_closed,
        endings: &["client_reset"],
    },
    Case {
        who: Side::Target,
        what: "resets after the other's FIN",
        act: reset_half_closed,
        endings: &["upstream_reset"],
    },
    Case { who: Side::Client, what: "resets with bytes unread", act: reset_unread, endings: &["client_reset"] },
    Case { who: Side::Target, what: "resets with bytes unread", act: reset_unread, endings: &["upstream_reset"] },
];

/// Whichever the proxy sees first.
const CLOSED: &[&str] = &["client_closed", "upstream_closed"];
const RESET: &[&str] = &["client_reset", "upstream_reset"];

/// Sessions that open what is opened once and kept: pipes for bulk, the log's file.
const FIRST: usize = 20;

#[test]
fn every_ending_has_its_word_and_leaves_nothing_behind() {
    let service = start("");
    let worker = service.worker_pid();
    (0..FIRST).for_each(|_| play(&service, &CASES[2]));
    service.wait_for_history();
    let base = descriptors(worker);
    for case in CASES {
        (0..ROUNDS).for_each(|_| play(&service, case));
    }
    let expected = FIRST + CASES.len() * ROUNDS;
    assert!(eventually(PATIENCE, || service.log.sessions().len() == expected), "each session has its line");
    let is_at_base = || descriptors(worker) <= base;
    assert!(eventually(PATIENCE, is_at_base), "{} descriptors at first, {} now", base, descriptors(worker));
}

fn play(service: &Service, case: &Case) {
    let (client, target) = tunnel(service.addr());
    let from = client.local();
    match case.who {
        Side::Client => (case.act)(client, target),
        Side::Target => (case.act)(target, client),
    }
    let line = service.session_of(from);
    let ending = line.text("ending");
    assert!(case.endings.contains(&ending), "{:?} {}: the log says {ending}", case.who, case.what);
}

/// The first says something and finishes; the other answers and finishes.
fn finish(mut first: Wire, mut second: Wire) {
    let (question, answer) = (vec![1; MUCH], vec![2; MUCH]);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(second.rest() == (question.clone(), End::Closed), "what the first sent arrives");
            second.send(&answer);
            second.finish();
        });
        first.send(&question);
        first.finish();
        assert!(first.rest() == (answer.clone(), End::Closed), "what the second sent arrives");
    });
}

fn finish_both(mut client: Wire, mut target: Wire) {
    thread::scope(|scope| {
        for wire in [&mut client, &mut target] {
            scope.spawn(|| {
                wire.send(&vec![3; MUCH]);
                wire.finish();
                assert_eq!(wire.rest(), (vec![3; MUCH], End::Closed));
            });
        }
    });
}

fn reset(first: Wire, mut second: Wire) {
    first.reset();
    assert_eq!(second.end(), End::Reset);
}

fn reset_both(client: Wire, target: Wire) {
    thread::scope(|scope| {
        scope.spawn(|| client.reset());
        scope.spawn(|| target.reset());
    });
}

fn reset_half_closed(mut first: Wire, mut second: Wire) {
    second.send(b"done");
    second.finish();
    assert_eq!(first.rest(), (b"done".to_vec(), End::Closed));
    first.reset();
    assert_eq!(second.end(), End::Reset);
}

/// Gives up while the other side sends more than all buffers hold.
fn reset_unread(mut first: Wire, mut second: Wire) {
    thread::scope(|scope| {
        let sender = scope.spawn(|| while second.try_send(&vec![4; 1 << 16]).is_ok() {});
        let _ = first.receive_all(MUCH);
        first.reset();
        sender.join().expect("the sender is told");
    });
}
