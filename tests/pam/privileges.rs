//! What the helpers may, and that it suffices for modules that keep files of their own.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use nix::sys::signal::Signal;
use rig::service::Service;
use rig::signals::send;
use rig::standing::{Standing, of_all_threads};
use rig::wait::{PATIENCE, eventually};

use crate::system::{Login, PASSWORD, PERMIT, System, accepts, log_in};

/// `CAP_DAC_READ_SEARCH`, `CAP_SETGID`, `CAP_SETUID` and `CAP_AUDIT_WRITE` by their numbers in capabilities(7).
const KEPT: u64 = 1 << 2 | 1 << 6 | 1 << 7 | 1 << 29;

/// Alice's number in the system of these tests.
const ALICE: u32 = 5001;

/// The processes of the service that `ps` shows so, once they are more than the launcher that becomes them.
fn processes(service: &Service, title: &str) -> Vec<u32> {
    let is_titled = |pid: &u32| {
        let of = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        of("cmdline").starts_with(title) && of("comm") != "exe\n"
    };
    service.process.children().into_iter().filter(is_titled).collect()
}

fn assert_bounded(helper: u32) {
    let bounded = Standing {
        users: vec![0; 4],
        groups: vec![0; 4],
        further_groups: Vec::new(),
        inheritable: 0,
        permitted: KEPT,
        effective: KEPT,
        bounding: KEPT,
        ambient: 0,
        no_new_privileges: true,
        seccomp: 0,
    };
    let threads = of_all_threads(helper);
    assert!(!threads.is_empty(), "helper {helper} has threads");
    for (name, standing) in threads {
        assert_eq!(standing, bounded, "thread {name} of helper {helper}");
    }
}

#[test]
fn helpers_are_root_with_four_capabilities_and_so_are_their_successors() {
    let system = System::with(PERMIT);
    let service = system.start("");
    assert!(accepts(&service, "alice"));
    let helpers = processes(&service, "rustsocks: pam");
    assert!(!helpers.is_empty(), "there are helpers");
    for helper in &helpers {
        assert_bounded(*helper);
    }
    for helper in &helpers {
        let limits = fs::read_to_string(format!("/proc/{helper}/limits")).expect("the process runs");
        assert!(limits.lines().any(|line| line.starts_with("Max core file size        0 ")), "{limits}");
    }

    send(helpers[0], Signal::SIGKILL);
    let is_replaced = || {
        let now = processes(&service, "rustsocks: pam");
        !now.contains(&helpers[0]) && now.len() >= helpers.len()
    };
    assert!(eventually(PATIENCE, is_replaced), "another helper takes the place of the first");
    assert!(accepts(&service, "alice"));
    processes(&service, "rustsocks: pam").into_iter().for_each(assert_bounded);
}

/// As the guide has it, with a place of its own for the tallies.
const FAILLOCK: &str = "\
auth     required                    pam_faillock.so preauth dir={dir}/tallies deny=3 unlock_time=600
auth     [success=1 default=ignore]  pam_unix.so nodelay
auth     [default=die]               pam_faillock.so authfail dir={dir}/tallies deny=3 unlock_time=600
auth     sufficient                  pam_faillock.so authsucc dir={dir}/tallies deny=3 unlock_time=600
account  required                    pam_faillock.so dir={dir}/tallies
account  required                    pam_unix.so
";

fn refuse_three_times(service: &Service) {
    for _ in 0..3 {
        assert_eq!(log_in(service, b"alice", b"wrong").0, Login::Refused);
    }
}

#[test]
fn faillock_counts_failures_in_a_file_that_the_helper_makes() {
    let system = System::with(FAILLOCK);
    fs::create_dir(system.path("tallies")).expect("a temporary directory can be written");
    let service = system.start("");
    assert!(accepts(&service, "alice"), "two wrong passwords are no lock, and none were given");
    refuse_three_times(&service);
    assert_eq!(log_in(&service, b"alice", PASSWORD.as_bytes()).0, Login::Refused, "three are");
    assert!(accepts(&service, "grace"), "others are not locked");
    let tally = fs::metadata(system.path("tallies/alice")).expect("there is a tally");
    assert_eq!((tally.uid(), tally.gid(), tally.mode() & 0o777), (0, 0, 0o660));
}

/// Another service, with all of root's capabilities, gives the file to its user.
#[test]
fn faillock_counts_failures_in_a_file_that_another_service_has_made() {
    let system = System::with(FAILLOCK);
    let tally = system.path("tallies/alice");
    fs::create_dir(system.path("tallies")).expect("a temporary directory can be written");
    File::create(&tally).expect("a temporary directory can be written");
    chown(&tally, Some(ALICE), Some(0)).expect("root may give its files away");
    fs::set_permissions(&tally, Permissions::from_mode(0o660)).expect("the file is there");
    let service = system.start("");
    refuse_three_times(&service);
    assert_eq!(log_in(&service, b"alice", PASSWORD.as_bytes()).0, Login::Refused);
    assert!(fs::metadata(&tally).expect("the tally is there").len() > 0, "the failures are written down");
}
