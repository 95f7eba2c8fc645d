//! What the daemon says of itself: the overview, its log, and its checks.

use crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::{NOW, PLAIN, Stage};
use crate::console::event::{About, Effect};
use crate::console::screen::Screen;

const SIZE: (u16, u16) = (100, 30);

/// A line of the log; every fifth is a warning, every seventh is long.
pub(super) fn line(n: u64) -> Value {
    let level = if n.is_multiple_of(5) { "warn" } else { "info" };
    let reason =
        if n.is_multiple_of(7) { "the destination did not answer in time ".repeat(5) } else { "none".to_owned() };
    let user = if n.is_multiple_of(3) { "eve\u{1b}[2J\u{202e}" } else { "alice" };
    json!({
        "n": n, "t": NOW, "level": level, "target": "session", "msg": format!("session closed {n}"),
        "fields": { "user": user, "reason": reason },
    })
}

/// The log with forty lines, and some that are missing.
pub(super) fn logs(stage: &mut Stage) {
    stage.keys("8");
    let lines: Vec<Value> = (1..=40).map(line).collect();
    stage.answer(About::Own(Screen::Logs, "sub"), json!({ "sub": 9, "lines": lines }));
    stage.push(9, "gap", json!({ "lost": 531 }));
    stage.push(9, "log", line(572));
}

/// The overview with everything on it.
pub(super) fn overview(stage: &mut Stage) {
    let part = |what| About::Own(Screen::Overview, what);
    let curve = |height: u64| -> Vec<u64> { (0..300).map(|second| second * height % 97).collect() };
    let data = json!({ "sessions": curve(3), "new": curve(5), "up": curve(7), "down": curve(1), "denied": curve(0), "conn_p99": [null, 38.0] });
    stage.answer(part("past"), json!({ "t0": 0, "res": 1, "data": data }));
    stage.answer(part("series"), json!({ "sub": 20 }));
    stage.answer(
        part("user"),
        json!({ "sub": 21, "rows": [["alice", 234, 85_000_000, 1_000], ["eve\u{202e}", 12, 9_000, 5]] }),
    );
    stage.answer(
        part("dst"),
        json!({ "sub": 22, "rows": [["repo.example.com:443", 456, 1_000, 1], ["[2001:db8::7]:443", 12, 5, 1]] }),
    );
    stage.answer(part("denied"), json!({ "sub": 23, "rows": [["bob", "10.0.3.17:22", "groups/readonly#1", 61]] }));
    let items = json!([
        { "sev": "crit", "key": "confirm", "text": "rules of generation 41 go in less than a minute unless somebody confirms them", "screen": "acl" },
        { "sev": "warn", "key": "check/pam", "text": "pam: p95 1.9 s of 40", "screen": "auth" },
        { "sev": "info", "key": "banned", "text": "3 sources are turned away because of guessing", "screen": "auth" },
    ]);
    stage.answer(part("attention"), json!({ "sub": 24, "items": items }));
    let record = |phase: &str| json!({ "t": "2026-11-22T07:22:04Z", "phase": phase, "who": { "user": "anna" }, "op": "sessions.kill", "result": "14 of 14" });
    stage.answer(part("audit"), json!({ "records": [record("intent"), record("done")] }));
}

/// The checks, one of them not well.
pub(super) fn health(stage: &mut Stage) {
    stage.keys("0");
    let check = |name: &str, state: &str, measured: &str| {
        json!({
            "name": name, "state": state, "measured": measured, "limit": "1 s", "key": "dns.timeout_secs", "since": "2026-11-22T07:02:11Z",
            "effect": "destinations with names are reached late or not at all", "hint": "ask the servers by hand", "screen": "health",
        })
    };
    let checks = json!([check("draining", "ok", "no"), check("dns", "warn", "p95 1.9 s, 2 of 40 without an answer")]);
    stage.answer(About::Own(Screen::Health, "checks"), json!({ "sub": 9, "ok": true, "checks": checks }));
    let incident = json!({ "t": "2026-11-22T07:02:11Z", "name": "dns", "text": "p95 1.2 s of 40", "sev": "warn", "state": "open", "dur_s": 3_469 });
    stage.answer(About::Own(Screen::Health, "incidents"), json!({ "incidents": [incident] }));
    stage.keys("j");
}

fn with_logs() -> Stage {
    let mut stage = Stage::connected(SIZE, PLAIN);
    logs(&mut stage);
    stage.asked();
    stage
}

#[test]
fn what_is_not_over_goes_on() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    health(&mut stage);
    stage.keys("i");
    assert!(stage.picture().contains("57:49"), "{}", stage.picture());
    stage.app.model.now += 61.0;
    stage.event(crate::console::event::Event::Tick, None);
    assert!(stage.picture().contains("58:50"), "{}", stage.picture());
}

#[test]
fn the_log_is_followed_until_somebody_goes_up_and_again_when_they_want() {
    let mut stage = with_logs();
    assert!(
        stage.picture().contains("FOLLOW") && stage.picture().contains("session closed 572"),
        "{}",
        stage.picture()
    );
    assert!(stage.picture().contains("-- 531 lines are missing here --"), "{}", stage.picture());
    stage.key(KeyCode::PageUp);
    (573..700).for_each(|n| stage.push(9, "log", line(n)));
    assert!(
        stage.picture().contains("PAUSED") && !stage.picture().contains("session closed 699"),
        "{}",
        stage.picture()
    );
    stage.keys("p");
    assert!(
        stage.picture().contains("FOLLOW") && stage.picture().contains("session closed 699"),
        "{}",
        stage.picture()
    );
    stage.push(8, "log", line(700));
    assert!(!stage.picture().contains("session closed 700"), "another subscription's");
}

#[test]
fn at_the_top_the_earlier_lines_are_asked_for_once_and_what_is_meant_stays() {
    let mut stage = with_logs();
    stage.keys("g");
    let asked = stage.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!((asked[0].0, &asked[0].1["before"]), ("logs.get", &json!(1)));
    stage.keys("k");
    assert_eq!(stage.asked(), [], "it is on its way");
    let (_, meant) = crate::console::screens::room(Screen::Logs).record(&stage.app);
    stage.answer(About::Own(Screen::Logs, "before"), json!({ "lines": [] }));
    assert_eq!(crate::console::screens::room(Screen::Logs).record(&stage.app).1, meant);
}

#[test]
fn a_text_is_found_above_and_below_and_only_what_has_it_is_shown() {
    let mut stage = with_logs();
    stage.keys("/CLOSED 35");
    stage.key(KeyCode::Enter);
    let meant = |stage: &Stage| crate::console::screens::room(Screen::Logs).record(&stage.app).1["n"].clone();
    assert_eq!(meant(&stage), 35, "{}", stage.picture());
    stage.keys("n");
    assert!(stage.picture().contains("no further line here"), "{}", stage.picture());
    assert_eq!(stage.asked(), []);
    stage.keys("&denied");
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    assert_eq!(asked[0], ("meta.close", json!({ "sub": 9 })));
    assert_eq!((asked[1].0, &asked[1].1["filter"]), ("logs.sub", &json!("denied")));
    stage.answer(About::Own(Screen::Logs, "sub"), json!({ "sub": 10, "lines": [] }));
    assert!(stage.app.ui.overlay.is_none(), "the answer closes the form");
    stage.key(KeyCode::Esc);
    assert_eq!(stage.asked().last().map(|(op, p)| (*op, p["filter"].clone())), Some(("logs.sub", json!(""))));
}

#[test]
fn everything_that_is_here_is_saved_and_a_level_is_changed_by_a_word() {
    let mut stage = with_logs();
    stage.keys("E");
    stage.key(KeyCode::Enter);
    stage.key(KeyCode::Enter);
    let Some(Effect::Write { text, path }) = stage.effects.last() else {
        panic!("nothing is kept: {:?}", stage.effects)
    };
    assert_eq!((path.as_str(), text.lines().count()), ("rustsocks.log", 42));
    stage.asked();
    stage.keys("V");
    (0..4).for_each(|_| stage.key(KeyCode::Tab));
    stage.keys("log");
    let asked = stage.asked();
    let (op, p) = &asked[0];
    assert_eq!(
        (*op, &p["target"], &p["level"], &p["ttl_s"]),
        ("logs.level", &json!("session"), &json!("debug"), &json!(900))
    );
    stage.answer(About::Own(Screen::Logs, "level"), json!({ "changed": true }));
    assert!(stage.app.ui.overlay.is_none());
}

#[test]
fn the_rings_bounds_hold_here_too() {
    let mut stage = with_logs();
    (573..12_000).for_each(|n| stage.push(9, "log", line(n)));
    assert!(stage.picture().contains("10 000 lines"), "{}", stage.picture());
}

#[test]
fn curves_go_on_each_second_and_other_pasts_are_asked_for() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    overview(&mut stage);
    stage.asked();
    let before = stage.picture();
    stage.push(20, "series", json!({ "t": 61, "v": [1, 900, 3, 4, 5, 6, 7] }));
    assert_ne!(stage.picture(), before);
    stage.keys("w");
    assert_eq!(stage.asked()[0].1["res"], 10);
    assert!(stage.picture().contains("last 1 h"), "{}", stage.picture());
    stage.push(20, "series", json!({ "t": 69, "v": [] }));
    assert_eq!(stage.asked(), []);
    stage.push(20, "series", json!({ "t": 70, "v": [] }));
    assert_eq!(stage.asked()[0].0, "series.get");
}

#[test]
fn a_row_of_the_overview_leads_to_the_screen_that_says_more() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    overview(&mut stage);
    let back = |stage: &mut Stage| {
        stage.keys("1");
        overview(stage);
    };
    stage.key(KeyCode::Enter);
    assert_eq!((stage.app.ui.screen, stage.app.sessions.live.filter.as_str()), (Screen::Sessions, "user=\"alice\""));
    back(&mut stage);
    stage.key(KeyCode::Tab);
    stage.keys("j");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.app.sessions.live.filter, "dst=\"2001:db8::7\"");
    back(&mut stage);
    (0..2).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    assert_eq!(
        (stage.app.ui.screen, stage.app.history.filter.as_str()),
        (Screen::History, "user=\"bob\" and dst=\"10.0.3.17\" and status=rejected")
    );
    back(&mut stage);
    (0..3).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    assert_eq!(stage.app.ui.screen, Screen::Acl);
    let closed = stage.asked().iter().filter(|(op, _)| *op == "meta.close").count();
    assert!(closed >= 5, "what a screen had opened is closed when it is left: {closed}");
}

#[test]
fn a_check_that_changes_asks_for_the_incidents_anew() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    health(&mut stage);
    stage.asked();
    let check = |state: &str| json!({ "ok": true, "checks": [{ "name": "dns", "state": state, "measured": "x" }] });
    stage.push(9, "health", check("ok"));
    assert_eq!(stage.asked()[0].0, "incidents.list");
    stage.push(9, "health", check("ok"));
    assert_eq!(stage.asked(), []);
}

/// The visits for which something of this kind was asked.
fn visits(stage: &mut Stage, op: &str) -> Vec<About> {
    let about = |effect| {
        let Effect::Ask { op: asked, about, .. } = effect else { return None };
        (asked == op).then_some(about)
    };
    std::mem::take(&mut stage.effects).into_iter().filter_map(about).collect()
}

#[test]
fn what_comes_after_its_screen_was_left_is_closed() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.effects.clear();
    stage.keys("8");
    let first = visits(&mut stage, "logs.sub").remove(0);
    stage.keys("08");
    let second = visits(&mut stage, "logs.sub").remove(0);
    stage.answer(first, json!({ "sub": 21, "lines": [] }));
    assert_eq!(stage.asked(), [("meta.close", json!({ "sub": 21 }))]);
    stage.answer(second, json!({ "sub": 22, "lines": [] }));
    assert_eq!(stage.asked(), []);
    stage.keys("8");
    assert!(stage.asked().contains(&("meta.close", json!({ "sub": 22 }))), "the same screen once more");
}

#[test]
fn logins_of_another_list_are_not_mixed_in_and_what_is_meant_stays() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.effects.clear();
    stage.keys("7!!");
    let asked = visits(&mut stage, "auth.sub");
    let login = |user: &str, address: &str| json!({ "t": NOW, "result": "fail", "user": user, "src": address });
    let before = [login("oscar", "192.0.2.7"), login("peggy", "192.0.2.8")];
    for (about, sub) in asked.into_iter().zip(31..) {
        stage.answer(about, json!({ "sub": sub, "logins": before }));
    }
    let picture = stage.picture();
    let (oldest, latest) = (picture.find("192.0.2.7"), picture.find("192.0.2.8"));
    assert!(latest.is_some() && latest < oldest, "all of them at once, the latest first: {picture}");
    let closed: Vec<_> = stage.asked().into_iter().filter(|(op, _)| *op == "meta.close").collect();
    assert_eq!(closed, [31, 32].map(|sub| ("meta.close", json!({ "sub": sub }))));
    stage.push(32, "auth", login("of another list", "192.0.2.9"));
    stage.push(33, "auth", login("alice", "192.0.2.1"));
    stage.push(33, "auth", login("bob", "192.0.2.2"));
    assert!(!stage.picture().contains("192.0.2.9"), "{}", stage.picture());
    stage.keys("j");
    for _ in 0..3 {
        stage.push(33, "auth", login("carol", "192.0.2.3"));
    }
    stage.keys("P");
    stage.push(33, "auth", login("dora", "192.0.2.4"));
    assert!(!stage.picture().contains("192.0.2.4"), "{}", stage.picture());
    stage.keys("Pu");
    assert!(stage.picture().contains("Let 192.0.2.1 come again?"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    stage.keys("P17");
    assert!(!stage.picture().contains("paused"), "what is asked for anew is seen: {}", stage.picture());
}

#[test]
fn earlier_lines_are_asked_for_again_after_a_no() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("8");
    let begun = visits(&mut stage, "logs.sub").remove(0);
    let line = json!({ "n": 700, "t": NOW, "level": "info", "target": "session", "msg": "one" });
    stage.answer(begun, json!({ "sub": 21, "lines": [line] }));
    for _ in 0..2 {
        stage.keys("k");
        let before = visits(&mut stage, "logs.get").remove(0);
        let refusal = wire::admin::Refusal::new(wire::admin::Code::Busy, "later");
        stage.event(crate::console::event::Event::Answer(1, Err(refusal)), Some(before));
    }
}
