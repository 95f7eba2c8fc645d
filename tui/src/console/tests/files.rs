//! The operator's files: what they say, what a reload would do, another configuration, and who did what.

use crossterm::event::KeyCode;
use serde_json::json;
use wire::admin::{Code, Refusal};

use super::{NOW, PLAIN, Stage};
use crate::bundle::Addresses;
use crate::console::event::{About, Effect, Event};
use crate::console::screen::Screen;
use crate::console::screens::config::AUTOSAVE;
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

const BEFORE: &str = "[server]\nbind_port = 1080\n";
const BROKEN: &str = "[server]\nbind_port = 1081 1082\n";
const AFTER: &str = "[server]\nbind_port = 1081\n";

fn own(what: &'static str) -> About {
    About::Own(Screen::Config, what)
}

/// The screen with its files, of which the rules are wrong.
fn stage() -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("9");
    let problem =
        json!({ "file": "/etc/rustsocks/acl.toml", "line": 31, "column": 12, "message": "range 4000-3000 is empty" });
    let file = |name: &str, store: &str, state: &str, problems: &[&serde_json::Value]| json!({ "component": name, "store": store, "state": state, "gen": 4, "file": "/etc/x.toml", "problems": problems });
    let files = [file("configuration", "config", "same", &[]), file("rules", "acl", "invalid", &[&problem])];
    stage.answer(own("files"), json!({ "components": files }));
    stage.asked();
    stage
}

/// What was handed to the editor, if anything was.
fn in_editor(stage: &mut Stage) -> Option<String> {
    std::mem::take(&mut stage.effects).into_iter().find_map(|effect| {
        let Effect::Edit { name: AUTOSAVE, text } = effect else { return None };
        Some(text)
    })
}

/// The editor is left with this text.
fn leave_editor(stage: &mut Stage, text: &str) {
    stage.event(Event::Edited(AUTOSAVE, Ok(format!("#! base 6\n{text}"))), None);
}

fn edit(stage: &mut Stage, text: &str) {
    stage.keys("e");
    assert_eq!(stage.asked(), [("txn.get", json!({ "store": "config" }))]);
    stage.answer(own("text"), json!({ "gen": 6, "text": BEFORE }));
    assert_eq!(in_editor(stage).as_deref(), Some("#! base 6\n[server]\nbind_port = 1080\n"));
    leave_editor(stage, text);
}

#[test]
fn a_broken_configuration_is_offered_again_and_a_right_one_is_applied_by_a_word() {
    let mut stage = stage();
    edit(&mut stage, BROKEN);
    assert_eq!(stage.asked(), [("txn.validate", json!({ "store": "config", "text": BROKEN }))]);
    let wrong = json!({ "sev": "error", "line": 2, "path": "server.bind_port", "msg": "a number" });
    stage.answer(own("validated"), json!({ "ok": false, "diag": [wrong] }));
    let picture = stage.picture();
    assert!(picture.contains("NOT be in force") && picture.contains("line 2: server.bind_port: a number"), "{picture}");
    stage.keys("qA");
    assert_eq!(stage.asked(), [], "it could not be in force");
    stage.keys("e");
    assert_eq!(in_editor(&mut stage), Some(format!("#! base 6\n{BROKEN}")));
    leave_editor(&mut stage, AFTER);
    stage.asked();
    stage.answer(own("validated"), json!({ "ok": true, "diag": [] }));
    stage.keys("D");
    assert_eq!(stage.asked(), [("txn.diff", json!({ "store": "config", "text": AFTER }))]);
    stage.answer(own("difference"), json!({ "text": "-bind_port = 1080\n+bind_port = 1081\n" }));
    assert!(stage.picture().contains("+bind_port = 1081"), "{}", stage.picture());
    stage.keys("qA \t30\t\tappl");
    assert_eq!(stage.asked(), [], "the word is not there yet");
    assert!(stage.picture().contains("rustsocks-cli config apply FILE --confirm-within 12030s"), "{}", stage.picture());
    stage.keys("y");
    let asked = stage.asked();
    let [("txn.apply", order)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((&order["text"], &order["base"], &order["confirm_s"]), (&json!(AFTER), &json!(6), &json!(12030)));
    stage.answer(own("applied"), json!({ "gen": 7, "needs_restart": ["server.bind_port"], "confirm": null }));
    assert!(
        stage.picture().contains("generation 7 is in force; waits for a start: server.bind_port"),
        "{}",
        stage.picture()
    );
    assert!(stage.effects.contains(&Effect::Forget(AUTOSAVE)));
    stage.asked();
    stage.keys("A");
    assert!(stage.app.ui.overlay.is_none(), "there is no draft any more");
}

#[test]
fn what_was_written_is_lost_neither_to_another_generation_nor_to_another_console() {
    let mut stage = stage();
    edit(&mut stage, AFTER);
    stage.answer(own("validated"), json!({ "ok": true, "diag": [] }));
    stage.keys("A\t\t\tapply");
    stage.effects.clear();
    let conflict = Refusal::new(Code::Conflict, "generation 7 is in force");
    stage.event(Event::Answer(1, Err(conflict)), Some(own("applied")));
    let aside = Effect::SetAside { name: AUTOSAVE, text: format!("#! base 6\n{AFTER}") };
    assert!(stage.effects.contains(&aside), "{:?}", stage.effects);

    let mut stage = self::stage();
    stage.app.config.kept = Some((5, BROKEN.to_owned()));
    stage.keys("e");
    assert_eq!(in_editor(&mut stage), Some(format!("#! base 5\n{BROKEN}")));
    stage.event(Event::Edited(AUTOSAVE, Err("vi ended with 1".to_owned())), None);
    stage.keys("e");
    assert_eq!(in_editor(&mut stage), Some(format!("#! base 5\n{BROKEN}")), "it is still there");
    stage.keys("Xforget");
    assert_eq!(std::mem::take(&mut stage.effects), [Effect::Forget(AUTOSAVE)]);
    edit(&mut stage, BEFORE);
    assert_eq!(stage.effects, [Effect::Forget(AUTOSAVE)], "nothing has changed");
}

#[test]
fn a_reload_is_rehearsed_and_files_are_compared_with_what_is_in_force() {
    let mut stage = stage();
    stage.keys("v");
    assert_eq!(stage.asked(), [("reload.run", json!({ "what": "all", "dry": true }))]);
    let component = json!({ "component": "rules", "result": "failed", "problems": [{ "file": "a.toml", "line": 31, "column": 12, "message": "no" }] });
    stage.answer(own("rehearsal"), json!({ "dry": true, "success": false, "components": [component] }));
    let picture = stage.picture();
    assert!(picture.contains("WOULD FAIL") && picture.contains("! rules: a.toml:31:12 no"), "{picture}");
    stage.keys("qD");
    assert_eq!(stage.asked(), [("txn.diff", json!({ "store": "acl", "file": true }))], "the one that drifts");
    stage.keys("\t");
    stage.key(KeyCode::Enter);
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Detail { .. })));
    stage.key(KeyCode::Esc);
    stage.keys("R usersreload");
    assert_eq!(stage.asked(), [], "another word is not the word");
    stage.key(KeyCode::Esc);
    stage.keys("R  \treload");
    let asked = stage.asked();
    let [("reload.run", order)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(order["what"], "users");
}

#[test]
fn an_earlier_configuration_is_compared_and_brought_back() {
    let mut stage = stage();
    stage.keys("H");
    assert_eq!(stage.asked(), [("txn.history", json!({ "store": "config" }))]);
    let generation =
        |number: u64| json!({ "gen": number, "t": "2026-11-22T07:00:00Z", "by": "anna", "source": "applied" });
    stage.answer(own("generations"), json!([generation(6), generation(5)]));
    stage.keys("j");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), [("txn.diff", json!({ "store": "config", "gen": 5 }))]);
    stage.keys("R5");
    let asked = stage.asked();
    let [("txn.rollback", order)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((&order["store"], &order["to"]), (&json!("config"), &json!(5)));
    stage.key(KeyCode::Esc);
    stage.key(KeyCode::Esc);
    assert_eq!(stage.app.ui.pane, 0);
}

#[test]
fn the_audit_log_is_filtered_and_left_again() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.asked();
    stage.keys("a");
    assert_eq!(stage.asked(), [("audit.query", json!({ "filter": "", "n": 500 }))]);
    let record = |seq: u64, op: &str| json!({ "seq": seq, "t": "2026-11-22T07:00:00Z", "who": { "user": "anna" }, "op": op, "phase": "done" });
    let about = About::Own(Screen::Overview, "audit log");
    stage.answer(
        about.clone(),
        json!({ "records": [record(1, "users.disable"), record(2, "reload.run")], "complete": false }),
    );
    let picture = stage.picture();
    let places = ["reload.run", "users.disable"].map(|op| picture.find(op));
    assert!(places[0].is_some() && places[0] < places[1], "the latest first: {picture}");
    assert!(picture.contains("and earlier ones"), "{picture}");
    stage.keys("/op=reload.run");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), [("audit.query", json!({ "filter": "op=reload.run", "n": 500 }))]);
    stage.answer(about, json!({ "records": [record(2, "reload.run")], "complete": true }));
    stage.key(KeyCode::Enter);
    assert!(stage.picture().contains("What was done"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    stage.key(KeyCode::Esc);
    assert_eq!(stage.asked(), [("audit.query", json!({ "filter": "", "n": 500 }))]);
    stage.key(KeyCode::Esc);
    assert!(stage.picture().contains("Recent changes"), "{}", stage.picture());
}

#[test]
fn places_in_the_log_are_marked_and_its_time_is_paged() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    super::news::logs(&mut stage);
    stage.effects.clear();
    stage.keys("m");
    assert!(stage.picture().contains("-- mark 08:00:00 --"), "{}", stage.picture());
    stage.keys("o");
    let [Effect::Page { text, from, to }] = stage.effects.as_slice() else { panic!("{:?}", stage.effects) };
    assert!(
        from <= to && *to <= NOW && text.contains("-- mark 08:00:00 --") && text.contains("lines are missing"),
        "{text}"
    );
}

#[test]
fn a_bundle_is_written_with_addresses_only_if_they_are_wanted() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    super::news::health(&mut stage);
    stage.effects.clear();
    stage.keys("B\t \t");
    assert!(
        stage.picture().contains("rustsocks-cli support bundle rustsocks-support.tar --addresses"),
        "{}",
        stage.picture()
    );
    stage.keys(" ");
    stage.key(KeyCode::BackTab);
    stage.keys(" \t");
    stage.key(KeyCode::Enter);
    let bundle = Effect::Bundle(Addresses::Masked, "rustsocks-support.tar".to_owned());
    assert_eq!(stage.effects, [bundle]);
    stage.keys("i");
    assert!(stage.picture().contains("> Incidents 1"), "{}", stage.picture());
}
