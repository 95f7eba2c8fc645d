//! No threads left: the start is refused in clear words, whichever thread it is that cannot be had.

use std::process;

use rig::note::measured;
use rig::service::{Refusal, Service};
use rig::target::{Target, echo};
use rig::visitor::visit;

use crate::launch;

/// Monitor and worker; the next one is the log's.
const PROCESSES: u32 = 2;

/// A daemon has fewer processes and threads than that.
const ENOUGH: u32 = 24;

#[test]
fn a_worker_that_cannot_be_had_is_told() {
    assert_clear(&started_with(1).expect_err("a daemon is two processes"), 1);
}

#[test]
fn a_log_thread_that_cannot_be_had_is_told() {
    assert_clear(&started_with(PROCESSES).expect_err("the log has a thread"), PROCESSES);
}

#[test]
fn a_thread_that_cannot_be_had_is_told_whichever_it_is() {
    for limit in PROCESSES + 1..ENOUGH {
        match started_with(limit) {
            Err(refusal) => assert_clear(&refusal, limit),
            Ok(service) => {
                measured(format!("{limit} processes and threads suffice"));
                assert!(limit > PROCESSES + 1, "nothing was refused");
                visit(service.addr(), Target::listen().serve(echo), b"served").expect("it serves");
                return;
            }
        }
    }
    panic!("{ENOUGH} processes and threads should suffice");
}

/// The limit counts all processes and threads of a user (`setrlimit(2)`, `RLIMIT_NPROC`), and root is exempt.
fn started_with(limit: u32) -> Result<Box<Service>, Refusal> {
    let nobody_else = 100_000 + process::id() * ENOUGH + limit;
    let launch = launch("[server]\nworker_threads = 2\n").behind(&format!("prlimit --nproc={limit}:{limit}"));
    match launch.as_user(nobody_else).refused() {
        Ok(refusal) => Err(refusal),
        Err(service) => Ok(service),
    }
}

fn assert_clear(Refusal { code, words, status }: &Refusal, limit: u32) {
    assert!(matches!(code, Some(70 | 71 | 78)), "under a limit of {limit} it ended with {code:?}: {words}");
    assert!(!words.contains("panicked"), "under a limit of {limit}: {words}");
    assert!(words.contains("cannot start"), "under a limit of {limit}, what could not be started? {words}");
    assert!(status.starts_with("STATUS=Failed: "), "under a limit of {limit} the status is {status:?}");
}
