//! What checks of passwords leave behind in the worker.

use std::thread;

use rig::usage::own_memory;
use rig::wait::{PATIENCE, eventually};

use crate::{Answer, log_in_from, loopback, start};

/// A check takes 19 MiB (OWASP's Argon2id), which is not kept.
const CHECK: u64 = 19 * 1024 * 1024;

#[test]
fn the_memory_of_a_check_is_given_back() {
    let service = start("failure_delay_ms = 0\nuser_lock_failures = 1000\nuser_lock_secs = 86400\n");
    let worker = service.worker_pid();
    let (before, addr) = (own_memory(worker), service.addr());
    for _ in 0..3 {
        thread::scope(|scope| {
            for host in 1..=4 {
                let guess = move || log_in_from(loopback(1, host), addr, (b"alice", b"a guess"));
                scope.spawn(move || assert_eq!(guess(), Answer::Refused));
            }
        });
    }
    let grown = || own_memory(worker).saturating_sub(before);
    assert!(eventually(PATIENCE, || grown() < CHECK / 2), "grown by {} KiB", grown() / 1024);
}
