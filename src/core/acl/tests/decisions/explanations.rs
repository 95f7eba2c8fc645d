//! What is said of each rule when somebody asks why.

use acl::{AuthMethod, Command, Exception, Guard, Hours, LocalMinute, Rule, Ruling, Schedule, Services, Set, Zone};

use crate::sketch::{Client, rules, rules_with, with_members};

#[test]
fn every_rule_of_the_client_is_there_in_the_order_in_which_it_is_credited() {
    let policy = rules_with(
        &[
            "alice allow 10.0.0.0/8",
            "alice block 10.0.0.9",
            "%staff block *.bad.org",
            "alice allow 10.0.0.0/16",
            "bob allow *",
        ],
        |number, rule| Rule { priority: i32::from(number >= 2), ..rule },
    );
    let client = Client::of(with_members(policy, &["alice staff"]), "alice");
    let expected = [
        "groups/staff#1: names do not fit an address: *.bad.org",
        "users/alice#2: other destinations: 10.0.0.9",
        "users/alice#3: 10.0.0.0/16 is meant",
        "users/alice#1: 10.0.0.0/8 is meant",
    ];
    assert_eq!(client.steps("10.0.0.1:80"), expected);
}

#[test]
fn every_way_to_miss_has_its_words() {
    let office = Schedule::new(Set::all(), [Hours::parse("08:00-18:00").expect("hours")], Zone::Named("UTC".into()));
    let lines = [
        "alice allow 10.0.0.1 : 22, 443",
        "alice allow 10.0.0.1",
        "alice allow 10.0.0.1",
        "alice allow 10.0.0.1",
        "alice allow 10.0.0.1",
        "alice allow 10.0.0.1",
        "alice allow 10.0.0.1",
        "alice allow 10.0.0.1",
        "alice allow *",
        "alice allow 10.0.0.1",
    ];
    let policy = rules_with(&lines, |number, rule| match number {
        1 => Rule { protocols: [acl::Protocol::Udp].into_iter().collect(), ..rule },
        2 => Rule { commands: [Command::Bind].into_iter().collect(), ..rule },
        3 => Rule {
            sources: (0..6).map(|net| format!("198.51.{net}.0/24").parse().expect("a network")).collect(),
            ..rule
        },
        4 => Rule { auth_methods: [AuthMethod::PamUsername].into_iter().collect(), ..rule },
        5 => Rule { time: Some(Box::new(office.clone())), ..rule },
        6 => Rule { valid_until: Some(0), ..rule },
        7 => Rule { pam_service: Some("vpn".into()), ..rule },
        8 => Rule { internal: Some(false), ..rule },
        9 => Rule { pam_service: Some("strict".into()), ..rule },
        _ => rule,
    });
    let client = Client::of(policy, "alice");
    let moment = client.view.rules().moment(1, |_| LocalMinute::new(0, 0));
    let services = Services::default().refusing(client.service("vpn"));
    let client = Client { moment, services, ..client };
    let expected = [
        "users/alice#1: port 80 is not among 22, 443",
        "users/alice#2: tcp is not among udp",
        "users/alice#3: connect is not among bind",
        "users/alice#4: the client is not in 198.51.0.0/24, 198.51.1.0/24, 198.51.2.0/24, 198.51.3.0/24 and 2 more",
        "users/alice#5: userpass is not among pam.username",
        "users/alice#6: only every day 08:00-18:00 UTC",
        "users/alice#7: the rule has ended",
        "users/alice#8: PAM service vpn refuses the client",
        "users/alice#9: * is meant, but private addresses are not admitted by it",
        "users/alice#10: 10.0.0.1 is meant, if PAM service strict accepts the client",
    ];
    assert_eq!(client.steps("10.0.0.1:80"), expected);
}

#[test]
fn rules_about_addresses_wait_for_the_name_to_be_looked_up() {
    let client =
        Client::of(rules(&["alice block 10.0.0.0/8, bad.org", "alice allow *.corp", "alice allow db.org"]), "alice");
    let expected = [
        "users/alice#1: the name has no address yet: 10.0.0.0/8, bad.org",
        "users/alice#2: *.corp is meant",
        "users/alice#3: other destinations: db.org",
    ];
    assert_eq!(client.steps("db.corp:80"), expected);
    let expected = [
        "users/alice#1: 10.0.0.0/8 is meant",
        "users/alice#2: *.corp is meant",
        "users/alice#3: other destinations: db.org",
    ];
    assert_eq!(client.steps("db.corp=10.0.0.1:80"), expected);
}

#[test]
fn a_rule_that_is_met_twice_says_what_counts_more() {
    let policy = rules_with(&["alice allow *, 10.0.0.0/8"], |_, rule| Rule { internal: Some(false), ..rule });
    assert_eq!(Client::of(policy, "alice").steps("10.0.0.1:80"), ["users/alice#1: 10.0.0.0/8 is meant"]);
    let client = Client::of(rules(&["alice allow 10.0.0.1"]), "alice");
    assert_eq!(client.steps("[2001:db8::5efe:10.0.0.1]:80"), ["users/alice#1: other destinations: 10.0.0.1"]);
}

#[test]
fn no_rule_is_asked_where_the_guard_decides() {
    let client = Client::of(rules(&["alice allow *"]), "alice");
    assert_eq!(client.steps("127.0.0.1:80"), Vec::<String>::new());
    let opened = Guard::new(&[Exception::Network("127.0.0.0/8".parse().expect("a network"))], [], []);
    let client = Client { guard: opened, ..client };
    assert_eq!(client.steps("127.0.0.1:80"), ["users/alice#1: * is meant"]);
    assert_eq!(client.asks("127.0.0.1:80").verdict, Ruling::Allow);
}
