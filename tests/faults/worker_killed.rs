//! A worker that dies: nobody is refused, its successor serves at once, and what had ended well is in the log once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::note::measured;
use rig::service::Service;
use rig::signals::send;
use rig::target::{Target, echo, tunnel};
use rig::visitor::{Failure, Visitors, visit};
use rig::wait::{PATIENCE, eventually};

use crate::start;

const KILLS: usize = 3;
const VISITORS: usize = 4;
const RELAYS: usize = 100;

/// What a client waits at most on a machine that does many other things; an idle one needs some 50 ms.
const RECOVERY: Duration = Duration::from_secs(5);

/// In milliseconds, what the monitor may take from a death to a worker that serves. The machine may be busy at one death or another, and
/// not at all of them.
const PROMISED: u64 = 500;

#[test]
fn a_killed_worker_refuses_nobody_and_loses_no_line() {
    let service = start("");
    let target = Target::listen().serve(echo);
    let mut orderly = Vec::new();
    for _ in 0..KILLS {
        orderly.extend((0..50).map(|_| visit(service.addr(), target, b"orderly").expect("all is well").client));
        wait_for_lines(&service, &orderly);
        kill_under_load(&service, target);
    }
    orderly.extend((0..50).map(|_| visit(service.addr(), target, b"orderly").expect("all is well again").client));
    wait_for_lines(&service, &orderly);
    assert_no_line_twice(&service);
    assert_replaced_in_time(&service);
}

/// As the monitor has measured it, pauses after quick deaths included.
fn assert_replaced_in_time(service: &Service) {
    let restarts = service.log.lines().into_iter().filter(|line| line.text("message") == "worker ready").skip(1);
    let gaps: Vec<u64> = restarts.map(|line| line.number("gap_ms")).collect();
    measured(format!("from a death to the next worker: {gaps:?} ms"));
    assert_eq!(gaps.len(), KILLS);
    assert!(gaps.iter().any(|gap| *gap < PROMISED), "{gaps:?} ms");
}

fn kill_under_load(service: &Service, target: SocketAddr) {
    let relays: Vec<_> = (0..RELAYS).map(|_| tunnel(service.addr())).collect();
    let visitors: Vec<_> = (0..VISITORS).map(|_| Visitors::come(service.addr(), target)).collect();
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let killed = Instant::now();
    let first = visit(service.addr(), target, b"first").expect("whoever comes now waits for the next worker");
    let recovery = killed.elapsed();
    measured(format!("first new session {recovery:?} after the kill, {:?} of it waiting", first.until_reply));
    assert!(recovery < RECOVERY, "a new session took {recovery:?}");

    for (mut client, mut target) in relays {
        let (_, client_end) = client.hear(1, PATIENCE);
        let (_, target_end) = target.hear(1, PATIENCE);
        assert!(client_end.is_some() && target_end.is_some(), "a relay ends with its worker");
    }
    let _ = service.successor_of(worker);
    let visits: Vec<_> = visitors.into_iter().flat_map(Visitors::stop).collect();
    let well = visits.iter().filter(|visit| visit.is_ok()).count();
    let refused: Vec<_> =
        visits.iter().filter(|visit| !matches!(visit, Ok(_) | Err(Failure::Broken(_) | Failure::CutOff(..)))).collect();
    measured(format!("{well} of {} visits around the kill went well", visits.len()));
    assert!(refused.is_empty(), "nobody is refused: {refused:?}");
    assert!(visits.len() - well <= VISITORS, "only what the dead worker had accepted is cut");
}

fn wait_for_lines(service: &Service, clients: &[SocketAddr]) {
    let have_lines = || {
        let lines = lines_by_client(service);
        clients.iter().all(|client| lines.contains_key(&client.to_string()))
    };
    assert!(eventually(PATIENCE, have_lines), "a session that ended well has no line");
}

fn assert_no_line_twice(service: &Service) {
    let mut lines: HashMap<String, usize> = HashMap::new();
    for line in service.log.sessions() {
        *lines.entry(line.text("session").to_owned()).or_default() += 1;
    }
    lines.retain(|_, count| *count > 1);
    assert!(lines.is_empty(), "sessions with more than one line: {lines:?}");
}

fn lines_by_client(service: &Service) -> HashMap<String, usize> {
    let mut lines = HashMap::new();
    for line in service.log.sessions() {
        *lines.entry(line.text("client").to_owned()).or_default() += 1;
    }
    lines
}
