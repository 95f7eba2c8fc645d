//! What comes when nobody waits for it any more, or while the operator is elsewhere.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;

use crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::{PLAIN, Stage, welcome};
use crate::console::event::{About, Effect, Event};
use crate::console::live::View;
use crate::console::pointer::Gesture;
use crate::console::screen::Screen;
use crate::console::screens::acl::Page;
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

/// What the questions of this operation were about, and forgets all effects.
fn questions(stage: &mut Stage, op: &str) -> Vec<About> {
    let about = |effect| {
        let Effect::Ask { op: asked, about, .. } = effect else { return None };
        (asked == op).then_some(about)
    };
    std::mem::take(&mut stage.effects).into_iter().filter_map(about).collect()
}

/// The files, of which one says something else.
fn files() -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("9");
    let setting = json!({ "key": "server.bind_port", "value": 1080, "from": "file", "reload": "restart" });
    stage.answer(About::Own(Screen::Config, "settings"), json!({ "settings": [setting, setting] }));
    let file = |name: &str, state: &str| json!({ "component": name, "store": "acl", "state": state, "gen": 4, "file": "/etc/x.toml" });
    let files = [file("configuration", "same"), file("rules", "newer")];
    stage.answer(About::Own(Screen::Config, "files"), json!({ "components": files }));
    stage.effects.clear();
    stage
}

fn difference(line: &str) -> Value {
    json!({ "text": format!("{line}\n") })
}

#[test]
fn what_was_asked_for_waits_until_what_is_being_written_is_closed() {
    let mut stage = files();
    stage.keys("D");
    let asked = questions(&mut stage, "txn.diff").remove(0);
    stage.keys("R");
    stage.answer(asked, difference("+one"));
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Form(_))), "{}", stage.picture());
    assert!(stage.picture().contains("is shown once this is closed"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    assert!(stage.picture().contains("+one"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    assert!(stage.app.ui.overlay.is_none(), "it is seen once");
}

#[test]
fn an_answer_belongs_to_the_page_that_asked() {
    let mut stage = files();
    stage.keys("D");
    let asked = questions(&mut stage, "txn.diff").remove(0);
    stage.keys("29");
    stage.answer(asked, difference("+one"));
    assert!(stage.app.ui.overlay.is_none(), "{}", stage.picture());
    // One that came to the page, and was not seen there, is not seen elsewhere.
    stage.effects.clear();
    stage.keys("D");
    let asked = questions(&mut stage, "txn.diff").remove(0);
    stage.keys(":sessions");
    stage.answer(asked, difference("+two"));
    stage.key(KeyCode::Enter);
    assert_eq!((stage.app.ui.screen, stage.app.ui.overlay.is_none()), (Screen::Sessions, true));
}

#[test]
fn of_what_is_asked_twice_the_last_answer_counts_whichever_comes_first() {
    let mut stage = files();
    stage.keys("DD");
    let [first, last] = questions(&mut stage, "txn.diff").try_into().expect("it was asked twice");
    stage.answer(last, difference("+last"));
    stage.key(KeyCode::Esc);
    stage.answer(first, difference("+first"));
    assert!(stage.app.ui.overlay.is_none(), "{}", stage.picture());

    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.effects.clear();
    stage.keys("a/op=reload.run");
    stage.key(KeyCode::Enter);
    let [all, some] = questions(&mut stage, "audit.query").try_into().expect("it was asked twice");
    let record = |op: &str| json!({ "records": [{ "seq": 1, "op": op, "phase": "done" }], "complete": true });
    stage.answer(some, record("reload.run"));
    stage.answer(all, record("users.disable"));
    let picture = stage.picture();
    assert!(picture.contains("reload.run") && !picture.contains("users.disable"), "{picture}");
}

#[test]
fn a_password_that_was_made_is_seen_although_the_operator_writes_something_else_by_now() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    super::people::users(&mut stage);
    stage.keys("/ali");
    let made = json!({ "name": "alice", "gen": 7, "secret": "made-by-the-daemon" });
    stage.answer(About::Own(Screen::Users, "password"), made);
    assert!(matches!(&stage.app.ui.overlay, Some(Overlay::Filter(field)) if field.text() == "ali"));
    stage.key(KeyCode::Enter);
    assert!(stage.picture().contains("made-by-the-daemon"), "{}", stage.picture());
}

#[test]
fn whoever_comes_back_from_elsewhere_looks_once_at_everything() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.effects.clear();
    stage.event(Event::Missed(BTreeMap::from([(3, 70), (1, 60)])), None);
    let asked = stage.asked();
    assert!(asked.iter().any(|(op, p)| *op == "view.set" && p["sub"] == 3), "{asked:?}");

    let mut stage = Stage::connected(SIZE, PLAIN);
    super::news::logs(&mut stage);
    stage.effects.clear();
    stage.event(Event::Missed(BTreeMap::from([(9, 70)])), None);
    assert!(stage.picture().contains("-- 70 lines are missing here --"), "{}", stage.picture());
    assert_eq!(stage.asked(), [], "the lines that are here stay");
}

#[test]
fn the_head_names_the_daemon_that_has_greeted() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    let (ours, _theirs) = UnixStream::pair().expect("a pair of sockets");
    let elsewhere = "/run/elsewhere/admin.sock";
    stage.event(Event::Connected(Box::new(welcome("7a")), ours, elsewhere.into()), None);
    assert_eq!(stage.app.socket, elsewhere);
}

#[test]
fn each_of_two_lists_on_a_screen_has_its_clicks() {
    let mut stage = files();
    stage.keys("M");
    for (words, pane, row) in [("rules", 1, 1), ("server.bind_port", 0, 0), ("configuration ", 1, 0)] {
        super::frame::click(&mut stage, words, Gesture::Click);
        assert_eq!(stage.app.ui.pane, pane, "{words}");
        let listing = crate::console::screens::room(Screen::Config).listing(&stage.app).expect("a list");
        assert_eq!(listing.cursor, row, "{words}");
    }
}

#[test]
fn whoever_goes_back_finds_only_parts_that_are_still_there() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("a2[");
    assert!(stage.picture().contains("Audit log"), "{}", stage.picture());
    stage.keys("4");
    (stage.app.acl.page, stage.app.ui.pane) = (Page::Affected, 2);
    stage.event(Event::Tick, None);
    stage.keys("2[");
    assert_eq!((stage.app.ui.screen, stage.app.ui.pane), (Screen::Acl, 0));
}

#[test]
fn a_table_that_cannot_be_opened_says_why() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("2");
    let refusal = wire::admin::Refusal::new(wire::admin::Code::BadRequest, "there is no column \"dwn\"");
    stage.event(Event::Answer(1, Err(refusal)), Some(About::Window(View::Sessions)));
    (0..40).for_each(|_| stage.event(Event::Tick, None));
    assert!(stage.picture().contains("! bad_request: there is no column \"dwn\""), "{}", stage.picture());
}

#[test]
fn whatever_takes_long_says_for_how_long_and_is_taken_back_if_nothing_comes_of_it() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.app.waiting.clear();
    stage.effects.clear();
    stage.keys("a");
    let asked = questions(&mut stage, "audit.query").remove(0);
    stage.event(Event::Tick, None);
    assert!(!stage.picture().contains("working"), "{}", stage.picture());
    (0..4).for_each(|_| stage.event(Event::Tick, None));
    assert!(stage.picture().contains("working 1.2 s - Esc cancels"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    assert_eq!(stage.effects, [Effect::Cancel(asked.clone())]);
    let refusal = wire::admin::Refusal::new(wire::admin::Code::Cancelled, "taken back");
    stage.event(Event::Answer(1, Err(refusal)), Some(asked));
    let picture = stage.picture();
    assert!(picture.contains("! cancelled: taken back") && !picture.contains("working"), "{picture}");
    stage.key(KeyCode::Esc);
    assert!(stage.picture().contains("Recent changes"), "{}", stage.picture());

    // What changes something is not taken back; the form stays until it is answered.
    super::people::users(&mut stage);
    stage.app.waiting.clear();
    stage.keys("D");
    stage.keys("alice");
    (0..6).for_each(|_| stage.event(Event::Tick, None));
    let picture = stage.picture();
    assert!(picture.contains("working 1.5 s") && !picture.contains("Esc cancels   "), "{picture}");
}

#[test]
fn who_comes_and_goes_is_told_until_somebody_goes_back() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.app.model.ops.push("sessions.sub".to_owned());
    stage.keys("/user=alice");
    stage.key(KeyCode::Enter);
    stage.effects.clear();
    stage.keys("w");
    let asked = questions(&mut stage, "sessions.sub").remove(0);
    stage.answer(asked, json!({ "sub": 12 }));
    let coming = |id: &str| json!({ "id": id, "t": super::NOW, "user": "alice", "src": "192.168.1.100:54321", "dst": "repo.example.com:443" });
    stage.push(12, "came", coming("8f31b0"));
    let mut went = coming("8f31b0");
    went["reason"] = json!("client_closed");
    stage.push(12, "went", went);
    stage.push(12, "gap", json!({ "lost": 7 }));
    stage.push(11, "came", coming("of another list"));
    let picture = stage.picture();
    assert!(picture.contains("came") && picture.contains("client_closed"), "{picture}");
    assert!(picture.contains("7 that came or went are missing") && !picture.contains("of another list"), "{picture}");
    // What is meant in the table behind it is not ended by a key for it.
    stage.keys("K");
    assert!(stage.app.ui.overlay.is_none(), "{}", stage.picture());
    stage.effects.clear();
    stage.key(KeyCode::Esc);
    assert_eq!(stage.asked(), [("meta.close", json!({ "sub": 12 }))]);
    assert!(stage.picture().contains("8f31a0"), "{}", stage.picture());
    assert_eq!(stage.app.sessions.live.filter, "user=alice");
}
