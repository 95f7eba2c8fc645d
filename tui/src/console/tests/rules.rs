//! The rules: drafts, what they are compared with, and the ways into force and back.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal, Role};

use super::{PLAIN, Stage};
use crate::console::event::{About, Effect, Event};
use crate::console::screen::Screen;
use crate::console::screens::acl::{AUTOSAVE, Page, Topic};
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

pub(super) const TEXT: &str = r#"[global]
default_policy = "deny"

[[groups]]
name = "ssh-users"

  [[groups.rules]]
  action = "block"
  destinations = ["*"]
  ports = ["23"]
  priority = 500

[[users]]
username = "alice"
groups = ["ssh-users"]

  [[users.rules]]
  action = "allow"
  destinations = ["10.0.0.0/8"]
  ports = ["22", "80"]

  [[users.rules]]
  action = "allow"
  description = "production"
  destinations = ["prod-*.company.com"]
  protocols = ["tcp"]
"#;

/// One rule of alice's changed, one new.
pub(super) fn changed() -> String {
    let new = "\n  [[users.rules]]\n  action = \"block\"\n  destinations = [\"admin.company.com\"]\n";
    TEXT.replace("prod-*.company.com\"", "prod-*.company.com\", \"192.168.100.0/24\"") + new
}

pub(super) fn state(number: u64) -> Value {
    let current = json!({ "gen": number, "sha": "9c1f", "t": "2026-11-22T07:00:00Z", "by": "root", "source": "file" });
    json!({ "current": current, "confirm": null, "drafts": [{ "draft": 3, "by": "anna", "base": 41, "rev": 1 }] })
}

pub(super) fn draft(text: &str) -> Value {
    json!({ "draft": 3, "base": 41, "rev": 1, "by": "anna", "undo": 1, "redo": 0, "text": text })
}

pub(super) fn effect() -> Value {
    let live = json!({
        "evaluated": 10_214, "same": 10_190, "other_rule": 9, "now_denied": 24, "now_allowed": 0, "mine_denied": 0,
        "by_user": [{ "user": "eve", "now_denied": 24, "now_allowed": 0 }], "sample": [],
    });
    json!({ "live": live, "ms": 21 })
}

pub(super) fn difference() -> Value {
    let before = json!({ "action": "allow", "destinations": ["prod-*.company.com"] });
    let after = json!({ "action": "allow", "destinations": ["prod-*.company.com", "192.168.100.0/24"] });
    let item =
        json!({ "owner": "users/alice", "ref": "users/alice#2", "kind": "chg", "before": before, "after": after });
    json!({ "items": [item], "text": "--- running\n+++ draft\n@@ -1 +1 @@\n-old\n+new\n" })
}

pub(super) fn generations() -> Value {
    let one = |number: u64, source: &str, comment: &str| json!({ "gen": number, "t": "2026-11-22T07:00:00.123Z", "by": "anna", "source": source, "comment": comment, "sha": "9c1f", "state": if number == 41 { "current" } else { "rolled_back" } });
    json!([one(41, "applied", "staging for devs"), one(40, "file", "")])
}

pub(super) fn merge() -> Value {
    let rule = |to: &str| json!({ "action": "allow", "destinations": [to] });
    let clean = json!({ "owner": "groups/developers", "ref": "groups/developers#5", "state": "clean", "kept": "mine" });
    let conflict = json!({
        "owner": "users/alice", "ref": "users/alice#2", "state": "conflict", "keys": ["destinations"],
        "base": rule("a"), "mine": rule("b"), "theirs": rule("c"),
    });
    json!({ "onto": 42, "items": [clean, conflict] })
}

pub(super) fn told(verdict: &str, rule: Option<&str>) -> Value {
    let why = json!({ "name": "users/alice#1", "action": "allow", "finding": "misses", "reason": "not in 10.0.0.0/8" });
    json!({
        "verdict": verdict, "decision": { "rule": rule.map(|rule| json!({ "name": rule })) },
        "explanations": [{ "address": null, "rules": [why] }], "notes": [],
    })
}

/// The screen with the rules of generation 41.
pub(super) fn open(stage: &mut Stage) {
    stage.answer(About::Acl(Topic::Watch), json!({ "sub": 9, "state": state(41) }));
    stage.keys("4");
    stage.answer(About::Acl(Topic::Running), json!({ "text": TEXT, "gen": 41 }));
    let hits = json!([{ "name": "users/alice#2", "ref": "users/alice#2", "hits": 120_811, "per_h": 811, "live": 9, "last": super::NOW - 60.0 }]);
    stage.answer(About::Acl(Topic::Hits), json!({ "refs": hits }));
    stage.answer(About::Acl(Topic::Drafts), json!([]));
}

/// The same with a draft of ours.
pub(super) fn open_draft(stage: &mut Stage) {
    open(stage);
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    let remark =
        json!({ "sev": "warn", "line": 25, "path": "users/alice#2", "msg": "is partly covered by users/alice#3" });
    stage.answer(About::Acl(Topic::Remarks), json!({ "ok": true, "diag": [remark] }));
}

pub(super) fn stage() -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    open(&mut stage);
    stage.asked();
    stage
}

pub(super) fn stage_with_draft() -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    open_draft(&mut stage);
    stage.asked();
    stage
}

pub(super) fn ops(asked: &[(&'static str, Value)]) -> Vec<&'static str> {
    asked.iter().map(|(op, _)| *op).collect()
}

#[test]
fn the_first_change_begins_a_draft_and_the_others_go_on_with_it() {
    let mut stage = stage();
    stage.keys("jj\tjd");
    assert_eq!(ops(&stage.asked()), ["txn.draft.open"]);
    stage.answer(About::Acl(Topic::Opened), draft(TEXT));
    let asked = stage.asked();
    assert_eq!(asked[0].0, "txn.draft.op");
    assert_eq!(asked[0].1["ops"], json!([{ "op": "rule.del", "ref": "users/alice#2" }]));
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    assert_eq!(ops(&stage.asked()), ["txn.validate"]);
    assert!(stage.picture().contains("DRAFT 2"), "{}", stage.picture());
    stage.keys("gd");
    assert_eq!(stage.asked()[0].1["ops"][0]["ref"], "users/alice#1");
}

#[test]
fn a_rule_is_filled_in_and_unchanged_keys_stay_as_they_are_written() {
    let mut stage = stage_with_draft();
    stage.keys("jj\te");
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Form(_))));
    stage.key(KeyCode::Tab);
    stage.keys("office");
    (0..4).for_each(|_| stage.key(KeyCode::Tab));
    stage.keys("x");
    assert!(stage.picture().contains("is a whole number"), "{}", stage.picture());
    stage.key(KeyCode::Backspace);
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    let op = &asked[0].1["ops"][0];
    let rule =
        json!({ "action": "allow", "description": "office", "destinations": ["10.0.0.0/8"], "ports": ["22", "80"] });
    assert_eq!((&op["op"], &op["ref"], &op["rule"]), (&json!("rule.set"), &json!("users/alice#1"), &rule));
    let refusal = Refusal::new(Code::BadRequest, "no such port");
    stage.event(Event::Answer(1, Err(refusal)), Some(About::Acl(Topic::Draft)));
    assert!(stage.picture().contains("! bad_request: no such port"), "the form stays and says why");
}

#[test]
fn a_move_changes_who_is_credited_and_only_among_those_that_decide_alike() {
    let mut stage = stage_with_draft();
    stage.keys("jj\t>");
    let asked = stage.asked();
    let op = &asked[0].1["ops"][0];
    assert_eq!(
        (&op["op"], &op["ref"], &op["before"]),
        (&json!("rule.move"), &json!("users/alice#1"), &json!("users/alice#3"))
    );
    assert!(stage.picture().contains("who is credited changes, and no verdict"));
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    stage.asked();
    stage.keys(">");
    assert_eq!(stage.asked(), [], "the next one blocks");
}

#[test]
fn a_draft_is_applied_by_its_word_with_the_number_that_was_shown() {
    let mut stage = stage_with_draft();
    stage.keys("A");
    assert_eq!(ops(&stage.asked()), ["acl.whatif"]);
    stage.answer(About::Acl(Topic::ToApply), effect());
    for _ in 0..4 {
        stage.key(KeyCode::Tab);
    }
    stage.key(KeyCode::Enter);
    stage.keys("appl");
    assert_eq!(stage.asked(), []);
    stage.keys("y");
    let asked = stage.asked();
    let (op, p) = &asked[0];
    assert_eq!(
        (*op, &p["draft"], &p["expect_denied"], &p["confirm_s"]),
        ("txn.apply", &json!(3), &json!(24), &json!(0))
    );
    let pending = json!({ "gen": 42, "back_to": 41, "until": "2026-11-22T08:01:27Z", "by": "anna" });
    stage.answer(About::Acl(Topic::Applied), json!({ "gen": 42, "ended": 0, "confirm": pending }));
    assert!(stage.app.acl.draft.is_none() && stage.effects.contains(&Effect::Forget("console-draft-acl.toml")));
    let shown = stage.app.acl.shown().map(|shown| shown.text.clone());
    assert_eq!((stage.app.acl.base(), shown), (42, Some(changed())), "before the daemon has shown it again");
    let mut waiting = state(42);
    waiting["confirm"] = pending;
    stage.push(9, "policy", waiting);
    assert!(stage.picture().contains("CONFIRM 87s"), "{}", stage.picture());
    stage.asked();
    stage.keys("2Y");
    let asked = stage.asked();
    assert_eq!((asked[1].0, &asked[1].1["gen"]), ("txn.confirm", &json!(42)), "from any screen");
    stage.keys("U");
    stage.keys("y");
    assert_eq!(stage.asked()[0].1["to"], 41);
}

#[test]
fn what_came_in_between_is_merged_before_anything_is_applied() {
    let mut stage = stage_with_draft();
    stage.push(9, "policy", state(42));
    assert!(stage.picture().contains("CONFLICT"));
    stage.asked();
    stage.keys("A");
    assert_eq!(stage.asked(), []);
    stage.keys("m");
    assert_eq!(ops(&stage.asked()), ["txn.merge"]);
    stage.answer(About::Acl(Topic::Merge), merge());
    stage.keys("A");
    assert_eq!(stage.asked(), [], "a conflict is left");
    stage.keys("jb");
    let picture = stage.picture();
    assert!(
        picture.contains("theirs (generation 42, by root, file)") && picture.contains("+ destinations  c"),
        "{picture}"
    );
    assert!(picture.contains("  destinations  c, b"), "what comes of both: {picture}");
    stage.keys("e");
    assert!(stage.picture().contains("Rule users/alice#2, merged"), "{}", stage.picture());
    stage.keys("\t");
    stage.keys("other");
    (0..5).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    assert!(stage.app.ui.overlay.is_none() && stage.picture().contains("description   other"), "{}", stage.picture());
    stage.keys("A");
    let rule = json!({ "action": "allow", "description": "other", "destinations": ["c", "b"] });
    let picks = json!({ "1": { "rule": rule } });
    assert_eq!(stage.asked(), [("txn.merge.pick", json!({ "store": "acl", "draft": 3, "picks": picks }))]);
    let mut merged = draft(&changed());
    merged["base"] = json!(42);
    stage.answer(About::Acl(Topic::Merged), merged);
    assert!(stage.app.acl.page == Page::Rules && !stage.picture().contains("CONFLICT"));
}

#[test]
fn a_draft_outlives_the_daemon_and_the_console() {
    let mut stage = stage_with_draft();
    let kept = format!("#! base 41\n{}", changed());
    let is_kept = |effect: &Effect| matches!(effect, Effect::Keep { text, .. } if *text == kept);
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    assert!(stage.effects.iter().any(is_kept));
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
    stage.meet("another");
    stage.asked();
    stage.answer(About::Acl(Topic::Drafts), json!([]));
    stage.keys("y");
    let text = changed();
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 41, "text": text }))]);
    // One that the daemon has forgotten is opened anew.
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    stage.asked();
    stage.keys("u");
    stage.asked();
    let gone = Refusal::new(Code::NotFound, "there is no draft 3");
    stage.event(Event::Answer(1, Err(gone)), Some(About::Acl(Topic::Draft)));
    assert_eq!(ops(&stage.asked()), ["txn.draft.open"]);
}

#[test]
fn the_text_that_an_editor_leaves_is_the_draft_whatever_it_says() {
    let mut stage = stage();
    stage.keys("T");
    let given = stage.effects.pop();
    assert_eq!(given, Some(Effect::Edit { name: "console-draft-acl.toml", text: format!("#! base 41\n{TEXT}") }));
    stage.event(Event::Edited(AUTOSAVE, Ok("#! base 41\n[[users".to_owned())), None);
    assert_eq!(stage.asked(), [("txn.draft.open", json!({ "store": "acl", "base": 41, "text": "[[users" }))]);
    stage.answer(About::Acl(Topic::Draft), draft("[[users"));
    stage.answer(About::Acl(Topic::Remarks), json!({ "ok": false, "diag": [] }));
    let picture = stage.picture();
    assert!(picture.contains("the draft is no TOML") && picture.contains("NOT VALID"), "{picture}");
    stage.asked();
    stage.keys("A");
    assert_eq!(stage.asked(), [], "it cannot be in force");
    stage.keys("T");
    assert!(matches!(stage.effects.pop(), Some(Effect::Edit { text, .. }) if text == "#! base 41\n[[users"));
}

#[test]
fn whoever_may_only_look_is_told_so_by_every_key_that_changes() {
    let mut stage = stage();
    if let Some(welcome) = &mut stage.app.model.welcome {
        welcome.role = Role::Read;
    }
    stage.keys("jj\t");
    for key in ["a", "e", "d", "<", ">", "T", "A"] {
        stage.app.ui.message = None;
        stage.keys(key);
        assert!(stage.picture().contains("your role is read"), "{key}: {}", stage.picture());
        assert_eq!(stage.asked(), [], "{key}");
        assert!(stage.app.ui.overlay.is_none());
    }
}

#[test]
fn a_session_is_tried_as_a_request_against_both() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    open_draft(&mut stage);
    assert_eq!(stage.app.ui.screen, Screen::Acl);
    stage.asked();
    stage.keys("L");
    assert_eq!(
        stage.command(),
        "rustsocks-cli acl explain alice repo.example.com:443 --source 192.168.1.100",
        "the same for a shell"
    );
    stage.keys("\t\t\t\t\t192.0.2.7");
    let request = r#"{"op":"acl.explain","p":{"addresses":["192.0.2.7"],"dest":"repo.example.com","explain":true,"port":443,"protocol":"tcp","source":"192.168.1.100","user":"alice"}}"#;
    assert_eq!(stage.command(), format!("rustsocks-cli raw '{request}'"));
    stage.keys("\t");
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    assert_eq!(ops(&asked), ["acl.explain", "acl.explain"]);
    let of = |name: &str| asked[1].1[name].clone();
    assert_eq!(
        (of("user"), of("dest"), of("port"), of("draft")),
        (json!("alice"), json!("repo.example.com"), json!(443), json!(3))
    );
    stage.answer(About::Acl(Topic::Trial), told("deny", None));
    stage.answer(About::Acl(Topic::DraftTrial), told("allow", Some("users/alice#2")));
    let picture = stage.picture();
    assert!(picture.contains("generation 41: DENY by the default"), "{picture}");
    assert!(picture.contains("draft: ALLOW by users/alice#2"), "{picture}");
}

#[test]
fn the_default_and_groups_are_changed_where_owners_are() {
    let mut stage = stage_with_draft();
    stage.keys("e");
    assert!(stage.picture().contains("What no rule decides"), "{}", stage.picture());
    stage.keys(" \t");
    assert!(stage.picture().contains("! whatever no rule blocks is allowed then"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    assert_eq!(asked[0].1["ops"], json!([{ "op": "global.set", "default_policy": "allow" }]));
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    stage.asked();
    stage.keys("jje");
    stage.key(KeyCode::End);
    stage.key(KeyCode::Enter);
    stage.keys("developers\t");
    stage.key(KeyCode::Enter);
    let op = json!({ "op": "owner.set", "owner": "users/alice", "groups": ["ssh-users", "developers"] });
    assert_eq!(stage.asked()[0].1["ops"], json!([op]));
    stage.answer(About::Acl(Topic::Draft), draft(&changed()));
    stage.asked();
    stage.keys("d");
    assert_eq!(stage.asked()[0].1["ops"], json!([{ "op": "owner.del", "owner": "users/alice" }]));
    assert!(stage.picture().contains("users/alice is gone from the draft with all rules"), "{}", stage.picture());
}

#[test]
fn whoever_ends_sessions_has_the_rules_of_before_come_back_by_themselves() {
    let mut stage = stage_with_draft();
    stage.keys("A");
    stage.answer(About::Acl(Topic::ToApply), effect());
    assert!(!stage.command().contains("--confirm-within"), "{}", stage.command());
    stage.keys(" ");
    assert!(stage.command().contains("--confirm-within 120s --end-denied"), "{}", stage.command());
    stage.keys("\t ");
    assert!(!stage.command().contains("--confirm-within"), "it can be unmarked: {}", stage.command());
}

#[test]
fn hits_are_told_as_long_as_somebody_looks() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.app.model.ops.push("acl.hits.sub".to_owned());
    open(&mut stage);
    let is_asked = |asked: &[(&str, Value)]| asked.iter().any(|(op, _)| *op == "acl.hits.sub");
    assert!(is_asked(&stage.asked()));
    stage.answer(About::Acl(Topic::Hits), json!({ "sub": 17, "refs": [] }));
    stage.keys("r");
    assert!(!is_asked(&stage.asked()), "it is told already");
    let told =
        json!({ "refs": [{ "ref": "users/alice#1", "hits": 40_000, "per_h": 3_104, "last": super::NOW, "live": 12 }] });
    stage.push(17, "hits", told);
    stage.keys("jj\t");
    let picture = stage.picture();
    assert!(picture.contains("3 104") && picture.contains("12 live sessions"), "{picture}");
    stage.keys("2");
    assert!(stage.asked().contains(&("meta.close", json!({ "sub": 17 }))));
    stage.answer(About::Acl(Topic::Hits), json!({ "sub": 18, "refs": [] }));
    assert_eq!(stage.asked(), [("meta.close", json!({ "sub": 18 }))], "nobody looks any more");
}

#[test]
fn a_draft_of_this_console_goes_on_in_another_run_of_the_daemon() {
    let mut stage = stage_with_draft();
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
    stage.meet("another");
    stage.asked();
    let ops = ["txn.sub", "txn.get"].map(|op| json!({ "op": op }));
    stage.answer(About::Ops, json!({ "ops": ops }));
    let asked = stage.asked();
    assert_eq!(asked[1], ("txn.draft.open", json!({ "store": "acl", "base": 41, "text": changed() })));
    stage.answer(About::Acl(Topic::Drafts), json!([]));
    assert!(stage.app.ui.overlay.is_none(), "nobody is asked");
    stage.answer(About::Acl(Topic::Opened), draft(&changed()));
    assert!(stage.picture().contains("DRAFT 2") && stage.app.acl.kept.is_none(), "{}", stage.picture());
}
