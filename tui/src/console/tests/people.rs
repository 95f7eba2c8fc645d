//! The screens Users and Limits: what their forms and questions ask of the daemon.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::Role;

use super::{PLAIN, Stage};
use crate::console::event::About;
use crate::console::live::View;
use crate::console::pending::Topic;
use crate::console::screen::Screen;
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

/// Two users and a group on the screen.
pub(super) fn users(stage: &mut Stage) {
    stage.keys("5");
    let column = |name: &str, kind: &str| json!({ "name": name, "type": kind, "dynamic": true });
    let cols = [
        column("id", "text"),
        column("name", "text"),
        column("state", "text"),
        column("groups", "list"),
        column("sessions", "number"),
        column("rate", "rate"),
        column("up", "bytes"),
        column("down", "bytes"),
        column("last_seen", "time"),
        column("last_src", "text"),
    ];
    let alice = json!([
        "alice",
        "alice",
        "enabled",
        ["developers", "staff"],
        12,
        2_306_867,
        102_400,
        2_097_152,
        super::NOW - 60.0,
        "10.8.0.14"
    ]);
    let eve = json!(["eve\u{202e}", "eve\u{202e}", "disabled", [], 0, 0, 0, 0, null, null]);
    let rows = json!({
        "sub": 5, "cols": cols, "total": 412, "matched": 2, "agg": { "sessions": 12, "rate": 2_306_867 }, "off": 0, "rows": [alice, eve],
    });
    stage.answer(About::Window(View::Users), rows);
    let groups = json!({ "groups": [{ "name": "developers", "members": ["alice"], "sessions": 12, "rules": 3 }] });
    stage.answer(About::Own(Screen::Users, "groups"), groups);
}

/// Everybody together, a group and a user under pressure, and an override.
pub(super) fn limits(stage: &mut Stage) {
    stage.keys("6");
    let column = |name: &str, kind: &str| json!({ "name": name, "type": kind, "dynamic": true });
    let cols = [
        column("id", "text"),
        column("name", "text"),
        column("kind", "text"),
        column("parent", "text"),
        column("limit", "rate"),
        column("using", "rate"),
        column("pct", "number"),
        column("sessions", "number"),
        column("waiting", "number"),
        column("override_left", "seconds"),
        column("bucket", "number"),
        column("throttled", "number"),
        column("held_by", "text"),
        column("wait", "number"),
        column("refused", "number"),
        column("quota", "number"),
        column("bytes", "bytes"),
    ];
    let rows = json!([
        [
            "user/alice",
            "user/alice",
            "user",
            "group/staff",
            524_288,
            519_000,
            98,
            12,
            7,
            3_412,
            0,
            94,
            "own",
            34,
            0,
            null,
            81_264_640
        ],
        [
            "group/staff",
            "group/staff",
            "group",
            "global",
            2_500_000,
            1_200_000,
            48,
            31,
            7,
            null,
            52,
            12,
            "below",
            9,
            331,
            71,
            912_680_550
        ],
        [
            "global",
            "global",
            "global",
            null,
            null,
            40_265_318,
            null,
            412,
            7,
            null,
            null,
            3,
            "below",
            9,
            0,
            null,
            9_126_805_504_u64
        ],
    ]);
    let window =
        json!({ "sub": 6, "cols": cols, "total": 3, "matched": 3, "agg": { "holding": 2 }, "off": 0, "rows": rows });
    stage.answer(About::Window(View::Limits), window);
    let conceded = json!({ "concessions": [{
        "id": "3f9c02ab", "target": "user/alice", "bandwidth_limit_mbps": 4.19, "until": "2026-11-22T09:00:00Z", "by": "anna", "reason": "the release", "kept": true,
    }] });
    stage.answer(About::Own(Screen::Limits, "overrides"), conceded);
}

pub(super) fn stage(scene: fn(&mut Stage)) -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    scene(&mut stage);
    stage.asked();
    stage
}

/// The only thing that was asked of the daemon.
pub(super) fn only(stage: &mut Stage, op: &str) -> Value {
    let asked = stage.asked();
    let found: Vec<_> = asked.iter().filter(|(name, _)| *name == op).collect();
    assert_eq!(found.len(), 1, "{asked:?}");
    found[0].1.clone()
}

#[test]
fn a_user_is_added_with_a_password_that_is_written_twice() {
    let mut stage = stage(users);
    stage.keys("a");
    stage.keys("carol");
    stage.key(KeyCode::Tab);
    stage.keys("staff");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    stage.keys("canary-secret");
    stage.key(KeyCode::Tab);
    stage.keys("canary-secre");
    assert!(stage.picture().contains("they are not the same") && !stage.picture().contains("canary"));
    stage.keys("t");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    let p = only(&mut stage, "users.add");
    assert_eq!(p, json!({ "name": "carol", "user": { "groups": ["staff"] }, "secret": "canary-secret" }));
    stage.answer(About::Own(Screen::Users, "added"), json!({ "name": "carol", "gen": 7 }));
    assert!(stage.app.ui.overlay.is_none() && stage.picture().contains("carol was added"));
}

#[test]
fn a_password_that_was_made_is_shown_until_it_is_closed() {
    let mut stage = stage(users);
    stage.keys("P");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    stage.keys(" ");
    stage.key(KeyCode::Tab);
    stage.keys("alice");
    assert_eq!(only(&mut stage, "users.passwd"), json!({ "name": "alice", "generate": true }));
    stage.answer(
        About::Own(Screen::Users, "password"),
        json!({ "name": "alice", "gen": 7, "secret": "made-by-the-daemon" }),
    );
    assert!(stage.picture().contains("made-by-the-daemon"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    assert!(!stage.picture().contains("made-by-the-daemon"));
}

#[test]
fn a_leaver_is_disabled_and_his_sessions_end() {
    let mut stage = stage(users);
    stage.keys("x");
    assert!(stage.picture().contains("rustsocks-cli users disable alice --end-sessions"), "{}", stage.picture());
    stage.key(KeyCode::Tab);
    stage.keys("alice");
    let asked = stage.asked();
    let disable = json!({ "store": "users", "ops": [{ "op": "user.disable", "name": "alice" }] });
    assert_eq!(asked, [("txn.quick", disable)], "nobody is ended who could come again");
    stage.app.sessions.live.marks.insert("7".to_owned());
    stage.answer(About::Leaver("alice".to_owned()), json!({ "gen": 7 }));
    let kill = only(&mut stage, "sessions.kill");
    assert!(kill["filter"] == "user=\"alice\"" && kill["idem"].is_string(), "{kill}");
    stage.answer(About::Own(Screen::Users, "ended"), json!({ "matched": 2, "killed": 2, "gone": 0 }));
    assert!(stage.picture().contains("disabled; ended 2"), "{}", stage.picture());
    assert_eq!(stage.app.sessions.live.marks.len(), 1, "marks of another screen stay");
}

#[test]
fn nobody_is_ended_who_may_still_log_in() {
    let mut stage = stage(users);
    stage.keys("x\talice");
    stage.asked();
    let refusal = wire::admin::Refusal::new(wire::admin::Code::Conflict, "somebody was faster");
    let about = About::Leaver("alice".to_owned());
    stage.event(crate::console::event::Event::Answer(1, Err(refusal)), Some(about));
    assert!(stage.asked().iter().all(|(op, _)| *op != "sessions.kill"));
    assert!(stage.picture().contains("somebody was faster"), "{}", stage.picture());
}

#[test]
fn what_the_daemon_refuses_is_said_in_the_form() {
    let mut stage = stage(users);
    stage.keys("D");
    stage.key(KeyCode::Enter);
    assert!(stage.asked().is_empty(), "Enter is no yes");
    stage.keys("alice");
    assert_eq!(only(&mut stage, "txn.quick")["ops"][0]["op"], "user.del");
    let refusal = wire::admin::Refusal::new(wire::admin::Code::BadRequest, "nobody could log in");
    stage.event(crate::console::event::Event::Answer(1, Err(refusal)), Some(About::Own(Screen::Users, "done")));
    assert!(stage.picture().contains("nobody could log in"), "{}", stage.picture());
}

#[test]
fn a_login_is_tried_and_the_reason_is_told() {
    let mut stage = stage(users);
    stage.keys("t");
    assert!(stage.picture().contains("this daemon tries no logins"));
    stage.app.model.ops.push("auth.test".to_owned());
    stage.keys("t");
    stage.keys("canary-secret");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    assert_eq!(only(&mut stage, "auth.test"), json!({ "user": "alice", "secret": "canary-secret" }));
    let answer = json!({ "result": "fail", "method": "userpass", "why": "wrong password", "ms": 41 });
    stage.answer(About::Own(Screen::Users, "login"), answer);
    let picture = stage.picture();
    assert!(picture.contains("fail by userpass in 41 ms") && picture.contains("wrong password"), "{picture}");
    assert!(!picture.contains("canary"), "{picture}");
    (0..100).for_each(|_| stage.event(crate::console::event::Event::Tick, None));
    assert!(stage.picture().contains("wrong password"), "it stays until it is closed: {}", stage.picture());
}

#[test]
fn groups_and_limits_of_a_user_are_edited_in_one_form() {
    let mut stage = stage(users);
    stage.keys("e");
    for _ in 0..3 {
        stage.key(KeyCode::Tab);
    }
    stage.keys("many");
    assert!(stage.picture().contains("a number; 0 is no limit"), "{}", stage.picture());
    (0..4).for_each(|_| stage.key(KeyCode::Backspace));
    stage.keys("20");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    let set = only(&mut stage, "txn.quick")["ops"][0]["set"].clone();
    assert_eq!(set, json!({ "max_connections": 20 }), "groups stay whatever they are by now");
}

#[test]
fn groups_are_counted_again_and_the_one_that_is_meant_stays() {
    let mut stage = stage(users);
    stage.keys("\t");
    for _ in 0..5 * crate::console::update::TICKS {
        stage.event(crate::console::event::Event::Tick, None);
    }
    assert_eq!(only(&mut stage, "groups.list"), json!({}));
    let group =
        |name: &str, sessions: u32| json!({ "name": name, "members": ["alice"], "sessions": sessions, "rules": 3 });
    let groups = json!({ "groups": [group("admins", 0), group("developers", 31)] });
    stage.answer(About::Own(Screen::Users, "groups"), groups);
    stage.keys("R");
    assert!(stage.picture().contains("groups rename developers"), "{}", stage.picture());
}

#[test]
fn a_password_that_is_too_long_is_never_cut() {
    let mut stage = stage(users);
    stage.keys("P");
    for _ in 0..2 {
        stage.event(crate::console::event::Event::Paste("a".repeat(256)), None);
        stage.key(KeyCode::Tab);
    }
    assert!(stage.picture().contains("at most 255 bytes"), "{}", stage.picture());
    stage.key(KeyCode::Tab);
    stage.keys("alice");
    assert!(stage.asked().is_empty(), "not a part of it either");
}

#[test]
fn sessions_of_a_user_end_only_if_they_are_those_that_were_counted() {
    let mut stage = stage(users);
    stage.keys("K");
    assert_eq!(only(&mut stage, "sessions.kill")["dry"], true);
    stage.answer(About::KillDry(1), json!({ "matched": 2, "killed": 0, "gone": 0 }));
    stage.keys("y");
    let p = only(&mut stage, "sessions.kill");
    assert_eq!((&p["filter"], &p["expect"]), (&json!("user=\"alice\""), &json!(2)));
}

#[test]
fn who_may_only_look_is_told_so() {
    let mut stage = stage(users);
    stage.app.model.welcome.as_mut().expect("there is a conversation").role = Role::Read;
    for key in ["a", "e", "P", "x", "D", "K"] {
        stage.keys(key);
        assert!(stage.app.ui.overlay.is_none() && stage.picture().contains("your role is read"), "{key}");
    }
    stage.keys("6");
    for key in ["o", "e", "R"] {
        stage.keys(key);
        assert!(stage.app.ui.overlay.is_none() && stage.picture().contains("your role is read"), "{key}");
    }
    assert!(stage.asked().iter().all(|(op, _)| ["view.open", "limits.concessions"].contains(op)));
}

#[test]
fn a_limit_holds_for_a_while_and_is_taken_back() {
    let mut stage = stage(limits);
    stage.keys("o");
    assert!(stage.picture().contains("limits set user/alice --rate 523750 --for 1h"), "{}", stage.picture());
    for _ in 0..5 {
        stage.key(KeyCode::Tab);
    }
    stage.key(KeyCode::Enter);
    let p = only(&mut stage, "limits.override");
    assert_eq!((&p["target"], &p["bandwidth_limit_mbps"]), (&json!("user/alice"), &json!(4.19)), "{p}");
    stage.answer(About::Own(Screen::Limits, "done"), json!({ "target": "user/alice" }));
    assert!(stage.app.ui.overlay.is_none());
    stage.keys("R");
    stage.asked();
    stage.keys("y");
    assert_eq!(only(&mut stage, "limits.reset"), json!({ "target": "user/alice" }));
    stage.answer(About::Own(Screen::Limits, "done"), json!({ "target": "user/alice" }));
    stage.asked();
    stage.key(KeyCode::Tab);
    stage.keys("R");
    assert!(stage.picture().contains("limits reset user/alice --id 3f9c02ab"), "{}", stage.picture());
    stage.keys("y");
    assert_eq!(only(&mut stage, "limits.reset"), json!({ "target": "user/alice", "id": "3f9c02ab" }));
    stage.answer(About::Own(Screen::Limits, "done"), json!({ "target": "user/alice" }));
    stage.keys("H");
    assert_eq!((stage.app.ui.screen, stage.app.history.filter.as_str()), (Screen::History, "user=\"alice\""));
    stage.keys("K");
    assert!(stage.picture().contains("this key does nothing here"), "{}", stage.picture());
    stage.keys("g");
    assert!(!stage.picture().contains("this key does nothing here"), "{}", stage.picture());
}

#[test]
fn tab_goes_through_both_parts_of_a_screen() {
    let mut stage = stage(users);
    stage.key(KeyCode::Tab);
    assert!(stage.picture().contains("> Groups"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Detail { .. })) && stage.picture().contains("developers"));
}

#[test]
fn a_limit_that_goes_again_is_kept_or_taken_back_from_any_screen() {
    let mut stage = stage(limits);
    let mut status = super::status();
    status["confirm"] = json!({ "store": "users", "gen": 7, "back_to": 6, "left_s": 87, "by": "anna" });
    stage.push(1, "status", status.clone());
    assert!(stage.picture().contains("CONFIRM users 87s"), "{}", stage.picture());
    stage.keys("U");
    assert!(stage.picture().contains("rustsocks-cli users rollback 6"), "{}", stage.picture());
    stage.keys("y");
    let back = only(&mut stage, "txn.rollback");
    assert_eq!((&back["store"], &back["to"]), (&json!("users"), &json!(6)));
    stage.key(KeyCode::Esc);
    stage.keys("Y");
    let kept = only(&mut stage, "txn.confirm");
    assert_eq!((&kept["store"], &kept["gen"]), (&json!("users"), &json!(7)));
    stage.answer(About::Pending(Topic::Confirmed), json!({ "gen": 7 }));
    assert!(stage.picture().contains("generation 7 stays"), "{}", stage.picture());
    stage.keys("Y");
    assert_eq!(stage.asked(), [], "nothing waits any more");
}
