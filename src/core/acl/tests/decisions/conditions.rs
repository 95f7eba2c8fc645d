//! Every condition besides the destination.

use acl::{
    Action, AuthMethod, Command, Hours, LocalMinute, Mode, Pattern, Ports, PrivateByName, Rule, Ruleset, Schedule,
    Services, Set, Weekday, Word, Zone,
};
use std::sync::Arc;

use crate::sketch::{Client, check, ip, rules, rules_with};

#[test]
fn ports_are_numbers_ranges_and_names() {
    let policy =
        rules(&["alice allow 10.0.0.1 : ssh, 80, 8000-8002", "alice allow 10.0.0.2 : 443", "alice allow 10.0.0.3"]);
    let client = Client::of(policy, "alice");
    let allowed = |host: &str| -> Vec<u16> {
        let ports = [1, 21, 22, 23, 80, 443, 7999, 8000, 8002, 8003, 65535];
        ports.into_iter().filter(|port| client.told(&format!("{host}:{port}")).starts_with("allow")).collect()
    };
    assert_eq!(allowed("10.0.0.1"), [22, 80, 8000, 8002]);
    assert_eq!(allowed("10.0.0.2"), [443]);
    assert_eq!(allowed("10.0.0.3").len(), 11);
}

#[test]
fn commands_and_protocols_are_told_apart() {
    let only = |words: &[Command]| words.iter().copied().collect::<Set<Command>>();
    let policy = rules_with(
        &["alice allow 10.0.0.1", "alice allow 10.0.0.2", "alice allow 10.0.0.3", "alice allow 10.0.0.4 : 53"],
        |number, rule| match number {
            0 => Rule { protocols: [acl::Protocol::Udp].into_iter().collect(), ..rule },
            1 => Rule { commands: only(&[Command::Bind, Command::Resolve]), ..rule },
            2 => Rule { protocols: [acl::Protocol::Tcp].into_iter().collect(), ..rule },
            _ => rule,
        },
    );
    let client = Client::of(policy, "alice");
    let allowed = |request: &str| -> Vec<&str> {
        let commands = Command::ALL.iter().copied();
        let asks =
            |command: &Command| Client { command: *command, ..client.clone() }.told(request).starts_with("allow");
        commands.filter(asks).map(Command::as_str).collect()
    };
    assert_eq!(allowed("10.0.0.1:53"), ["udp_associate"]);
    assert_eq!(allowed("10.0.0.2:53"), ["bind", "resolve"]);
    assert_eq!(allowed("10.0.0.3:53"), ["connect", "bind", "resolve"]);
    assert_eq!(allowed("10.0.0.4:53").len(), 4);
    assert_eq!(allowed("10.0.0.4:0"), Vec::<&str>::new(), "a lookup has no port, and the rule is for one");
    assert_eq!(allowed("10.0.0.2:0"), ["bind", "resolve"]);
}

#[test]
fn what_a_client_may_ever_do_is_known_at_once() {
    let policy =
        rules_with(&["alice allow 10.0.0.1", "bob ~allow *", "carol block *", "* allow 10.0.0.9"], |number, rule| {
            match number {
                0 => Rule { protocols: [acl::Protocol::Udp].into_iter().collect(), ..rule },
                3 => Rule { commands: [Command::Bind].into_iter().collect(), ..rule },
                _ => rule,
            }
        });
    let may = |policy: &acl::Policy, name: &str| -> Vec<&str> {
        let view = Client::of(policy.clone(), name).view;
        Command::ALL.iter().filter(|command| view.may_ever(**command)).map(|command| command.as_str()).collect()
    };
    assert_eq!(may(&policy, "alice"), ["bind", "udp_associate"]);
    assert_eq!(may(&policy, "bob"), ["bind"]);
    assert_eq!(may(&policy, "carol"), ["bind"]);
    assert_eq!(may(&crate::sketch::allowing(policy), "carol").len(), 4);
}

#[test]
fn sources_say_where_a_client_may_be() {
    let many: Vec<String> = (0..40).map(|net| format!("198.51.{net}.0/24")).collect();
    let policy = rules_with(&["alice allow 10.0.0.1", "alice allow 10.0.0.2"], |number, rule| {
        let texts =
            if number == 0 { vec!["192.0.2.9/25".to_owned(), "2001:db8::/32".to_owned()] } else { many.clone() };
        Rule { sources: texts.iter().map(|text| text.parse().expect("a network")).collect(), ..rule }
    });
    let client = Client::of(policy, "alice");
    let told = |source: Option<&str>, request: &str| Client { source: source.map(ip), ..client.clone() }.told(request);
    for source in ["192.0.2.1", "192.0.2.127", "::ffff:192.0.2.1", "2001:db8::5"] {
        assert_eq!(told(Some(source), "10.0.0.1:80"), "allow by users/alice#1", "{source}");
    }
    for source in ["192.0.2.128", "198.51.1.1", "2001:db9::1"] {
        assert_eq!(told(Some(source), "10.0.0.1:80"), "deny by default", "{source}");
    }
    assert_eq!(told(Some("198.51.39.255"), "10.0.0.2:80"), "allow by users/alice#2");
    assert_eq!(told(Some("198.51.40.1"), "10.0.0.2:80"), "deny by default");
    for request in ["10.0.0.1:80", "10.0.0.2:80"] {
        assert_eq!(told(None, request), "deny by default", "a Unix socket has no address");
    }
}

#[test]
fn the_way_a_client_proved_who_it_is_can_be_asked_for() {
    let policy = rules_with(&["* allow 10.0.0.1"], |_, rule| Rule {
        auth_methods: [AuthMethod::PamUsername, AuthMethod::UserPass].into_iter().collect(),
        ..rule
    });
    let client = Client::of(policy, "alice");
    let fitting = AuthMethod::ALL
        .iter()
        .filter(|method| Client { method: **method, ..client.clone() }.told("10.0.0.1:80").starts_with("allow"));
    assert_eq!(fitting.map(|method| method.as_str()).collect::<Vec<_>>(), ["userpass", "pam.username"]);
}

#[test]
fn a_rule_ends_by_itself() {
    let policy = rules_with(&["alice allow 10.0.0.1", "alice block 10.0.0.2", "alice allow *"], |number, rule| Rule {
        valid_until: (number < 2).then_some(1_000),
        ..rule
    });
    let rules = Arc::new(Ruleset::new(policy, PrivateByName::Admitted));
    let at =
        |seconds| Client { moment: rules.moment(seconds, |_| LocalMinute::new(0, 0)), ..Client::over(&rules, "alice") };
    check(&at(999), &[("10.0.0.1:80", "allow by users/alice#1"), ("10.0.0.2:80", "deny by users/alice#2")]);
    check(&at(1_000), &[("10.0.0.1:80", "allow by users/alice#3"), ("10.0.0.2:80", "allow by users/alice#3")]);
}

#[test]
fn hours_are_counted_in_the_zone_of_the_rule() {
    let office = |zone| Schedule::new(days("mon tue wed thu fri"), [hours("08:00-18:00")], zone);
    let night = Schedule::new(days("fri"), [hours("22:00-06:00"), hours("12:00-12:30")], Zone::Host);
    let sunday = Schedule::new(days("sun"), [], Zone::Host);
    let policy = rules_with(
        &["alice allow 10.0.0.1", "alice allow 10.0.0.2", "alice allow 10.0.0.3", "alice allow 10.0.0.4"],
        |number, rule| {
            let schedules =
                [office(Zone::Host), office(Zone::Named("Asia/Tokyo".into())), night.clone(), sunday.clone()];
            Rule { time: Some(Box::new(schedules[number].clone())), ..rule }
        },
    );
    let rules = Arc::new(Ruleset::new(policy, PrivateByName::Admitted));
    assert_eq!(rules.zones(), [Zone::Host, Zone::Named("Asia/Tokyo".into())]);
    let open = |host: (u8, u16), tokyo: (u8, u16)| -> Vec<u8> {
        let moment = rules.moment(0, |zone| {
            let (day, minute) = if *zone == Zone::Host { host } else { tokyo };
            LocalMinute::new(day, minute)
        });
        let client = Client { moment, ..Client::over(&rules, "alice") };
        (1..=4).filter(|last| client.told(&format!("10.0.0.{last}:80")).starts_with("allow")).collect()
    };
    let at = |hour: u16, minute: u16| hour * 60 + minute;
    assert_eq!(open((0, at(8, 0)), (0, at(17, 0))), [1, 2]);
    assert_eq!(open((0, at(7, 59)), (0, at(17, 59))), [2]);
    assert_eq!(open((0, at(18, 0)), (0, at(18, 0))), Vec::<u8>::new());
    assert_eq!(open((4, at(12, 29)), (5, 0)), [1, 3]);
    assert_eq!(open((4, at(12, 30)), (5, 0)), [1]);
    assert_eq!(open((4, at(23, 59)), (5, 0)), [3]);
    assert_eq!(open((5, at(5, 59)), (5, 0)), [3], "the night that began on Friday");
    assert_eq!(open((5, at(6, 0)), (5, 0)), Vec::<u8>::new());
    assert_eq!(open((3, at(23, 0)), (5, 0)), Vec::<u8>::new());
    assert_eq!(open((6, at(3, 0)), (5, 0)), [4]);
}

#[test]
fn hours_are_written_as_people_write_them() {
    for (written, shown) in [
        ("08:00-18:00", "08:00-18:00"),
        ("8:30 - 24:00", "08:30-24:00"),
        ("22:00-06:00", "22:00-06:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("22:00-00:00", "22:00-00:00"),
    ] {
        assert_eq!(hours(written).to_string(), shown);
    }
    for written in [
        "",
        "08:00",
        "08:00-08:00",
        "24:00-08:00",
        "08:60-09:00",
        "8-9",
        "008:00-09:00",
        "25:00-26:00",
        "08:00-24:01",
        "+8:00-09:00",
        "08:00-09:00-10:00",
    ] {
        assert_eq!(Hours::parse(written), None, "{written}");
    }
    let schedule = Schedule::new(Set::all(), [hours("08:00-09:00")], Zone::Named("UTC".into()));
    assert_eq!(schedule.to_string(), "every day 08:00-09:00 UTC");
    assert_eq!(Schedule::new(days("sat sun"), [], Zone::Host).to_string(), "sat, sun");
    assert_eq!(LocalMinute::new(6, 61).to_string(), "sun 01:01");
}

#[test]
fn a_moment_of_other_rules_lets_nothing_through() {
    let policy = rules_with(&["alice allow 10.0.0.1", "alice block 10.0.0.2", "bob allow *"], |number, rule| Rule {
        time: (number < 2).then(|| Box::new(Schedule::new(Set::all(), [], Zone::Host))),
        ..rule
    });
    let client = Client::of(policy, "alice");
    check(&client, &[("10.0.0.1:80", "allow by users/alice#1"), ("10.0.0.2:80", "deny by users/alice#2")]);
    let other = Ruleset::new(rules(&["alice allow *"]), PrivateByName::Admitted).moment(0, |_| LocalMinute::new(0, 0));
    let client = Client { moment: other, ..client };
    check(&client, &[("10.0.0.1:80", "deny by default"), ("10.0.0.2:80", "deny by users/alice#2")]);
}

#[test]
fn a_service_is_asked_only_when_its_answer_matters() {
    let service = |name: &'static str, rule: Rule| Rule { pam_service: Some(name.into()), ..rule };
    let policy = rules_with(
        &[
            "alice allow 10.0.0.1",
            "alice block 10.0.0.2",
            "alice allow 10.0.0.2",
            "alice allow 10.0.0.3",
            "alice allow 10.0.0.3",
            "alice block 10.0.0.4",
            "alice block 10.0.0.4",
            "alice allow 10.0.0.5",
            "alice allow 10.0.0.5",
        ],
        |number, rule| match number {
            0 | 6 => service("vpn", rule),
            1 | 7 => service("strict", rule),
            3 => service("vpn", Rule { priority: 10, ..rule }),
            8 => service("vpn", Rule { priority: 1, ..rule }),
            _ => rule,
        },
    );
    let unknown = Client::of(policy, "alice");
    let told = |services: &[(&str, bool)]| {
        let services = services.iter().fold(Services::default(), |services, (name, accepts)| {
            let id = unknown.service(name);
            if *accepts { services.accepting(id) } else { services.refusing(id) }
        });
        let client = Client { services, ..unknown.clone() };
        (1..=5).map(|last| client.told(&format!("10.0.0.{last}:80"))).collect::<Vec<_>>()
    };
    assert_eq!(told(&[]), ["ask vpn", "ask strict", "allow by users/alice#5", "deny by users/alice#6", "ask vpn"]);
    assert_eq!(
        told(&[("vpn", true), ("strict", true)]),
        [
            "allow by users/alice#1",
            "deny by users/alice#2",
            "allow by users/alice#4",
            "deny by users/alice#6",
            "allow by users/alice#9"
        ]
    );
    assert_eq!(
        told(&[("vpn", false), ("strict", false)]),
        [
            "deny by default",
            "allow by users/alice#3",
            "allow by users/alice#5",
            "deny by users/alice#6",
            "deny by default"
        ]
    );
    assert_eq!(told(&[("vpn", false)])[4], "ask strict");
}

#[test]
fn only_the_services_of_a_client_s_own_rules_are_asked_about_it() {
    let policy = rules_with(
        &["alice allow *", "alice allow 10.0.0.1", "%staff allow *", "bob allow *", "* ~block *"],
        |number, rule| Rule { pam_service: Some(["vpn", "vpn", "factory", "strict", "shadow"][number].into()), ..rule },
    );
    let client = Client::of(crate::sketch::with_members(policy, &["alice staff"]), "alice");
    let of = |name: &str| {
        let view = Client::over(client.view.rules(), name).view;
        view.services().into_iter().map(|service| view.rules().service(service).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("alice"), ["vpn", "factory"]);
    assert_eq!(of("bob"), ["strict"]);
    assert_eq!(of("carol"), Vec::<String>::new(), "a shadow rule asks nobody");
}

#[test]
fn an_answer_replaces_the_one_before() {
    let policy = rules_with(&["alice allow 10.0.0.1"], |_, rule| Rule { pam_service: Some("vpn".into()), ..rule });
    let vpn = Client::of(policy, "alice").service("vpn");
    let services = Services::default().accepting(vpn).refusing(vpn);
    assert_eq!((services.accepts(vpn), services.accepting(vpn).accepts(vpn)), (Some(false), Some(true)));
    assert_eq!(Services::default().accepts(vpn), None);
}

#[test]
fn no_service_is_asked_for_a_shadow_rule_or_under_a_default_that_allows() {
    let policy =
        rules_with(&["alice ~block 10.0.0.1", "alice allow 10.0.0.2", "alice allow 10.0.0.1"], |number, rule| Rule {
            pam_service: (number < 2).then(|| "vpn".into()),
            ..rule
        });
    check(
        &Client::of(policy.clone(), "alice"),
        &[("10.0.0.1:80", "allow by users/alice#3"), ("10.0.0.2:80", "ask vpn")],
    );
    let client = Client::of(crate::sketch::allowing(policy), "alice");
    check(&client, &[("10.0.0.2:80", "allow by default")]);
    let client = Client { services: Services::default().accepting(client.service("vpn")), ..client };
    check(
        &client,
        &[("10.0.0.1:80", "allow by users/alice#3; shadow users/alice#1"), ("10.0.0.2:80", "allow by users/alice#2")],
    );
}

#[test]
fn memory_grows_with_the_rules() {
    let of = |count: usize| {
        let names = ["10.0.0.0/8", "db.corp", "*.corp", "api-*.corp", "*"];
        let lines: Vec<String> =
            (0..count).map(|number| format!("alice allow {} : {}", names[number % 5], number + 1)).collect();
        let policy = rules_with(&lines.iter().map(String::as_str).collect::<Vec<_>>(), |number, rule| Rule {
            sources: (0..number % 20).map(|net| format!("198.51.{net}.0/24").parse().expect("a network")).collect(),
            description: "something".into(),
            pam_service: Some("vpn".into()),
            ..rule
        });
        Ruleset::new(crate::sketch::with_members(policy, &["alice staff"]), PrivateByName::Admitted).memory()
    };
    let (few, many) = (of(50), of(500));
    assert!(few > 5_000 && many > 5 * few && many < 20 * few, "{few} {many}");
}

#[test]
fn a_ruleset_tells_what_it_is_made_of() {
    let policy = rules_with(&["alice ~block 10.0.0.1 : 80"], |_, rule| Rule { log: Some(acl::Loudness::Warn), ..rule });
    let rules = Ruleset::new(policy.clone(), PrivateByName::Denied);
    let id = rules.rules().next().expect("one rule");
    let rule = rules.rule(id);
    assert_eq!((rule.mode, rule.action, id.index()), (Mode::Shadow, Action::Block, 0));
    assert_eq!(*rule.destinations, [Pattern::parse("10.0.0.1").expect("an address")]);
    assert_eq!(
        (rule.ports.clone(), rules.private_by_name()),
        (Ports::parse("80").expect("a port"), PrivateByName::Denied)
    );
    assert_eq!(*rules.policy(), policy);
    assert!(rules.memory() > 300, "{}", rules.memory());
}

fn hours(text: &str) -> Hours {
    Hours::parse(text).expect(text)
}

fn days(text: &str) -> Set<Weekday> {
    Weekday::ALL.iter().copied().filter(|day| text.split(' ').any(|word| word == day.as_str())).collect()
}
