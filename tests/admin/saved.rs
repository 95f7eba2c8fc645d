//! Saved tests of the rules: written, run and obeyed through the socket, beside the rule file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::rules::Rules;
use rig::service::Service;
use rig::signals::send;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{OPERATE, READ, root, ruled, somebody};

const OPEN: &str = r#"[global]
default_policy = "deny"

[[users]]
username = "*"

  # this machine
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.0/8"]
"#;

fn scene() -> (Rules, Service) {
    ruled(OPEN)
}

fn path(rules: &Rules) -> PathBuf {
    rules.path().with_extension("tests.toml")
}

fn on_disk(rules: &Rules) -> String {
    fs::read_to_string(path(rules)).expect("the tests are there")
}

fn test(destination: &str, expect: &str) -> Value {
    json!({ "description": "this host", "destination": destination, "port": 80, "expect": expect })
}

fn add(operator: &mut Conversation, test: &Value) -> Value {
    operator.ask("acl.tests.put", json!({ "ops": [{ "op": "test.add", "test": test }] }))
}

#[test]
fn tests_are_written_beside_the_rules_run_and_taken_out() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let none = operator.ask("acl.tests.get", json!({}));
    assert_eq!((&none["tests"], &none["text"]), (&json!([]), &json!("")));
    add(&mut operator, &test("127.0.0.1", "allow"));
    let [tests, own] = [path(&rules), rules.path()].map(|path| fs::metadata(path).expect("it is there"));
    assert_eq!((tests.mode(), tests.uid(), tests.gid()), (own.mode(), own.uid(), own.gid()));
    let remarked = format!("# Ours.\n{}", on_disk(&rules));
    let shown = operator.ask("acl.tests.get", json!({}));
    operator.ask("acl.tests.put", json!({ "text": remarked, "sha": shown["sha"], "comment": "whose" }));
    let (code, _) = operator.refused("acl.tests.put", json!({ "text": remarked, "sha": shown["sha"] }));
    assert_eq!(code, "conflict", "somebody has written others since");
    // One for rules that are still to come does not count.
    let (code, refusal) =
        operator.refused("acl.tests.put", json!({ "ops": [{ "op": "test.add", "test": test("192.0.2.1", "allow") }] }));
    assert_eq!((code.as_str(), &refusal["data"]["tests"][0]["test"]), ("invalid", &json!(2)), "{refusal}");
    let mut coming = test("192.0.2.1", "allow");
    coming["enabled"] = false.into();
    assert_eq!(add(&mut operator, &coming)["count"], 2);
    assert!(on_disk(&rules).starts_with("# Ours.\n[[tests]]\n"), "{}", on_disk(&rules));

    let ran = operator.ask("acl.tests.run", json!({}));
    let [first, second] = [&ran["tests"][0], &ran["tests"][1]];
    assert_eq!((&first["pass"], &first["got"], &first["by"]), (&json!(true), &json!("allow"), &json!("users/*#1")));
    assert_eq!((&second["pass"], &second["enabled"], &ran["failed"]), (&json!(false), &json!(false), &json!(0)));
    let closed = operator.ask("acl.tests.run", json!({ "text": OPEN.replace("127.0.0.0/8", "10.0.0.0/8") }));
    assert_eq!((&closed["failed"], &closed["tests"][0]["pass"]), (&json!(1), &json!(false)), "{closed}");

    let gone = json!([{ "op": "test.del", "test": 2 }, { "op": "test.del", "test": 1 }]);
    let (code, _) = operator.refused("acl.tests.put", json!({ "ops": gone }));
    assert_eq!(code, "bad_request", "a number means nothing without the text that has it");
    let shown = operator.ask("acl.tests.get", json!({}));
    operator.ask("acl.tests.put", json!({ "ops": gone, "sha": shown["sha"] }));
    assert_eq!((on_disk(&rules).as_str(), operator.ask("acl.tests.get", json!({}))["tests"].clone()), ("", json!([])));
    let records = operator.ask("audit.query", json!({ "filter": "op=acl.tests.put phase=done" }));
    assert_eq!(records["records"].as_array().or(records.as_array()).map(Vec::len), Some(4), "{records}");
}

#[test]
fn rules_that_fail_a_test_come_only_if_it_is_switched_off() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    add(&mut operator, &test("127.0.0.1", "allow"));
    add(&mut operator, &test("192.0.2.1", "deny"));
    let before = on_disk(&rules);
    let draft =
        operator.ask("txn.draft.open", json!({ "text": OPEN.replace("127.0.0.0/8", "192.0.2.0/24") }))["draft"].clone();
    let judged = operator.ask("txn.validate", json!({ "draft": draft }));
    assert_eq!((&judged["ok"], &judged["tests"]), (&json!(true), &json!({ "count": 2, "failed": 2, "off": 0 })));
    let said = &judged["diag"][0];
    assert_eq!((&said["sev"], &said["path"]), (&json!("warn"), &json!("tests/1")), "{judged}");
    assert!(
        said["msg"].as_str().expect("words").contains("anonymous 127.0.0.1:80 allow \"this host\" fails"),
        "{said}"
    );

    let (code, refusal) = operator.refused("txn.apply", json!({ "draft": draft }));
    assert_eq!((code.as_str(), refusal["data"]["tests"].as_array().map(Vec::len)), ("invalid", Some(2)), "{refusal}");
    assert_eq!((fs::read_to_string(rules.path()).expect("rules"), on_disk(&rules)), (OPEN.to_owned(), before.clone()));

    let applied = operator.ask("txn.apply", json!({ "draft": draft, "despite_tests": true }));
    assert_eq!((&applied["gen"], &applied["tests_off"]), (&json!(2), &json!([1, 2])));
    assert_eq!(on_disk(&rules).matches("enabled = false").count(), 2);
    // What is in force now is what a service would start by.
    assert_eq!(operator.ask("reload.run", json!({}))["success"], true);
    let shown = operator.ask("acl.tests.get", json!({}));
    let on = json!([{ "op": "test.set", "test": 1, "set": { "enabled": null } }]);
    let (_, refusal) = operator.refused("acl.tests.put", json!({ "ops": on, "sha": shown["sha"] }));
    assert!(refusal["msg"].as_str().expect("words").starts_with("the saved test 1 fails: "), "{refusal}");
    operator.ask("txn.rollback", json!({ "to": 1 }));
    let on = [1, 2].map(|test| json!({ "op": "test.set", "test": test, "set": { "enabled": null } }));
    operator.ask("acl.tests.put", json!({ "ops": on, "sha": shown["sha"] }));
    assert_eq!(on_disk(&rules), before);
}

#[test]
fn tests_that_were_switched_off_for_nothing_are_switched_on_again() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    add(&mut operator, &test("127.0.0.1", "allow"));
    let before = on_disk(&rules);
    // Somebody has edited the rule file, so nothing is written over it.
    fs::write(rules.path(), format!("{OPEN}# mine\n")).expect("it is ours");
    let text = OPEN.replace("127.0.0.0/8", "192.0.2.0/24");
    let (_, refusal) = operator.refused("txn.apply", json!({ "text": text, "base": 1, "despite_tests": true }));
    assert_eq!(refusal["data"]["kind"], "file_drift", "{refusal}");
    assert_eq!(on_disk(&rules), before);
}

#[test]
fn what_nobody_confirms_goes_again_whatever_was_tested_since() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let text = OPEN.replace("127.0.0.0/8", "192.0.2.0/24");
    // Nobody has read them before the rules come that pass them; those of before would not.
    let tests = "[[tests]]\ndestination = \"192.0.2.1\"\nport = 80\nexpect = \"allow\"\n";
    fs::write(path(&rules), tests).expect("it is ours");
    let applied = operator.ask("txn.apply", json!({ "text": text, "base": 1, "confirm_s": 1 }));
    assert_eq!(applied["confirm"]["gen"], 2);
    let is_back = || fs::read_to_string(rules.path()).expect("rules") == OPEN;
    assert!(eventually(PATIENCE, is_back), "{}", operator.ask("txn.get", json!({})));
    assert!(on_disk(&rules).contains("enabled = false"), "{}", on_disk(&rules));
}

/// Rules on probation for this many seconds, for which a test was switched off, and the tests as they were before.
fn on_probation(rules: &Rules, service: &Service, seconds: u64) -> String {
    let mut operator = root(service);
    add(&mut operator, &test("127.0.0.1", "allow"));
    let before = on_disk(rules);
    let text = OPEN.replace("127.0.0.0/8", "192.0.2.0/24");
    let order = json!({ "text": text, "base": 1, "despite_tests": true, "confirm_s": seconds });
    assert_eq!(operator.ask("txn.apply", order)["tests_off"], json!([1]));
    assert!(on_disk(rules).contains("enabled = false"), "{}", on_disk(rules));
    before
}

/// The rules of before are back, and nothing waits any more.
fn is_over(rules: &Rules, service: &Service) {
    let is_back = || fs::read_to_string(rules.path()).expect("rules") == OPEN;
    assert!(eventually(2 * PATIENCE, is_back), "nobody has confirmed");
    let nothing_waits = || root(service).ask("txn.get", json!({}))["confirm"] == Value::Null;
    assert!(eventually(PATIENCE, nothing_waits), "it is over");
}

#[test]
fn a_test_counts_again_when_nobody_confirms_whichever_worker_is_there_then() {
    let (rules, service) = scene();
    let before = on_probation(&rules, &service, 1);
    is_over(&rules, &service);
    assert_eq!(on_disk(&rules), before, "nobody was there");

    let (rules, service) = scene();
    let before = on_probation(&rules, &service, 6);
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _next = service.successor_of(worker);
    is_over(&rules, &service);
    assert_eq!(on_disk(&rules), before, "the worker died");

    let (rules, service) = scene();
    let before = on_probation(&rules, &service, 6);
    let worker = service.worker_pid();
    service.process.signal(Signal::SIGUSR2);
    let _next = service.successor_of(worker);
    is_over(&rules, &service);
    assert_eq!(on_disk(&rules), before, "another program came");
}

#[test]
fn a_test_counts_again_among_others_that_were_saved_since() {
    let (rules, service) = scene();
    on_probation(&rules, &service, 3600);
    let mut operator = root(&service);
    add(&mut operator, &test("198.51.100.1", "deny"));
    operator.ask("txn.rollback", json!({ "to": 1 }));
    assert!(!on_disk(&rules).contains("enabled"), "{}", on_disk(&rules));
    assert_eq!(operator.ask("acl.tests.get", json!({}))["tests"].as_array().map(Vec::len), Some(2));
}

#[test]
fn whoever_may_only_look_sees_tests_and_writes_none() {
    let (_rules, service) = scene();
    let change = json!({ "text": "" });
    let mut reader = somebody(&service, 4321, &[READ]);
    assert_eq!(reader.ask("acl.tests.get", json!({}))["tests"], json!([]));
    assert_eq!(reader.refused("acl.tests.run", json!({})).0, "denied");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    assert_eq!(operator.ask("acl.tests.run", json!({}))["failed"], 0);
    assert_eq!(operator.refused("acl.tests.put", change).0, "denied");
    for (nonsense, code) in [
        (json!({}), "bad_request"),
        (json!({ "text": "", "ops": [{}] }), "bad_request"),
        (json!({ "text": "[[tests]]\nport = 1\n" }), "invalid"),
    ] {
        assert_eq!(root(&service).refused("acl.tests.put", nonsense).0, code);
    }
}

#[test]
fn the_sessions_that_other_rules_mean_are_looked_at() {
    use rig::target::tunnel;
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let (_client, _far) = tunnel(service.addr());
    let question = json!({ "text": OPEN.replace("127.0.0.0/8", "192.0.2.0/24"), "mine": ["127.0.0.1"] });
    let answer = operator.ask("acl.whatif", question.clone());
    let live = &answer["live"];
    assert_eq!((&live["now_denied"], &live["mine"], &live["mine_denied"]), (&json!(1), &json!(1), &json!(1)));
    let mut view = operator.ask(
        "view.open",
        json!({ "of": "whatif", "digest": answer["digest"], "filter": "own=yes after=deny", "every_ms": 200 }),
    );
    let names: Vec<Value> =
        view["cols"].as_array().expect("columns").iter().map(|column| column["name"].clone()).collect();
    let row: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .zip(view["rows"][0].as_array().expect("a row").clone())
        .collect();
    assert_eq!(
        (&row["before"], &row["rule_before"], &row["after"]),
        (&json!("allow"), &json!("users/*#1"), &json!("deny"))
    );
    assert_eq!((&view["matched"], &row["own"], &row["rule_after"]), (&json!(1), &json!("yes"), &Value::Null));
    // The same change has the same digest; others are refused by it.
    let again = operator.ask("acl.whatif", question.clone());
    assert_eq!(again["digest"], answer["digest"]);
    let (_another, _far) = tunnel(service.addr());
    let order = json!({ "text": question["text"], "base": 1, "expect_whatif": answer["digest"] });
    assert_eq!(operator.refused("txn.apply", order).0, "conflict", "somebody has come since");
    operator.ask("sessions.kill", json!({ "ids": [row["id"]] }));
    while !view["d"]["gone"].is_array() {
        view = operator.push();
    }
    assert_eq!(view["d"]["gone"], json!([[row["id"], "killed"]]), "{view}");
    for (p, code) in
        [(json!({ "of": "whatif" }), "bad_request"), (json!({ "of": "whatif", "digest": "0".repeat(64) }), "not_found")]
    {
        assert_eq!(operator.refused("view.open", p).0, code);
    }
}

#[test]
fn hits_are_told_with_the_sessions_that_are_in_by_them() {
    use rig::target::tunnel;
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let told = operator.ask("acl.hits.sub", json!({ "owner": "users/*", "every_ms": 200 }));
    assert_eq!((&told["refs"][0]["ref"], &told["refs"][0]["live"]), (&json!("users/*#1"), &json!(0)));
    assert_eq!(operator.ask("acl.hits", json!({ "owner": "groups/none" }))["refs"], json!([]));
    let (_client, _far) = tunnel(service.addr());
    let mut news = operator.push();
    while news["d"]["refs"][0]["live"] != 1 {
        news = operator.push();
    }
    let rule = &news["d"]["refs"][0];
    assert_eq!((&rule["hits"], &rule["per_h"]), (&json!(1), &json!(1)), "{news}");
}
