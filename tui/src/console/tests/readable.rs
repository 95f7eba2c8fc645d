//! On the smallest usual terminal, nothing that somebody has to act on is cut, and what is not there is not waited for.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::rules::{open, stage_with_draft, state};
use super::{NOW, PLAIN, Stage};
use crate::console::event::{About, Effect, Event};
use crate::console::live::View;
use crate::console::screen::Screen;
use crate::console::screens::acl::Topic;
use crate::console::screens::config::AUTOSAVE;

const SIZE: (u16, u16) = (80, 24);

/// Longer than any line of that terminal.
const LONG: &str = "the file /etc/rustsocks/policies/company-wide/acl.toml:1234:17 says something else than what is in \
                    force since generation 41, and nobody has said why";

/// What is on the screen, without its frames and where its lines part.
fn words(stage: &mut Stage) -> String {
    let picture = stage.picture();
    let lines = picture.lines().map(|line| line.trim_matches(|sign: char| sign == '|' || sign == ' '));
    lines.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table that came without a row.
fn nobody() -> Value {
    let column = |name: &str| json!({ "name": name, "type": "text", "dynamic": false });
    json!({ "sub": 3, "cols": [column("id"), column("name")], "total": 0, "matched": 0, "off": 0, "rows": [] })
}

#[test]
fn a_filter_in_force_is_read_whole_and_covers_no_row() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    let rows = stage.app.visible();
    stage.keys("/usr=");
    stage.key(KeyCode::Enter);
    (0..4).for_each(|_| stage.key(KeyCode::Backspace));
    let filter = "user in frank,alice,bob,erin and port in 80,443,5432 and not host=nowhere.example.org and up>=0";
    stage.keys(filter);
    stage.key(KeyCode::Enter);
    let seen = words(&mut stage);
    assert!(seen.contains(&format!("filter: {filter} Esc clears it")) && !seen.contains("column 1"), "{seen}");
    assert_eq!(stage.app.visible(), rows - 1);
}

#[test]
fn both_sides_of_a_conflict_are_read_whole() {
    let mut stage = stage_with_draft();
    stage.app.ui.size = SIZE;
    stage.terminal.backend_mut().resize(SIZE.0, SIZE.1);
    stage.push(9, "policy", state(42));
    stage.asked();
    stage.keys("m");
    let host = |name: &str| format!("{name}.a-rather-long-name-of-a-department.in.a.company.example");
    let rule = |name: &str| json!({ "action": "allow", "destinations": [host(name)], "description": LONG });
    let conflict = json!({
        "owner": "users/alice", "ref": "users/alice#2", "state": "conflict", "keys": ["destinations"],
        "base": rule("before"), "mine": rule("mine"), "theirs": rule("theirs"),
    });
    stage.answer(About::Acl(Topic::Merge), json!({ "onto": 42, "items": [conflict] }));
    let picture = stage.picture();
    let line = picture.lines().find(|line| line.contains("! CONFLICT  users/alice#2")).unwrap_or_default();
    assert!(line.contains("[? m, t, b or e]") && !line.contains(".."), "{picture}");
    stage.keys("b");
    assert!(stage.picture().contains("... Enter shows all of it"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    let seen = words(&mut stage);
    for (sign, name) in [("+", "theirs"), ("-", "before"), ("+", "mine")] {
        assert!(seen.contains(&format!("{sign} destinations {}", host(name))), "{name}: {seen}");
    }
    (0..3).for_each(|_| stage.keys("j"));
    let seen = words(&mut stage);
    assert!(seen.contains(&format!("result action allow description {LONG}")), "read on: {seen}");
    stage.keys("q");
    assert!(stage.picture().contains("m mine  t theirs"), "back in the merge: {}", stage.picture());
}

#[test]
fn what_to_look_at_is_read_whole_and_the_one_that_is_meant_is_seen() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    let item = |text: String| json!({ "sev": "warn", "key": "drift", "text": text, "screen": "config" });
    let items: Vec<Value> = (1..=4).map(|number| item(format!("number {number}: {LONG}"))).collect();
    stage.answer(About::Own(Screen::Overview, "attention"), json!({ "sub": 24, "items": items }));
    stage.keys("\t\t\t");
    for number in 1..=4 {
        let whole = format!("number {number}: {LONG}").replace(" something", " config something");
        let seen = words(&mut stage).replace(" config ", " ").replace(" ! ", " ");
        assert!(seen.contains(&whole.replace(" config ", " ")), "{number}: {seen}");
        stage.keys("j");
    }
}

#[test]
fn the_place_of_what_was_wrong_with_a_reload_is_read_whole() {
    for size in [SIZE, (100, 30)] {
        let mut stage = Stage::connected(size, PLAIN);
        stage.keys("9");
        let problem = |line: u64| json!({ "file": "/etc/rustsocks/policies/company-wide/of-all/acl.toml", "line": line, "column": 17, "message": LONG });
        let problems: Vec<Value> = (1..=6).map(problem).collect();
        let component = json!({ "component": "rules", "result": "failed", "problems": problems });
        let reload = json!({
            "at": "2026-11-22T07:00:00Z", "trigger": "sighup", "success": false, "generation": 3, "took_us": 1_000,
            "revoked": 0, "components": [component],
        });
        stage.answer(About::Own(Screen::Config, "history"), json!({ "reloads": [reload] }));
        assert!(stage.picture().contains("... L shows all of it"), "{}", stage.picture());
        stage.keys("L");
        let seen = words(&mut stage);
        let first = format!("/etc/rustsocks/policies/company-wide/of-all/acl.toml:1:17 {LONG}");
        assert!(seen.contains(&first), "{seen}");
    }
}

#[test]
fn what_an_entry_of_the_palette_does_is_read_whole() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("9");
    stage.keys(":diff");
    let seen = words(&mut stage);
    let help =
        "how the draft or the file that is meant differs from what is in force same as: rustsocks-cli config diff";
    assert!(seen.contains(help), "{seen}");
}

#[test]
fn the_detail_of_nothing_says_so() {
    let is_said = |stage: &mut Stage, what: &str, words: &str| {
        stage.key(KeyCode::Enter);
        assert!(stage.picture().contains(words), "{what}: {}", stage.picture());
        stage.key(KeyCode::Esc);
    };
    let mut stage = Stage::connected(SIZE, PLAIN);
    for (key, view) in [("2", View::Sessions), ("5", View::Users)] {
        stage.keys(key);
        is_said(&mut stage, key, "asking ...");
        stage.answer(About::Window(view), nobody());
        is_said(&mut stage, key, "there is nothing here");
    }
    stage.keys("7");
    is_said(&mut stage, "7", "asking ...");
    stage.keys("\t");
    stage.answer(About::Window(View::Bans), nobody());
    is_said(&mut stage, "bans", "there is nothing here");
    stage.keys("0");
    is_said(&mut stage, "0", "asking ...");
    stage.answer(About::Listing(Screen::Health), json!({ "checks": [] }));
    is_said(&mut stage, "0", "there is nothing here");
    stage.keys("\t");
    is_said(&mut stage, "incidents", "there is nothing here");
    stage.keys("9");
    stage.event(Event::Answer(1, Err(Refusal::new(Code::Denied, "no"))), Some(About::Own(Screen::Config, "settings")));
    is_said(&mut stage, "refused settings", "there is nothing here");
}

#[test]
fn the_last_line_of_what_lies_over_the_screen_is_at_its_end_and_not_above_nothing() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.app.ui.lay("Lines", (0..60).map(|line| format!("line {line}")).collect());
    stage.picture();
    stage.keys("G");
    let picture = stage.picture();
    assert!(picture.contains("line 59") && picture.contains("line 40"), "{picture}");
    stage.keys("k");
    let picture = stage.picture();
    assert!(!picture.contains("line 59") && picture.contains("line 58"), "{picture}");
    stage.key(KeyCode::Esc);
    stage.app.ui.lay("Lines", vec!["the only one".to_owned()]);
    stage.keys("Gjj");
    assert!(stage.picture().contains("the only one"), "{}", stage.picture());
}

#[test]
fn before_anything_was_heard_nothing_is_said_of_it() {
    let mut stage = Stage::new(SIZE, PLAIN);
    let picture = stage.picture();
    assert!(picture.contains("- sess ") && !picture.contains("0 sess"), "{picture}");
    assert!(!picture.contains("00:00:00"), "{picture}");
}

#[test]
fn whoever_may_not_know_what_was_changed_is_told_so() {
    let mut stage = Stage::connected((100, 30), PLAIN);
    assert!(stage.picture().contains("Recent changes (audit) 0"), "{}", stage.picture());
    stage.app.model.welcome.as_mut().expect("there is a conversation").role = wire::admin::Role::Operate;
    let picture = stage.picture();
    assert!(picture.contains("these take the role admin") && !picture.contains("(audit) 0"), "{picture}");
}

#[test]
fn the_help_has_the_command_that_a_filter_is_on_this_screen() {
    let mut stage = Stage::connected((100, 30), PLAIN);
    stage.draw();
    stage.keys("3?lets through");
    let picture = stage.picture();
    assert!(picture.contains("history query EXPR") && !picture.contains("sessions list"), "{picture}");
}

#[test]
fn the_help_has_no_command_of_another_screen() {
    for (screen, columns) in [("5", "users list --fields NAME"), ("6", "limits show --fields NAME")] {
        let mut stage = Stage::connected((120, 60), PLAIN);
        stage.draw();
        stage.keys(&format!("{screen}?column"));
        let picture = stage.picture();
        assert!(picture.contains(columns) && !picture.contains("sessions list"), "{picture}");
    }
}

#[test]
fn whoever_leaves_with_a_draft_of_the_configuration_is_asked_as_with_rules() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("9e");
    stage.answer(About::Own(Screen::Config, "text"), json!({ "gen": 6, "text": "a = 1\n" }));
    stage.event(Event::Edited(AUTOSAVE, Ok("#! base 6\na = 2\n".to_owned())), None);
    stage.keys("q");
    assert!(!stage.effects.contains(&Effect::Quit));
    let picture = stage.picture();
    assert!(picture.contains("Leave with a draft?") && picture.contains("of the configuration is not"), "{picture}");
    assert_eq!(stage.command(), "rustsocks-cli config edit");
    stage.keys("n");
    assert!(!stage.effects.contains(&Effect::Quit) && stage.app.ui.overlay.is_none());
    stage.keys("qy");
    assert!(stage.effects.contains(&Effect::Quit));
    // Whoever was among the files comes to where the draft is, and `D` is about it.
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("9\te");
    stage.answer(About::Own(Screen::Config, "text"), json!({ "gen": 6, "text": "a = 1\n" }));
    stage.event(Event::Edited(AUTOSAVE, Ok("#! base 6\na = 2\n".to_owned())), None);
    stage.answer(About::Own(Screen::Config, "validated"), json!({ "ok": true, "diag": [] }));
    stage.asked();
    stage.keys("D");
    assert_eq!(stage.asked(), [("txn.diff", json!({ "store": "config", "text": "a = 2\n" }))]);
}

#[test]
fn a_rule_of_which_only_a_part_has_room_is_read_whole() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    open(&mut stage);
    stage.keys("i");
    assert!(stage.picture().contains("no rule is meant"), "{}", stage.picture());
    let hosts: Vec<String> = (1..=6).map(|number| format!("host-{number}.in.a-department.company.example")).collect();
    let destinations: Vec<String> = hosts.iter().map(|host| format!("{host:?}")).collect();
    let text = format!(
        "[[users]]\nusername = \"alice\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [{}]\nports = [\"443\"]\n",
        destinations.join(", ")
    );
    stage.answer(About::Acl(Topic::Running), json!({ "text": text, "gen": 41 }));
    stage.keys("j");
    assert!(stage.picture().contains("... i shows all of it"), "{}", stage.picture());
    stage.keys("i");
    let seen = words(&mut stage);
    assert!(hosts.iter().all(|host| seen.contains(host.as_str())) && seen.contains("ports 443"), "{seen}");
}

#[test]
fn the_names_of_a_detail_are_whole_and_its_times_are_times() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.app.model.ops.push("users.get".to_owned());
    stage.keys("5");
    let column = |name: &str| json!({ "name": name, "type": "text", "dynamic": false });
    let row = json!(["eve", "eve"]);
    let window =
        json!({ "sub": 3, "cols": [column("id"), column("name")], "total": 1, "matched": 1, "off": 0, "rows": [row] });
    stage.answer(About::Window(View::Users), window);
    stage.key(KeyCode::Enter);
    let record = json!({ "name": "eve", "first_seen": NOW, "last_src": null, "last_session": { "acl_rule_matched": "users/eve#1" } });
    stage.answer(About::Own(Screen::Users, "detail"), record);
    let picture = stage.picture();
    for words in [
        "first_seen",
        "2026-11-22T08:00:00Z",
        "last_src                      -",
        "last_session.acl_rule_matched users/eve#1",
    ] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
}

#[test]
fn who_was_denied_what_and_what_was_done_stand_before_the_rest() {
    let mut stage = Stage::connected((100, 30), PLAIN);
    let rows = json!([["bob", "tracker.net:443", "groups/a-department-with-a-long-name#12: Trackers", 61]]);
    stage.answer(About::Own(Screen::Overview, "denied"), json!({ "sub": 23, "rows": rows }));
    let record = json!({
        "t": "2026-11-22T07:22:04Z", "phase": "done", "who": { "user": "anna" }, "op": "limits.override",
        "result": "until 2026-11-22T09:22:04.382582263Z",
    });
    stage.answer(About::Own(Screen::Overview, "audit"), json!({ "records": [record] }));
    let picture = stage.picture();
    assert!(picture.contains("bob tracker.net:443") && !picture.contains("Trackers"), "{picture}");
    assert!(picture.contains("07:22 anna limits.override done "), "{picture}");
}

#[test]
fn the_end_of_a_long_filter_is_seen_while_it_is_written_and_in_a_form_too() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("/user=alice and dst=a-long-name-of-a-host.in.the.company.example and port=443 and up>1M");
    let picture = stage.picture();
    let line = picture.lines().find(|line| line.contains(" and port=443 and up>1M")).unwrap_or_default();
    assert!(line.starts_with(" / ") && !line.contains(".."), "{picture}");
    stage.key(KeyCode::Home);
    assert!(stage.picture().contains("/ user=alice and dst="), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    stage.keys("5a");
    stage.keys("somebody-with-a-name-that-is-longer-than-the-form-is-wide-and-goes-on");
    let picture = stage.picture();
    assert!(picture.contains("is-wide-and-goes-on]"), "{picture}");
}
