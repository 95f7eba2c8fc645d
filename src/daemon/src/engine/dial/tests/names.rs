//! Destinations that are names, and name servers that do their work.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use acl::{Carrier, Destination, Ground, Reason};
use hickory_resolver::proto::rr::RecordType::{A, AAAA, PTR};

use super::server::{Reply, Server, addresses, after};
use super::*;
use crate::state::session::refusal::Refusal;

#[tokio::test]
async fn a_name_is_dialled_at_its_address() {
    let target = listen("127.0.0.1");
    let server = Server::with("www.example", addresses(["127.0.0.1"]), addresses([])).await;
    let ticket = anywhere();
    let dialer = dialer(server.files.options(server.port()));
    let connected =
        dialer.dial(&Judge::anonymous(ticket.session()), &host("www.example"), port_of(&target)).await.unwrap();
    assert_eq!(connected.peer, target.local_addr().unwrap());
    assert!(ticket.session().facts().phases.dns.is_some());
}

#[tokio::test]
async fn both_families_are_found_and_ipv6_comes_first() {
    let server = Server::with("www.example", addresses(["192.0.2.1", "192.0.2.2"]), addresses(["2001:db8::1"])).await;
    let dialer = dialer(server.files.options(server.port()));
    let found = resolved(&dialer, &anywhere(), &name("www.example")).await.unwrap();
    assert_eq!(*found, [ip("2001:db8::1"), ip("192.0.2.1"), ip("192.0.2.2")]);
}

#[tokio::test]
async fn addresses_for_reaching_are_judged_and_addresses_for_datagrams_are_not() {
    let server = Server::with("www.example", addresses(["127.0.0.1", "192.0.2.1"]), addresses([])).await;
    let (dialer, ticket) = (dialer(server.files.options(server.port())), session(PLENTY, &[]));
    let reachable = resolved(&dialer, &ticket, &name("www.example")).await.unwrap();
    assert_eq!(*reachable, [ip("192.0.2.1")]);
    let all = dialer.addresses(ticket.session(), &name("www.example")).await.unwrap();
    assert_eq!(*all, [ip("127.0.0.1"), ip("192.0.2.1")]);
    let absent = dialer.addresses(ticket.session(), &name("absent.example")).await;
    assert_eq!(absent.unwrap_err(), Refusal::NameNotFound);
}

#[tokio::test]
async fn a_name_is_asked_once_and_then_remembered() {
    let server = Server::with("www.example", addresses(["192.0.2.1"]), addresses([])).await;
    let (dialer, ticket) = (dialer(server.files.options(server.port())), anywhere());
    for _ in 0..3 {
        resolved(&dialer, &ticket, &name("www.example")).await.unwrap();
        let absent = resolved(&dialer, &ticket, &name("absent.example")).await;
        assert_eq!(absent.unwrap_err(), Refusal::NameNotFound);
    }
    for (name, kind) in [("www.example", A), ("www.example", AAAA), ("absent.example", A), ("absent.example", AAAA)] {
        assert_eq!(server.asked(name, kind), 1, "{name} {kind}");
    }
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_question() {
    let server = Server::with("www.example", after(100, addresses(["192.0.2.1"])), after(100, addresses([]))).await;
    let dialer = Arc::new(dialer(server.files.options(server.port())));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (dialer, ticket) = (Arc::clone(&dialer), anywhere());
        asking.spawn(async move { resolved(&dialer, &ticket, &name("www.example")).await.unwrap() });
    }
    let answers: HashSet<_> = asking.join_all().await.into_iter().collect();
    assert_eq!(answers, HashSet::from([Arc::from([ip("192.0.2.1")])]));
    assert_eq!((server.asked("www.example", A), server.asked("www.example", AAAA)), (1, 1));
}

#[tokio::test]
async fn the_hosts_file_answers_for_both_families_and_no_server_is_asked() {
    let server = Server::with("db.example", addresses(["192.0.2.1"]), addresses(["2001:db8::1"])).await;
    server.files.write("hosts", "192.0.2.7 db.example\n");
    let dialer = dialer(server.files.options(server.port()));
    let found = resolved(&dialer, &anywhere(), &name("DB.example.")).await.unwrap();
    assert_eq!(*found, [ip("192.0.2.7")]);
    assert_eq!((server.asked("db.example", A), server.asked("db.example", AAAA)), (0, 0));
}

#[tokio::test]
async fn search_domains_are_not_used() {
    let server = Server::with("db.corp.example", addresses(["192.0.2.1"]), addresses([])).await;
    server.files.write("resolv.conf", &format!("search corp.example\n{}", server.resolv_conf()));
    let dialer = dialer(server.files.options(server.port()));
    let outcome = resolved(&dialer, &anywhere(), &name("db")).await;
    assert_eq!(outcome.unwrap_err(), Refusal::NameNotFound);
    assert_eq!((server.asked("db", A), server.asked("db.corp.example", A)), (1, 0));
}

#[tokio::test]
async fn an_answer_too_long_for_udp_comes_over_tcp_and_is_cut_to_what_anybody_dials() {
    // The most that a message over TCP holds is 65,535 bytes.
    let many: Vec<IpAddr> =
        (0..2_000u16).map(|n| IpAddr::from([192, 0, n.to_be_bytes()[0], n.to_be_bytes()[1]])).collect();
    let reply = Reply::OnlyOverTcp(Box::new(Reply::Addresses(many.clone())));
    let server = Server::with("www.example", reply, addresses([])).await;
    let dialer = dialer(server.files.options(server.port()));
    let found = resolved(&dialer, &anywhere(), &name("www.example")).await.unwrap();
    assert_eq!(*found, many[..32]);
    assert_eq!(server.asked("www.example", A), 2, "UDP, then TCP");
}

#[tokio::test]
async fn an_answer_with_another_id_is_not_believed() {
    let reply = Reply::AfterForgery(vec![ip("192.0.2.66")], Box::new(after(50, addresses(["192.0.2.1"]))));
    let server = Server::with("www.example", reply, addresses([])).await;
    let dialer = dialer(server.files.options(server.port()));
    let found = resolved(&dialer, &anywhere(), &name("www.example")).await.unwrap();
    assert_eq!(*found, [ip("192.0.2.1")]);
}

#[tokio::test]
async fn a_replaced_resolv_conf_is_followed_and_old_answers_are_forgotten() {
    let old = Server::with("www.example", addresses(["192.0.2.1"]), addresses([])).await;
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], old.port()));
    let new = Server::serve_at(elsewhere, [("www.example", A, addresses(["192.0.2.2"]))]).await.unwrap();
    let (dialer, ticket) = (dialer(old.files.options(old.port())), anywhere());
    let www = name("www.example");
    let found = resolved(&dialer, &ticket, &www).await.unwrap();
    assert_eq!(*found, [ip("192.0.2.1")]);

    old.files.write("resolv.conf", &new.resolv_conf());
    let followed = async {
        while *resolved(&dialer, &ticket, &www).await.unwrap() != [ip("192.0.2.2")] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PLENTY, followed).await.expect("the file is looked at every second");
}

#[tokio::test]
async fn an_address_has_the_name_of_the_hosts_file_or_of_the_servers() {
    let server = Server::serve([("1.2.0.192.in-addr.arpa", PTR, Reply::Pointer("www.example."))]).await;
    server.files.write("hosts", "192.0.2.7 db.example db\n");
    let (dialer, ticket) = (dialer(server.files.options(server.port())), session(PLENTY, &[]));
    let named = async |address| dialer.reverse(&Judge::anonymous(ticket.session()), ip(address)).await;
    assert_eq!(named("192.0.2.1").await.unwrap(), "www.example");
    assert_eq!(named("192.0.2.7").await.unwrap(), "db.example");
    assert_eq!(named("192.0.2.9").await.unwrap_err(), Refusal::NameNotFound);
    let loopback = Reason { ground: Ground::Loopback, carrier: None };
    assert_eq!(named("127.0.0.1").await.unwrap_err(), Refusal::Guarded(loopback));
}

#[tokio::test]
async fn of_mixed_answers_only_what_the_guard_lets_through_is_dialled() {
    let blocked = listen("127.0.0.1");
    let port = port_of(&blocked);
    let open = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
    let blocked_v6 = std::net::TcpListener::bind(("::1", port)).unwrap();
    let server = Server::with("www.example", addresses(["127.0.0.1", "127.0.0.2"]), addresses(["::1"])).await;
    let dialer = dialer(server.files.options(server.port()));
    let ticket = session(PLENTY, &["127.0.0.2/32"]);
    let connected = dialer.dial(&Judge::anonymous(ticket.session()), &host("www.example"), port).await.unwrap();
    assert_eq!(connected.peer, open.local_addr().unwrap());
    assert!(was_left_alone(&blocked) && was_left_alone(&blocked_v6));
}

#[tokio::test]
async fn an_address_in_disguise_is_not_dialled() {
    check_disguise("::ffff:127.0.0.1", None).await;
    check_disguise("64:ff9b::127.0.0.1", Some(Carrier::Nat64)).await;
    check_disguise("2002:7f00:1::", Some(Carrier::SixToFour)).await;
    check_disguise("::127.0.0.1", Some(Carrier::Compatible)).await;
}

/// An AAAA record that means loopback.
async fn check_disguise(address: &str, carrier: Option<Carrier>) {
    let target = listen("127.0.0.1");
    let server = Server::with("www.example", addresses([]), addresses([address])).await;
    let dialer = dialer(server.files.options(server.port()));
    let ticket = session(PLENTY, &[]);
    let outcome = dialer.dial(&Judge::anonymous(ticket.session()), &host("www.example"), port_of(&target)).await;
    let reason = Reason { ground: Ground::Loopback, carrier };
    assert_eq!(outcome.unwrap_err(), Refusal::Guarded(reason), "{address}");
    assert!(was_left_alone(&target), "{address}");
}

#[tokio::test]
async fn localhost_is_a_name_like_others_and_the_guard_judges_it() {
    let target = listen("127.0.0.1");
    let files = Files::new("", "127.0.0.1 localhost\n");
    let dialer = dialer(files.options(53));
    let shut = session(PLENTY, &[]);
    let outcome = dialer.dial(&Judge::anonymous(shut.session()), &host("localhost"), port_of(&target)).await;
    assert!(matches!(outcome.unwrap_err(), Refusal::Guarded(_)));
    assert!(was_left_alone(&target));
    dialer.dial(&Judge::anonymous(anywhere().session()), &host("localhost"), port_of(&target)).await.unwrap();
}

#[tokio::test]
async fn a_silent_ipv6_question_costs_one_moment_and_then_nothing() {
    let target = listen("127.0.0.1");
    let server = Server::with("www.example", addresses(["127.0.0.1"]), Reply::Silence).await;
    let (dialer, ticket) = (dialer(server.files.options(server.port())), anywhere());
    let (www, port) = (host("www.example"), port_of(&target));
    let began = Instant::now();
    dialer.dial(&Judge::anonymous(ticket.session()), &www, port).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "IPv4 does not wait for the resolver's timeout");
    assert!(ticket.session().facts().phases.dns.is_some_and(|spent| spent >= Duration::from_millis(50)));

    let asked = server.asked("www.example", AAAA);
    dialer.dial(&Judge::anonymous(ticket.session()), &www, port).await.unwrap();
    assert!(ticket.session().facts().phases.dns.is_some_and(|spent| spent < Duration::from_millis(50)));
    assert_eq!(server.asked("www.example", AAAA), asked);
}

#[tokio::test]
async fn ipv6_addresses_are_dialled_while_ipv4_is_still_asked() {
    let target = listen("::1");
    let server = Server::with("www.example", Reply::Silence, addresses(["::1"])).await;
    let dialer = dialer(server.files.options(server.port()));
    let began = Instant::now();
    let connected =
        dialer.dial(&Judge::anonymous(anywhere().session()), &host("www.example"), port_of(&target)).await.unwrap();
    assert_eq!(connected.peer.ip(), ip("::1"));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn ipv4_addresses_that_come_late_join_the_race() {
    let target = listen("127.0.0.1");
    let server = Server::with("www.example", after(200, addresses(["127.0.0.1"])), addresses(["::1"])).await;
    let dialer = dialer(server.files.options(server.port()));
    // Nobody listens at ::1, so the race would be lost already.
    let connected =
        dialer.dial(&Judge::anonymous(anywhere().session()), &host("www.example"), port_of(&target)).await.unwrap();
    assert_eq!(connected.peer.ip(), ip("127.0.0.1"));
}

#[tokio::test]
async fn a_second_address_is_tried_when_the_first_refuses() {
    let target = listen("127.0.0.2");
    let server = Server::with("www.example", addresses(["127.0.0.1", "127.0.0.2"]), addresses(["::1"])).await;
    let dialer = dialer(server.files.options(server.port()));
    let connected =
        dialer.dial(&Judge::anonymous(anywhere().session()), &host("www.example"), port_of(&target)).await.unwrap();
    assert_eq!(connected.peer.ip(), ip("127.0.0.2"));
}

fn host(text: &str) -> Destination {
    Destination::Name(name(text))
}
