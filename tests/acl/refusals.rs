//! What a refused client is told, and what is written down about it.

use std::net::SocketAddr;

use rig::daemon::Daemon;
use rig::rules::Rules;
use rig::socks4::{self, REJECTED};
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::wire::{End, Wire};

use crate::{ALL_BUT_BLOCKED, BLOCKED, ruled};

#[test]
fn a_refused_request_is_answered_in_its_own_language_and_has_its_line_with_the_rule() {
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), "");
    let held = SocketAddr::from((BLOCKED, 80));

    let mut client = greeted(daemon.addr());
    assert_eq!(client.ask(CONNECT, held).code, rep::NOT_ALLOWED);
    assert_refused(&daemon, client);

    let mut client = Wire::connect(daemon.addr());
    let SocketAddr::V4(held) = held else { panic!("it is an IPv4 address") };
    client.send(&socks4::request(socks4::CONNECT, held, b""));
    assert_eq!(client.socks4_reply().code, REJECTED);
    assert_refused(&daemon, client);

    let mut client = Wire::connect(daemon.addr());
    client.send(&rig::http::connect(&held.to_string(), &[]));
    assert_eq!(client.http_head().status, 403);
    assert_refused(&daemon, client);
}

#[test]
fn an_allowed_session_names_the_rule_that_let_it_in() {
    let target = Target::listen().serve(echo);
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), "");
    let mut client = greeted(daemon.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    let line = daemon.session_of(client.leave());
    assert!(line.text("rule").contains("everywhere"), "{line:?}");
}

/// Nobody is asked about a name that is refused as it is written.
#[test]
fn without_rules_for_it_everything_is_refused_and_nothing_is_looked_up() {
    let dns = rig::dns::Dns::serve(rig::dns::Zone::default().at("somewhere.test", [127, 0, 0, 1]));
    let rules = Rules::of("[global]\ndefault_policy = \"deny\"\n");
    let daemon = ruled(&rules, &dns.settings());
    let mut client = greeted(daemon.addr());
    assert_eq!(client.ask(CONNECT, ("somewhere.test", 80)).code, rep::NOT_ALLOWED);
    assert_eq!(client.end(), End::Closed);
    assert_eq!(dns.asked_for("somewhere.test"), 0);
    assert_eq!(daemon.session_of(client.leave()).text("reason"), "denied");
}

fn assert_refused(daemon: &Daemon, mut client: Wire) {
    assert_eq!(client.rest().1, End::Closed);
    let line = daemon.session_of(client.leave());
    assert_eq!((line.text("ending"), line.text("reason")), ("refused", "denied"), "{line:?}");
    assert!(line.text("rule").contains("the blocked network"), "{line:?}");
}
