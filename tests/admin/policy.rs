//! Rules are written, tried, applied and taken back through the socket, and the file says what is in force.

use std::fs;

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::rules::Rules;
use rig::service::Service;
use rig::signals::send;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, tunnel};
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{OPERATE, READ, root, ruled, somebody};

/// Everybody may go anywhere on loopback, and there are comments.
pub(crate) const OPEN: &str = r#"# Who may go where.
[global]
default_policy = "deny" # firm

# Nobody in particular.
[[users]]
username = "*"

  # this machine
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.0/8"]
"#;

pub(crate) fn scene() -> (Rules, Service) {
    ruled(OPEN)
}

pub(crate) fn connect(service: &Service, target: &Target) -> u8 {
    greeted(service.addr()).ask(CONNECT, target.addr()).code
}

/// A rule that closes one port of loopback.
fn closing(target: &Target) -> Value {
    json!({
        "action": "block", "description": "closed", "destinations": ["127.0.0.1"],
        "ports": [target.addr().port().to_string()],
    })
}

/// A draft with a rule that closes a port.
fn draft(operator: &mut Conversation, target: &Target) -> Value {
    let draft = operator.ask("txn.draft.open", json!({ "store": "acl" }))["draft"].clone();
    let op = json!({ "op": "rule.add", "owner": "users/*", "rule": closing(target), "before": "users/*#1" });
    operator.ask("txn.draft.op", json!({ "draft": draft, "ops": [op] }));
    draft
}

fn on_disk(rules: &Rules) -> String {
    fs::read_to_string(rules.path()).expect("it is there")
}

#[test]
fn a_rule_is_written_tried_and_applied_and_every_comment_stays() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let [closed, open] = [Target::listen(), Target::listen()];
    let [(client, _t1), _spared] = [tunnel(service.addr()), tunnel(service.addr())];
    let (live, _upstream) = {
        let mut wire = greeted(service.addr());
        assert_eq!(wire.ask(CONNECT, closed.addr()).code, rep::SUCCEEDED);
        (wire, closed.accept())
    };
    drop(client);
    let draft = draft(&mut operator, &closed);
    let valid = operator.ask("txn.validate", json!({ "draft": draft }));
    assert_eq!((&valid["ok"], &valid["counts"]["rules"]), (&json!(true), &json!(2)));
    let difference = operator.ask("txn.diff", json!({ "draft": draft }));
    assert_eq!((&difference["items"][0]["kind"], &difference["items"][0]["ref"]), (&json!("add"), &json!("users/*#1")));
    assert!(difference["text"].as_str().expect("lines").contains("+  action = \"block\""), "{difference}");
    let consequence = operator.ask("acl.whatif", json!({ "draft": draft, "mine": ["127.0.0.1"] }));
    let effect = &consequence["live"];
    assert_eq!((&effect["now_denied"], &effect["mine_denied"]), (&json!(1), &json!(1)), "{effect}");
    assert_eq!(effect["sample"][0]["after"], json!({ "verdict": "deny", "rule": "users/*#1" }));
    assert_eq!((on_disk(&rules).as_str(), connect(&service, &closed)), (OPEN, rep::SUCCEEDED), "nothing counts yet");

    let order = json!({ "draft": draft, "expect_denied": 7, "comment": "no more" });
    let (code, surprise) = operator.refused("txn.apply", order);
    assert_eq!(
        (code.as_str(), &surprise["msg"]),
        ("conflict", &json!("2 live sessions would be denied now, 7 were expected")),
        "somebody has connected since"
    );
    let applied = operator.ask("txn.apply", json!({ "draft": draft, "comment": "no more", "existing": "keep" }));
    assert_eq!((&applied["gen"], &applied["ended"], &applied["confirm"]), (&json!(2), &json!(0), &Value::Null));
    assert_eq!([connect(&service, &closed), connect(&service, &open)], [rep::NOT_ALLOWED, rep::SUCCEEDED]);
    let text = on_disk(&rules);
    for line in OPEN.lines() {
        assert!(text.contains(line), "{line:?} is missing in {text}");
    }
    let generations = operator.ask("txn.history", json!({}));
    let told: Vec<_> = generations.as_array().expect("a list").iter().map(|it| (&it["gen"], &it["source"])).collect();
    assert_eq!(told, [(&json!(2), &json!("applied")), (&json!(1), &json!("file"))]);
    assert_eq!((&generations[0]["by"], &generations[0]["comment"]), (&json!("root"), &json!("no more")));
    let states = |generations: &Value| {
        generations.as_array().expect("a list").iter().map(|it| it["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(states(&generations), ["current", "past"]);
    assert_eq!(operator.ask("txn.get", json!({}))["text"], text.as_str());
    operator.ask("txn.rollback", json!({ "to": 1 }));
    assert_eq!(states(&operator.ask("txn.history", json!({}))), ["current", "rolled_back", "past"]);
    assert_eq!(operator.refused("txn.draft.get", json!({ "draft": draft })).0, "not_found", "it is done");
    drop(live);
}

#[test]
fn sessions_that_the_rules_deny_end_if_the_operator_wants_it() {
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let target = Target::listen();
    let mut live = greeted(service.addr());
    assert_eq!(live.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    let (spared, _t) = tunnel(service.addr());
    let draft = draft(&mut operator, &target);
    let applied = operator.ask("txn.apply", json!({ "draft": draft, "existing": "end_denied" }));
    assert_eq!(applied["ended"], 1);
    assert_eq!(service.session_of(live.local()).text("ending"), "revoked");
    assert_eq!(operator.ask("txn.rollback", json!({ "to": 1 }))["gen"], 3);
    drop(spared);
}

#[test]
fn what_nobody_confirms_goes_again_and_what_is_confirmed_stays() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let target = Target::listen();
    let first = draft(&mut operator, &target);
    let applied = operator.ask("txn.apply", json!({ "draft": first, "confirm_s": 1 }));
    assert_eq!((&applied["gen"], &applied["confirm"]["back_to"]), (&json!(2), &json!(1)));
    assert!(eventually(PATIENCE, || on_disk(&rules) == OPEN), "nobody has confirmed");
    assert!(eventually(PATIENCE, || connect(&service, &target) == rep::SUCCEEDED));
    let generations = operator.ask("txn.history", json!({}));
    assert_eq!((&generations[0]["gen"], &generations[0]["source"]), (&json!(3), &json!("rollback")));

    let second = draft(&mut operator, &target);
    assert_eq!(operator.ask("txn.apply", json!({ "draft": second, "confirm_s": 3600 }))["gen"], 4);
    assert_eq!(operator.ask("txn.get", json!({}))["confirm"]["gen"], 4);
    assert_eq!(operator.refused("txn.confirm", json!({ "gen": 2 })).0, "conflict");
    operator.ask("txn.confirm", json!({ "gen": 4 }));
    assert_eq!(operator.ask("txn.get", json!({}))["confirm"], Value::Null);
    assert_eq!(operator.refused("txn.confirm", json!({ "gen": 4 })).0, "conflict");
    assert_eq!(connect(&service, &target), rep::NOT_ALLOWED);
}

#[test]
fn a_worker_that_dies_before_the_confirmation_takes_the_rules_back_too() {
    let (rules, service) = scene();
    let target = Target::listen();
    let mut operator = root(&service);
    let draft = draft(&mut operator, &target);
    assert_eq!(operator.ask("txn.apply", json!({ "draft": draft, "confirm_s": 4 }))["gen"], 2);
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _next = service.successor_of(worker);
    assert_eq!(connect(&service, &target), rep::NOT_ALLOWED, "it starts with what is in force");
    assert!(eventually(PATIENCE, || on_disk(&rules) == OPEN), "nobody has confirmed");
    assert!(eventually(PATIENCE, || connect(&service, &target) == rep::SUCCEEDED));
    let generations = root(&service).ask("txn.history", json!({}));
    assert_eq!((&generations[0]["gen"], &generations[0]["source"]), (&json!(3), &json!("rollback")));
}

#[test]
fn a_file_that_somebody_has_edited_is_not_overwritten() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let draft = draft(&mut operator, &Target::listen());
    let edited = format!("{OPEN}# by hand\n");
    rules.rewrite(&edited);
    let (_code, refusal) = operator.refused("txn.apply", json!({ "draft": draft }));
    assert_eq!(refusal["data"]["kind"], "file_drift", "{refusal}");
    assert_eq!(on_disk(&rules), edited);

    // If nobody knew of it before, the refusal was a reload that failed.
    operator.ask("reload.run", json!({ "what": "acl" }));
    let (code, refusal) = operator.refused("txn.apply", json!({ "draft": draft }));
    assert_eq!(code, "conflict", "{refusal}");
    let merge = operator.ask("txn.merge", json!({ "draft": draft }));
    assert_eq!((&merge["onto"], &merge["items"][0]["kept"]), (&json!(2), &json!("mine")));
    operator.ask("txn.merge.pick", json!({ "draft": draft }));
    assert_eq!(operator.ask("txn.apply", json!({ "draft": draft }))["gen"], 3);
    let text = on_disk(&rules);
    assert!(text.contains("# by hand") && text.contains("closed"), "{text}");
}

#[test]
fn whoever_may_only_look_is_told_what_there_is_to_say_about_the_rules_in_force() {
    let shadowed = "\n  [[users.rules]]\n  action = \"allow\"\n  destinations = [\"127.0.0.1\"]\n";
    let (_rules, service) = ruled(&[OPEN, shadowed].concat());
    let mut reader = somebody(&service, 4321, &[READ]);
    let said = reader.ask("acl.remarks", json!({}));
    assert_eq!((&said["ok"], &said["counts"]["rules"]), (&json!(true), &json!(2)), "{said}");
    assert_eq!(said["diag"][0]["path"], "users/*#2", "{said}");
    assert_eq!(said, root(&service).ask("txn.validate", json!({ "gen": 1 })));
    assert_eq!(reader.refused("txn.validate", json!({ "gen": 1 })).0, "denied");
}

#[test]
fn what_cannot_be_in_force_is_refused_with_its_place_and_nothing_changes() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let wrong = OPEN.replace("action", "actoin");
    let valid = operator.ask("txn.validate", json!({ "text": wrong }));
    let lines: Vec<_> = valid["diag"].as_array().expect("a list").iter().map(|found| &found["line"]).collect();
    assert_eq!((&valid["ok"], lines), (&json!(false), vec![&json!(10), &json!(11)]), "{valid}");
    assert!(valid["diag"][1]["hint"].as_str().expect("advice").contains("action"), "{valid}");
    let (code, refusal) = operator.refused("txn.apply", json!({ "text": wrong, "base": 1 }));
    assert_eq!(code, "invalid");
    assert!(refusal["msg"].as_str().expect("words").contains("10:"), "{refusal}");
    for (op, p) in [
        ("txn.apply", json!({ "text": OPEN })),
        ("txn.apply", json!({ "text": OPEN, "gen": 1, "base": 1 })),
        ("txn.draft.open", json!({ "store": "users" })),
        ("txn.draft.op", json!({ "draft": 99, "ops": [] })),
        ("txn.rollback", json!({ "to": 99 })),
    ] {
        operator.refused(op, p);
    }
    assert_eq!(
        (on_disk(&rules).as_str(), operator.ask("txn.history", json!({})).as_array().map(Vec::len)),
        (OPEN, Some(1))
    );
}

#[test]
fn rules_that_fail_the_tests_beside_them_are_not_written() {
    let (rules, service) = scene();
    let tests = rules.path().with_file_name("acl.tests.toml");
    fs::write(&tests, "[[tests]]\ndest = \"127.0.0.1\"\nport = 80\nexpect = \"allow\"\n").expect("written");
    let mut operator = root(&service);
    let text = OPEN.replace("\"allow\"", "\"block\"");
    let (_code, refusal) = operator.refused("txn.apply", json!({ "text": text, "base": 1 }));
    assert!(refusal["msg"].as_str().expect("words").contains("acl.tests.toml"), "{refusal}");
    assert_eq!(on_disk(&rules), OPEN);
}

#[test]
fn the_past_is_judged_by_other_rules() {
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let [closed, open] = [Target::listen(), Target::listen()];
    for (target, times) in [(&closed, 3), (&open, 2)] {
        for _ in 0..times {
            let mut wire = greeted(service.addr());
            assert_eq!(wire.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
        }
    }
    let draft = draft(&mut operator, &closed);
    let judged = || {
        let past = root(&service).ask("acl.whatif", json!({ "draft": draft, "hours": 24 }))["past"].clone();
        (past["now_denied"].clone(), past["same"].clone(), past["by_user"].clone())
    };
    let expected = (json!(3), json!(2), json!([{ "user": "anonymous", "now_denied": 3, "now_allowed": 0 }]));
    assert!(eventually(PATIENCE, || judged() == expected), "{:?}", judged());
}

#[test]
fn who_may_only_look_writes_no_rules() {
    let (_rules, service) = scene();
    let mut reader = somebody(&service, 4321, &[READ]);
    assert_eq!(reader.ask("txn.get", json!({}))["text"], OPEN);
    assert_eq!(reader.refused("acl.whatif", json!({ "text": OPEN })).0, "denied");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    assert_eq!(operator.ask("acl.whatif", json!({ "text": OPEN }))["live"]["now_denied"], 0);
    for (op, p) in [
        ("txn.draft.open", json!({})),
        ("txn.apply", json!({ "text": OPEN, "base": 1 })),
        ("txn.rollback", json!({ "to": 1 })),
    ] {
        assert_eq!(operator.refused(op, p).0, "denied", "{op}");
    }
}

#[test]
fn the_requests_of_the_guide_put_a_rule_in_force() {
    let (rules, service) = scene();
    let mut operator = root(&service);
    let guide = include_str!("../../docs/acl-guide.md");
    let (_, block) = guide.split_once("```rap\n").expect("the guide has a conversation");
    let (block, _) = block.split_once("```").expect("it ends");
    for line in block.lines() {
        let request: Value = serde_json::from_str(line.trim_start_matches("C: ")).expect("the guide has JSON");
        operator.ask(request["op"].as_str().expect("an operation"), request["p"].clone());
    }
    assert!(on_disk(&rules).contains("description = \"moved\""), "{}", on_disk(&rules));
    assert_eq!(operator.ask("txn.get", json!({}))["confirm"]["gen"], 2);
}

#[test]
fn a_request_is_tried_against_a_draft_before_it_counts() {
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let target = Target::listen();
    let draft = draft(&mut operator, &target);
    let mut request = json!({ "user": "alice", "dest": "127.0.0.1", "port": target.addr().port(), "explain": true });
    assert_eq!(operator.ask("acl.explain", request.clone())["verdict"], "allow");
    request["draft"] = draft;
    let tried = operator.ask("acl.explain", request);
    let rule = &tried["decision"]["rule"]["name"];
    assert_eq!((&tried["verdict"], rule), (&json!("deny"), &json!("users/*#1")), "{tried}");
    let nonsense = json!({ "text": "[[users]]\n", "dest": "127.0.0.1", "port": 80 });
    assert_eq!(operator.refused("acl.explain", nonsense).0, "invalid");
}

#[test]
fn whoever_watches_is_told_who_writes_and_what_waits() {
    let (_rules, service) = scene();
    let [mut operator, mut watcher] = [root(&service), root(&service)];
    let begun = watcher.ask("txn.sub", json!({ "every_ms": 200 }));
    assert_eq!((&begun["state"]["current"]["gen"], &begun["state"]["drafts"]), (&json!(1), &json!([])), "{begun}");
    let target = Target::listen();
    let draft = draft(&mut operator, &target);
    let mut told = watcher.push();
    while told["d"]["drafts"][0]["rev"] != 1 {
        told = watcher.push();
    }
    assert_eq!((&told["ev"], &told["d"]["drafts"][0]["by"]), (&json!("policy"), &json!("root")), "{told}");
    operator.ask("txn.apply", json!({ "draft": draft, "confirm_s": 3600 }));
    while told["d"]["confirm"].is_null() {
        told = watcher.push();
    }
    let state = &told["d"];
    assert_eq!((&state["current"]["gen"], &state["confirm"]["back_to"]), (&json!(2), &json!(1)), "{state}");
    let earlier = operator.ask("txn.draft.open", json!({ "base": 1 }));
    assert_eq!((&earlier["base"], &earlier["text"]), (&json!(1), &json!(OPEN)), "a draft may go on from before");
    operator.ask("txn.draft.discard", json!({ "draft": earlier["draft"] }));
    operator.ask("txn.confirm", json!({ "gen": 2 }));
    while !told["d"]["confirm"].is_null() || told["d"]["drafts"] != json!([]) {
        told = watcher.push();
    }
}

#[test]
fn a_text_that_cannot_be_read_is_invalid_and_its_place_is_told() {
    let (_rules, service) = scene();
    let mut operator = root(&service);
    let broken = "[global]\ndefault_policy = \"deny\n";
    let draft = operator.ask("txn.draft.open", json!({ "text": broken }))["draft"].clone();
    let op = json!({ "op": "owner.add", "owner": "users/alice" });
    for (op, p) in [
        ("txn.apply", json!({ "draft": draft })),
        ("txn.apply", json!({ "text": broken, "base": 1 })),
        ("txn.diff", json!({ "draft": draft })),
        ("txn.merge", json!({ "draft": draft })),
        ("txn.draft.op", json!({ "draft": draft, "ops": [op] })),
        ("acl.whatif", json!({ "draft": draft })),
        ("acl.tests.run", json!({ "draft": draft })),
        ("acl.tests.put", json!({ "text": broken })),
    ] {
        let (code, refusal) = operator.refused(op, p);
        let found = &refusal["data"]["diag"][0];
        assert_eq!(
            (code.as_str(), &found["sev"], &found["line"]),
            ("invalid", &json!("error"), &json!(2)),
            "{op}: {refusal}"
        );
        assert!(found["col"].is_u64() && found["msg"].is_string(), "{op}: {refusal}");
    }
    let unknown = "[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"a\"\nfoo = 1\n";
    let (code, refusal) = operator.refused("txn.apply", json!({ "text": unknown, "base": 1 }));
    assert_eq!((code.as_str(), &refusal["data"]["diag"][0]["line"]), ("invalid", &json!(5)), "{refusal}");
    assert_eq!(
        operator.ask("txn.validate", json!({ "draft": draft }))["ok"],
        false,
        "what is only looked at is answered"
    );
}
