//! Helpers at the worker's side: replaced when they end, killed when they are stuck, and gone when their worker is.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::toy::{Toy, ask, send_signal, wait_until, worker};

/// The numbers of the helpers whose lines the worker was given.
fn numbers(address: SocketAddr) -> Vec<u32> {
    let answer = ask(address, "helpers").expect("answered");
    answer.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn pid(address: SocketAddr, number: u32) -> u32 {
    let answer = ask(address, &format!("helper {number} pid")).expect("answered");
    answer.parse().unwrap_or_else(|_| panic!("helper {number} answers {answer:?}"))
}

fn tell(address: SocketAddr, number: u32, word: &str) {
    let answer = ask(address, &format!("helper {number} {word}")).expect("answered");
    assert_eq!(answer, "", "helper {number} should have ended");
}

fn wait_for_numbers(address: SocketAddr, expected: &[u32]) {
    wait_until(&format!("the worker has the lines of helpers {expected:?}"), || numbers(address) == expected);
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_worker_begins_with_all_its_helpers_and_each_is_a_process() {
    let (_toy, address) = Toy::serving(&["helpers=3"]);
    assert_eq!(numbers(address), [1, 2, 3]);
    let pids: Vec<u32> = [1, 2, 3].map(|number| pid(address, number)).to_vec();
    assert!(pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2], "{pids:?}");
    assert!(pids.iter().all(|pid| runs(*pid)), "{pids:?}");
}

#[test]
fn a_helper_that_has_done_its_work_is_replaced_without_a_word() {
    let (toy, address) = Toy::serving(&["helpers=2"]);
    for last in 3..8 {
        tell(address, last - 1, "retire");
        wait_until("the next helper is there", || numbers(address).contains(&last));
        pid(address, last);
    }
    toy.signal(Signal::SIGTERM);
    let (status, log) = toy.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(!log.contains("helper"), "{log}");
}

#[test]
fn a_helper_that_dies_is_replaced_and_one_that_dies_again_and_again_more_slowly() {
    let (mut toy, address) = Toy::serving(&["helpers=1"]);
    let began = Instant::now();
    for last in 2..6 {
        tell(address, last - 1, "die");
        let line = toy.wait_for("a PAM helper died");
        assert!(line.contains("exit status: 5") && line.contains(&format!("helper={}", last - 1)), "{line}");
        wait_until("the next helper is there", || numbers(address).contains(&last));
    }
    assert!(began.elapsed() >= Duration::from_millis(100 + 200 + 400), "the pauses were too short");
    toy.wait_for("has to wait");
}

#[test]
fn a_stuck_helper_is_killed_and_the_others_are_not() {
    let (mut toy, address) = Toy::serving(&["helpers=2"]);
    let (stuck, other) = (pid(address, 1), pid(address, 2));
    ask(address, "helper 1 hang").expect("answered");
    ask(address, "stuck 77").expect("said");
    ask(address, "stuck 1").expect("said");
    toy.wait_for("is stuck and is killed");
    wait_for_numbers(address, &[1, 2, 3]);
    assert!(!runs(stuck));
    assert_eq!(pid(address, 2), other);
}

#[test]
fn another_worker_gets_other_helpers_and_the_former_ones_end_even_if_they_hang() {
    let (_toy, address) = Toy::serving(&["helpers=2"]);
    let before = worker(address);
    let former = [pid(address, 1), pid(address, 2)];
    ask(address, "helper 2 hang").expect("answered");
    send_signal(before, Signal::SIGKILL);
    wait_until("another worker answers", || {
        ask(address, "pid").is_ok_and(|pid| !pid.is_empty() && pid != before.to_string())
    });
    // A helper that hears of its worker's end before the monitor does may have been replaced in between.
    let latter = numbers(address);
    assert!(latter.len() == 2 && latter.iter().all(|number| *number > 2), "{latter:?}");
    wait_until("the former helpers are gone", || former.iter().all(|pid| !runs(*pid)));
}

#[test]
fn the_service_ends_with_all_its_helpers() {
    let (toy, address) = Toy::serving(&["helpers=2"]);
    let helpers = [pid(address, 1), pid(address, 2)];
    ask(address, "helper 1 hang").expect("answered");
    toy.signal(Signal::SIGTERM);
    let (status, log) = toy.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(helpers.iter().all(|pid| !runs(*pid)));
}

#[test]
fn a_helper_that_the_worker_cannot_use_from_the_start_refuses_the_start() {
    let (status, log) = Toy::start(&["tcp=127.0.0.1:0", "helpers=2", "behaviour=complain"]).end();
    assert_eq!(status, Some(78), "{log}");
    assert!(log.contains("a PAM helper ended before the service was ready"), "{log}");
    assert!(!log.contains("worker ready"), "{log}");
}

#[test]
fn helpers_that_cannot_be_started_or_die_at_once_refuse_the_start() {
    for (program, words) in [("/nonexistent/helper", "No such file"), ("/bin/false", "exit status: 1")] {
        let (status, log) =
            Toy::start(&["tcp=127.0.0.1:0", "behaviour=dawdle", &format!("helper_program={program}")]).end();
        assert_eq!(status, Some(78), "{log}");
        assert!(log.contains(words), "{log}");
    }
}

/// As root it stays root, with what Linux-PAM's modules need; without root it has nothing.
#[test]
fn a_helper_keeps_the_capabilities_of_its_profile_and_no_others() {
    const KEPT: u64 = 1 << 2 | 1 << 6 | 1 << 7 | 1 << 29; // DAC_READ_SEARCH, SETGID, SETUID, AUDIT_WRITE of capabilities(7)
    let (_toy, address) = Toy::serving(&["helpers=1"]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid(address, 1))).expect("it runs");
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).expect("a line").trim().to_owned();
    let set = |name: &str| u64::from_str_radix(&line(name), 16).expect("a set");
    let is_root = nix::unistd::geteuid().is_root();
    let kept = if is_root { KEPT } else { 0 };
    assert_eq!(["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"].map(set), [kept, kept, 0, 0], "{status}");
    assert_eq!(line("NoNewPrivs:"), "1");
    if is_root {
        assert_eq!(set("CapBnd:"), KEPT);
        assert_eq!(
            (line("Uid:"), line("Gid:"), line("Groups:")),
            ("0\t0\t0\t0".into(), "0\t0\t0\t0".into(), String::new())
        );
    }
}
