//! A worker that hangs, as a whole or in one of its threads: the monitor notices, names what hangs, and replaces it.

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::frozen::Frozen;
use rig::process::exists;
use rig::service::Service;
use rig::signals::send;
use rig::target::{Target, echo, tunnel};
use rig::usage::threads;
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};

use crate::start;

/// As short as the watchdog of a machine that is busy with other tests may be.
const WATCHDOG: &str = "[server]\nwatchdog_secs = 5\nworker_threads = 2\n";

#[test]
fn a_stopped_worker_is_replaced_and_does_nothing_twice() {
    let service = start(WATCHDOG);
    let target = Target::listen().serve(echo);
    visit(service.addr(), target, b"before").expect("all is well");
    let worker = service.worker_pid();
    stop(worker);
    let waiting = visit(service.addr(), target, b"waiting").expect("whoever comes waits for the next worker");
    let successor = service.successor_of(worker);
    // Too late: there is nobody to go on.
    send(worker, Signal::SIGCONT);
    assert!(!exists(worker), "the stopped worker is gone");
    assert_eq!(service.worker_pid(), successor, "there is one worker");

    let fault = service.event("the worker is killed; its threads were");
    assert_eq!((fault.number("worker"), fault.text("fault")), (worker.into(), "stalled: no heartbeat"));
    let mine = waiting.client.to_string();
    assert_eq!(service.session_of(waiting.client).text("ending"), "client_closed");
    let lines = service.log.sessions().iter().filter(|line| line.text("client") == mine).count();
    assert_eq!(lines, 1, "the visit is in the log once");
}

#[test]
fn a_worker_that_was_stopped_for_a_moment_goes_on() {
    let service = start("[server]\nwatchdog_secs = 20\n");
    let worker = service.worker_pid();
    let (mut client, mut target) = tunnel(service.addr());
    stop(worker);
    client.send(b"meanwhile");
    thread::sleep(Duration::from_secs(2));
    send(worker, Signal::SIGCONT);
    assert_eq!(&target.receive(), b"meanwhile");
    thread::sleep(Duration::from_secs(2));
    assert_eq!(service.worker_pid(), worker);
    target.send(b"and on");
    assert_eq!(&client.receive(), b"and on");
}

/// Whoever did not look cannot have seen a silence: not the worker hung, but the monitor.
#[test]
fn a_monitor_that_was_stopped_condemns_nobody() {
    let service = start(WATCHDOG);
    let worker = service.worker_pid();
    let (mut client, mut target) = tunnel(service.addr());
    service.process.signal(Signal::SIGSTOP);
    thread::sleep(Duration::from_secs(6));
    service.process.signal(Signal::SIGCONT);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(service.worker_pid(), worker);
    client.send(b"still here");
    assert_eq!(&target.receive(), b"still here");
}

#[test]
fn one_thread_that_hangs_is_named_and_its_worker_replaced() {
    for stuck in ["relay-1", "bandwidth"] {
        let service = start(WATCHDOG);
        let worker = service.worker_pid();
        let frozen = Frozen::stop(thread_named(worker, stuck));
        let successor = service.successor_of(worker);
        drop(frozen);

        let fault = service.event("the worker is killed; its threads were");
        let silent = format!("stalled: thread {stuck} is silent");
        assert_eq!((fault.number("worker"), fault.text("fault")), (worker.into(), &*silent));
        let lines = service.log.lines();
        let dump: Vec<_> = lines.iter().filter(|line| line.text("message") == "thread").collect();
        let states = |name: &str| dump.iter().find(|line| line.text("name") == name).map(|line| line.text("state"));
        assert_eq!(states(stuck), Some("t (tracing stop)"));
        assert!(states("relay-0").is_some_and(|state| !state.starts_with('t')), "the others are shown too");
        assert_serves(&service, successor);
    }
}

/// A thread that hangs for less than the watchdog costs nothing but time.
#[test]
fn one_thread_that_hangs_for_a_moment_harms_nobody() {
    let service = start("[server]\nwatchdog_secs = 20\nworker_threads = 2\n");
    let worker = service.worker_pid();
    let relays: Vec<_> = (0..16).map(|_| tunnel(service.addr())).collect();
    let frozen = Frozen::stop(thread_named(worker, "relay-0"));
    thread::sleep(Duration::from_secs(2));
    drop(frozen);
    for (mut client, mut target) in relays {
        client.send(b"alive");
        assert_eq!(&target.receive(), b"alive");
    }
    assert_eq!(service.worker_pid(), worker);
}

/// Returns when it has stopped: until then it would still accept.
fn stop(worker: u32) {
    send(worker, Signal::SIGSTOP);
    let has_stopped = || threads(worker).iter().all(|thread| thread.state == 'T');
    assert!(eventually(PATIENCE, has_stopped), "worker {worker} does not stop");
}

fn thread_named(pid: u32, name: &str) -> u32 {
    let threads = threads(pid);
    threads.iter().find(|thread| thread.name == name).unwrap_or_else(|| panic!("no {name} in {threads:?}")).id
}

fn assert_serves(service: &Service, worker: u32) {
    let target = Target::listen().serve(echo);
    let is_served = || visit(service.addr(), target, b"after").is_ok();
    assert!(eventually(PATIENCE, is_served), "the successor serves");
    assert_eq!(service.worker_pid(), worker);
}
