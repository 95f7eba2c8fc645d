//! What is counted is what happened.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rig::admin::Conversation;
use rig::dns::{Answer, Dns, Zone};
use rig::prometheus::promtool;
use rig::socks5::{CONNECT, RESOLVE, greeted, rep};
use rig::target::{Target, echo, tunnel};
use rig::udp::{Association, address, datagrams, next, post};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::json;

use crate::start;

const SENT: &str = "rustsocks_bytes_sent_total";
const RECEIVED: &str = "rustsocks_bytes_received_total";

/// A target that counts what it gets and answers with a multiple of it.
#[derive(Debug, Default, Clone)]
struct Ledger {
    got: Arc<AtomicU64>,
    gave: Arc<AtomicU64>,
}

impl Ledger {
    fn serve(&self, mut stream: TcpStream) {
        let mut room = vec![0; 1 << 16];
        while let Ok(length @ 1..) = stream.read(&mut room) {
            self.got.fetch_add(length as u64, Relaxed);
            if stream.write_all(&room[..length]).and_then(|()| stream.write_all(b"and more")).is_err() {
                return;
            }
            self.gave.fetch_add(length as u64 + 8, Relaxed);
        }
    }
}

/// As long as the file cannot be written, orders are refused, and each of them is counted.
#[test]
fn records_that_the_audit_log_cannot_take_are_counted() {
    const FAILURES: &str = "rustsocks_audit_failures_total";
    const FAILING: &str = "rustsocks_audit_failing";
    let house = start("[admin]\nsocket = \"{dir}/admin.sock\"\naudit_log = \"{dir}\"\n");
    let _session = tunnel(house.service.addr());
    let mut operator = Conversation::begin(&house.service.directory().join("admin.sock"));
    operator.greet();
    for failures in 1..=2 {
        assert_eq!(operator.refused("sessions.kill", json!({ "filter": "" })).0, "audit_failed");
        assert_eq!(house.http.scrape().count(FAILURES), failures);
    }
    let scrape = house.http.scrape();
    assert_eq!((scrape.count("rustsocks_active_sessions"), scrape.count(FAILING)), (1, 1), "nothing was done");
    let is_said = || {
        let health = operator.ask("health.get", json!({}));
        let checks = health["checks"].as_array().expect("a list");
        checks.iter().any(|check| check["name"] == "audit" && check["state"] == "warn")
    };
    assert!(eventually(PATIENCE, is_said), "the health says it too");

    let well = start("[admin]\nsocket = \"{dir}/admin.sock\"\naudit_log = \"{dir}/audit.jsonl\"\n");
    let scrape = well.http.scrape();
    assert_eq!((scrape.count(FAILURES), scrape.count(FAILING)), (0, 0));
}

/// Many sessions of many sizes, some of them over and some still there, while somebody scrapes all the time.
#[test]
fn bytes_are_those_that_the_endpoints_counted() {
    let house = start("");
    let ledger = Ledger::default();
    let service = ledger.clone();
    let target = Target::listen().serve(move |stream| service.serve(stream));
    let (proxy, mut last) = (house.service.addr(), 0.0);
    let live: Vec<Wire> = thread::scope(|scope| {
        let visits: Vec<_> = (0..6).map(|number| scope.spawn(move || visits(proxy, target, number))).collect();
        while visits.iter().any(|visit| !visit.is_finished()) {
            let sent = house.http.scrape().value(SENT);
            assert!(sent >= last, "a total went back from {last} to {sent}");
            last = sent;
        }
        visits.into_iter().map(|visit| visit.join().expect("a visit does not panic")).collect()
    });
    let settled = || {
        let scrape = house.http.scrape();
        (scrape.count(SENT), scrape.count(RECEIVED)) == (ledger.got.load(Relaxed), ledger.gave.load(Relaxed))
    };
    assert!(eventually(PATIENCE, settled), "{ledger:?}\n{}", house.http.scrape().text);
    assert!(ledger.got.load(Relaxed) > 25_000_000, "{ledger:?}");
    assert_eq!(house.http.scrape().count("rustsocks_active_sessions"), live.len() as u64);
    assert_eq!(house.http.scrape().count("rustsocks_sessions_by_stage{stage=\"relaying\"}"), live.len() as u64);

    let all = (house.http.scrape().count(SENT), house.http.scrape().count(RECEIVED));
    drop(live);
    assert!(eventually(PATIENCE, || house.http.scrape().count("rustsocks_active_sessions") == 0));
    let scrape = house.http.scrape();
    assert_eq!((scrape.count(SENT), scrape.count(RECEIVED)), all, "nothing is counted twice");
    for (direction, total) in [("sent", SENT), ("received", RECEIVED)] {
        let of_user = format!("rustsocks_user_bytes_total{{direction=\"{direction}\",user=\"anonymous\"}}");
        assert_eq!(scrape.count(&of_user), scrape.count(total));
    }
    let sessions = scrape.count("rustsocks_total_sessions");
    assert_eq!(scrape.count("rustsocks_session_duration_seconds_count"), sessions);
    assert_eq!(scrape.count("rustsocks_handshake_seconds_count"), sessions);
    assert_eq!(scrape.count("rustsocks_connect_seconds_count{outcome=\"connected\"}"), sessions);
    let destination = format!("rustsocks_destination_connections_total{{destination=\"{}\"}}", target.ip());
    assert_eq!(scrape.count(&destination), sessions);
}

/// Some visits that are over, small ones and one that is bulk, and one that stays.
fn visits(proxy: SocketAddr, target: SocketAddr, number: usize) -> Wire {
    for size in [1, 700, 5_000_000 + number, 0] {
        let mut visit = sent(proxy, target, size);
        visit.finish();
        let (back, _) = visit.rest();
        assert!(!back.is_empty() || size == 0, "something of {size} bytes comes back");
    }
    sent(proxy, target, 3_000 + number)
}

/// A connection to the target on which so many bytes were sent.
fn sent(proxy: SocketAddr, target: SocketAddr, size: usize) -> Wire {
    let mut wire = greeted(proxy);
    assert_eq!(wire.ask(CONNECT, target).code, rep::SUCCEEDED);
    // What comes back meanwhile fits into the buffers of both sockets, or the target would wait for us, and we for it.
    for piece in vec![b'x'; size].chunks(1 << 16) {
        wire.send(piece);
        if size > 1 << 20 {
            let _ = wire.receive_all(piece.len());
        }
    }
    wire
}

#[test]
fn datagrams_are_counted_with_their_payload_and_those_that_go_no_further_by_cause() {
    let house = start("");
    let (association, target) = (Association::open(house.service.addr()), datagrams(Ipv4Addr::LOCALHOST.into()));
    for _ in 0..3 {
        association.send(address(&target), b"four");
        let (_, relay) = next(&target);
        post(&target, b"answer", relay);
        assert_eq!(association.receive().1, b"answer");
    }
    association.send_raw(&[0, 0, 1, 1, 127, 0, 0, 1, 0, 9]);
    association.send(SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 80)), b"metadata");
    let counted = || {
        let scrape = house.http.scrape();
        [
            SENT,
            RECEIVED,
            "rustsocks_datagrams_total{direction=\"sent\"}",
            "rustsocks_datagrams_total{direction=\"received\"}",
            "rustsocks_udp_dropped_total{cause=\"fragment\"}",
            "rustsocks_udp_dropped_total{cause=\"blocked\"}",
            "rustsocks_sessions_by_stage{stage=\"datagrams\"}",
            "rustsocks_seats_taken",
        ]
        .map(|series| scrape.count(series))
    };
    assert!(eventually(PATIENCE, || counted() == [12, 18, 3, 3, 1, 1, 1, 2]), "{:?}", counted());
    drop(association);
    assert!(eventually(PATIENCE, || counted() == [12, 18, 3, 3, 1, 1, 0, 0]), "{:?}", counted());
}

#[test]
fn logins_and_decisions_are_counted_for_whoever_proved_a_name() {
    let users = Users::of(&[("alice", b"wonderland"), ("bo\"b\\", b"builder")]);
    let house = start(&users.settings(&["userpass"]));
    let target = Target::listen().serve(echo);
    let enter = |name: &str, password: &[u8]| {
        let mut client = Wire::connect(house.service.addr());
        (client.log_in(name.as_bytes(), password) == [1, 0]).then_some(client)
    };
    let mut alice = enter("alice", b"wonderland").expect("the password is right");
    assert_eq!(alice.ask(CONNECT, target).code, rep::SUCCEEDED);
    alice.send(b"hello");
    assert_eq!(&alice.receive(), b"hello");
    let mut bob = enter("bo\"b\\", b"builder").expect("the password is right");
    assert_eq!(bob.ask(CONNECT, SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 80))).code, rep::NOT_ALLOWED);
    let bob = bob.leave();
    assert!(enter("alice", b"wrong").is_none() && enter("mallory", b"x").is_none());
    let _ = house.service.session_of(bob);

    let all_over = || house.http.scrape().count("rustsocks_refusals_total{reason=\"bad_credentials\"}") == 2;
    assert!(eventually(PATIENCE, all_over));
    let scrape = house.http.scrape();
    for (series, expected) in [
        ("rustsocks_user_active_sessions{user=\"alice\"}", 1),
        ("rustsocks_user_active_sessions{user=\"bo\\\"b\\\\\"}", 0),
        ("rustsocks_user_bytes_total{direction=\"sent\",user=\"alice\"}", 5),
        ("rustsocks_user_bytes_total{direction=\"received\",user=\"alice\"}", 5),
        ("rustsocks_acl_decisions_total{decision=\"allow\",user=\"alice\"}", 1),
        ("rustsocks_acl_decisions_total{decision=\"block\",user=\"bo\\\"b\\\\\"}", 1),
        ("rustsocks_refusals_total{reason=\"guarded\"}", 1),
        ("rustsocks_auth_checks_total{method=\"userpass\",result=\"accepted\"}", 2),
        ("rustsocks_auth_checks_total{method=\"userpass\",result=\"wrong_password\"}", 1),
        ("rustsocks_auth_checks_total{method=\"userpass\",result=\"unknown_user\"}", 1),
        ("rustsocks_auth_seconds_count{method=\"userpass\"}", 4),
        ("rustsocks_auth_checks_total{method=\"pam.username\",result=\"accepted\"}", 0),
        ("rustsocks_turned_away_total{reason=\"penalised\"}", 0),
    ] {
        assert_eq!(scrape.count(series), expected, "{series}");
    }
    assert!(!scrape.text.contains("mallory"), "who proved nothing has no series");
    assert_eq!(promtool(&["check", "metrics"], &scrape.text), Ok(String::new()));
}

/// No session, so it is in nothing else that is counted.
#[test]
fn a_source_that_is_turned_away_is_counted_as_one_and_so_is_each_of_its_connections() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let costly = "[penalties]\nexempt = []\nauthfail_secs = 300\nenforce_from_secs = 1\nfailure_delay_ms = 0\n";
    let house = start(&[&users.settings(&["userpass"]), costly].concat());
    let mut guesser = Wire::connect(house.service.addr());
    assert_ne!(guesser.log_in(b"alice", b"wrong"), [1, 0]);
    drop(guesser);
    for _ in 0..3 {
        // It may be turned away before it knows that it was connected.
        if let Ok(mut turned_away) = Wire::try_connect_from(Ipv4Addr::LOCALHOST.into(), house.service.addr()) {
            let _ = turned_away.rest();
        }
    }
    let counted = || {
        let scrape = house.http.scrape();
        [
            "rustsocks_turned_away_total{reason=\"penalised\"}",
            "rustsocks_turned_away_total{reason=\"crowded\"}",
            "rustsocks_penalised_sources",
            "rustsocks_total_sessions",
        ]
        .map(|series| scrape.count(series))
    };
    assert!(eventually(PATIENCE, || counted() == [3, 0, 1, 1]), "{:?}", counted());
}

#[test]
fn names_and_connections_are_counted_by_what_became_of_them() {
    let late = Answer::Slow(Duration::from_secs(30), vec![Ipv4Addr::LOCALHOST.into()]);
    let zone = Zone::default()
        .at("here.test", Ipv4Addr::LOCALHOST)
        .with("broken.test", Answer::Failure)
        .with("late.test", late);
    let dns = Dns::serve(zone);
    let house = start(&[&dns.settings(), "[commands]\nresolve = true\n[timeouts]\nconnect_secs = 1\n"].concat());
    let target = Target::listen().serve(echo);
    let ask = |command, name: &str, port| greeted(house.service.addr()).ask(command, (name, port)).code;
    assert_eq!(ask(CONNECT, "here.test", target.port()), rep::SUCCEEDED);
    assert_eq!(ask(CONNECT, "HERE.test.", target.port()), rep::SUCCEEDED);
    assert_eq!(ask(RESOLVE, "here.test", 0), rep::SUCCEEDED);
    assert_eq!(ask(CONNECT, "broken.test", 80), rep::HOST_UNREACHABLE);
    assert_eq!(ask(CONNECT, "missing.test", 80), rep::HOST_UNREACHABLE);
    assert_eq!(ask(CONNECT, "late.test", 80), rep::TTL_EXPIRED);
    let closed = Target::listen().addr();
    assert_eq!(greeted(house.service.addr()).ask(CONNECT, closed).code, rep::REFUSED);

    let over = || house.http.scrape().count("rustsocks_refusals_total{reason=\"connection_refused\"}") == 1;
    assert!(eventually(PATIENCE, over), "{}", house.http.scrape().text);
    let scrape = house.http.scrape();
    for (series, expected) in [
        ("rustsocks_dns_answers_total{result=\"found\"}", 1),
        // IPv6 of the first name, and both families of the one that does not exist.
        ("rustsocks_dns_answers_total{result=\"missing\"}", 3),
        ("rustsocks_dns_answers_total{result=\"failed\"}", 2),
        ("rustsocks_dns_answers_total{result=\"abandoned\"}", 2),
        ("rustsocks_dns_cache_total{outcome=\"hit\"}", 4),
        ("rustsocks_dns_cache_total{outcome=\"miss\"}", 8),
        ("rustsocks_dns_seconds_count", 6),
        ("rustsocks_connect_seconds_count{outcome=\"connected\"}", 2),
        ("rustsocks_connect_seconds_count{outcome=\"failed\"}", 1),
        ("rustsocks_connect_errors_total{cause=\"connection_refused\"}", 1),
        ("rustsocks_refusals_total{reason=\"resolver_failed\"}", 1),
        ("rustsocks_refusals_total{reason=\"name_not_found\"}", 1),
        ("rustsocks_refusals_total{reason=\"timed_out\"}", 1),
        ("rustsocks_requests_total{command=\"connect\"}", 6),
        ("rustsocks_requests_total{command=\"resolve\"}", 1),
        ("rustsocks_destination_connections_total{destination=\"here.test\"}", 2),
    ] {
        assert_eq!(scrape.count(series), expected, "{series} in\n{}", scrape.text);
    }
    assert!(!scrape.text.contains("broken.test"), "what was not reached is no destination");
}

#[test]
fn every_ending_is_counted_by_its_word() {
    let house = start("[timeouts]\nhandshake_secs = 1\n");
    let refused = Wire::connect(house.service.addr());
    refused.reset();
    let mut rude = Wire::connect(house.service.addr());
    rude.send(b"\x09nonsense");
    let _ = rude.rest();
    drop(rude);
    let silent = Wire::connect(house.service.addr());
    let (mut client, target) = tunnel(house.service.addr());
    drop(target);
    let _ = client.end();
    drop(client);
    let count = |ending| house.http.scrape().count(&format!("rustsocks_sessions_closed_total{{ending=\"{ending}\"}}"));
    for ending in ["client_violation", "upstream_closed", "handshake_timeout"] {
        assert!(eventually(PATIENCE, || count(ending) == 1), "{ending}: {}", house.http.scrape().text);
    }
    assert!(eventually(PATIENCE, || count("client_left") + count("client_reset") == 1));
    drop(silent);
}
