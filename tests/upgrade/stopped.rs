//! A service that stops while former workers still have sessions.

use nix::sys::signal::Signal;
use rig::target::tunnel;
use rig::wait::PATIENCE;
use rig::wire::End;

use crate::{Installed, assert_passes, hears, is_gone, upgrade};

#[test]
fn the_first_signal_lets_all_finish_and_the_second_ends_all() {
    let installed = Installed::new();
    let mut service = installed.start("[server]\ndrain_secs = 600\n");
    let first = service.worker_pid();
    let mut early = tunnel(service.addr());
    let second = upgrade(&service, &installed);
    let mut late = tunnel(service.addr());
    service.process.signal(Signal::SIGTERM);
    hears(&service, "draining", 2);
    assert_passes(&mut early, 1);
    assert_passes(&mut late, 2);
    service.process.signal(Signal::SIGTERM);
    assert!(service.process.exit_within(2 * PATIENCE).is_some());
    [first, second].into_iter().for_each(is_gone);
    let _cut = (early.0.end(), late.0.end());
}

#[test]
fn a_stop_waits_for_the_sessions_of_former_workers() {
    let installed = Installed::new();
    let mut service = installed.start("[server]\ndrain_secs = 600\n");
    let first = service.worker_pid();
    let (client, mut target) = tunnel(service.addr());
    let second = upgrade(&service, &installed);
    service.process.signal(Signal::SIGTERM);
    is_gone(second);
    assert!(service.process.runs());
    client.finish();
    assert_eq!(target.end(), End::Closed);
    target.finish();
    assert!(service.process.exit_within(2 * PATIENCE).is_some_and(|status| status.success()));
    is_gone(first);
}

#[test]
fn former_workers_have_the_time_that_they_are_given() {
    let installed = Installed::new();
    let service = installed.start("[server]\nupgrade_drain_secs = 1\n");
    let first = service.worker_pid();
    let mut relay = tunnel(service.addr());
    upgrade(&service, &installed);
    is_gone(first);
    let _cut = relay.0.end();
}

#[test]
fn no_worker_outlives_its_monitor() {
    let installed = Installed::new();
    let service = installed.start("");
    let first = service.worker_pid();
    let _relay = tunnel(service.addr());
    let second = upgrade(&service, &installed);
    service.process.signal(Signal::SIGKILL);
    [first, second].into_iter().for_each(is_gone);
}
