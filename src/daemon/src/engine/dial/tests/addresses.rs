//! Destinations that are addresses.

use std::fs;
use std::time::{Duration, Instant};

use acl::{Destination, Ground, Reason};
use socket2::SockRef;

use super::*;
use crate::state::session::refusal::Refusal;

#[tokio::test]
async fn a_connection_is_made_and_written_down() {
    for address in ["127.0.0.1", "::1"] {
        let target = listen(address);
        let (ticket, port) = (anywhere(), port_of(&target));
        let connected =
            dialer(plain()).dial(&Judge::anonymous(ticket.session()), &literal(address), port).await.unwrap();
        let (_, client) = target.accept().unwrap();
        assert_eq!(connected.peer, target.local_addr().unwrap());
        assert_eq!(connected.exit, client, "the address that the target sees");
        let facts = ticket.session().facts();
        assert_eq!((facts.peer, facts.exit), (Some(connected.peer), Some(connected.exit)));
        assert!(facts.phases.connect.is_some());
        assert_eq!(facts.phases.dns, None, "nobody was asked");
    }
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let outcome =
        dialer(plain()).dial(&Judge::anonymous(anywhere().session()), &literal("127.0.0.1"), closed_port()).await;
    assert_eq!(outcome.unwrap_err(), Refusal::ConnectionRefused);
}

#[tokio::test]
async fn port_zero_is_unreachable_at_once() {
    let silent = session(PLENTY, &["127.0.0.0/8"]);
    let outcome = dialer(plain()).dial(&Judge::anonymous(silent.session()), &literal("127.0.0.1"), 0).await;
    assert_eq!(outcome.unwrap_err(), Refusal::HostUnreachable);
}

#[tokio::test]
async fn silence_is_a_timeout_when_the_budget_is_over() {
    let (silent, budget) = (Silent::at("127.0.0.1").await, Duration::from_millis(300));
    let ticket = session(budget, &["127.0.0.0/8"]);
    let began = Instant::now();
    let outcome =
        dialer(plain()).dial(&Judge::anonymous(ticket.session()), &literal("127.0.0.1"), silent.address.port()).await;
    assert_eq!(outcome.unwrap_err(), Refusal::TimedOut);
    assert!(began.elapsed() >= budget);
    assert!(ticket.session().facts().phases.connect.is_some_and(|spent| spent >= budget));
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_attempt_along() {
    let silent = Silent::at("127.0.0.1").await;
    let (ticket, dialer) = (anywhere(), dialer(plain()));
    let target = literal("127.0.0.1");
    let judge = Judge::anonymous(ticket.session());
    let dial = dialer.dial(&judge, &target, silent.address.port());
    tokio::time::timeout(Duration::from_millis(50), dial).await.expect_err("the target is silent");
    assert_eq!(attempts_at(silent.address.port()), 0);
}

#[tokio::test]
async fn what_the_guard_holds_is_not_dialled() {
    let loopback = Reason { ground: Ground::Loopback, carrier: None };
    for address in ["127.0.0.1", "::1"] {
        let target = listen(address);
        let ticket = session(PLENTY, &[]);
        let outcome =
            dialer(plain()).dial(&Judge::anonymous(ticket.session()), &literal(address), port_of(&target)).await;
        assert_eq!(outcome.unwrap_err(), Refusal::Guarded(loopback));
        assert!(was_left_alone(&target));
    }
}

#[tokio::test]
async fn connections_leave_by_the_exit_address() {
    let target = listen("127.0.0.1");
    let options = Options { exit_v4: Some([127, 0, 0, 5].into()), ..plain() };
    let connected = dialer(options)
        .dial(&Judge::anonymous(anywhere().session()), &literal("127.0.0.1"), port_of(&target))
        .await
        .unwrap();
    assert_eq!(connected.exit.ip(), ip("127.0.0.5"));
    assert_eq!(target.accept().unwrap().1, connected.exit);
}

#[tokio::test]
async fn the_exit_address_of_one_family_leaves_the_other_alone() {
    let target = listen("::1");
    let options = Options { exit_v4: Some([127, 0, 0, 5].into()), ..plain() };
    let connected =
        dialer(options).dial(&Judge::anonymous(anywhere().session()), &literal("::1"), port_of(&target)).await.unwrap();
    assert_eq!(connected.exit.ip(), ip("::1"));
}

#[tokio::test]
async fn an_exit_address_that_this_host_has_not_is_no_route() {
    let target = listen("127.0.0.1");
    // 192.0.2.0/24 is for documentation (RFC 5737).
    let options = Options { exit_v4: Some([192, 0, 2, 77].into()), ..plain() };
    let outcome =
        dialer(options).dial(&Judge::anonymous(anywhere().session()), &literal("127.0.0.1"), port_of(&target)).await;
    assert_eq!(outcome.unwrap_err(), Refusal::NetworkUnreachable);
}

#[tokio::test]
async fn connections_carry_the_options() {
    let target = listen("127.0.0.1");
    let options = Options { interface: Some("lo".to_owned()), ..plain() };
    let connected = dialer(options)
        .dial(&Judge::anonymous(anywhere().session()), &literal("127.0.0.1"), port_of(&target))
        .await
        .unwrap();
    let socket = SockRef::from(&connected.stream);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.out_of_band_inline().unwrap());
    assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
}

#[tokio::test]
async fn options_left_out_are_left_to_the_kernel() {
    let target = listen("127.0.0.1");
    let options = Options { small_writes: SmallWrites::Gathered, ..plain() };
    let connected = dialer(options)
        .dial(&Judge::anonymous(anywhere().session()), &literal("127.0.0.1"), port_of(&target))
        .await
        .unwrap();
    let socket = SockRef::from(&connected.stream);
    assert!(!socket.tcp_nodelay().unwrap());
}

fn literal(address: &str) -> Destination {
    Destination::from_address(ip(address))
}

/// Sockets of this host in SYN-SENT towards `port` (`proc_net_tcp(5)`).
fn attempts_at(port: u16) -> usize {
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let towards = format!(":{port:04X}");
    let is_attempt = |line: &&str| {
        let mut words = line.split_whitespace().skip(2);
        words.next().is_some_and(|remote| remote.ends_with(&towards)) && words.next() == Some("02")
    };
    table.lines().filter(is_attempt).count()
}
