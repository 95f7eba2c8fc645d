//! A daemon that somebody else than root has started: whatever needs no root is given up all the same.

use std::process;

use nix::sys::signal::Signal;
use rig::frozen::Frozen;
use rig::network;
use rig::signals::send;
use rig::standing::{Standing, of_all_threads};
use rig::usage::threads;

use crate::{assert_all_threads, assert_serves, confined, launch};

fn somebody() -> u32 {
    100_000 + process::id()
}

#[test]
fn the_worker_stays_who_started_it_and_is_confined() {
    let service = launch("").as_user(somebody()).start();
    assert_serves(&service);
    assert_all_threads(service.worker_pid(), &confined(somebody(), somebody()));
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    assert_all_threads(service.successor_of(worker), &confined(somebody(), somebody()));
}

/// As under a unit with `User=` and `AmbientCapabilities=CAP_NET_BIND_SERVICE`.
#[test]
fn a_capability_for_low_ports_is_the_monitors_alone() {
    network::alone(|| {
        let id = somebody();
        let keeping = format!(
            "setpriv --reuid={id} --regid={id} --clear-groups --inh-caps=-all,+net_bind_service \
             --ambient-caps=-all,+net_bind_service --bounding-set=-all,+net_bind_service"
        );
        let service = launch("[[listen]]\naddress = \"127.0.0.1:1023\"\n").owned_by(id).behind(&keeping).start();
        let monitor = of_all_threads(service.process.pid());
        assert_eq!(monitor[0].1.effective, 1 << 10, "the monitor has CAP_NET_BIND_SERVICE");
        // Without CAP_SETPCAP the bounding set stays; nothing can be gained from it.
        let kept = Standing { bounding: 1 << 10, ..confined(id, id) };
        assert_all_threads(service.worker_pid(), &kept);
        assert_serves(&service);
    });
}

#[test]
fn keys_that_need_root_are_remarked_on_and_stop_nothing() {
    let service = launch("[server]\nuser_unprivileged = \"daemon\"\n").as_user(somebody()).start();
    let remark = service.event_with("server.user_unprivileged has no effect");
    assert!(remark.contains("only root can change the user"), "{remark}");
    assert_serves(&service);
}

/// Nobody but root may look into a process that cannot be dumped: states and names are shown, places in the kernel are not.
#[test]
fn what_a_stalled_worker_hangs_in_is_admitted_to_be_unknown() {
    let config = "[server]\nwatchdog_secs = 5\nworker_threads = 2\n";
    let service = launch(config).as_user(somebody()).start();
    let worker = service.worker_pid();
    let stuck = threads(worker).into_iter().find(|thread| thread.name == "relay-1").expect("it has two relay threads");
    let frozen = Frozen::stop(stuck.id);
    let _ = service.successor_of(worker);
    drop(frozen);
    let lines = service.log.lines();
    let of = |name: &str| lines.iter().find(|line| line.text("message") == "thread" && line.text("name") == name);
    let thread = of("relay-1").expect("the stalled thread is in the log");
    assert_eq!((thread.text("state"), thread.text("wchan"), thread.text("syscall")), ("t (tracing stop)", "?", "?"));
}
