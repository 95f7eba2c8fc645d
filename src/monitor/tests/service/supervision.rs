//! A worker that dies or stalls is replaced, signals are obeyed, and no connection is refused meanwhile.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::toy::{Toy, ask, hold, say, send_signal, wait_until, worker};

/// Connects again and again until told to stop; ends with the number of connections and the first refusal.
fn connect_loop(address: SocketAddr, stop: &Arc<AtomicBool>) -> JoinHandle<(u32, Option<std::io::Error>)> {
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let mut connections = 0;
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = TcpStream::connect(address) {
                return (connections, Some(error));
            }
            connections += 1;
            thread::sleep(Duration::from_millis(1));
        }
        (connections, None)
    })
}

/// Asks the worker to die, and says how long it takes until another one answers.
fn recovery(address: SocketAddr) -> Duration {
    let before = worker(address);
    let _dying = say(address, "die").expect("connected");
    let asked = Instant::now();
    wait_until("another worker answers", || {
        ask(address, "pid").is_ok_and(|pid| !pid.is_empty() && pid != before.to_string())
    });
    asked.elapsed()
}

#[test]
fn a_crashed_worker_is_replaced_within_500_ms_and_no_connection_is_refused() {
    let (mut toy, address) = Toy::serving(&["threads=2"]);
    let stop = Arc::new(AtomicBool::new(false));
    let clients = connect_loop(address, &stop);
    let took = recovery(address);
    stop.store(true, Ordering::Relaxed);
    let (connections, refusal) = clients.join().expect("no panic");

    assert!(took < Duration::from_millis(500), "{took:?}");
    assert!(refusal.is_none(), "refused after {connections} connections: {refusal:?}");
    assert!(connections > 10);
    let line = toy.wait_for("the worker died");
    assert!(line.contains("signal: 9 (SIGKILL)"), "{line}");
}

#[test]
fn a_connection_made_while_no_worker_lives_is_served_by_the_next_one() {
    let (_toy, address) = Toy::serving(&[]);
    recovery(address);
    let before = worker(address);
    send_signal(before, Signal::SIGKILL);
    // The second quick death is followed by a pause of 100 ms, in which nobody but the kernel answers this.
    assert_ne!(worker(address), before);
}

#[test]
fn a_worker_that_dies_again_and_again_ends_the_service() {
    let started = Instant::now();
    let (status, log) = Toy::start(&["behaviour=collapse"]).end();
    assert_eq!(status, Some(70), "{log}");
    assert!(log.contains("the worker died 10 times within 60s; giving up"), "{log}");
    assert_eq!(log.matches("worker started").count(), 10, "{log}");
    assert!(started.elapsed() > Duration::from_secs(16), "the pauses were too short");
}

#[test]
fn the_first_signal_drains_and_refuses_new_connections() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (toy, address) = Toy::serving(&["threads=2"]);
        let mut session = hold(address);
        toy.signal(signal);
        wait_until("new connections are refused", || TcpStream::connect(address).is_err());
        session.set_read_timeout(Some(Duration::from_millis(200))).expect("set");
        assert!(session.read(&mut [0]).is_err(), "the session lives on");

        drop(session);
        let (status, log) = toy.end();
        assert_eq!(status, Some(0), "{log}");
        assert!(log.contains("the worker has drained") && log.contains("remaining=0"), "{log}");
    }
}

#[test]
fn sessions_that_outlast_the_deadline_are_cut() {
    let (toy, address) = Toy::serving(&["drain_ms=300"]);
    let _session = hold(address);
    toy.signal(Signal::SIGTERM);
    let (status, log) = toy.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("remaining=1"), "{log}");
}

#[test]
fn the_second_signal_stops_at_once() {
    let (mut toy, address) = Toy::serving(&[]);
    let _session = hold(address);
    toy.signal(Signal::SIGTERM);
    toy.wait_for("stopping: no new connections");
    let asked_again = Instant::now();
    toy.signal(Signal::SIGTERM);
    let (status, log) = toy.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(asked_again.elapsed() < Duration::from_secs(2), "{log}");
}

#[test]
fn a_worker_that_does_not_stop_is_killed_after_the_deadline() {
    let (toy, _) = Toy::serving(&["behaviour=deaf", "drain_ms=100"]);
    toy.signal(Signal::SIGTERM);
    let (status, log) = toy.end();
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("did not end well") && log.contains("SIGKILL"), "{log}");
}

#[test]
fn a_stop_while_the_worker_starts_ends_the_service() {
    let mut toy = Toy::start(&["behaviour=dawdle"]);
    toy.wait_for("begun");
    toy.signal(Signal::SIGTERM);
    let (status, log) = toy.end();
    assert_eq!(status, Some(0), "{log}");
}

#[test]
fn sighup_reopens_the_logs() {
    let (mut toy, _) = Toy::serving(&[]);
    for _ in 0..2 {
        toy.signal(Signal::SIGHUP);
        toy.wait_for("logs reopened");
    }
}

#[test]
fn a_stopped_worker_is_noticed_photographed_and_replaced() {
    let (mut toy, address) = Toy::serving(&["watchdog_ms=2000"]);
    let stopped = worker(address);
    send_signal(stopped, Signal::SIGSTOP);
    let line = toy.wait_for("the worker is killed");
    assert!(line.contains("stalled: no heartbeat"), "{line}");
    let line = toy.wait_for("name=\"heart\"");
    assert!(line.contains("T (stopped)"), "{line}");
    toy.wait_for("worker ready");
    assert_ne!(worker(address), stopped);
}

#[test]
fn a_thread_that_is_silent_for_too_long_is_named() {
    let (mut toy, address) = Toy::serving(&["watchdog_ms=2000"]);
    ask(address, "blame accept").expect("answered");
    let line = toy.wait_for("the worker is killed");
    assert!(line.contains("stalled: thread accept is silent"), "{line}");
    toy.wait_for("name=\"accept\"");
    let line = toy.wait_for("the worker died");
    assert!(line.contains("SIGABRT"), "{line}");
    toy.wait_for("worker ready");
}

#[test]
fn a_stopped_monitor_does_not_condemn_its_worker() {
    let (toy, address) = Toy::serving(&["watchdog_ms=4000"]);
    let before = worker(address);
    toy.signal(Signal::SIGSTOP);
    send_signal(before, Signal::SIGSTOP);
    // Both sleep longer than the watchdog allows, and the monitor wakes first, as after a suspend it may.
    thread::sleep(Duration::from_secs(6));
    toy.signal(Signal::SIGCONT);
    thread::sleep(Duration::from_millis(300));
    send_signal(before, Signal::SIGCONT);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(worker(address), before);
}

#[test]
fn even_a_stopped_worker_ends_with_its_monitor() {
    let (toy, address) = Toy::serving(&[]);
    let orphan = worker(address);
    send_signal(orphan, Signal::SIGSTOP);
    toy.signal(Signal::SIGKILL);
    wait_until("the worker is gone", || !is_alive(orphan));
}

#[test]
fn the_file_of_a_unix_listener_goes_with_the_service() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socks");
    let (toy, _) = Toy::serving(&[&format!("unix={}", path.display())]);
    assert!(path.exists());
    toy.signal(Signal::SIGTERM);
    assert_eq!(toy.end().0, Some(0));
    assert!(!path.exists());
}

/// A zombie whose new parent has not looked yet is not alive.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
