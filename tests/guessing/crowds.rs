//! The unauthenticated: a ceiling for each source, chance when many come at once, and neither for programs on this host.

use std::thread;
use std::time::Duration;

use rig::service::Service;
use rig::socks5::{USERPASS, greeting};
use rig::usage::raise_own_descriptor_limit;
use rig::wait::{PATIENCE, eventually, found};
use rig::wire::Wire;

use crate::Answer::{LetIn, TurnedAway};
use crate::{ALICE, balanced, introduced, launch, log_in, log_in_from, loopback, start};

/// A connection that is still there after this is kept.
const A_MOMENT: Duration = Duration::from_millis(100);

#[test]
fn a_source_has_so_many_unauthenticated_connections_and_others_have_their_own() {
    let service = start("exempt = []\nunauthenticated_per_source = 5\n[timeouts]\nhandshake_secs = 300\n");
    let mut idle: Vec<Wire> = (0..5).map(|_| answered(&service, 1)).collect();
    assert_eq!(log_in_from(loopback(1, 1), service.addr(), ALICE), TurnedAway);
    assert_eq!(log_in_from(loopback(1, 2), service.addr(), ALICE), LetIn);
    let line = service.event("connections turned away");
    assert!(line.number("too_many_of_source") >= 1, "{line:?}");

    drop(idle.pop());
    let served = || log_in_from(loopback(1, 1), service.addr(), ALICE) == LetIn;
    assert!(eventually(PATIENCE, served), "a place that is given back can be taken");
    assert!(idle.iter().all(|wire| wire.is_silent_for(A_MOMENT)), "the others keep theirs");
}

#[test]
fn whoever_has_logged_in_no_longer_counts() {
    let service = start("exempt = []\nunauthenticated_per_source = 1\n");
    let target = rig::target::Target::listen();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Wire::connect_from(loopback(1, 1), service.addr());
        assert_eq!(client.log_in(ALICE.0, ALICE.1), [1, 0]);
        assert_eq!(client.ask(rig::socks5::CONNECT, target.addr()).code, rig::socks5::rep::SUCCEEDED);
        clients.push((client, target.accept()));
    }
}

/// The ceiling counts clients, not their balancer.
#[test]
fn behind_a_balancer_the_ceiling_is_each_clients_own() {
    let (balancer, listen) = balanced();
    let ceiling = "exempt = []\nunauthenticated_per_source = 2\n";
    let service = start(&[ceiling, &listen, "[timeouts]\nhandshake_secs = 300\n"].concat());
    let mut come = |source: &str| {
        let mut wire = introduced(balancer.addr(), source);
        let said = wire.try_send(&greeting(&[USERPASS]));
        let (heard, _) = wire.hear(2, PATIENCE);
        (said.is_ok() && heard == [5, USERPASS]).then_some(wire)
    };
    let kept = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"].map(&mut come);
    assert!(kept.iter().all(Option::is_some));
    assert!(come("192.0.2.1").is_none());
    assert_eq!(log_in(introduced(balancer.addr(), "192.0.2.3"), ALICE), LetIn);
    assert!(
        service.log.lines().iter().all(|line| line.text("ending") != "turned_away"),
        "such a line is for debugging"
    );
}

#[test]
fn when_many_come_at_once_chance_turns_newcomers_away() {
    let service = start(&["early_drop = \"3:100:3\"\n", CROWD].concat());
    let come = |host| Wire::try_connect_from(loopback(1, host), service.addr()).ok();
    let crowd: Vec<Wire> = (1..=60).filter_map(come).collect();
    let line = service.event("connections turned away");
    assert!(line.number("crowded") > 0, "{line:?}");
    let kept = || crowd.iter().filter(|wire| wire.is_silent_for(Duration::from_millis(5))).count();
    assert!(eventually(PATIENCE, || kept() <= 3), "{} are kept where three may be", kept());
}

/// Slow strangers must not keep others out: whoever has dawdled longest makes room.
#[test]
fn a_dawdler_makes_room_for_a_newcomer() {
    let service = start(&["early_drop = \"3:100:3\"\n", CROWD].concat());
    let slow = [1, 2, 3].map(|host| answered(&service, host));
    let served = || log_in_from(loopback(1, 9), service.addr(), ALICE) == LetIn;
    assert!(eventually(PATIENCE, served), "after two seconds the oldest goes");
    // Which of them came first is for the threads to say that accepted them.
    assert!(eventually(PATIENCE, || service.endings("handshake_shed") >= 1));
    assert!(slow.iter().any(|wire| wire.is_silent_for(A_MOMENT)), "one of them is enough");
}

#[test]
fn who_logged_in_from_there_before_comes_in_whatever_the_crowd() {
    let service = start(&["early_drop = \"3:100:3\"\n", CROWD].concat());
    assert_eq!(log_in_from(loopback(1, 9), service.addr(), ALICE), LetIn);
    let come = |host| Wire::try_connect_from(loopback(2, host), service.addr()).ok();
    let crowd: Vec<Wire> = (1..=30).filter_map(come).collect();
    for _ in 0..20 {
        assert_eq!(log_in_from(loopback(1, 9), service.addr(), ALICE), LetIn);
    }
    drop(crowd);
}

/// The defaults are made for strangers: programs of this host may come all at once, up to `limits.max_handshakes`.
#[test]
fn hundreds_of_local_connections_at_once_are_all_served() {
    const CROWD: usize = 800;
    raise_own_descriptor_limit();
    let service = launch("").env("RUSTSOCKS_AUTH_SOCKS_METHOD", "none").start();
    let mut crowd: Vec<Wire> = (0..CROWD).map(|_| Wire::connect(service.addr())).collect();
    crowd.iter_mut().for_each(Wire::greet);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..100).for_each(|_| drop(rig::socks5::greeted(service.addr()))));
        }
    });
    assert!(crowd.iter().all(|wire| wire.is_silent_for(Duration::from_millis(1))), "none of them had to go");
    assert!(service.log.lines().iter().all(|line| line.text("target") != "auth"), "nothing to tell");
}

/// Nobody here is exempt or too many of one source, and dawdlers keep their places for as long as the test takes.
const CROWD: &str = "exempt = []\nunauthenticated_per_source = 0\ngrace_exceeded_secs = 0\nnoauth_secs = 0\n\
                     [timeouts]\nhandshake_secs = 300\n";

/// A connection that was asked for its password, and so is known to be in.
fn answered(service: &Service, host: u8) -> Wire {
    let come = || {
        let mut wire = Wire::try_connect_from(loopback(1, host), service.addr()).ok()?;
        wire.try_send(&greeting(&[USERPASS])).ok()?;
        (wire.hear(2, PATIENCE).0 == [5, USERPASS]).then_some(wire)
    };
    found(PATIENCE, come).expect("there is a place")
}
