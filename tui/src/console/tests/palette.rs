//! What can be said in the palette, and what it says before it does it.

use crossterm::event::KeyCode;
use serde_json::json;

use super::{PLAIN, Stage};
use crate::console::event::{About, Event};
use crate::console::live::View;
use crate::console::screen::Screen;

const SIZE: (u16, u16) = (100, 30);

#[test]
fn the_palette_goes_on_with_names_that_the_daemon_knows() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.app.model.ops.push("users.list".to_owned());
    stage.asked();
    stage.keys(":");
    let asked: Vec<_> = stage.asked().into_iter().map(|(op, _)| op).collect();
    assert_eq!(asked, ["users.list", "groups.list"]);
    stage.answer(About::Names, json!({ "users": [{ "name": "alice" }, { "name": "eve of corp" }] }));
    stage.keys("kil\tus\te");
    stage.key(KeyCode::Tab);
    assert!(stage.picture().contains(": kill user=\"eve of corp\""), "{}", stage.picture());
    assert!(stage.picture().contains("same as: rustsocks-cli sessions kill --filter 'user=\"eve of corp\"'"));
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    let (op, p) = asked.last().expect("something is asked");
    assert_eq!((*op, &p["filter"], &p["dry"]), ("sessions.kill", &json!("user=\"eve of corp\""), &json!(true)));
    stage.key(KeyCode::Esc);
    // What was said is there again.
    stage.keys(":");
    stage.key(KeyCode::Up);
    assert!(stage.picture().contains(": kill user="), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    stage.keys(":kill usr=eve");
    stage.key(KeyCode::Enter);
    assert!(stage.picture().contains("unknown field `usr`"), "{}", stage.picture());
}

#[test]
fn the_palette_finds_what_other_screens_do_and_says_where_nothing_is_called_so() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys(":reloa");
    assert!(stage.picture().contains("same as: rustsocks-cli reload"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    assert_eq!(stage.app.ui.screen, Screen::Config);
    assert!(stage.picture().contains("Reload?"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    // What is about a row waits for it.
    stage.asked();
    stage.keys(":delete user");
    stage.key(KeyCode::Enter);
    assert!(stage.app.ui.screen == Screen::Users && stage.app.ui.overlay.is_none());
    assert!(stage.picture().contains("D does it here"), "{}", stage.picture());
    stage.keys(":zzz");
    stage.key(KeyCode::Enter);
    assert!(stage.picture().contains("nothing is called \"zzz\""), "{}", stage.picture());
}

#[test]
fn somebody_is_disabled_by_name_and_only_once_the_name_is_typed() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys(":disable ");
    stage.answer(About::Names, json!({ "users": [{ "name": "eve" }] }));
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    assert!(stage.picture().contains("Disable eve"), "{}", stage.picture());
    stage.asked();
    stage.key(KeyCode::Tab);
    stage.keys("eve");
    let asked = stage.asked();
    assert_eq!((asked[0].0, &asked[0].1["ops"][0]["op"]), ("txn.quick", &json!("user.disable")));
}

#[test]
fn the_palette_counts_what_is_meant_and_says_who_may() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.app.model.ops.push("users.list".to_owned());
    stage.keys(":kill user=e");
    stage.answer(About::Names, json!({ "users": [{ "name": "eve", "sessions": 24 }, { "name": "eva" }] }));
    assert!(stage.picture().contains("kill user=eve   24 sessions"), "{}", stage.picture());
    stage.asked();
    stage.keys("ve");
    assert_eq!(stage.asked(), [], "one question at a time");
    let counted = |stage: &mut Stage, expr: &str, matched: u64| {
        let about = About::Counted(View::Sessions, expr.to_owned());
        stage.answer(about, json!({ "sub": 7, "matched": matched, "total": 10_214 }));
        stage.asked()
    };
    let asked = counted(&mut stage, "", 10_214);
    assert_eq!(asked[0], ("view.close", json!({ "sub": 7 })));
    assert_eq!((asked[1].0, &asked[1].1["filter"], asked.len()), ("view.open", &json!("user=eve"), 2));
    assert!(!stage.picture().contains("match"), "what was counted is not what is meant: {}", stage.picture());
    assert_eq!(counted(&mut stage, "user=eve", 24).len(), 1);
    assert!(stage.picture().contains("kill user=eve   24 of 10 214 match"), "{}", stage.picture());
    (0..4).for_each(|_| stage.event(Event::Tick, None));
    assert_eq!(stage.asked().iter().filter(|(op, _)| *op == "view.open").count(), 1, "it is counted again each second");

    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys(":end sessions");
    assert!(
        stage.picture().contains("  operate |") && stage.picture().contains("Enter does it"),
        "{}",
        stage.picture()
    );
    stage.app.model.welcome.as_mut().expect("it has greeted").role = wire::admin::Role::Read;
    let picture = stage.picture();
    assert!(picture.contains("not by you: anna has the role read, and it takes operate"), "{picture}");
    assert!(picture.contains("same as: rustsocks-cli sessions kill ID..."), "somebody else may: {picture}");
}
