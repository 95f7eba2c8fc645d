//! Saved tests of the rules, and the sessions that a draft would decide otherwise.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::rules::{changed, difference, draft, effect, open_draft, ops, stage_with_draft, told};
use super::{NOW, PLAIN, Stage};
use crate::console::event::{About, Effect, Event};
use crate::console::live::View;
use crate::console::screen::Screen;
use crate::console::screens::acl::{Page, Topic};

fn tests() -> Value {
    let one = |number: u64, user: &str, dest: &str, expect: &str, pass: bool, about: &str| {
        json!({
            "test": number, "enabled": true, "user": user, "destination": dest, "port": 443, "expect": expect,
            "protocol": "tcp", "addresses": [], "source": null, "description": about, "got": "deny",
            "pass": pass, "fault": if pass { Value::Null } else { json!("the rules say deny, by no rule") },
        })
    };
    let tests = [
        one(1, "alice", "prod-4.company.com", "allow", true, "deploys work"),
        one(2, "eve", "10.0.3.17", "allow", false, ""),
    ];
    json!({ "sha": "5f", "tests": tests, "failed": 1 })
}

/// A draft that fails one of two saved tests.
pub(super) fn open(stage: &mut Stage) {
    open_draft(stage);
    stage.app.model.ops.push("acl.tests.get".to_owned());
    stage.asked();
    stage.keys("t");
    assert_eq!(ops(&stage.asked()), ["acl.tests.get", "acl.tests.run"]);
    stage.answer(About::Acl(Topic::Tests), tests());
    stage.answer(About::Acl(Topic::TestsRun), tests());
    stage.key(KeyCode::Esc);
}

fn stage() -> Stage {
    let mut stage = Stage::connected((100, 30), PLAIN);
    open(&mut stage);
    stage
}

/// Those whom a draft is about.
pub(super) fn open_affected(stage: &mut Stage) {
    open_draft(stage);
    stage.keys("w");
    stage.answer(About::Acl(Topic::Difference), difference());
    let mut answer = effect();
    (answer["digest"], answer["listed_all"]) = (json!("ab12"), json!(true));
    stage.answer(About::Acl(Topic::Effect), answer);
    stage.asked();
    stage.key(KeyCode::Enter);
    stage.answer(About::Window(View::WhatIf), affected());
}

fn affected() -> Value {
    let column = |name: &str, kind: &str| json!({ "name": name, "type": kind, "dynamic": kind == "bytes" });
    let texts = ["id", "user", "src", "own", "dst", "before", "rule_before", "after", "rule_after"];
    let mut cols: Vec<Value> = texts.iter().map(|name| column(name, "text")).collect();
    cols.extend([column("start", "time"), column("down", "bytes")]);
    let row = |id: &str, own: &str, source: &str| {
        json!([
            id,
            "eve",
            source,
            own,
            "10.0.3.17:5432",
            "allow",
            "users/eve#1",
            "deny",
            null,
            NOW - 9_600.0,
            13_314_398
        ])
    };
    let rows = [row("8f2d11", "yes", "10.8.0.77:39001"), row("8f2e00", "no", "10.8.0.78:39120")];
    json!({ "sub": 12, "cols": cols, "total": 24, "matched": 24, "agg": {}, "off": 0, "rows": rows })
}

#[test]
fn saved_tests_are_seen_loaded_changed_and_removed() {
    let mut stage = stage();
    let picture = stage.picture();
    assert!(picture.contains("2 saved tests, 1 failing: apply will ask again"), "{picture}");
    assert!(picture.contains("pass  alice  prod-4.company.com:443") && picture.contains("FAIL  eve"), "{picture}");
    stage.keys("d");
    assert!(stage.picture().contains("no saved test is meant"), "{}", stage.picture());
    stage.keys("\tj");
    stage.key(KeyCode::Enter);
    assert_eq!((&stage.app.acl.request["user"], &stage.app.acl.request["dest"]), (&json!("eve"), &json!("10.0.3.17")));
    stage.key(KeyCode::Esc);
    stage.asked();
    stage.keys("d");
    assert!(stage.picture().contains("rustsocks-cli acl test del 2"), "{}", stage.picture());
    stage.keys("y");
    let asked = stage.asked();
    let (op, p) = &asked[0];
    let wanted = (&json!([{ "op": "test.del", "test": 2 }]), &json!("5f"));
    assert_eq!((*op, (&p["ops"], &p["sha"])), ("acl.tests.put", wanted));
    stage.answer(About::Acl(Topic::TestsPut), json!({ "count": 1 }));
    assert_eq!(ops(&stage.asked()), ["acl.tests.get", "acl.tests.run", "txn.validate"]);
    stage.keys("e");
    // Its last two entries: it does not count any more, and is saved.
    (0..8).for_each(|_| stage.key(KeyCode::Tab));
    stage.keys(" \t");
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    let op = &asked[0].1["ops"][0];
    assert_eq!((&op["op"], &op["test"], &op["set"]["enabled"]), (&json!("test.set"), &json!(2), &json!(false)));
    assert_eq!(op["set"]["source"], Value::Null, "a key that says nothing goes");
    let refusal = Refusal::new(Code::Conflict, "the tests are others by now");
    stage.event(Event::Answer(1, Err(refusal)), Some(About::Acl(Topic::TestsPut)));
    assert!(stage.picture().contains("the tests are others by now"), "{}", stage.picture());
}

#[test]
fn a_request_that_was_tried_is_saved_with_what_the_rules_in_force_say() {
    let mut stage = stage();
    stage.keys("s");
    assert!(stage.picture().contains("try a request first"), "{}", stage.picture());
    stage.keys("t");
    stage.keys("bob\t\tdb.corp\t5432\t\t\t");
    stage.key(KeyCode::Enter);
    stage.answer(About::Acl(Topic::Trial), told("deny", None));
    stage.answer(About::Acl(Topic::DraftTrial), told("allow", Some("users/alice#2")));
    stage.asked();
    stage.keys("s");
    stage.keys("read only");
    assert!(stage.command().contains("deny --description 'read only'"), "{}", stage.command());
    (0..9).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    let test = &asked[0].1["ops"][0]["test"];
    let expected =
        json!({ "description": "read only", "user": "bob", "destination": "db.corp", "port": 5432, "expect": "deny" });
    assert_eq!(*test, expected);
}

#[test]
fn a_draft_that_fails_tests_takes_another_mark_before_the_word() {
    let mut stage = stage();
    stage.key(KeyCode::Esc);
    let said = json!({ "sev": "warn", "line": 0, "path": "tests/2", "msg": "the test eve 10.0.3.17:443 allow fails" });
    let judged = json!({ "ok": true, "diag": [said], "tests": { "count": 2, "failed": 1, "off": 0 } });
    stage.answer(About::Acl(Topic::Remarks), judged);
    stage.keys("A");
    stage.asked();
    stage.answer(About::Acl(Topic::ToApply), effect());
    assert!(stage.picture().contains("! the test eve 10.0.3.17:443 allow fails"), "{}", stage.picture());
    (0..5).for_each(|_| stage.key(KeyCode::Tab));
    stage.keys("apply");
    assert_eq!(stage.asked(), [], "the test is still in the way");
    stage.key(KeyCode::BackTab);
    stage.keys(" ");
    assert!(stage.picture().contains("--despite-tests"), "{}", stage.picture());
    stage.keys("\tapply");
    assert_eq!(stage.asked()[0].1["despite_tests"], true);
}

#[test]
fn whom_a_draft_is_about_is_listed_and_led_to() {
    let mut stage = stage_with_draft();
    stage.keys("w");
    stage.event(Event::Part(1, json!({ "done": 4_000, "of": 10_214 })), Some(About::Acl(Topic::Effect)));
    assert!(stage.picture().contains("4 000 of 10 214 judged   Esc stops"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    assert!(stage.picture().contains("not known yet"));
    let mut stage = Stage::connected((100, 30), PLAIN);
    open_affected(&mut stage);
    let asked = stage.asked();
    assert_eq!((asked[0].0, &asked[0].1["of"], &asked[0].1["digest"]), ("view.open", &json!("whatif"), &json!("ab12")));
    let picture = stage.picture();
    assert!(picture.contains("decides otherwise 24/24") && picture.contains("users/eve#1"), "{picture}");
    assert!(picture.contains("you") && picture.contains("DENY"), "{picture}");
    stage.keys("s");
    assert!(stage.picture().contains("Sort"), "the daemon sorts it: {}", stage.picture());
    stage.key(KeyCode::Esc);
    stage.asked();
    stage.key(KeyCode::Esc);
    assert_eq!(ops(&stage.asked()), ["view.close"]);
    assert!(stage.app.acl.page == Page::Change && stage.app.ui.pane == 0);
    stage.key(KeyCode::Enter);
    stage.app.acl.affected.cursor = Some("8f2d11".to_owned());
    stage.key(KeyCode::Enter);
    assert_eq!((stage.app.ui.screen, stage.app.sessions.live.filter.as_str()), (Screen::Sessions, "id=8f2d11"));
}

#[test]
fn a_question_that_takes_long_is_taken_back() {
    let mut stage = stage_with_draft();
    stage.keys("w");
    stage.key(KeyCode::Esc);
    assert!(stage.effects.contains(&Effect::TakeBack(Screen::Acl)) && stage.app.acl.page == Page::Rules);
}

#[test]
fn who_else_is_writing_is_told_with_place_and_rest() {
    let mut stage = stage_with_draft();
    let writer = |draft: u64, by: &str, tty: Value, idle: u64| json!({ "draft": draft, "by": by, "tty": tty, "base": 41, "rev": 1, "idle_s": idle });
    let mut policy = super::rules::state(41);
    policy["drafts"] = json!([writer(2, "root", json!("pts/1"), 180), writer(3, "anna", Value::Null, 0)]);
    stage.push(9, "policy", policy);
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    assert!(stage.picture().contains("2 editors: you, root pts/1 (3 min)"), "{}", stage.picture());
}

#[test]
fn a_user_who_may_log_in_no_more_is_marked() {
    let mut stage = stage_with_draft();
    stage.answer(About::Acl(Topic::Draft), draft(super::rules::TEXT));
    stage.asked();
    stage.answer(About::Acl(Topic::Disabled), json!({ "sub": 31, "rows": [["alice", "alice"]] }));
    assert_eq!(stage.asked(), [("view.close", json!({ "sub": 31 }))]);
    let picture = stage.picture();
    assert!(picture.lines().any(|line| line.contains("alice") && line.contains(" off")), "{picture}");
}

#[test]
fn a_text_that_the_daemon_cannot_write_is_handed_over() {
    let mut stage = stage_with_draft();
    let refusal = Refusal::new(Code::Invalid, "rules: cannot write /etc/rustsocks/acl.toml: Read-only file system");
    stage.event(Event::Answer(1, Err(refusal)), Some(About::Acl(Topic::Applied)));
    let is_handed = |effect: &Effect| matches!(effect, Effect::SetAside { text, .. } if *text == changed());
    assert!(stage.effects.iter().any(is_handed), "{:?}", stage.effects);
}
