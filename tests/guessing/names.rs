//! Names that are guessed at from many sources.

use rig::wait::{PATIENCE, eventually};

use crate::Answer::{LetIn, Refused};
use crate::{ALICE, balanced, introduced, log_in, start};

/// Sources are never turned away here, so that only the name can be the reason.
const FIVE_FAILURES: &str = "authfail_secs = 0\nuser_lock_failures = 5\nfailure_delay_ms = 0\n";

#[test]
fn a_name_that_is_guessed_at_is_locked_for_strangers_and_not_for_its_user() {
    let (balancer, listen) = balanced();
    let service = start(&[FIVE_FAILURES, &listen].concat());
    let from = |source: &str, login| log_in(introduced(balancer.addr(), source), login);
    assert_eq!(from("198.51.100.1", ALICE), LetIn, "from here on it is known to be hers");
    assert_eq!(from("2001:db8::1", ALICE), LetIn);
    for host in 1..=5 {
        assert_eq!(from(&format!("192.0.2.{host}"), (ALICE.0, b"wrong")), Refused);
    }
    let locked = service.event("name locked for strangers");
    assert_eq!((locked.text("user"), locked.number("for_secs")), ("alice", 300));
    assert_eq!(from("192.0.2.9", ALICE), Refused, "a stranger is refused although the password is right");
    assert_eq!(from("198.51.100.1", ALICE), LetIn);
    assert_eq!(from("2001:db8::ffff", ALICE), LetIn, "her network has another address today");
    assert_eq!(from("198.51.100.2", ALICE), Refused, "the neighbour is a stranger");
    let has_its_line = || {
        let lines = service.log.lines();
        lines.iter().any(|line| line.text("reason") == "name_locked" && line.text("source") == "198.51.100.2")
    };
    assert!(eventually(PATIENCE, has_its_line), "a refused login has its line");
}

/// Otherwise a lock would tell which names exist.
#[test]
fn a_name_that_nobody_has_is_locked_like_any_other() {
    let (balancer, listen) = balanced();
    let service = start(&[FIVE_FAILURES, &listen].concat());
    for host in 1..=6 {
        assert_eq!(log_in(introduced(balancer.addr(), &format!("192.0.2.{host}")), (b"mallory", b"x")), Refused);
    }
    assert_eq!(service.event("name locked for strangers").text("user"), "mallory");
    let locked = || service.log.lines().iter().filter(|line| line.text("reason") == "name_locked").count();
    assert!(eventually(PATIENCE, || locked() == 2), "its failure and its session");
}

#[test]
fn a_lock_ends() {
    let (balancer, listen) = balanced();
    let service = start(&[FIVE_FAILURES, "user_lock_secs = 3\n", &listen].concat());
    let from = |source: &str, login| log_in(introduced(balancer.addr(), source), login);
    let is_locked = || service.log.lines().iter().any(|line| line.text("message") == "name locked for strangers");
    // On a slow machine three seconds may pass between two failures, and then they do not count together.
    let mut guess = || {
        let _refused = from("192.0.2.1", (ALICE.0, b"wrong"));
        is_locked()
    };
    assert!(eventually(PATIENCE, &mut guess));
    assert!(eventually(PATIENCE, || from("198.51.100.1", ALICE) == LetIn), "after three seconds");
}

/// His client at home still has the old password, and must not lock him out on the road.
#[test]
fn failures_from_his_own_address_do_not_lock_a_user_out_elsewhere() {
    let (balancer, listen) = balanced();
    let service = start(&[FIVE_FAILURES, &listen].concat());
    let from = |source, login| log_in(introduced(balancer.addr(), source), login);
    assert_eq!(from("198.51.100.1", ALICE), LetIn);
    for _ in 0..8 {
        assert_eq!(from("198.51.100.1", (ALICE.0, b"old")), Refused);
    }
    assert_eq!(from("203.0.113.1", ALICE), LetIn);
    assert!(service.log.lines().iter().all(|line| line.text("message") != "name locked for strangers"));
}
