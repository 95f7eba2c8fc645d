//! Monitor and worker of a daemon that root has started.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::signal::Signal;
use rig::signals::send;
use rig::standing::{Standing, of_all_threads};
use rig::usage::status_line;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{NOBODY, assert_all_threads, assert_serves, confined, launch};

#[test]
fn every_thread_of_the_worker_is_nobody_who_may_nothing() {
    // The system's resolver has threads of its own.
    let service = launch("[dns]\nresolver = \"system\"\n[server]\nworker_threads = 3\n").start();
    assert_serves(&service);
    let worker = service.worker_pid();
    assert_all_threads(worker, &confined(NOBODY, NOBODY));
    let names: Vec<_> = of_all_threads(worker).into_iter().map(|(name, _)| name).collect();
    for name in ["rustsocks", "relay-0", "relay-2", "housekeeping", "log"] {
        assert!(names.iter().any(|found| found == name), "{name} is one of {names:?}");
    }
    assert_eq!(
        service.event("the worker is confined: user nobody, group 65534, no new privileges").text("level"),
        "INFO"
    );
}

/// Linux 6.12 and later give each thread turns as long as it asks for; whoever is confined may ask still.
#[test]
fn relay_threads_have_short_turns() {
    let service = launch("[server]\nworker_threads = 2\n").start();
    assert_serves(&service);
    let is_relay = |name: &str| name.starts_with("relay-");
    let turns = || -> Vec<_> {
        let tasks = fs::read_dir(format!("/proc/{}/task", service.worker_pid())).expect("it runs").flatten();
        tasks.filter_map(|task| turn(&task.path())).collect()
    };
    // A thread asks for short ones once it runs.
    let is_short = |(name, turn): &(String, Option<u64>)| is_relay(name) && turn.is_none_or(|turn| turn == 100_000);
    let are_short = || turns().into_iter().filter(is_short).count() == 2;
    assert!(eventually(PATIENCE, are_short), "{:?}", turns());
    let usual = turn(Path::new("/proc/self")).map(|(_, usual)| usual);
    for (name, turn) in turns().into_iter().filter(|(name, _)| !is_relay(name)) {
        assert_eq!(Some(turn), usual, "{name} asks for nothing");
    }
}

/// The name of a thread, and how many nanoseconds its turns last, if this kernel says so (`/proc/PID/sched`).
fn turn(task: &Path) -> Option<(String, Option<u64>)> {
    // It may be over.
    let name = fs::read_to_string(task.join("comm")).ok()?.trim().to_owned();
    let shown = fs::read_to_string(task.join("sched")).unwrap_or_default();
    let slice = shown.lines().find(|line| line.starts_with("se.slice"));
    Some((name, slice.map(|line| line.rsplit(':').next().unwrap_or(line).trim().parse().expect("it is a number"))))
}

#[test]
fn the_worker_is_whom_the_configuration_names() {
    let config =
        "[server]\nuser_privileged = \"root\"\nuser_unprivileged = \"daemon\"\ngroup_unprivileged = \"games\"\n";
    let service = launch(config).start();
    let [user, group] =
        ["/etc/passwd", "/etc/group"].map(|file| fs::read_to_string(file).expect("everybody can read it"));
    let id = |list: &str, name: &str| {
        let line = list.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("every system has them");
        line.split(':').nth(2).expect("the third field is the number").parse().expect("it is a number")
    };
    assert_serves(&service);
    assert_all_threads(service.worker_pid(), &confined(id(&user, "daemon"), id(&group, "games")));
}

#[test]
fn a_worker_that_replaces_another_one_may_no_more() {
    let service = launch("").start();
    let first = service.worker_pid();
    send(first, Signal::SIGKILL);
    let second = service.successor_of(first);
    assert_serves(&service);
    assert_all_threads(second, &confined(NOBODY, NOBODY));
}

/// It parses nothing from the network; one thread is what makes its calls hold for all of it.
#[test]
fn the_monitor_has_one_thread_and_keeps_what_root_has() {
    let service = launch("").start();
    let threads = of_all_threads(service.process.pid());
    let ours = of_all_threads(std::process::id()).swap_remove(0).1;
    assert_eq!(threads.len(), 1, "{threads:?}");
    let Standing { users, effective, .. } = &threads[0].1;
    assert_eq!((users, *effective), (&vec![0; 4], ours.effective));
}

#[test]
fn the_worker_dumps_no_core_and_belongs_to_no_debugger_of_its_user() {
    let service = launch("").start();
    let worker = service.worker_pid();
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).expect("the process runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("there is such a limit");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    // What cannot be dumped belongs to root in /proc, whoever runs it (proc(5)).
    let owner = fs::metadata(format!("/proc/{worker}/environ")).expect("the process runs").uid();
    assert_eq!((owner, status_line(worker, "Uid").starts_with("65534")), (0, true));
}

/// flock(1) leaves the file that it locks open in the program that it becomes.
#[test]
fn no_descriptor_that_the_monitor_inherits_reaches_the_worker() {
    let service = launch("").behind("flock --no-fork /etc/shadow").start();
    let holds_shadow = |pid: u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs").flatten();
        descriptors.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|target| target == Path::new("/etc/shadow"))
    };
    assert!(holds_shadow(service.process.pid()), "the monitor inherits it");
    assert!(!holds_shadow(service.worker_pid()), "the worker does not");
}

#[test]
fn the_worker_lives_in_the_root_directory_and_hardly_in_any_environment_of_the_manager() {
    let service = launch("").start();
    let worker = service.worker_pid();
    let place = fs::read_link(format!("/proc/{worker}/cwd")).expect("the process runs");
    assert_eq!(place, Path::new("/"));
    let environment = fs::read(format!("/proc/{worker}/environ")).expect("the process runs");
    assert!(!environment.split(|byte| *byte == 0).any(|pair| pair.starts_with(b"NOTIFY_SOCKET=")));
}

/// The users' file belongs to root and nobody else can read it: the monitor hands its text over.
#[test]
fn passwords_are_checked_by_a_worker_that_cannot_read_the_users_file() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = launch(&users.settings(&["userpass"])).start();
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", b"wonderland")[1], 0);
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _ = service.successor_of(worker);
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", b"wonderland")[1], 0, "and by its successor");
}

#[test]
fn the_sandbox_can_be_switched_off_and_the_rest_stays() {
    let service = launch("[server]\nsandbox = false\n").start();
    assert_serves(&service);
    assert_all_threads(service.worker_pid(), &Standing { seccomp: 0, ..confined(NOBODY, NOBODY) });
    assert!(service.log.lines().iter().any(|line| line.text("sandbox") == "off"), "the log says so");
}

/// Needs Linux 5.17, for `SO_MARK` with nothing but `CAP_NET_RAW` (socket(7)).
#[test]
fn a_worker_that_marks_its_connections_keeps_the_one_capability_for_it() {
    const CAP_NET_RAW: u64 = 1 << 13;
    let service = launch("[outbound]\nmark = 77\n").start();
    assert_serves(&service);
    let kept = Standing {
        inheritable: CAP_NET_RAW,
        permitted: CAP_NET_RAW,
        effective: CAP_NET_RAW,
        bounding: CAP_NET_RAW,
        ambient: CAP_NET_RAW,
        ..confined(NOBODY, NOBODY)
    };
    assert_all_threads(service.worker_pid(), &kept);
}
