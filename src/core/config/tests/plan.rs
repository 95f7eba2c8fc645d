//! The example of the original plan, to the letter: what each request of alice, bob and others meets.

use std::net::IpAddr;
use std::sync::Arc;

use acl::{
    AuthMethod, By, Command, Destination, Guard, LocalMinute, PrivateByName, Request, Ruleset, Ruling, Services,
    Target, View, Who,
};

const PLAN: &str = include_str!("data/plan_acl.toml");

/// Who asks for what over TCP (or over UDP, where it says so), and what decides. A name with an address behind `=` has
/// been resolved.
const TABLE: &[(&str, &str, &str)] = &[
    // The company's network, with its ports and both protocols.
    ("alice", "10.0.0.1:22", "allow by users/alice#1"),
    ("alice", "10.0.0.1:80", "allow by users/alice#1"),
    ("alice", "10.255.255.255:443", "allow by users/alice#1"),
    ("alice", "10.0.0.1:3000", "allow by users/alice#1"),
    ("alice", "10.0.0.1:4000", "allow by users/alice#1"),
    ("alice", "10.0.0.1:2999", "deny by default"),
    ("alice", "10.0.0.1:4001", "deny by default"),
    ("alice", "10.0.0.1:443 udp", "allow by users/alice#1"),
    ("alice", "10.0.0.1:53 udp", "deny by default"),
    ("alice", "11.0.0.1:443", "deny by default"),
    ("alice", "::ffff:10.0.0.1:443", "allow by users/alice#1"),
    ("alice", "64:ff9b::a00:1:443", "allow by users/alice#1"),
    ("alice", "2002:a00:1::1:443", "deny by default"),
    // Production: names with a wildcard inside a label, one network, TCP only.
    ("alice", "prod-1.company.com:443", "resolve by users/alice#2"),
    ("alice", "prod-1.company.com=93.184.216.34:443", "allow by users/alice#2"),
    ("alice", "prod-1.company.com=10.0.0.9:5432", "allow by users/alice#2"),
    ("alice", "prod-eu-2.company.com:5432", "resolve by users/alice#2"),
    ("alice", "PROD-1.Company.COM.:443", "resolve by users/alice#2"),
    ("alice", "prod-.company.com:443", "resolve by users/alice#2"),
    ("alice", "prod-1.company.com:80", "resolve by default"),
    ("alice", "prod-1.company.com=93.184.216.34:80", "deny by default"),
    ("alice", "prod-1.company.com=10.0.0.9:80", "allow by users/alice#1"),
    ("alice", "prod-1.company.com:443 udp", "resolve by default"),
    ("alice", "prod-1.company.com=93.184.216.34:443 udp", "deny by default"),
    ("alice", "prod-1.eu.company.com:443", "resolve by default"),
    ("alice", "prod-1.company.com.evil.org=93.184.216.34:443", "deny by default"),
    ("alice", "xprod-1.company.com=93.184.216.34:443", "deny by default"),
    ("alice", "prod.company.com=93.184.216.34:443", "deny by default"),
    ("alice", "192.168.100.20:443", "allow by users/alice#2"),
    ("alice", "192.168.100.20:5432", "allow by users/alice#2"),
    ("alice", "192.168.100.20:22", "deny by default"),
    ("alice", "192.168.100.20:443 udp", "deny by default"),
    ("alice", "192.168.101.20:443", "deny by default"),
    // The admin panel, at every port and by every way there.
    ("alice", "admin.company.com:443", "deny by users/alice#3"),
    ("alice", "admin.company.com:1", "deny by users/alice#3"),
    ("alice", "ADMIN.company.com.:443 udp", "deny by users/alice#3"),
    ("alice", "192.168.100.10:443", "deny by users/alice#3"),
    ("alice", "::ffff:192.168.100.10:443", "deny by users/alice#3"),
    ("alice", "64:ff9b::192.168.100.10:443", "deny by users/alice#3"),
    ("alice", "2002:c0a8:640a::1:443", "deny by users/alice#3"),
    ("alice", "prod-1.company.com=192.168.100.10:443", "deny by users/alice#3"),
    ("alice", "prod-1.company.com=::ffff:192.168.100.10:443", "deny by users/alice#3"),
    ("alice", "admin.company.com=10.0.0.9:443", "deny by users/alice#3"),
    // The developers' rule, which alice inherits.
    ("alice", "app.dev.company.com:8080", "resolve by groups/developers#1"),
    ("alice", "a.b.dev.company.com:9", "resolve by groups/developers#1"),
    ("alice", "dev.company.com:8080", "resolve by default"),
    ("alice", "dev.company.com=93.184.216.34:8080", "deny by default"),
    ("alice", "app.dev.company.com=172.16.0.1:8080 udp", "allow by groups/developers#1"),
    ("alice", "10.1.2.3:8080", "allow by groups/developers#1"),
    ("alice", "10.1.2.3:443", "allow by users/alice#1"),
    ("alice", "10.2.2.3:8080", "deny by default"),
    // Bob, and the readers' rule that nobody is to use SSH.
    ("bob", "db-replica.company.com:5432", "resolve by users/bob#1"),
    ("bob", "db-replica.company.com=10.0.0.5:5432", "allow by users/bob#1"),
    ("bob", "db-replica.company.com:5432 udp", "deny by default"),
    ("bob", "db-replica.company.com:443", "deny by default"),
    ("bob", "db-replica.company.com:22", "deny by groups/readonly#1"),
    ("bob", "db-replica.company.com=10.0.0.5:22", "deny by groups/readonly#1"),
    ("bob", "db-master.company.com:5432", "deny by users/bob#2"),
    ("bob", "db-master.company.com:22", "deny by users/bob#2"),
    ("bob", "10.0.0.1:22", "deny by groups/readonly#1"),
    ("bob", "10.0.0.1:443", "deny by default"),
    ("bob", "prod-1.company.com:443", "deny by default"),
    // Whoever has no rules.
    ("carol", "10.0.0.1:443", "deny by default"),
    ("carol", "db-replica.company.com:5432", "deny by default"),
    ("anonymous", "10.0.0.1:443", "deny by default"),
    // The guard is above all of it.
    ("alice", "127.0.0.1:443", "deny by guard: loopback"),
    ("alice", "prod-1.company.com=127.0.0.1:443", "deny by guard: loopback"),
    ("alice", "app.dev.company.com=169.254.169.254:80", "deny by guard: metadata"),
    ("alice", "app.dev.company.com=64:ff9b::a9fe:a9fe:80", "deny by guard: metadata inside NAT64"),
];

#[test]
fn every_request_meets_the_rule_that_the_plan_means() {
    let policy = config::rules::load("plan_acl.toml", PLAN, &|_| false).unwrap_or_else(|problems| panic!("{problems}"));
    let rules = Arc::new(Ruleset::new(policy, PrivateByName::Admitted));
    for (user, request, expected) in TABLE {
        assert_eq!(decided(&rules, user, request), *expected, "{user} to {request}");
    }
    assert!(TABLE.len() >= 60);
}

fn decided(rules: &Arc<Ruleset>, user: &str, request: &str) -> String {
    let (request, command) =
        request.strip_suffix(" udp").map_or((request, Command::Connect), |request| (request, Command::UdpAssociate));
    let (host, port) = request.rsplit_once(':').expect("a port stands last");
    let (host, address) = host.split_once('=').map_or((host, None), |(host, address)| (host, Some(address)));
    let destination = Destination::parse_name(host.as_bytes()).expect(host);
    let address = address.map(|address| address.parse::<IpAddr>().expect(address));
    let target = match (&destination, address) {
        (Destination::Name(name), Some(address)) => Target::Resolved(name, address),
        (destination, _) => Target::of(destination),
    };
    let moment = rules.moment(0, |_| LocalMinute::new(0, 0));
    let request = Request {
        target,
        port: port.parse().expect("a port"),
        command,
        source: None,
        method: AuthMethod::UserPass,
        moment: &moment,
        services: Services::default(),
    };
    let who = if user == "anonymous" { Who::Anonymous } else { Who::User(user) };
    let decision = View::new(rules, who, []).decide(&request, &Guard::default());
    let by = match decision.by {
        By::Rule(rule) => rules.label(rule),
        By::Default => "default".to_owned(),
        By::Guard(reason) => format!("guard: {reason}"),
    };
    match decision.verdict {
        Ruling::Allow => format!("allow by {by}"),
        Ruling::Deny => format!("deny by {by}"),
        Ruling::Resolve => format!("resolve by {by}"),
        Ruling::Ask(service) => format!("ask {}", rules.service(service)),
    }
}
