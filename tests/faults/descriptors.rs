//! No descriptors left: accepting pauses, what runs goes on, nobody spins, and it is over when there are some again.

use std::time::Duration;

use rig::note::measured;
use rig::process::descriptors;
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo, tunnel};
use rig::usage::{limit_descriptors, processor_share, take_descriptors};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{launch, start};

const PAUSED: &str = "cannot accept; pausing";

/// Of one processor.
const IDLE: f64 = 0.05;

#[test]
fn a_full_descriptor_table_pauses_accepting_and_nothing_else() {
    let service = launch("[server]\nworker_threads = 2\n").env("WATCHDOG_USEC", "6000000").start();
    let worker = service.worker_pid();
    let mut relays: Vec<_> = (0..30).map(|_| tunnel(service.addr())).collect();
    limit_descriptors(worker, descriptors(worker));
    let mut waiting: Vec<_> = (0..40).map(|_| Wire::connect(service.addr())).collect();
    let _ = service.event(PAUSED);

    let (lines_before, fed_before) = (pauses(&service), service.manager.count("WATCHDOG=1"));
    let share = processor_share(worker, Duration::from_secs(4));
    measured(format!("a worker without descriptors uses {:.1} % of a processor", share * 100.0));
    assert!(share < IDLE, "it uses {share} of a processor");
    let lines = pauses(&service) - lines_before;
    assert!(lines <= 16, "{lines} lines in 4 s say that accepting pauses");
    assert!(eventually(PATIENCE, || service.manager.count("WATCHDOG=1") > fed_before), "the watchdog is fed");
    for (client, target) in &mut relays {
        client.send(b"goes on");
        assert_eq!(&target.receive(), b"goes on");
    }

    // Two descriptors of each relay: enough for everybody who waits.
    drop(relays.split_off(5));
    for client in &mut waiting {
        client.greet();
    }
    assert_eq!(service.worker_pid(), worker, "it is the same worker");
    drop(waiting);
    let target = Target::listen().serve(echo);
    assert!(eventually(PATIENCE, || visit(service.addr(), target, b"after").is_ok()), "all is well again");
}

/// The last descriptor went to the client; there is none to go to its target.
#[test]
fn a_dial_without_a_descriptor_is_a_general_failure() {
    let service = start("");
    let worker = service.worker_pid();
    let target = Target::listen();
    let mut client = greeted(service.addr());
    take_descriptors(worker);
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::GENERAL);
    let from = client.local();
    drop(client);
    assert_eq!(service.session_of(from).text("reason"), "out_of_resources");
}

#[test]
fn a_low_hard_limit_lowers_the_number_of_sessions() {
    let service = launch("").behind("prlimit --nofile=1700:1700").start();
    let warning = service.event_with("fewer sessions than limits.max_connections fit");
    assert!(warning.contains("1700 descriptors = "), "the arithmetic is shown: {warning}");
    let target = Target::listen().serve(echo);
    let mut granted = Vec::new();
    let refused = (0..100).map(|_| greeted(service.addr())).find_map(|mut client| {
        let code = client.ask(CONNECT, target).code;
        granted.push(client);
        (code != rep::SUCCEEDED).then_some(code)
    });
    assert_eq!(refused, Some(rep::NOT_ALLOWED), "{} sessions fit", granted.len());
    let last = granted.pop().expect("one was refused").local();
    assert_eq!(service.session_of(last).text("reason"), "too_many_connections");
    measured(format!("{} sessions fit under 1700 descriptors", granted.len()));
    drop(granted);
    assert!(eventually(PATIENCE, || visit(service.addr(), target, b"after").is_ok()), "a seat is free again");
}

#[test]
fn a_hard_limit_that_leaves_no_session_is_refused_with_the_arithmetic() {
    let refusal = launch("").behind("prlimit --nofile=1024:1024").refused().expect("no session fits");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    for words in ["1024 descriptors = 0 sessions", "raise LimitNOFILE"] {
        assert!(refusal.words.contains(words), "{words:?} should be in {}", refusal.words);
    }
}

fn pauses(service: &Service) -> usize {
    service.log.lines().iter().filter(|line| line.text("message") == PAUSED).count()
}
