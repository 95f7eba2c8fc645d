//! Files that cannot be written, and files that somebody has edited by hand: nothing is lost, and the ways out are said.

use std::fs;

use nix::sys::signal::Signal;
use rig::dns::{Dns, Zone};
use rig::rules::Rules;
use rig::service::{Launch, Service};
use rig::signals::send;
use rig::socks5::rep;
use rig::target::Target;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::policy::{OPEN, connect, scene};
use crate::{BY_HAND, LOOPBACK, READ, program, root, settings, somebody, start};

/// Nobody gets anywhere.
fn closed() -> String {
    OPEN.replace("127.0.0.0/8", "192.0.2.0/24")
}

/// A daemon whose rules are on a file system that can only be read.
fn read_only(rules: &Rules) -> Service {
    let place = tempfile::tempdir().expect("a temporary directory can be made");
    let (path, enter) = (rules.path(), place.path().join("enter"));
    let directory = path.parent().expect("it is in a directory").display();
    let script = format!(
        "set -e\nmount --make-rprivate /\nmount --bind {directory} {directory}\nmount -o remount,bind,ro {directory}\nexec \"$@\"\n"
    );
    fs::write(&enter, script).expect("a temporary directory can be written");
    let config = [LOOPBACK, &settings(), BY_HAND, &rules.settings()].concat();
    Launch::of(program()).config(&config).behind(&format!("unshare --mount sh {}", enter.display())).start()
}

#[test]
fn rules_that_cannot_be_written_are_in_force_until_files_are_read_again() {
    let rules = Rules::of(OPEN);
    let service = read_only(&rules);
    let target = Target::listen();
    let mut operator = root(&service);
    let shown = operator.ask("txn.get", json!({}));
    assert_eq!((&shown["writable"], &shown["file"]["state"]), (&json!(false), &json!("same")), "{shown}");
    assert!(shown["why"].as_str().expect("words").contains("cannot write "), "{shown}");
    assert_eq!(shown["file"]["path"], json!(rules.path()));
    let draft = operator.ask("txn.draft.open", json!({ "text": closed() }));
    assert_eq!((&draft["writable"], &draft["why"]), (&json!(false), &shown["why"]), "{draft}");
    let (code, refusal) = operator.refused("txn.apply", json!({ "draft": draft["draft"] }));
    assert_eq!((code.as_str(), &refusal["msg"]), ("readonly_store", &shown["why"]));

    let applied = operator.ask("txn.apply", json!({ "draft": draft["draft"], "run_time": true }));
    assert_eq!(applied["gen"], 2, "{applied}");
    assert_eq!(connect(&service, &target), rep::NOT_ALLOWED);
    assert_eq!(fs::read_to_string(rules.path()).expect("rules"), OPEN, "the file stays as it is");
    let generations = operator.ask("txn.history", json!({}));
    assert_eq!((&generations[0]["source"], &generations[0]["state"]), (&json!("runtime"), &json!("current")));
    let differs = |service: &Service| root(service).ask("txn.get", json!({}))["file"]["state"] == "changed";
    assert!(eventually(PATIENCE, || differs(&service)), "{}", operator.ask("txn.get", json!({})));

    // The next worker serves by what was in force.
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _next = service.successor_of(worker);
    assert_eq!(connect(&service, &target), rep::NOT_ALLOWED);
    let mut operator = root(&service);
    // What never was written is taken back without writing.
    let again = operator
        .ask("txn.apply", json!({ "text": OPEN.replace("127.0.0.0/8", "127.0.0.0/9"), "base": 2, "run_time": true }));
    assert_eq!(
        operator.ask("txn.rollback", json!({ "to": 2 }))["gen"],
        json!(again["gen"].as_u64().expect("a number") + 1)
    );
    assert_eq!(connect(&service, &target), rep::NOT_ALLOWED);
    operator.ask("reload.run", json!({ "what": "acl" }));
    assert_eq!(connect(&service, &target), rep::SUCCEEDED, "the file is read again");
    assert_eq!(operator.ask("txn.get", json!({}))["text"], OPEN);
}

#[test]
fn a_configuration_is_never_in_force_without_its_file() {
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let shown = operator.ask("txn.get", json!({ "store": "config" }));
    assert_eq!((&shown["writable"], &shown["why"]), (&json!(true), &Value::Null), "{shown}");
    let text = format!("{}\n# mine\n", shown["text"].as_str().expect("a text"));
    let order = json!({ "store": "config", "text": text, "base": shown["gen"], "run_time": true });
    assert_eq!(operator.refused("txn.apply", order).0, "bad_request");
    assert_eq!(somebody(&service, 4321, &[READ]).ask("txn.get", json!({}))["writable"], true);
}

/// A daemon whose rule file was edited by hand, and what is said to somebody who applies a draft of 192.0.2.0/24 over it.
fn edited(text: &str) -> (Rules, Service, Value, Value) {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let draft = operator.ask("txn.draft.open", json!({ "text": closed() }))["draft"].clone();
    rules.rewrite(text);
    let (code, refusal) = operator.refused("txn.apply", json!({ "draft": draft }));
    assert_eq!((code.as_str(), &refusal["data"]["kind"]), ("conflict", &json!("file_drift")), "{refusal}");
    assert_eq!(fs::read_to_string(rules.path()).expect("rules"), text);
    (rules, service, draft, refusal["data"].clone())
}

#[test]
fn what_somebody_wrote_into_the_file_is_merged_into_a_draft() {
    let (rules, service, draft, said) = edited(&OPEN.replace("# firm", "# very firm"));
    assert!(said["difference"].as_str().expect("a text").contains("+default_policy = \"deny\" # very firm"), "{said}");
    let mut operator = root(&service);
    let merge = operator.ask("txn.merge", json!({ "draft": draft, "file": true }));
    assert_eq!((&merge["file"], &merge["onto"]), (&json!(true), &json!(1)), "{merge}");
    let merged = operator.ask("txn.merge.pick", json!({ "draft": draft, "file": true }));
    assert_eq!((&merged["base"], &merged["file_sha"]), (&json!(1), &said["file_sha"]), "{merged}");
    let applied = operator.ask("txn.apply", json!({ "draft": draft, "confirm_s": 3600 }));
    let text = fs::read_to_string(rules.path()).expect("rules");
    assert!(text.contains("# very firm") && text.contains("192.0.2.0/24"), "{text}");
    // What stood there is kept, and what waits is the generation after it.
    let generations = operator.ask("txn.history", json!({}));
    assert_eq!(generations[1]["state"], "rejected", "{generations}");
    assert_eq!((&applied["gen"], &applied["confirm"]["gen"]), (&json!(3), &json!(3)), "{applied}");
    assert_eq!(operator.ask("txn.confirm", json!({ "gen": 3 }))["gen"], 3);
}

#[test]
fn a_file_with_faults_is_overwritten_only_by_whoever_has_seen_it() {
    let (rules, service, draft, said) = edited("[[users");
    assert_eq!(said["problems"].as_array().map(Vec::len), Some(1), "{said}");
    let mut operator = root(&service);
    assert_eq!(operator.refused("txn.merge", json!({ "draft": draft, "file": true })).0, "invalid");
    let seen = said["file_sha"].clone();
    rules.rewrite("[[groups");
    let is_other = || {
        let (_, refusal) = operator.refused("txn.apply", json!({ "draft": draft, "expect_file": seen }));
        refusal["data"]["file_sha"] != seen
    };
    assert!(eventually(PATIENCE, is_other), "it is another one by now");
    rules.rewrite("[[users");
    assert!(eventually(PATIENCE, || operator.ask("txn.get", json!({}))["file"]["sha"] == seen));
    let applied = operator.ask("txn.apply", json!({ "draft": draft, "expect_file": seen }));
    assert_eq!((&applied["gen"], fs::read_to_string(rules.path()).expect("rules")), (&json!(3), closed()));
    let rejected = operator.ask("txn.generation", json!({ "gen": 2 }));
    assert_eq!((&rejected["text"], &rejected["generation"]["source"]), (&json!("[[users"), &json!("rejected")));
    assert_eq!(operator.ask("txn.history", json!({}))[0]["state"], "current");
}

#[test]
fn tests_that_were_switched_off_for_rules_on_probation_count_again_with_the_rules_of_before() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let tests = "[[tests]] # mine\ndestination = \"127.0.0.1\"\nport = 80\nexpect = \"allow\"\n";
    operator.ask("acl.tests.put", json!({ "text": tests }));
    let on_disk = || fs::read_to_string(rules.path().with_extension("tests.toml")).expect("tests");
    let apply = |base: u64, seconds: u64| json!({ "text": closed(), "base": base, "despite_tests": true, "confirm_s": seconds });
    let applied = operator.ask("txn.apply", apply(1, 1));
    assert_eq!(applied["tests_off"], json!([1]), "{applied}");
    let is_as_before = || fs::read_to_string(rules.path()).expect("rules") == OPEN && on_disk() == tests;
    assert!(eventually(PATIENCE, is_as_before), "nobody has confirmed: {}", on_disk());
    // By hand too, and by a worker that was not there when they were switched off.
    let applied = operator.ask("txn.apply", apply(3, 3600));
    assert!(on_disk().contains("enabled = false") && applied["confirm"].get("aside").is_none(), "{applied}");
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _next = service.successor_of(worker);
    root(&service).ask("txn.rollback", json!({ "to": 3 }));
    assert!(is_as_before(), "{}", on_disk());
}

#[test]
fn a_name_is_looked_up_for_somebody_who_wants_to_know_what_its_addresses_may() {
    let server = Dns::serve(Zone::default().at("db.test", [127, 0, 0, 9]).at("far.test", [192, 0, 2, 1]));
    let rules = Rules::of(OPEN);
    let limits = "[limits]\nmax_connections_per_source = 9\n";
    let service = start(&[BY_HAND, &server.settings(), limits, &rules.settings()].concat());
    let mut operator = root(&service);
    let ask =
        |dest: &str, resolve: bool| json!({ "dest": dest, "port": 5432, "source": "127.0.0.1", "resolve": resolve });
    let blind = operator.ask("acl.explain", ask("db.test", false));
    assert_eq!(
        (&blind["addresses"], server.asked_for("db.test")),
        (&json!([]), 0),
        "nothing is looked up without a word"
    );
    let near = operator.ask("acl.explain", ask("db.test", true));
    assert_eq!((&near["verdict"], &near["addresses"][0]["address"]), (&json!("allow"), &json!("127.0.0.9")), "{near}");
    assert!(near["limits"].as_array().expect("a list").iter().any(|limit| limit["sessions"] == 9), "{near}");
    assert_eq!(operator.ask("acl.explain", ask("far.test", true))["verdict"], "deny");
    let (code, refusal) = operator.refused("acl.explain", ask("nobody.test", true));
    assert_eq!(
        (code.as_str(), &refusal["msg"]),
        ("unavailable", &json!("nobody.test is not resolved: name not found"))
    );
    let with_addresses = json!({ "dest": "db.test", "port": 1, "resolve": true, "addresses": ["127.0.0.1"] });
    assert_eq!(operator.refused("acl.explain", with_addresses).0, "bad_request");
}
