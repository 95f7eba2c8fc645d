//! Which rule wins, and which one is credited.

use std::sync::Arc;

use acl::{Bounds, PrivateByName, Rule, Ruleset, View, Who};

use crate::sketch::{Client, allowing, check, rules, rules_with, with_members};

#[test]
fn a_block_wins_over_any_allow_whatever_their_order_and_priority() {
    let policy = rules_with(&["alice allow 10.0.0.0/8", "alice block 10.0.0.7", "alice allow *"], |number, rule| {
        Rule { priority: if number == 1 { -100 } else { 100 }, ..rule }
    });
    let table = [
        ("10.0.0.7:80", "deny by users/alice#2"),
        ("10.0.0.8:80", "allow by users/alice#1"),
        ("8.8.8.8:80", "allow by users/alice#3"),
    ];
    check(&Client::of(policy, "alice"), &table);
}

#[test]
fn the_default_decides_what_no_rule_fits() {
    let policy = rules(&["alice allow 10.0.0.1", "alice block 10.0.0.2"]);
    check(
        &Client::of(policy.clone(), "alice"),
        &[("10.0.0.3:80", "deny by default"), ("10.0.0.1:80", "allow by users/alice#1")],
    );
    check(
        &Client::of(allowing(policy), "alice"),
        &[("10.0.0.3:80", "allow by default"), ("10.0.0.2:80", "deny by users/alice#2")],
    );
}

#[test]
fn a_decision_tells_its_rule() {
    let client = Client::of(rules(&["alice allow 10.0.0.1", "alice block 10.0.0.2"]), "alice");
    let rule = |request| client.asks(request).rule().map(acl::RuleId::index);
    assert_eq!(["10.0.0.2:80", "10.0.0.3:80", "127.0.0.1:80"].map(rule), [Some(1), None, None]);
}

#[test]
fn priority_and_then_the_place_in_the_file_choose_who_is_credited() {
    let lines = ["%staff allow 10.0.0.0/8", "alice allow 10.0.0.0/8", "alice allow 10.1.0.0/16", "* allow *"];
    let members = ["alice staff"];
    let first = with_members(rules(&lines), &members);
    check(&Client::of(first, "alice"), &[("10.1.0.1:80", "allow by groups/staff#1")]);
    for (number, expected) in [(1, "users/alice#1"), (2, "users/alice#2"), (3, "users/*#1")] {
        let policy = rules_with(&lines, |at, rule| Rule { priority: i32::from(at == number), ..rule });
        let client = Client::of(with_members(policy, &members), "alice");
        check(&client, &[("10.1.0.1:80", &format!("allow by {expected}"))]);
    }
    let policy = rules_with(&lines, |at, rule| Rule { priority: [-1, i32::MIN, i32::MAX, 5][at], ..rule });
    check(&Client::of(with_members(policy, &members), "alice"), &[("10.1.0.1:80", "allow by users/alice#2")]);
}

#[test]
fn rules_hold_for_their_owner_its_groups_and_everyone() {
    let policy = rules(&[
        "alice allow 10.0.0.1",
        "%staff allow 10.0.0.2",
        "%other allow 10.0.0.3",
        "* allow 10.0.0.4",
        "anonymous allow 10.0.0.5",
        "%all allow 10.0.0.6",
    ]);
    let policy = with_members(policy, &["alice staff", "alice nowhere", "* all"]);
    let reachable = |name: &str| {
        let client = Client::of(policy.clone(), name);
        (1..=6).filter(|last| client.told(&format!("10.0.0.{last}:80")).starts_with("allow")).collect::<Vec<_>>()
    };
    assert_eq!(reachable("alice"), [1, 2, 4, 6]);
    assert_eq!(reachable("bob"), [4, 6], "a user without a table");
    assert_eq!(reachable("anonymous"), [4, 5, 6], "who did not authenticate");
}

#[test]
fn groups_of_the_authentication_count_like_those_of_the_file() {
    let policy = rules(&["alice allow 10.0.0.1", "%staff allow 10.0.0.2", "%ops block 10.0.0.1"]);
    let rules = Arc::new(Ruleset::new(policy, PrivateByName::Admitted));
    let told = |who, groups: &[&str], request| {
        let view = View::new(&rules, who, groups.iter().copied());
        Client { view, ..Client::over(&rules, "alice") }.told(request)
    };
    assert_eq!(told(Who::User("alice"), &[], "10.0.0.2:80"), "deny by default");
    assert_eq!(told(Who::User("alice"), &["staff", "unknown", "staff"], "10.0.0.2:80"), "allow by groups/staff#1");
    assert_eq!(told(Who::User("alice"), &["ops"], "10.0.0.1:80"), "deny by groups/ops#1");
    assert_eq!(told(Who::User("bob"), &["staff"], "10.0.0.2:80"), "allow by groups/staff#1");
    assert_eq!(told(Who::Anonymous, &["staff"], "10.0.0.2:80"), "allow by groups/staff#1");
}

#[test]
fn a_user_who_is_called_like_a_table_is_a_stranger() {
    let policy = rules(&["anonymous allow 10.0.0.1", "* allow 10.0.0.2"]);
    let rules = Arc::new(Ruleset::new(policy, PrivateByName::Admitted));
    for name in ["anonymous", "*"] {
        let client = Client { view: View::new(&rules, Who::User(name), []), ..Client::over(&rules, "alice") };
        check(&client, &[("10.0.0.1:80", "deny by default"), ("10.0.0.2:80", "allow by users/*#1")]);
    }
}

#[test]
fn shadow_rules_are_reported_and_change_nothing() {
    let policy = rules(&[
        "alice allow 10.0.0.0/8",
        "alice ~block 10.0.0.7",
        "alice ~allow 8.8.8.8",
        "alice block 10.0.0.9",
        "alice ~block 10.0.0.9",
    ]);
    let table = [
        ("10.0.0.7:80", "allow by users/alice#1; shadow users/alice#2"),
        ("10.0.0.8:80", "allow by users/alice#1"),
        ("8.8.8.8:80", "deny by default; shadow users/alice#3"),
        ("10.0.0.9:80", "deny by users/alice#4"),
    ];
    check(&Client::of(policy, "alice"), &table);
}

#[test]
fn a_shadow_rule_is_reported_where_it_would_have_been_credited() {
    let policy = rules_with(
        &["alice allow 10.0.0.0/8", "alice ~allow 10.0.0.0/8", "alice block 10.0.0.1", "alice ~block 10.0.0.1"],
        |number, rule| Rule { priority: i32::from(number % 2 == 1), ..rule },
    );
    let table = [
        ("10.0.0.2:80", "allow by users/alice#1; shadow users/alice#2"),
        ("10.0.0.1:80", "deny by users/alice#3; shadow users/alice#4"),
    ];
    check(&Client::of(policy, "alice"), &table);
}

#[test]
fn rules_are_known_by_their_place_and_their_identity() {
    let rules_of = |lines: &[&str]| Ruleset::new(rules(lines), PrivateByName::Admitted);
    let before = rules_of(&["alice allow 10.0.0.1, 10.0.0.2 : 80", "%staff block *", "alice allow *", "alice allow *"]);
    let after = rules_of(&["%staff block *", "bob allow *", "alice allow *", "alice allow 10.0.0.2, 10.0.0.1 : 80"]);
    let known = |rules: &Ruleset| -> Vec<(String, String, String)> {
        rules.rules().map(|rule| (rules.label(rule), rules.owner(rule), rules.identity(rule).to_string())).collect()
    };
    let (before, after) = (known(&before), known(&after));
    let labels: Vec<&str> = before.iter().map(|(label, ..)| &**label).collect();
    assert_eq!(labels, ["users/alice#1", "groups/staff#1", "users/alice#2", "users/alice#3"]);
    assert_eq!(before[1].1, "groups/staff");
    assert_eq!(before[0].2, after[3].2, "the order of destinations means nothing");
    assert_eq!(before[1].2, after[0].2, "nor does the place in the file");
    assert_eq!(before[2].2, after[2].2);
    assert_ne!(before[2].2, after[1].2, "another owner");
    assert_eq!(format!("{}#1", before[2].2), before[3].2, "the second of two equal rules");
}

/// These numbers are stored beside counters; whoever changes them forgets the hits of every rule.
#[test]
fn identities_never_change() {
    let policy = rules_with(
        &[
            "alice allow 10.0.0.0/8, *.example.com, db.example.com, api.*.com, @public, * : 22, 80-90",
            "%staff block 2001:db8::/32",
        ],
        |number, rule| Rule {
            sources: Box::new(["192.0.2.0/24".parse().expect("a network")]),
            valid_until: (number == 0).then_some(1_800_000_000),
            pam_service: (number == 0).then(|| "vpn".into()),
            bounds: Some(Box::new(Bounds { max_age: Some(60), ..Bounds::default() })),
            ..rule
        },
    );
    let rules = Ruleset::new(policy, PrivateByName::Admitted);
    let identities: Vec<String> = rules.rules().map(|rule| rules.identity(rule).to_string()).collect();
    assert_eq!(identities, ["cadcd63fa8c0c484", "db9ab1bb10ab45fc"]);
}
