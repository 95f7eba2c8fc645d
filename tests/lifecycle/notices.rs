//! What the service manager hears (`sd_notify(3)`): ready, how it is, that it lives, and that it stops.

use nix::sys::signal::Signal;
use rig::service::Service;
use rig::signals::send;
use rig::target::tunnel;
use rig::wait::{PATIENCE, eventually};

use crate::launch;

#[test]
fn a_life_is_told_from_ready_to_stopped() {
    let mut service = launch("[server]\ndrain_secs = 1\n").env("WATCHDOG_USEC", "6000000").start();
    let worker = service.worker_pid();
    hears(&service, &format!("STATUS=Starting: worker {worker}, restarts 0"));
    hears(&service, "READY=1");
    hears(&service, &format!("STATUS=Serving: worker {worker}, sessions 0, restarts 0"));
    let fed = || service.manager.count("WATCHDOG=1");
    assert!(eventually(PATIENCE, || fed() >= 3), "the watchdog is fed every 2 s, not {} times", fed());

    let _session = tunnel(service.addr());
    hears(&service, &format!("STATUS=Serving: worker {worker}, sessions 1, restarts 0"));
    service.process.signal(Signal::SIGTERM);
    hears(&service, "STOPPING=1");
    hears(&service, &format!("STATUS=Draining: worker {worker}, sessions 1"));
    assert_eq!(service.process.exit_within(PATIENCE).and_then(|exit| exit.code()), Some(0));
    hears(&service, "STATUS=Stopped");

    let heard = service.manager.heard();
    let place = |wanted: &str| heard.iter().position(|said| said.starts_with(wanted));
    assert!(place("READY=1") < place("STOPPING=1"), "in this order: {heard:?}");
    assert_eq!(service.manager.count("READY=1"), 1, "it becomes ready once");
    let extension = service.manager.hears("EXTEND_TIMEOUT_USEC=", PATIENCE).expect("draining takes its time");
    let microseconds: u64 = extension["EXTEND_TIMEOUT_USEC=".len()..].parse().expect("a number");
    assert!(microseconds > 1_000_000, "the drain of 1 s fits into {microseconds} us");
}

#[test]
fn a_replaced_worker_is_told_and_ready_is_not_told_again() {
    let service = launch("").start();
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let successor = service.successor_of(worker);
    hears(&service, &format!("STATUS=Serving: worker {successor}, sessions 0, restarts 1"));
    assert_eq!(service.manager.count("READY=1"), 1);
}

#[test]
fn nobody_is_fed_who_does_not_ask_for_it() {
    let service = launch("").start();
    hears(&service, "STATUS=Serving");
    let _session = tunnel(service.addr());
    hears(&service, &format!("STATUS=Serving: worker {}, sessions 1", service.worker_pid()));
    assert_eq!(service.manager.count("WATCHDOG=1"), 0);
}

/// What is meant for the daemon must not reach what it starts.
#[test]
fn the_worker_does_not_inherit_the_line_to_the_service_manager() {
    let service = launch("").env("WATCHDOG_USEC", "6000000").start();
    let environment = std::fs::read(format!("/proc/{}/environ", service.worker_pid())).expect("the worker runs");
    let environment = String::from_utf8_lossy(&environment);
    for name in ["NOTIFY_SOCKET=", "WATCHDOG_USEC="] {
        assert!(!environment.split('\0').any(|variable| variable.starts_with(name)), "{name} is in {environment:?}");
    }
}

fn hears(service: &Service, beginning: &str) {
    let heard = service.manager.hears(beginning, PATIENCE);
    assert!(heard.is_some(), "{beginning:?} should be among {:?}", service.manager.heard());
}
