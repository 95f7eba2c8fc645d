//! Standard error that nobody reads: lines are lost and counted, and neither relays nor the monitor wait for a reader.

use nix::sys::signal::Signal;
use rig::fifo::Fifo;
use rig::process::exists;
use rig::service::Service;
use rig::signals::send;
use rig::target::{Target, echo};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually, found};

use crate::launch;

/// More than a pipe (64 KiB) and the daemon's queue hold.
const VISITS: usize = 400;

#[test]
fn relays_do_not_wait_for_the_reader_of_the_log_and_losses_are_told() {
    let mut fifo = Fifo::make();
    let service = unread(&fifo);
    let worker = service.worker_pid();
    let mut text = String::new();
    let told = found(PATIENCE, || {
        text += &fifo.read();
        text.lines().find(|line| line.contains("log lines were lost")).map(str::to_owned)
    });
    assert!(told.is_some(), "losses are told as soon as somebody reads");
    assert_eq!(service.worker_pid(), worker);
    let visits = text.matches("session closed").count();
    assert!(visits < VISITS, "the pipe and the queue cannot have held {visits} lines");
}

#[test]
fn a_stop_does_not_wait_for_the_reader_of_the_log() {
    let fifo = Fifo::make();
    let mut service = unread(&fifo);
    service.process.signal(Signal::SIGTERM);
    assert!(service.process.exit_within(PATIENCE).is_some(), "it ends");
}

#[test]
fn a_worker_is_replaced_although_nobody_reads_the_log() {
    let fifo = Fifo::make();
    let service = unread(&fifo);
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    assert!(eventually(PATIENCE, || !exists(worker)), "the dead worker is noticed");
    let target = Target::listen().serve(echo);
    let is_served = || visit(service.addr(), target, b"after").is_ok();
    assert!(eventually(PATIENCE, is_served), "its successor serves");
}

/// A daemon whose log nobody has read for so long that lines are lost.
fn unread(fifo: &Fifo) -> Service {
    let service = launch("[logging]\nqueue_lines = 16\n").log_on_stderr(fifo.path()).start();
    let target = Target::listen().serve(echo);
    for _ in 0..VISITS {
        visit(service.addr(), target, b"nobody waits").expect("a log is no reason not to serve");
    }
    service
}
