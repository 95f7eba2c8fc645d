//! The tests of rules: how they are written, and every way in which they are refused.

use acl::{Action, AuthMethod, Command};
use config::rule_tests::{Test, load};

#[test]
fn a_test_has_everything_that_a_request_has() {
    let text = r#"
[[tests]]
description = "deploys work"
user = "alice"
groups = ["vpn", "staff"]
destination = "Prod-4.company.com."
addresses = ["10.0.0.9", "2001:db8::9"]
port = 443
command = "bind"
source = "192.0.2.7"
auth_method = "pam.username"
time = 2027-01-31T18:00:00+01:00
pam_services = ["rustsocks-vpn"]
expect = "allow"
rule = "users/alice#2"

[[tests]]
destination = "::ffff:10.0.0.1"
port = 53
protocol = "udp"
expect = "deny"
"#;
    let tests = load("acl.tests.toml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let [first, second] = &tests[..] else { panic!("two tests, not {tests:?}") };
    assert_eq!((first.description.as_str(), first.user.as_deref()), ("deploys work", Some("alice")));
    assert_eq!((first.destination.to_string().as_str(), first.port), ("prod-4.company.com", 443));
    assert_eq!(first.groups, ["vpn", "staff"]);
    assert_eq!(first.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.9", "2001:db8::9"]);
    assert_eq!((first.command, first.expect), (Command::Bind, Action::Allow));
    assert_eq!(first.source.map(|source| source.to_string()).as_deref(), Some("192.0.2.7"));
    assert_eq!((first.auth_method, first.time), (Some(AuthMethod::PamUsername), Some(1_801_414_800)));
    assert_eq!(
        (&first.pam_services[..], first.rule.as_deref()),
        (&["rustsocks-vpn".to_owned()][..], Some("users/alice#2"))
    );
    assert_eq!([first.line, second.line], [2, 17]);
    let nothing = Test {
        description: String::new(),
        user: None,
        groups: Vec::new(),
        addresses: Vec::new(),
        source: None,
        auth_method: None,
        time: None,
        pam_services: Vec::new(),
        rule: None,
        ..second.clone()
    };
    assert_eq!(*second, nothing);
    assert_eq!((second.destination.to_string().as_str(), second.command), ("10.0.0.1", Command::UdpAssociate));
    assert_eq!((second.port, second.expect), (53, Action::Block));
    assert!(first.enabled && second.enabled, "a test counts unless it is switched off");
    let off = text.replace("port = 53", "enabled = false\nport = 53");
    let tests = load("acl.tests.toml", &off).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(tests.iter().map(|test| test.enabled).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn every_problem_of_a_test_is_reported() {
    let text = r#"[[tests]]
destination = "127.1"
port = 70000
expect = "maybe"
[[tests]]
protocol = "udp"
command = "connect"
expected = "allow"
[[tests]]
destination = "10.0.0.1"
addresses = ["10.0.0.2"]
port = 443
expect = "allow"
description = ""
[[test]]
"#;
    let expected = [
        r#"acl.tests.toml:2:15: tests[0].destination: "127.1" cannot be asked for: the name is an unusual spelling of an address; write "db.example.com" or "192.0.2.1""#,
        "acl.tests.toml:3:8: tests[0].port: must be a whole number from 0 to 65535, not 70000",
        r#"acl.tests.toml:4:10: tests[0].expect: "maybe" is not known; known are allow, deny, block"#,
        r#"acl.tests.toml:5:1: tests[1].destination: is missing; add destination = "db.example.com""#,
        "acl.tests.toml:5:1: tests[1].port: is missing; add port = 443",
        r#"acl.tests.toml:5:1: tests[1].expect: is missing; add expect = "allow""#,
        "acl.tests.toml:7:11: tests[1].command: connect is not udp; remove one of the two keys",
        r#"acl.tests.toml:8:1: tests[1].expected: unknown key; did you mean "expect"?"#,
        "acl.tests.toml:11:13: tests[2].addresses: are for names, and the destination is an address; remove them",
        "acl.tests.toml:14:15: tests[2].description: cannot be used here; use 1 to 500 bytes on one line",
        r#"acl.tests.toml:15:3: test: unknown table or key; did you mean "tests"?"#,
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn a_file_without_tests_tests_nothing() {
    let expected =
        "acl.tests.toml:1:1: tests: the file has no test, so nothing would be found out; add a [[tests]] table";
    assert_eq!(problems("# later\n"), [expected]);
}

fn problems(text: &str) -> Vec<String> {
    let problems = load("acl.tests.toml", text).expect_err("the file is wrong");
    problems.as_slice().iter().map(ToString::to_string).collect()
}
