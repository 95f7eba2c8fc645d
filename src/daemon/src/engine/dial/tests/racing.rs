//! The race itself, with attempts that do what they are told.

use std::cell::RefCell;
use std::future::{pending, ready};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::*;
use crate::engine::dial::race::{Field, Latecomers, Pace, race};
use crate::state::session::refusal::Refusal;

/// Long enough to be told apart on a busy machine.
const HEAD_START: Duration = Duration::from_millis(300);

/// What one attempt does.
#[derive(Clone, Copy)]
enum Fate {
    Connects,
    Fails(Refusal),
    IsSilent,
}

#[tokio::test]
async fn the_first_to_connect_wins_and_nobody_else_is_tried() {
    check("a connects, b connects", "a", "a").await;
    check("a refuses, b connects, c connects", "b", "a b").await;
}

#[tokio::test]
async fn a_silent_target_holds_the_next_up_for_its_head_start_only() {
    let began = Instant::now();
    check("a silent, b connects", "b", "a b").await;
    assert!(began.elapsed() >= HEAD_START);
}

#[tokio::test]
async fn a_failed_target_holds_nobody_up() {
    let began = Instant::now();
    check("a refuses, b unreachable, c refuses, d connects", "d", "a b c d").await;
    assert!(began.elapsed() < HEAD_START);

    let began = Instant::now();
    check("a silent, b refuses, c connects", "c", "a b c").await;
    assert!(began.elapsed() < HEAD_START * 2, "only the silent one has its head start");
}

#[tokio::test]
async fn the_most_telling_failure_is_told() {
    check("a unreachable, b refuses, c unreachable", "ConnectionRefused", "a b c").await;
    check("a unreachable", "NetworkUnreachable", "a").await;
    check("a silent, b unreachable", "TimedOut", "a b").await;
    check("a silent, b refuses", "ConnectionRefused", "a b").await;
}

#[tokio::test]
async fn a_race_without_targets_is_a_name_without_addresses() {
    check("", "NameNotFound", "").await;
}

#[tokio::test]
async fn an_answer_with_many_addresses_is_no_port_scan() {
    let first = Field { targets: (1..=40).map(target).collect(), refusal: None };
    let tried = RefCell::new(0);
    let outcome: Result<(), _> = race(first, ready(Field::default()), pace(PLENTY), |_| {
        *tried.borrow_mut() += 1;
        ready(Err(Refusal::ConnectionRefused))
    })
    .await;
    assert_eq!((outcome, *tried.borrow()), (Err(Refusal::ConnectionRefused), 16));
}

#[tokio::test]
async fn latecomers_go_next_and_known_targets_are_not_tried_twice() {
    let late = async {
        sleep(Duration::from_millis(20)).await;
        Field { targets: vec![target(1), "[2001:db8::9]:80".parse().unwrap()], refusal: None }
    };
    let first = Field { targets: vec![target(1), target(2)], refusal: None };
    let tried = RefCell::new(Vec::new());
    let outcome: Result<(), _> = race(first, late, pace(HEAD_START * 3), |target| {
        tried.borrow_mut().push(target);
        pending()
    })
    .await;
    assert_eq!(outcome, Err(Refusal::TimedOut));
    assert_eq!(*tried.borrow(), [target(1), "[2001:db8::9]:80".parse().unwrap(), target(2)]);
}

#[tokio::test]
async fn a_lost_race_ends_without_latecomers_that_are_merely_welcome() {
    let first = Field { targets: vec![target(1)], refusal: None };
    let pace = Pace { latecomers: Latecomers::Welcome, ..pace(PLENTY) };
    let outcome: Result<(), _> = race(first, pending(), pace, |_| ready(Err(Refusal::ConnectionRefused))).await;
    assert_eq!(outcome, Err(Refusal::ConnectionRefused));
}

#[tokio::test]
async fn the_guards_reason_stands_only_when_nobody_was_tried() {
    let late = || async { Field { targets: Vec::new(), refusal: Some(Refusal::ResolverFailed) } };
    let held = Field { targets: Vec::new(), refusal: Some(guarded()) };
    let nobody: Result<(), _> = race(held, late(), pace(PLENTY), |_| pending()).await;
    assert_eq!(nobody, Err(guarded()));
    let tried = Field { targets: vec![target(1)], refusal: Some(guarded()) };
    let somebody: Result<(), _> = race(tried, late(), pace(PLENTY), |_| ready(Err(Refusal::NetworkUnreachable))).await;
    assert_eq!(somebody, Err(Refusal::NetworkUnreachable));
}

fn guarded() -> Refusal {
    Refusal::Guarded(acl::Reason { ground: acl::Ground::Loopback, carrier: None })
}

/// Runs a race of "a connects, b silent, ..."; `expected` is its winner or its refusal, `tried` the order of the attempts.
async fn check(fates: &str, expected: &str, tried: &str) {
    let fates: Vec<Fate> = fates.split(", ").filter(|fate| !fate.is_empty()).map(fate).collect();
    let first = Field { targets: (0..fates.len()).map(target).collect(), refusal: None };
    let order = RefCell::new(Vec::new());
    let outcome = race(first, ready(Field::default()), pace(HEAD_START * 3), |target| {
        let number = usize::from(target.port()) - 80;
        order.borrow_mut().push(letter(number));
        let fate = fates[number];
        async move {
            match fate {
                Fate::Connects => Ok(number),
                Fate::Fails(refusal) => Err(refusal),
                Fate::IsSilent => pending().await,
            }
        }
    })
    .await;
    let told = outcome.map_or_else(|refusal| format!("{refusal:?}"), letter);
    assert_eq!((told.as_str(), order.into_inner().join(" ").as_str()), (expected, tried));
}

fn fate(words: &str) -> Fate {
    match words.split_once(' ').map(|(_, fate)| fate) {
        Some("connects") => Fate::Connects,
        Some("refuses") => Fate::Fails(Refusal::ConnectionRefused),
        Some("unreachable") => Fate::Fails(Refusal::NetworkUnreachable),
        Some("silent") => Fate::IsSilent,
        other => panic!("no such fate: {other:?}"),
    }
}

fn letter(number: usize) -> String {
    char::from(b'a' + u8::try_from(number).unwrap()).to_string()
}

/// One of many IPv4 targets, told apart by its port.
fn target(number: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 80 + u16::try_from(number).unwrap()))
}

fn pace(limit: Duration) -> Pace {
    Pace { head_start: HEAD_START, deadline: Instant::now() + limit, latecomers: Latecomers::Awaited }
}
