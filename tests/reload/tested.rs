//! Rules that do not pass the tests beside them are not taken.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rig::rules::Rules;
use rig::service::Service;
use rig::session_log::Line;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, tunnel};

use crate::{SIGNAL_ONLY, assert_passes, launch, start};

const CLOSED: &str = "[global]\ndefault_policy = \"deny\"\n";

/// Only this host may be reached.
const NARROW: &str = r#"
[global]
default_policy = "deny"
[[users]]
username = "*"
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.0/8"]
"#;

const OPEN: &str = "[global]\ndefault_policy = \"allow\"\n";

const TESTS: &str = r#"
[[tests]]
description = "this host can be reached"
destination = "127.0.0.1"
port = 80
expect = "allow"

[[tests]]
description = "nobody else can"
destination = "192.0.2.1"
port = 80
expect = "deny"
"#;

#[test]
fn rules_that_fail_their_tests_are_not_taken() {
    let rules = tested(NARROW, TESTS);
    let service = start(&[SIGNAL_ONLY, &rules.settings()].concat());
    let mut relay = tunnel(service.addr());
    for (text, place, fault) in [
        (OPEN, "acl.tests.toml:8: the test ", "nobody else can\" fails: the rules say allow, by no rule"),
        (CLOSED, "acl.tests.toml:2: the test ", "this host can be reached\" fails: the rules say deny, by no rule"),
    ] {
        rules.rewrite(text);
        let line = service.reload();
        assert_refused(&line, &[place, fault]);
        assert_eq!(connect(&service), rep::SUCCEEDED);
        assert_passes(&mut relay);
    }
    // Its successor is given the rules that were in force.
    let worker = service.worker_pid();
    kill(Pid::from_raw(worker.cast_signed()), Signal::SIGKILL).expect("it is ours");
    assert_ne!(service.successor_of(worker), worker);
    assert_eq!(connect(&service), rep::SUCCEEDED);

    write_tests(&rules, &TESTS.replace("allow", "deny"));
    assert_eq!(service.reload().text("rules"), "applied");
    assert_eq!(connect(&service), rep::NOT_ALLOWED);
}

#[test]
fn tests_that_change_alone_are_run_too() {
    let rules = tested(NARROW, TESTS);
    let service = start(&[SIGNAL_ONLY, &rules.settings()].concat());
    assert_eq!(service.reload().text("rules"), "same");
    write_tests(&rules, &TESTS.replace("192.0.2.1", "127.0.0.9"));
    assert_refused(&service.reload(), &["acl.tests.toml:8: the test "]);
    write_tests(&rules, "[[tests]]\ndestinatoin = \"127.0.0.1\"\n");
    assert_refused(&service.reload(), &["acl.tests.toml:2:1: tests[0].destinatoin: unknown key"]);
    fs::remove_file(path(&rules)).expect("it is there");
    assert_eq!(service.reload().text("rules"), "applied");
    rules.rewrite(OPEN);
    assert_eq!(service.reload().text("rules"), "applied");
    write_tests(&rules, TESTS);
    assert_refused(&service.reload(), &["acl.tests.toml:8: the test "]);
}

#[test]
fn tests_are_watched_like_rules() {
    let rules = Rules::of(NARROW);
    let service = start(&rules.settings());
    write_tests(&rules, &TESTS.replace("allow", "deny"));
    let line = service.next_reload(0);
    assert_eq!(line.text("trigger"), "file");
    assert_refused(&line, &["acl.tests.toml:2: the test "]);
}

#[test]
fn a_service_whose_rules_fail_their_tests_does_not_start() {
    let rules = tested(OPEN, TESTS);
    let refusal = launch(&rules.settings()).refused().expect("it does not start");
    assert_eq!(refusal.code, Some(78), "{refusal:?}");
    assert!(refusal.words.contains("acl.tests.toml:8: the test anonymous 192.0.2.1:80 deny"), "{refusal:?}");
}

fn tested(rules: &str, tests: &str) -> Rules {
    let rules = Rules::of(rules);
    write_tests(&rules, tests);
    rules
}

fn write_tests(rules: &Rules, tests: &str) {
    fs::write(path(rules), tests).expect("the directory is ours");
}

fn path(rules: &Rules) -> std::path::PathBuf {
    rules.path().with_extension("tests.toml")
}

fn assert_refused(line: &Line, words: &[&str]) {
    assert_eq!((line.text("rules"), line.text("level")), ("failed", "ERROR"), "{line:?}");
    for word in words {
        assert!(line.text("problems").contains(word), "{word} is not in {line:?}");
    }
}

fn connect(service: &Service) -> u8 {
    greeted(service.addr()).ask(CONNECT, Target::listen().addr()).code
}
