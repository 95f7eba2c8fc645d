//! Random rules and random requests: the engine and the naive model say the same.

use std::net::IpAddr;
use std::sync::Arc;

use acl::{
    Action, AuthMethod, By, Command, Decision, Destination, Finding, Group, Guard, Hours, LocalMinute, Membership,
    Mode, Pattern, Policy, Ports, PrivateByName, Request, Rule, Ruleset, Ruling, Schedule, ServiceId, Services, Set,
    Subject, Target, User, View, Weekday, Who, Word, Zone,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::model::{Answer, Asked, House, Said, Written, answer, decide};
use crate::sketch::ip;

const OWNERS: [&str; 6] = ["alice", "bob", "*", "anonymous", "%staff", "%ops"];

const DESTINATIONS: [&str; 30] = [
    "*",
    "@public",
    "@private",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "0.0.0.0/0",
    "192.168.100.0/24",
    "192.168.100.10",
    "8.8.8.8",
    "2001:db8::/32",
    "2001:db8::5",
    "::/0",
    "64:ff9b::/96",
    "company.com",
    "admin.company.com",
    "*.company.com",
    "*.dev.company.com",
    "prod-*.company.com",
    "prod-1*.company.com",
    "*-1.company.com",
    "p*1.company.com",
    "api.*.com",
    "*.api.*.com",
    "*.com",
    "com",
    "api.*",
    "*d*.company.com",
    "db.internal",
    "*.*.company.com",
];

const NAMES: [&str; 14] = [
    "company.com",
    "admin.company.com",
    "www.dev.company.com",
    "dev.company.com",
    "prod-1.company.com",
    "prod-12.company.com",
    "prod-1.eu.company.com",
    "api.company.com",
    "v1.api.company.com",
    "api.org",
    "com",
    "db.internal",
    "example.org",
    "x-1.company.com",
];

const ADDRESSES: [&str; 22] = [
    "10.0.0.1",
    "10.1.2.3",
    "10.1.9.9",
    "192.168.100.10",
    "192.168.100.20",
    "8.8.8.8",
    "93.184.216.34",
    "2001:db8::5",
    "2001:db9::1",
    "fd00::1",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
    "64:ff9b::808:808",
    "64:ff9b:1::10.1.2.3",
    "2002:a01:203::1",
    "2002:808:808::1",
    "2001:db8::5efe:10.1.2.3",
    "fd00::5efe:8.8.8.8",
    "::8.8.8.8",
    "2001:0:808:808::f5fe:fdfc",
    "::ffff:0:8.8.8.8",
    "100.64.0.1",
];

const SERVICES: [&str; 2] = ["vpn", "strict"];

fn rule(line: u32) -> impl Strategy<Value = Written> {
    let place = (select(&OWNERS[..]), any::<bool>(), proptest::bool::weighted(0.15));
    let what = (
        subsequence(&DESTINATIONS[..], 1..4),
        subsequence(vec![(22, 22), (80, 443), (5000, 6000)], 0..3),
        subsequence(vec!["tcp", "udp"], 0..2),
        rarely(subsequence(vec!["connect", "bind", "udp_associate", "resolve"], 1..4)),
        rarely(subsequence(vec!["none", "userpass", "pam.username"], 1..3)),
        rarely(subsequence(vec!["192.0.2.0/24", "2001:db8::/32"], 1..3)),
    );
    let when = (
        -2..3,
        proptest::option::weighted(0.1, (subsequence(vec![0u8, 2, 4, 6], 1..4), 0..1440u16, 0..1440u16)),
        proptest::option::weighted(0.1, 0..3i64),
        proptest::option::weighted(0.15, select(&SERVICES[..])),
        proptest::option::weighted(0.2, any::<bool>()),
    );
    (place, what, when).prop_map(move |(place, what, when)| {
        let (owner, blocks, is_shadow) = place;
        let (destinations, ports, protocols, commands, methods, sources) = what;
        let (priority, time, valid_until, service, internal) = when;
        Written {
            owner,
            blocks,
            is_shadow,
            destinations,
            ports,
            protocols,
            commands,
            methods,
            sources,
            priority,
            time: time.filter(|(_, from, to)| from != to),
            valid_until,
            service,
            internal: internal.filter(|_| !blocks),
            line,
        }
    })
}

fn rarely<T: std::fmt::Debug>(some: impl Strategy<Value = Vec<T>>) -> impl Strategy<Value = Vec<T>> {
    proptest::option::weighted(0.15, some).prop_map(Option::unwrap_or_default)
}

fn rules() -> impl Strategy<Value = Vec<Written>> {
    (0..12u32).prop_flat_map(|count| (1..=count).map(rule).collect::<Vec<_>>()).prop_shuffle()
}

fn asked() -> impl Strategy<Value = Asked> {
    let addresses: Vec<IpAddr> = ADDRESSES.iter().map(|text| ip(text)).collect();
    let target = (proptest::option::of(select(&NAMES[..])), select(addresses), select(&[0u16, 22, 80, 443, 5432][..]));
    let client = (
        select(&["connect", "connect", "bind", "udp_associate", "resolve"][..]),
        select(&["none", "userpass", "pam.username"][..]),
        proptest::option::weighted(0.9, select(&["192.0.2.7", "198.51.100.7", "2001:db8::9"][..])),
    );
    let moment = (0..3i64, 0..7u8, 0..1440u16);
    let services = (subsequence(&SERVICES[..], 0..=2), any::<bool>());
    (target, client, moment, services).prop_map(|(target, client, moment, (known, accepts))| Asked {
        name: target.0,
        address: Some(target.1),
        port: target.2,
        command: client.0,
        method: client.1,
        source: client.2.map(ip),
        seconds: moment.0,
        day: moment.1,
        minute: moment.2,
        accepting: if accepts { known.clone() } else { Vec::new() },
        refusing: if accepts { Vec::new() } else { known },
    })
}

fn house() -> impl Strategy<Value = (House, &'static str, Vec<&'static str>)> {
    let who = select(&["alice", "bob", "carol", "anonymous"][..]);
    (any::<bool>(), any::<bool>(), who, subsequence(vec!["staff", "ops"], 0..=2)).prop_map(
        |(allows_by_default, private_by_name, name, groups)| {
            let own = OWNERS
                .iter()
                .copied()
                .filter(|owner| *owner == name || *owner == "*" || groups.iter().any(|group| owner[1..] == **group));
            (House { allows_by_default, private_by_name, owners: own.collect() }, name, groups)
        },
    )
}

/// Many rules for few destinations, which differ in sources and ports.
fn crowd() -> impl Strategy<Value = Vec<Written>> {
    let source = select(&["192.0.2.0/24", "192.0.2.7/32", "198.51.100.0/24", "2001:db8::/32"][..]);
    let conditions = (
        proptest::collection::vec(source, 0..3),
        subsequence(vec![(22, 22), (80, 80), (443, 450), (5000, 6000)], 0..3),
        select(&["*", "10.0.0.0/8", "*.company.com"][..]),
    );
    let rule = (conditions, select(&["alice", "*"][..]), proptest::bool::weighted(0.05), -2..3);
    proptest::collection::vec(rule, 100..160).prop_map(|rules| {
        let written = |(line, ((sources, ports, destination), owner, blocks, priority)): (u32, (_, _, _, _))| Written {
            owner,
            blocks,
            is_shadow: false,
            destinations: vec![destination],
            ports,
            protocols: Vec::new(),
            commands: Vec::new(),
            methods: Vec::new(),
            sources,
            priority,
            time: None,
            valid_until: None,
            service: None,
            internal: None,
            line,
        };
        (1..).zip(rules).map(written).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_crowd_of_rules_is_searched_and_nothing_is_missed(rules in crowd(), all in proptest::collection::vec(asked(), 6..12)) {
        let house = House { allows_by_default: false, private_by_name: true, owners: vec!["alice", "*"] };
        let ruleset = compiled(&house, &rules);
        let engine = Engine { rules: &rules, ruleset: &ruleset, name: "alice", groups: &[] };
        for asked in all {
            prop_assert_eq!(engine.decide(&asked), decide(&house, &rules, &asked), "{:?}", asked);
            prop_assert_eq!(engine.steps(&asked), steps(&house, &rules, &asked), "{:?}", asked);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_and_the_model_agree(rules in rules(), (house, name, groups) in house(), all in proptest::collection::vec(asked(), 1..6)) {
        let ruleset = compiled(&house, &rules);
        for asked in all {
            let engine = Engine { rules: &rules, ruleset: &ruleset, name, groups: &groups };
            let expected = decide(&house, &rules, &asked);
            prop_assert_eq!(engine.decide(&asked), expected, "{:?}", asked);
            prop_assert_eq!(engine.steps(&asked), steps(&house, &rules, &asked), "{:?}", asked);
            if asked.name.is_some() {
                let by_name = Asked { address: None, ..asked.clone() };
                prop_assert!(is_sound(&engine, &house, &rules, &by_name), "{:?}", by_name);
            }
        }
    }
}

/// What is said of a name alone is what the model says; only where the model knows that no address could be allowed
/// may the engine look before it says no.
fn is_sound(engine: &Engine<'_>, house: &House, rules: &[Written], asked: &Asked) -> bool {
    let (found, expected) = (engine.decide(asked), decide(house, rules, asked));
    let looks_in_vain = found == Said::Resolve { by: None }
        && matches!(expected, Said::Deny { by: None, .. } | Said::Ask(_))
        && ADDRESSES.iter().all(|address| {
            let said = decide(house, rules, &Asked { address: Some(ip(address)), ..asked.clone() });
            !matches!(said, Said::Allow { .. })
        });
    found == expected || looks_in_vain
}

struct Engine<'e> {
    rules: &'e [Written],
    ruleset: &'e Arc<Ruleset>,
    name: &'static str,
    groups: &'e [&'static str],
}

/// What the model says of each rule that holds for the client, in the order in which rules are credited.
fn steps(house: &House, rules: &[Written], asked: &Asked) -> Vec<(u32, Answer)> {
    let mut own: Vec<&Written> = rules.iter().filter(|rule| house.owners.contains(&rule.owner)).collect();
    own.sort_by_key(|rule| (!rule.blocks, -i64::from(rule.priority), rule.line));
    own.into_iter().map(|rule| (rule.line, answer(house, rule, asked))).collect()
}

impl Engine<'_> {
    fn decide(&self, asked: &Asked) -> Said {
        self.with_request(asked, |view, request| {
            let decision = view.decide(request, &guard());
            assert_eq!(view.explain(request, &guard()).decision, decision);
            self.said(decision)
        })
    }

    fn steps(&self, asked: &Asked) -> Vec<(u32, Answer)> {
        self.with_request(asked, |view, request| {
            let answer = |finding| match finding {
                Finding::Fits => Answer::Yes,
                Finding::Asks(service) => Answer::If(self.service(service)),
                Finding::Misses(_) => Answer::No,
            };
            let steps = view.explain(request, &guard()).steps.into_iter();
            steps.map(|step| (self.ruleset.rule(step.rule).line, answer(step.finding))).collect()
        })
    }

    fn with_request<T>(&self, asked: &Asked, work: impl FnOnce(&View, &Request<'_>) -> T) -> T {
        let who = if self.name == "anonymous" { Who::Anonymous } else { Who::User(self.name) };
        let view = View::new(self.ruleset, who, self.groups.iter().copied());
        let name = asked.name.map(|name| match Destination::parse_name(name.as_bytes()) {
            Ok(Destination::Name(name)) => name,
            other => panic!("{name} is a name, not {other:?}"),
        });
        let target = match (&name, asked.address) {
            (Some(name), Some(address)) => Target::Resolved(name, address),
            (Some(name), None) => Target::Name(name),
            (None, Some(address)) => Target::Address(address),
            (None, None) => panic!("a request goes somewhere"),
        };
        let moment = self.ruleset.moment(asked.seconds, |_| LocalMinute::new(asked.day, asked.minute));
        let services = self.ruleset.services().fold(Services::default(), |services, (id, name)| {
            let services = if asked.accepting.contains(&name) { services.accepting(id) } else { services };
            if asked.refusing.contains(&name) { services.refusing(id) } else { services }
        });
        let request = Request {
            target,
            port: asked.port,
            command: word(asked.command),
            source: asked.source,
            method: word(asked.method),
            moment: &moment,
            services,
        };
        work(&view, &request)
    }

    fn said(&self, Decision { verdict, by, shadow }: Decision) -> Said {
        let line = |rule: acl::RuleId| self.ruleset.rule(rule).line;
        let by = match by {
            By::Rule(rule) => Some(line(rule)),
            By::Default => None,
            By::Guard(reason) => panic!("the guard holds {reason}"),
        };
        match verdict {
            Ruling::Allow => Said::Allow { by, shadow: shadow.map(line) },
            Ruling::Deny => Said::Deny { by, shadow: shadow.map(line) },
            Ruling::Resolve => Said::Resolve { by },
            Ruling::Ask(service) => Said::Ask(self.service(service)),
        }
    }

    fn service(&self, service: ServiceId) -> &'static str {
        let asked = self.ruleset.service(service);
        self.rules.iter().filter_map(|rule| rule.service).find(|known| *known == asked).expect("a rule names it")
    }
}

/// Opens everything, since the guard has tests of its own.
fn guard() -> Guard {
    let open = ["0.0.0.0/0", "::/0"].map(|text| acl::Exception::Network(text.parse().expect("a network")));
    Guard::new(&open, [], [])
}

fn compiled(house: &House, rules: &[Written]) -> Arc<Ruleset> {
    let of = |owner: &str| rules.iter().filter(|rule| rule.owner == owner).map(compiled_rule).collect::<Vec<_>>();
    let user = |name: &str| User { subject: Subject::of(name), groups: Vec::new(), rules: of(name), line: 0 };
    let group = |name: &str| Group { name: name.into(), rules: of(&format!("%{name}")), line: 0 };
    let mut users: Vec<User> = ["bob", "*", "anonymous", "alice"].map(user).into();
    users[0].groups.push(Membership { group: "unknown".into(), line: 0 });
    let default = if house.allows_by_default { Action::Allow } else { Action::Block };
    let private = if house.private_by_name { PrivateByName::Admitted } else { PrivateByName::Denied };
    Arc::new(Ruleset::new(Policy { default, users, groups: ["ops", "staff"].map(group).into() }, private))
}

fn compiled_rule(written: &Written) -> Rule {
    let patterns: Vec<Pattern> = written.destinations.iter().map(|text| Pattern::parse(text).expect(text)).collect();
    let ports = written.ports.iter().map(|(first, last)| Ports::parse(&format!("{first}-{last}")).expect("ports"));
    let schedule = |(days, from, to): &(Vec<u8>, u16, u16)| {
        let hours = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
        let days: Set<Weekday> = days.iter().map(|day| Weekday::ALL[usize::from(*day)]).collect();
        Box::new(Schedule::new(days, [Hours::parse(&hours).expect("hours")], Zone::Host))
    };
    Rule {
        ports: Ports::union(ports).unwrap_or_else(Ports::all),
        protocols: words(&written.protocols),
        priority: written.priority,
        sources: written.sources.iter().map(|text| text.parse().expect("a network")).collect(),
        commands: words::<Command>(&written.commands),
        time: written.time.as_ref().map(schedule),
        valid_until: written.valid_until,
        auth_methods: words::<AuthMethod>(&written.methods),
        pam_service: written.service.map(Into::into),
        internal: written.internal,
        mode: if written.is_shadow { Mode::Shadow } else { Mode::Enforced },
        line: written.line,
        ..Rule::new(if written.blocks { Action::Block } else { Action::Allow }, patterns)
    }
}

fn words<W: Word>(written: &[&str]) -> Set<W> {
    if written.is_empty() { Set::all() } else { written.iter().map(|text| word(text)).collect() }
}

fn word<W: Word>(text: &str) -> W {
    W::ALL.iter().copied().find(|word| word.as_str() == text).expect("a word")
}
