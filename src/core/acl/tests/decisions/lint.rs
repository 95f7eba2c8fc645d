//! What is said about rules that are each right.

use acl::{Action, Concern, Pattern, PrivateByName, Rule, Ruleset};

use crate::sketch::{allowing, rules, rules_with, with_members};

#[test]
fn rules_that_make_sense_are_left_alone() {
    let policy = rules(&[
        "alice allow 10.0.0.0/8 : 22, 443",
        "alice allow prod-*.company.com, 192.168.100.0/24 : 443",
        "alice block admin.company.com, 192.168.100.10",
        "%developers allow *.dev.company.com, 10.1.0.0/16",
        "%readonly block * : 22",
        "bob allow db.company.com : 5432",
        "bob allow *.corp, *-db.corp",
    ]);
    check_policy(with_members(policy, &["alice developers", "bob readonly"]), &[]);
}

#[test]
fn rules_that_cannot_decide_are_named_with_the_rule_that_is_in_the_way() {
    check(
        &["alice allow 10.0.0.0/8 : 80", "alice block 10.0.0.0/8 : 80"],
        &["conflicting: users/alice#1 allows nothing, since exactly the same is blocked by users/alice#2 (line 2)"],
    );
    check(
        &["alice block *", "alice allow db.corp"],
        &["shadowed: users/alice#2 allows nothing, since all of it is blocked by users/alice#1 (line 1)"],
    );
    check(
        &["alice allow 10.0.0.0/8", "alice allow 10.1.0.0/16 : 80"],
        &[
            "unreachable: users/alice#2 never decides anything, since all of it is decided before by users/alice#1 (line 1)",
        ],
    );
    check(&["alice allow 10.1.0.0/16 : 80", "alice allow 10.0.0.0/8"], &[]);
    check(
        &["alice allow 10.0.0.1, 10.0.0.2", "alice allow 10.0.0.2, 10.0.0.1"],
        &["duplicate: users/alice#2 says the same as users/alice#1 (line 1)"],
    );
    check(&["alice allow 10.0.0.1", "bob allow 10.0.0.1"], &[]);
}

#[test]
fn only_rules_that_always_hold_together_are_compared() {
    let lines = [
        "%staff block 10.0.0.0/8",
        "alice allow 10.0.0.1",
        "bob allow 10.0.0.1",
        "* block 10.9.0.0/16",
        "%staff allow 10.9.9.9",
        "anonymous allow 10.9.9.9",
    ];
    let expected = [
        "shadowed: users/alice#1 allows nothing, since all of it is blocked by groups/staff#1 (line 1)",
        "shadowed: groups/staff#2 allows nothing, since all of it is blocked by groups/staff#1 (line 1)",
        "shadowed: users/anonymous#1 allows nothing, since all of it is blocked by users/*#1 (line 4)",
    ];
    check_policy(with_members(rules(&lines), &["alice staff"]), &expected);
}

#[test]
fn what_is_covered_is_found_for_every_kind_of_destination() {
    let covered = [
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.5/8", "10.1.0.0/16"),
        ("@private", "10.0.0.0/8"),
        ("@private", "fd00::/8"),
        ("@private", "@private"),
        ("*", "@public"),
        ("*", "*"),
        ("*.example.com", "www.example.com"),
        ("*.example.com", "*.www.example.com"),
        ("*.example.com", "*.example.com"),
        ("*.example.com", "api-*.example.com"),
        ("*.com", "api.*.example.com"),
        ("api.*.com", "api.*.com"),
        ("*.api-*.com", "*.api-*.com"),
        ("*, 10.0.0.1", "10.0.0.1, db.corp"),
    ];
    for (outer, inner) in covered {
        let report = lint(&[&format!("alice block {outer}"), &format!("alice allow {inner}")]);
        let found = report.count(Concern::Shadowed) + report.count(Concern::Conflicting);
        assert_eq!(found, 1, "{outer} covers {inner}: {:?}", report.remarks);
    }
    let apart = [
        ("10.1.0.0/16", "10.0.0.0/8"),
        ("@private", "0.0.0.0/1"),
        ("@private", "100.0.0.0/8"),
        ("@public", "8.8.8.8"),
        ("www.example.com", "*.example.com"),
        ("*.example.com", "example.com"),
        ("*.www.example.com", "*.example.com"),
        ("10.0.0.0/8", "10.0.0.1, db.corp"),
        ("10.0.0.0/8", "@private"),
    ];
    for (outer, inner) in apart {
        let report = lint(&[&format!("alice block {outer}"), &format!("alice allow {inner}")]);
        let found = report.count(Concern::Shadowed) + report.count(Concern::Conflicting);
        assert_eq!(found, 0, "{outer} does not cover {inner}: {:?}", report.remarks);
    }
}

#[test]
fn a_narrower_rule_covers_nothing_wider() {
    let narrow = |change: fn(Rule) -> Rule| {
        let policy = rules_with(&["alice block 10.0.0.0/8", "alice allow 10.0.0.0/8"], |number, rule| {
            if number == 0 { change(rule) } else { rule }
        });
        Ruleset::new(policy, PrivateByName::Admitted).lint(0).remarks.len()
    };
    assert_eq!(narrow(|rule| rule), 1);
    assert_eq!(narrow(|rule| Rule { ports: acl::Ports::parse("1-65535").expect("ports"), ..rule }), 0);
    assert_eq!(narrow(|rule| Rule { commands: [acl::Command::Connect].into_iter().collect(), ..rule }), 0);
    assert_eq!(narrow(|rule| Rule { auth_methods: [acl::AuthMethod::None].into_iter().collect(), ..rule }), 0);
    assert_eq!(narrow(|rule| Rule { sources: Box::new(["10.0.0.0/8".parse().expect("a network")]), ..rule }), 0);
    assert_eq!(
        narrow(|rule| Rule { time: Some(Box::new(acl::Schedule::new(acl::Set::all(), [], acl::Zone::Host))), ..rule }),
        0
    );
    assert_eq!(narrow(|rule| Rule { valid_until: Some(100), ..rule }), 0);
    assert_eq!(narrow(|rule| Rule { pam_service: Some("vpn".into()), ..rule }), 0);
    assert_eq!(narrow(|rule| Rule { mode: acl::Mode::Shadow, ..rule }), 0);
}

#[test]
fn conditions_that_both_have_are_compared() {
    let sources =
        |text: &str| -> Box<[ipnet::IpNet]> { text.split(' ').map(|text| text.parse().expect("a network")).collect() };
    let both = |outer: &str, inner: &str| {
        let policy = rules_with(&["alice block 10.0.0.0/8", "alice allow 10.0.0.0/8"], |number, rule| Rule {
            sources: sources(if number == 0 { outer } else { inner }),
            valid_until: Some(if number == 0 { 100 } else { 90 }),
            ..rule
        });
        Ruleset::new(policy, PrivateByName::Admitted).lint(0).remarks.len()
    };
    assert_eq!(both("192.0.2.0/24 2001:db8::/32", "192.0.2.7/32"), 1);
    assert_eq!(both("192.0.2.0/24", "192.0.2.7/32 198.51.100.1/32"), 0);
}

#[test]
fn a_rule_that_has_ended_is_named() {
    let policy = rules_with(&["alice allow 10.0.0.1", "alice allow 10.0.0.2"], |number, rule| Rule {
        valid_until: Some(if number == 0 { 100 } else { 101 }),
        ..rule
    });
    let report = Ruleset::new(policy, PrivateByName::Admitted).lint(100);
    assert_eq!(shown(&report), ["unreachable: users/alice#1 has ended and never decides anything again"]);
}

#[test]
fn groups_without_rules_are_named_where_they_are_written() {
    let mut policy = with_members(rules(&["alice allow 10.0.0.1"]), &["alice ssh-users"]);
    policy.users[0].groups[0].line = 7;
    let report = Ruleset::new(policy, PrivateByName::Admitted).lint(0);
    assert_eq!(shown(&report), ["undefined group: users/alice is in group \"ssh-users\", which has no rules here"]);
    assert_eq!(report.remarks[0].line, 7);
}

#[test]
fn a_name_that_is_blocked_beside_an_open_door_is_named() {
    let words = "blocked by name: users/alice#1 blocks *.bad.org by name, and its addresses may still be asked for,";
    check(&["alice block *.bad.org", "alice allow *"], &[&format!("{words} because of users/alice#2 (line 2)")]);
    check(&["alice block *.bad.org", "* allow @public : 443"], &[&format!("{words} because of users/*#1 (line 2)")]);
    check(&["alice block 10.0.0.1", "alice allow *"], &[]);
    check(&["alice block *.bad.org", "bob allow *"], &[]);
    check(&["alice block *.bad.org", "alice allow 10.0.0.0/8"], &[]);
    let report = Ruleset::new(allowing(rules(&["alice block *.bad.org"])), PrivateByName::Admitted).lint(0);
    assert_eq!(shown(&report), [format!("{words} since the default is to allow")]);
    let policy = with_members(rules(&["%staff block bad.org", "alice allow 0.0.0.0/0"]), &["alice staff"]);
    check_policy(
        policy,
        &[
            "blocked by name: groups/staff#1 blocks bad.org by name, and its addresses may still be asked for, because of users/alice#1 (line 2)",
        ],
    );
}

#[test]
fn names_that_strangers_can_get_hold_of_are_named() {
    let wide = |pattern: &str| {
        format!(
            "wide name: users/alice#1 allows {pattern}, whose names strangers can point at private addresses; internal = false keeps those out"
        )
    };
    for pattern in ["*.com", "api.*.org", "example.*", "prod-*.io"] {
        check(&[&format!("alice allow {pattern}")], &[&wide(pattern)]);
        check(&[&format!("alice block {pattern}")], &[]);
    }
    check(&["alice allow *.example.com, *.corp, prod-*.internal, example.com, *"], &[]);
    let policy = rules_with(&["alice allow *.com"], |_, rule| Rule { internal: Some(false), ..rule });
    check_policy(policy, &[]);
    assert_eq!(Ruleset::new(rules(&["alice allow *.com"]), PrivateByName::Denied).lint(0).remarks, []);
}

#[test]
fn bits_beyond_a_prefix_are_named() {
    let policy = rules_with(&["alice allow 10.0.0.5/8, 10.0.0.0/16, 2001:db8::1/32"], |_, rule| Rule {
        sources: Box::new(["192.0.2.9/24".parse().expect("a network")]),
        ..rule
    });
    check_policy(
        policy,
        &[
            "host bits: users/alice#1 has 10.0.0.5/8, which means 10.0.0.0/8",
            "host bits: users/alice#1 has 2001:db8::1/32, which means 2001:db8::/32",
            "host bits: users/alice#1 has 192.0.2.9/24, which means 192.0.2.0/24",
        ],
    );
}

#[test]
fn a_wildcard_that_misses_its_dot_is_named() {
    let words = "loose wildcard: users/alice#1 has *example.com, which fits \"notexample.com\" and not \"www.example.com\"; \"*.example.com\" is what is below it";
    check(&["alice block *example.com"], &[words]);
    check(&["alice allow *-db.corp, *.*.corp, a*.corp, *x*.corp"], &[]);
}

#[test]
fn alike_rules_without_end_are_not_compared_without_end() {
    let lines: Vec<String> = (0..3_000).map(|number| format!("* allow * : {}", number + 1)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let report = lint(&lines);
    assert_eq!((report.is_complete, report.remarks), (false, Vec::new()));
}

#[test]
fn a_rule_without_destinations_is_no_one_s_concern() {
    let mut policy = rules(&["alice allow *"]);
    policy.users[0].rules.push(Rule::new(Action::Block, Vec::<Pattern>::new()));
    check_policy(policy, &[]);
}

fn check(lines: &[&str], expected: &[&str]) {
    check_policy(rules(lines), expected);
}

fn check_policy(policy: acl::Policy, expected: &[&str]) {
    let report = Ruleset::new(policy, PrivateByName::Admitted).lint(0);
    assert!(report.is_complete);
    assert_eq!(shown(&report), expected);
}

fn lint(lines: &[&str]) -> acl::Report {
    Ruleset::new(rules(lines), PrivateByName::Admitted).lint(0)
}

fn shown(report: &acl::Report) -> Vec<String> {
    let kind = |kind| match kind {
        Concern::Conflicting => "conflicting",
        Concern::Shadowed => "shadowed",
        Concern::Duplicate => "duplicate",
        Concern::Unreachable => "unreachable",
        Concern::UndefinedGroup => "undefined group",
        Concern::BlockedByName => "blocked by name",
        Concern::WideName => "wide name",
        Concern::HostBits => "host bits",
        Concern::LooseWildcard => "loose wildcard",
    };
    report.remarks.iter().map(|remark| format!("{}: {remark}", kind(remark.kind))).collect()
}
