//! First the name, then every address: what is decided when, and above all of it the guard.

use std::sync::Arc;

use acl::{Command, Exception, Guard, PrivateByName, Rule, Ruleset};

use crate::sketch::{Client, allowing, check, rules, rules_with};

#[test]
fn a_name_that_is_blocked_is_never_looked_up() {
    let policy = rules(&["alice allow *", "alice block *.example.com, bad.org", "alice block * : 25"]);
    let table = [
        ("www.example.com:80", "deny by users/alice#2"),
        ("bad.org:80", "deny by users/alice#2"),
        ("good.org:25", "deny by users/alice#3"),
        ("good.org:80", "resolve by users/alice#1"),
        ("good.org=192.0.2.7:80", "allow by users/alice#1"),
    ];
    check(&Client::of(policy, "alice"), &table);
}

#[test]
fn a_name_that_nothing_could_allow_is_never_looked_up() {
    let policy = rules(&[
        "alice allow db.corp : 5432",
        "alice allow 10.0.0.0/8 : 22",
        "alice ~allow @public",
        "bob allow 10.0.0.0/8 : 22",
    ]);
    let alice = [
        ("db.corp:5432", "resolve by users/alice#1"),
        ("db.corp:80", "deny by default"),
        ("other.corp:22", "resolve by default"),
        ("other.corp:5432", "deny by default"),
    ];
    check(&Client::of(policy.clone(), "alice"), &alice);
    let bob = Client::of(policy, "bob");
    check(&Client { command: Command::Resolve, ..bob.clone() }, &[("other.corp:0", "deny by default")]);
    check(&bob, &[("other.corp=10.0.0.1:22", "allow by users/bob#1"), ("other.corp=8.8.8.8:22", "deny by default")]);
}

#[test]
fn every_address_of_a_name_is_judged_by_itself() {
    let policy = rules(&[
        "alice allow *.example.com",
        "alice block 10.0.0.0/8, 2001:db8::/32",
        "alice allow 192.168.0.0/16 : 443",
    ]);
    let table = [
        ("www.example.com:80", "resolve by users/alice#1"),
        ("www.example.com=192.0.2.7:80", "allow by users/alice#1"),
        ("www.example.com=10.0.0.7:80", "deny by users/alice#2"),
        ("www.example.com=::ffff:10.0.0.7:80", "deny by users/alice#2"),
        ("www.example.com=64:ff9b::a00:7:80", "deny by users/alice#2"),
        ("www.example.com=2002:a00:7::1:80", "deny by users/alice#2"),
        ("www.example.com=2001:db8::1:80", "deny by users/alice#2"),
        ("other.org=192.168.1.1:443", "allow by users/alice#3"),
        ("other.org=192.168.1.1:80", "deny by default"),
        ("other.org:80", "deny by default"),
    ];
    check(&Client::of(policy, "alice"), &table);
}

#[test]
fn a_request_by_address_meets_no_rule_about_names() {
    let policy = rules(&["alice block *.example.com"]);
    check(
        &Client::of(allowing(policy), "alice"),
        &[("192.0.2.7:80", "allow by default"), ("www.example.com:80", "deny by users/alice#1")],
    );
}

#[test]
fn a_name_admits_its_private_addresses_unless_something_says_no() {
    let with = |by_name, internal: Option<bool>| {
        let policy =
            rules_with(&["alice allow db.corp", "bob allow *", "carol allow db.corp, 10.0.0.0/8"], |_, rule| Rule {
                internal,
                ..rule
            });
        Arc::new(Ruleset::new(policy, by_name))
    };
    let told = |rules: &Arc<Ruleset>| {
        let requests = [
            ("alice", "db.corp=10.0.0.1:80"),
            ("alice", "db.corp=8.8.8.8:80"),
            ("bob", "db.corp=10.0.0.1:80"),
            ("bob", "10.0.0.1:80"),
            ("carol", "db.corp=10.0.0.1:80"),
        ];
        requests.map(|(name, request)| Client::over(rules, name).told(request).starts_with("allow"))
    };
    let (admitted, denied) = (PrivateByName::Admitted, PrivateByName::Denied);
    assert_eq!(told(&with(admitted, None)), [true, true, true, true, true]);
    assert_eq!(told(&with(admitted, Some(true))), [true, true, true, true, true]);
    assert_eq!(told(&with(admitted, Some(false))), [false, true, false, false, true]);
    assert_eq!(
        told(&with(denied, None)),
        [false, true, false, true, true],
        "a client may still name the address itself"
    );
    assert_eq!(told(&with(denied, Some(true))), [true, true, true, true, true]);
    assert_eq!(told(&with(denied, Some(false))), [false, true, false, false, true]);
    let by_name = Client::over(&with(denied, Some(false)), "alice");
    check(
        &by_name,
        &[
            ("db.corp:80", "resolve by users/alice#1"),
            ("db.corp=64:ff9b::a00:1:80", "deny by default"),
            ("db.corp=2002:a00:1::1:80", "deny by default"),
        ],
    );
}

#[test]
fn the_guard_is_above_every_rule() {
    let client = Client::of(allowing(rules(&["alice allow *, 127.0.0.0/8", "alice block 127.0.0.2"])), "alice");
    let table = [
        ("127.0.0.1:80", "deny by guard: loopback"),
        ("127.0.0.2:80", "deny by guard: loopback"),
        ("rebound.example=127.0.0.1:80", "deny by guard: loopback"),
        ("rebound.example=64:ff9b::7f00:1:80", "deny by guard: loopback inside NAT64"),
        ("rebound.example=169.254.169.254:80", "deny by guard: metadata"),
        ("rebound.example:80", "resolve by users/alice#1"),
    ];
    check(&client, &table);
    let opened = Guard::new(&[Exception::Network("127.0.0.0/8".parse().expect("a network"))], [], []);
    let table = [("127.0.0.1:80", "allow by users/alice#1"), ("127.0.0.2:80", "deny by users/alice#2")];
    check(&Client { guard: opened, ..client }, &table);
}

#[test]
fn a_service_is_asked_before_a_name_is_looked_up_if_only_it_could_allow_it() {
    let policy =
        rules_with(&["alice allow db.corp", "alice block bad.corp", "alice allow 10.0.0.0/8 : 22"], |number, rule| {
            Rule { pam_service: (number < 2).then(|| "vpn".into()), ..rule }
        });
    let table = [
        ("db.corp:80", "ask vpn"),
        ("db.corp:22", "resolve by default"),
        ("bad.corp:80", "ask vpn"),
        ("db.corp=10.0.0.1:22", "allow by users/alice#3"),
        ("db.corp=8.8.8.8:22", "ask vpn"),
    ];
    check(&Client::of(policy, "alice"), &table);
}

#[test]
fn shadow_rules_are_reported_with_the_last_word_only() {
    let policy = rules(&["alice allow *.corp", "alice ~block db.corp"]);
    let table = [
        ("db.corp:80", "resolve by users/alice#1"),
        ("db.corp=10.0.0.1:80", "allow by users/alice#1; shadow users/alice#2"),
    ];
    check(&Client::of(policy, "alice"), &table);
}
