//! What a failure looks like from outside: the same bytes after the same time, whatever was wrong.

use std::thread;
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::service::Service;
use rig::socks5::{USERPASS, greeting, login};
use rig::wait::PATIENCE;
use rig::wire::{End, Wire};

use crate::start;

const DELAY: Duration = Duration::from_millis(500);
const ROUNDS: usize = 12;

#[test]
fn every_failure_has_the_same_bytes_and_the_same_time() {
    let service = start("failure_delay_ms = 500\nuser_lock_failures = 1000\nuser_lock_secs = 86400\n");
    let kinds: [(&str, &[u8]); 3] =
        [("wrong password", b"alice"), ("unknown name", b"mallory"), ("odd name", &[0xff; 255])];
    let mut medians = Vec::new();
    thread::scope(|scope| {
        let threads = kinds.map(|(kind, name)| (kind, scope.spawn(|| sample(&service, name))));
        for (kind, thread) in threads {
            let mut times = thread.join().expect("a sample does not panic");
            times.sort_unstable();
            assert!(times[0] >= DELAY, "{kind}: {times:?}");
            measured(format!("{kind}: median {:?}, from {:?} to {:?}", times[ROUNDS / 2], times[0], times[ROUNDS - 1]));
            medians.push(times[ROUNDS / 2]);
        }
    });
    let (least, most) = (medians.iter().min().expect("three"), medians.iter().max().expect("three"));
    // Jitter alone is up to an eighth of the delay; on a busy machine one of them may take a step more.
    assert!(*most < *least + DELAY, "{medians:?}");
}

/// A name that is locked is refused without a check, which takes no time.
#[test]
fn a_locked_name_takes_as_long_as_a_wrong_password() {
    let service = start("failure_delay_ms = 500\nuser_lock_failures = 1\nuser_lock_secs = 86400\n");
    let _first = refused(&service, b"alice");
    let (unlocked, locked) = (refused(&service, b"mallory"), refused(&service, b"alice"));
    assert!(unlocked >= DELAY && locked >= DELAY, "{unlocked:?} {locked:?}");
    let reasons: Vec<String> = ["wrong_password", "unknown_user", "name_locked"].map(str::to_owned).into();
    let told = || -> Vec<String> {
        let lines = service.log.lines();
        let failed = lines.iter().filter(|line| line.text("message") == "authentication failed");
        failed.map(|line| line.text("reason").to_owned()).collect()
    };
    assert!(rig::wait::eventually(PATIENCE, || told() == reasons), "{:?}", told());
}

/// Waiting must not hold a thread: many failures wait at the same time.
#[test]
fn many_failures_wait_together_and_hold_nobody_up() {
    let service = start("failure_delay_ms = 4000\nuser_lock_failures = 1\nuser_lock_secs = 86400\n");
    let _locks_the_name = refused(&service, b"mallory");
    let began = Instant::now();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..200).map(|_| scope.spawn(|| refused(&service, b"mallory"))).collect();
        let asked = Instant::now();
        assert_eq!(crate::log_in_from(crate::loopback(0, 1), service.addr(), crate::ALICE), crate::Answer::LetIn);
        measured(format!("beside 200 failures a right password takes {:?}", asked.elapsed()));
        for thread in waiting {
            assert!(thread.join().expect("it is refused") >= Duration::from_secs(4));
        }
    });
    // One after the other they would take more than thirteen minutes.
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

fn sample(service: &Service, name: &[u8]) -> Vec<Duration> {
    (0..ROUNDS).map(|_| refused(service, name)).collect()
}

/// From the complete login to the answer.
fn refused(service: &Service, name: &[u8]) -> Duration {
    let mut client = Wire::connect(service.addr());
    client.send(&greeting(&[USERPASS]));
    assert_eq!(client.receive(), [5, USERPASS]);
    let asked = Instant::now();
    client.send(&login(name, b"looking-glass"));
    assert_eq!(client.receive(), [1, 1]);
    let taken = asked.elapsed();
    assert_eq!(client.end(), End::Closed);
    taken
}
