//! Forms have what the files say, and write only what was changed in them.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::people::{limits, only, stage, users};
use super::{PLAIN, Stage};
use crate::console::event::{About, Event};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

/// What the daemon tells of alice, of whom an override holds too.
fn told_of_alice() -> Value {
    json!({
        "name": "alice", "written": { "password": null, "expires": "2026-12-31" },
        "limits": { "up_bps": 4_194_304, "down_bps": 4_194_304, "conns": 4 },
        "concessions": [
            { "target": "user/alice", "bytes": 1000, "until": "2026-11-22T09:00:00Z", "by": "tom" },
            { "target": "user/alice", "max_connections": 9, "until": "2026-11-22T09:00:00.5Z", "by": "anna", "reason": "a fair" },
        ],
    })
}

/// A screen whose daemon can be asked about a user.
fn screen(filled: fn(&mut Stage)) -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    filled(&mut stage);
    stage.app.model.ops.push("users.get".to_owned());
    stage.asked();
    stage
}

/// What the form of a limit, with what alice has, makes the daemon write.
fn limit_of_alice(change: fn(&mut Stage)) -> (String, Vec<Value>) {
    let mut stage = screen(limits);
    stage.keys("e");
    stage.answer(About::Own(Screen::Limits, "of file"), told_of_alice());
    stage.asked();
    change(&mut stage);
    let command = stage.command();
    stage.keys("\tapply");
    let ops = stage.asked().into_iter().map(|(_, p)| p["ops"][0].clone()).collect();
    (command, ops)
}

#[test]
fn the_form_of_a_user_has_what_is_written_and_says_only_what_is_changed() {
    let mut stage = stage(users);
    stage.app.model.ops.push("users.get".to_owned());
    stage.keys("e");
    assert!(stage.app.ui.overlay.is_none(), "what holds is asked first");
    assert_eq!(stage.asked(), [("users.get", json!({ "name": "alice" }))]);
    stage.answer(About::Own(Screen::Users, "edited"), told_of_alice());
    let picture = stage.picture();
    for said in ["[2026-12-31", "[512K", "[4 ", "an override of anna holds until 2026-11-22T09:00:00Z: a fair"] {
        assert!(picture.contains(said), "{said}: {picture}");
    }
    assert!(!picture.contains("tom") && stage.command() == "rustsocks-cli users get alice", "{picture}");
    (0..4).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    assert!(stage.asked().is_empty() && stage.picture().contains("nothing was changed"), "{}", stage.picture());
    // What is known and fresh is not asked again.
    stage.keys("e\t\t\t");
    stage.keys("0");
    stage.key(KeyCode::BackTab);
    (0..4).for_each(|_| stage.key(KeyCode::Backspace));
    assert!(stage.picture().contains("without bandwidth_limit_mbps"), "{}", stage.picture());
    let raw = r#"{"op":"txn.quick","p":{"ops":[{"name":"alice","op":"user.set","set":{"bandwidth_limit_mbps":null}}],"store":"users"}}"#;
    assert_eq!(stage.command(), format!("rustsocks-cli limits set user/alice --conns 40 && rustsocks-cli raw '{raw}'"));
    stage.keys("\t\t");
    stage.key(KeyCode::Enter);
    let set = only(&mut stage, "txn.quick")["ops"][0]["set"].clone();
    assert_eq!(set, json!({ "bandwidth_limit_mbps": null, "max_connections": 40 }));
    // After a change everything that it may have changed is asked at once.
    stage.answer(About::Own(Screen::Users, "done"), json!({ "gen": 7 }));
    assert_eq!(stage.asked(), [("groups.list", json!({})), ("users.get", json!({ "name": "alice" }))]);
}

#[test]
fn the_form_of_a_limit_has_what_is_written_behind_an_override() {
    let mut stage = stage(limits);
    stage.app.model.ops.push("users.get".to_owned());
    stage.keys("e");
    assert_eq!(only(&mut stage, "users.get"), json!({ "name": "alice" }));
    stage.keys("j");
    stage.answer(About::Own(Screen::Limits, "of file"), told_of_alice());
    assert!(stage.app.ui.overlay.is_none(), "somebody else is meant by now");
    stage.keys("ke");
    stage.answer(About::Own(Screen::Limits, "of file"), told_of_alice());
    assert!(stage.picture().contains("[512K") && stage.picture().contains("[4 "), "{}", stage.picture());
}

#[test]
fn the_command_of_an_edited_user_does_the_same() {
    let mut stage = stage(users);
    stage.keys("e");
    (0..10).for_each(|_| stage.key(KeyCode::Backspace));
    stage.keys("it's");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    stage.keys("500K");
    let Some(Overlay::Form(form)) = &stage.app.ui.overlay else { panic!("a form is open") };
    assert_eq!(
        form.purpose.command(&form.entries),
        "rustsocks-cli groups add 'it'\\''s' alice && rustsocks-cli groups del developers alice && rustsocks-cli limits set user/alice --rate 500K"
    );
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    let set = only(&mut stage, "txn.quick")["ops"][0]["set"].clone();
    assert_eq!(set, json!({ "groups": ["it's", "staff"], "bandwidth_limit_mbps": 4.096 }));
}

#[test]
fn a_limit_is_written_into_the_file_that_has_it() {
    let mut stage = stage(limits);
    stage.keys("je");
    assert_eq!(only(&mut stage, "txn.get"), json!({ "store": "config" }));
    stage.answer(About::Own(Screen::Limits, "of file"), json!({ "store": "config", "text": "[limits]\n" }));
    stage.key(KeyCode::Tab);
    stage.keys("2.5M");
    for _ in 0..3 {
        stage.key(KeyCode::Tab);
    }
    stage.keys("2m");
    stage.key(KeyCode::Tab);
    stage.keys("apply");
    let p = only(&mut stage, "txn.quick");
    let ops = json!([{ "op": "limit.set", "target": "group/staff", "limits": { "rate_mbps": 20.97152 } }]);
    assert_eq!(p, json!({ "store": "config", "ops": ops, "confirm_s": 120 }));
}

#[test]
fn the_form_of_a_limit_writes_only_what_was_changed() {
    let (command, ops) = limit_of_alice(|stage| {
        stage.keys("\t\t\t");
        stage.key(KeyCode::Backspace);
        stage.keys("6\t");
    });
    assert!(command.ends_with("limits set user/alice --conns 6"), "{command}");
    assert_eq!(ops, [json!({ "op": "limit.set", "target": "user/alice", "limits": { "conns": 6 } })]);
    let (_, ops) = limit_of_alice(|stage| {
        stage.keys("\t\t\t\t");
        stage.keys("\tapply");
        assert!(stage.picture().contains("say another rate"), "{}", stage.picture());
    });
    assert_eq!(ops, Vec::<Value>::new());
}

#[test]
fn what_was_shown_of_one_is_not_written_of_another() {
    let (command, ops) = limit_of_alice(|stage| {
        (0.."alice".len()).for_each(|_| stage.key(KeyCode::Backspace));
        stage.keys("bob\t\t1M\t\t");
    });
    assert!(command.ends_with("limits set user/bob --guaranteed 1M"), "{command}");
    assert_eq!(ops, [json!({ "op": "limit.set", "target": "user/bob", "limits": { "guaranteed_mbps": 8.388_608 } })]);
}

#[test]
fn the_form_of_a_user_opens_only_for_whom_it_was_asked() {
    let mut stage = screen(users);
    let about = || About::Own(Screen::Users, "edited");
    stage.keys("ej");
    stage.answer(about(), told_of_alice());
    assert!(stage.app.ui.overlay.is_none(), "somebody else is meant by now");
    stage.keys("ke");
    stage.event(Event::Answer(1, Err(Refusal::new(Code::Busy, "not now"))), Some(about()));
    assert!(stage.app.ui.overlay.is_none() && stage.picture().contains("not now"), "{}", stage.picture());
}

#[test]
fn what_was_known_of_a_user_is_asked_again_after_a_return() {
    let mut stage = screen(users);
    stage.answer(About::Own(Screen::Users, "detail"), told_of_alice());
    users(&mut stage);
    stage.keys("1");
    users(&mut stage);
    stage.asked();
    stage.keys("e");
    assert!(stage.app.ui.overlay.is_none());
    assert_eq!(stage.asked(), [("users.get", json!({ "name": "alice" }))]);
}

/// The same of a user who sends and gets at another rate.
fn told_of_two_rates() -> Value {
    let mut told = told_of_alice();
    told["limits"]["down_bps"] = 33_554_432.into();
    told
}

#[test]
fn a_rate_of_each_direction_is_shown_changed_and_written() {
    let mut stage = screen(users);
    stage.keys("e");
    stage.answer(About::Own(Screen::Users, "edited"), told_of_two_rates());
    assert!(stage.picture().contains("[512K:4M"), "{}", stage.picture());
    stage.keys("\t\t");
    stage.key(KeyCode::Backspace);
    stage.key(KeyCode::Backspace);
    assert!(stage.picture().contains("512K, or 512K:4M up and down"), "{}", stage.picture());
    stage.keys("1M");
    assert_eq!(stage.command(), "rustsocks-cli limits set user/alice --rate 512K:1M");
    stage.keys("\t\t");
    stage.key(KeyCode::Enter);
    let set = only(&mut stage, "txn.quick")["ops"][0]["set"].clone();
    assert_eq!(set, json!({ "bandwidth_limit_mbps": "4.194304:8.388608" }));
    let mut stage = Stage::connected((140, 40), PLAIN);
    users(&mut stage);
    stage.answer(About::Own(Screen::Users, "detail"), told_of_two_rates());
    assert!(stage.picture().contains("512K:4.0M/s, 4 conns"), "{}", stage.picture());
}

#[test]
fn the_form_of_a_limit_takes_a_rate_of_each_direction_for_good_and_not_for_a_while() {
    let (command, ops) = limit_of_alice(|stage| stage.keys("\t:4M\t\t\t"));
    assert!(command.ends_with("limits set user/alice --rate 512K:4M"), "{command}");
    let both = json!({ "rate_mbps": "4.194304:33.554432" });
    assert_eq!(ops, [json!({ "op": "limit.set", "target": "user/alice", "limits": both })]);
    let mut stage = stage(limits);
    stage.keys("o\t");
    stage.keys(":4M");
    assert!(stage.picture().contains("both directions have one rate"), "{}", stage.picture());
    stage.keys("\t\t\t\t");
    stage.key(KeyCode::Enter);
    assert!(stage.asked().is_empty() && stage.app.ui.overlay.is_some());
}

#[test]
fn the_form_of_a_group_has_what_the_configuration_says() {
    const TEXT: &str = "[[limits.groups]]\nname = \"staff\"\nbandwidth_limit_mbps = \"4.194304:8.388608\"\nmax_connections = 40\n\n[[limits.groups]]\nname = \"guests\"\n";
    let mut stage = stage(limits);
    stage.keys("je");
    stage.keys("k");
    stage.answer(About::Own(Screen::Limits, "of file"), json!({ "store": "config", "text": TEXT }));
    assert!(stage.app.ui.overlay.is_none(), "a user is meant by now");
    stage.keys("je");
    stage.answer(About::Own(Screen::Limits, "of file"), json!({ "store": "config", "text": TEXT }));
    assert!(stage.picture().contains("[512K:1M") && stage.picture().contains("[40 "), "{}", stage.picture());
    stage.asked();
    stage.keys("\t\t\t0\t\tapply");
    let ops = only(&mut stage, "txn.quick")["ops"].clone();
    assert_eq!(ops, json!([{ "op": "limit.set", "target": "group/staff", "limits": { "conns": 400 } }]));
}
