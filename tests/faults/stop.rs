//! The end on request: listeners first, sessions later, and every session in the log.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::process::exists;
use rig::service::Service;
use rig::socks5::greeted;
use rig::target::{Target, echo, tunnel};
use rig::usage::raise_own_descriptor_limit;
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::start;

const RELAYS: usize = 1_000;

#[test]
fn sigterm_closes_listeners_at_once_and_sessions_at_the_deadline() {
    drained_by(Signal::SIGTERM);
}

#[test]
fn sigint_is_like_sigterm() {
    drained_by(Signal::SIGINT);
}

fn drained_by(signal: Signal) {
    raise_own_descriptor_limit();
    let mut service = start("[server]\ndrain_secs = 3\n");
    let mut relays: Vec<_> = (0..RELAYS).map(|_| tunnel(service.addr())).collect();
    let in_handshake: Vec<_> = (0..20).map(|_| greeted(service.addr())).collect();

    let told = Instant::now();
    service.process.signal(signal);
    assert_refuses(service.addr());
    assert!(told.elapsed() < Duration::from_secs(3), "the listeners closed first, after {:?}", told.elapsed());
    for (client, target) in &mut relays {
        client.send(b"alive");
        assert_eq!(&target.receive(), b"alive", "sessions go on");
    }
    assert_eq!(service.log.sessions().len(), 0, "no session was ended before the deadline");
    for (client, target) in &mut relays {
        let ends = [client.hear(1, PATIENCE).1, target.hear(1, PATIENCE).1];
        assert!(ends.iter().all(Option::is_some), "both sides are told at the deadline");
    }
    let exit = service.process.exit_within(PATIENCE).expect("it ends at the deadline");
    assert!(told.elapsed() >= Duration::from_secs(3), "the deadline was waited for, not {:?}", told.elapsed());
    assert_eq!(exit.code(), Some(0));
    assert_eq!(service.endings("stopped"), RELAYS + in_handshake.len(), "each session has its line");
    let clients = relays.iter().map(|(client, _)| client).chain(&in_handshake).map(Wire::local);
    let in_log: Vec<String> = service.log.sessions().iter().map(|line| line.text("client").to_owned()).collect();
    assert!(clients.into_iter().all(|client| in_log.contains(&client.to_string())));
}

#[test]
fn a_drain_is_over_with_its_last_session() {
    let mut service = start("[server]\ndrain_secs = 600\n");
    let (client, mut target) = tunnel(service.addr());
    service.process.signal(Signal::SIGTERM);
    assert_refuses(service.addr());
    target.send(b"last words");
    let from = client.local();
    drop((client, target));
    let exit = service.process.exit_within(PATIENCE).expect("nobody is left to wait for");
    assert_eq!(exit.code(), Some(0));
    assert!(!service.session_of(from).text("ending").is_empty());
}

#[test]
fn a_second_signal_means_now() {
    for (first, second) in [(Signal::SIGTERM, Signal::SIGTERM), (Signal::SIGTERM, Signal::SIGINT)] {
        let mut service = start("[server]\ndrain_secs = 600\n");
        let relays: Vec<_> = (0..50).map(|_| tunnel(service.addr())).collect();
        service.process.signal(first);
        assert_refuses(service.addr());
        service.process.signal(second);
        let exit = service.process.exit_within(PATIENCE).expect("the second signal means now");
        assert_eq!(exit.code(), Some(0));
        assert_eq!(service.endings("stopped"), relays.len());
    }
}

#[test]
fn no_time_to_drain_ends_sessions_at_once() {
    let mut service = start("[server]\ndrain_secs = 0\n");
    let relays: Vec<_> = (0..50).map(|_| tunnel(service.addr())).collect();
    service.process.signal(Signal::SIGTERM);
    let exit = service.process.exit_within(PATIENCE).expect("there is nothing to wait for");
    assert_eq!((exit.code(), service.endings("stopped")), (Some(0), relays.len()));
}

#[test]
fn a_worker_does_not_outlive_its_monitor() {
    let mut service = start("");
    let worker = service.worker_pid();
    let (mut client, _target) = tunnel(service.addr());
    service.process.signal(Signal::SIGKILL);
    let exit = service.process.exit_within(PATIENCE).expect("SIGKILL ends everything");
    assert_eq!(exit.signal(), Some(Signal::SIGKILL as i32));
    assert!(eventually(PATIENCE, || !exists(worker)), "the worker is still there");
    assert!(client.hear(1, PATIENCE).1.is_some(), "its relays ended");
    assert_refuses(service.addr());
}

/// SIGTERM in the moment between two workers.
#[test]
fn a_stop_is_heard_while_a_worker_is_being_replaced() {
    let mut service: Service = start("");
    let target = Target::listen().serve(echo);
    visit(service.addr(), target, b"before").expect("all is well");
    rig::signals::send(service.worker_pid(), Signal::SIGKILL);
    service.process.signal(Signal::SIGTERM);
    assert!(service.process.exit_within(PATIENCE).is_some(), "it ends");
    assert_refuses(service.addr());
}

fn assert_refuses(address: SocketAddr) {
    let refuses = || TcpStream::connect(address).is_err();
    assert!(eventually(PATIENCE, refuses), "{address} still takes connections");
}
