//! What can be done with many rows at once, and with the one that the cursor rests on.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal, Role};

use super::people::{limits, users};
use super::{NOW, PLAIN, Stage, session};
use crate::console::event::{About, Effect, Event};
use crate::console::live::View;
use crate::console::screen::Screen;
use crate::console::screens::acl::Topic;
use crate::console::ui::Overlay;
use crate::console::update::TICKS;
use crate::past::Taken;

const SIZE: (u16, u16) = (100, 30);

fn sessions() -> Stage {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.asked();
    stage
}

/// The daemon knows these operations too.
fn knowing(stage: &mut Stage, ops: &[&str]) {
    stage.app.model.ops.extend(ops.iter().map(|op| (*op).to_owned()));
}

fn ids(count: u32) -> Value {
    (0..count).map(|number| session(number)[0].clone()).collect()
}

fn rest(stage: &mut Stage, ticks: u32) {
    for _ in 0..ticks {
        stage.event(Event::Tick, None);
    }
}

/// As the daemon tells which sessions would end; the names of one user or of two.
fn meant(matched: u64, user: Option<&str>) -> Value {
    let one = json!({ "id": "8f31a0", "user": "eve", "src": "10.8.0.77:39001", "dst": "10.0.3.17:5432",
        "start": NOW - 9600.0, "up": 1024, "down": 4096 });
    json!({
        "matched": matched, "sample": vec![one; 9], "users": if user.is_some() { 1 } else { 2 }, "user": user, "enabled": user.map(|_| true),
        "destinations": 3, "oldest": NOW - 9600.0, "bytes": 5_368_709_120_u64, "killed": 0, "gone": 0,
    })
}

#[test]
fn all_that_the_filter_lets_in_are_marked_and_not_only_those_on_the_screen() {
    let mut stage = sessions();
    stage.keys("*");
    assert_eq!(stage.asked(), [("view.ids", json!({ "sub": 3 }))]);
    let about = || About::Marks(View::Sessions, String::new());
    let many: Vec<String> = (0..412).map(|number| format!("{number:x}")).collect();
    stage.answer(about(), json!({ "ids": many, "matched": 412, "truncated": false }));
    assert!(stage.picture().contains("412 marked"), "{}", stage.picture());
    stage.keys("K");
    let (_, dry) = stage.asked().pop().expect("it is asked which they are");
    assert_eq!(dry["ids"].as_array().map(Vec::len), Some(412));
    stage.key(KeyCode::Esc);
    stage.keys("*");
    assert!(stage.app.sessions.live.marks.is_empty() && stage.asked().is_empty(), "again: none");
}

#[test]
fn what_another_filter_let_in_is_not_marked() {
    let mut stage = sessions();
    stage.keys("*");
    stage.keys("/user=alice");
    stage.key(KeyCode::Enter);
    stage.answer(About::Marks(View::Sessions, String::new()), json!({ "ids": ids(3), "matched": 3 }));
    assert!(stage.app.sessions.live.marks.is_empty());
    let refusal = Refusal::new(Code::NotFound, "there is no such subscription");
    stage.event(Event::Answer(9, Err(refusal)), Some(About::Marks(View::Sessions, String::new())));
    assert!(stage.picture().contains("there is no such subscription"));
}

#[test]
fn the_order_to_end_sessions_goes_with_a_reason_that_the_command_has_too() {
    let mut stage = sessions();
    stage.keys("K");
    stage.answer(About::KillDry(1), meant(2, None));
    let picture = stage.picture();
    assert!(picture.contains("users 2, destinations 3") && picture.contains("oldest 2h40"), "{picture}");
    assert!(picture.contains("traffic so far 5.0G") && !picture.contains("disable the user"), "{picture}");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    // A y is a letter of the reason here.
    stage.keys("they may");
    assert!(stage.picture().contains("--reason 'they may'"), "{}", stage.picture());
    stage.asked();
    stage.key(KeyCode::Tab);
    stage.keys("y");
    let asked = stage.asked();
    assert_eq!((asked[0].0, &asked[0].1["reason"]), ("sessions.kill", &json!("they may")));
}

#[test]
fn sessions_that_are_not_seen_are_looked_through_before_they_end() {
    let mut stage = sessions();
    stage.keys("K");
    stage.answer(About::KillDry(1), meant(24, None));
    assert!(stage.picture().contains("... 18 more (Tab to browse)"), "{}", stage.picture());
    stage.key(KeyCode::Tab);
    stage.keys("jjjjj");
    assert!(stage.picture().contains("... 15 more "), "the last of those that were sent: {}", stage.picture());
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Kill(_))));
}

#[test]
fn a_leaver_is_disabled_first_and_only_then_are_the_sessions_ended() {
    let mut stage = sessions();
    stage.keys("K");
    stage.answer(About::KillDry(1), meant(24, Some("eve")));
    stage.key(KeyCode::BackTab);
    stage.keys(" ");
    let picture = stage.picture();
    assert!(picture.contains("[x] disable the user eve first"), "{picture}");
    let Some(Overlay::Kill(dialog)) = &stage.app.ui.overlay else { panic!("it is still asked") };
    assert_eq!(dialog.command(), "rustsocks-cli users disable eve && rustsocks-cli sessions kill 8f31a0");
    stage.asked();
    stage.key(KeyCode::Tab);
    stage.keys("24");
    let Some(Effect::Ask { op, p, about }) = stage.effects.pop() else { panic!("it is ordered") };
    let whole = json!({ "store": "users", "ops": [{ "op": "user.disable", "name": "eve" }], "comment": "" });
    assert_eq!((op, p), ("txn.quick", whole), "also without a reason");
    stage.answer(about.clone(), json!({ "gen": 8 }));
    let asked = stage.asked();
    assert_eq!((asked[0].0, asked[0].1.get("expect")), ("sessions.kill", None), "nobody new can come");
    // Who cannot be disabled keeps the sessions.
    let refusal = Refusal::new(Code::NotFound, "there is no user \"eve\"");
    stage.event(Event::Answer(9, Err(refusal)), Some(about));
    assert!(stage.asked().is_empty() && stage.picture().contains("no session was ended"), "{}", stage.picture());
}

#[test]
fn only_who_may_disable_users_is_asked_whether_to() {
    let mut stage = sessions();
    stage.app.model.welcome.as_mut().expect("it is connected").role = Role::Operate;
    stage.keys("K");
    stage.answer(About::KillDry(1), meant(2, Some("eve")));
    assert!(!stage.picture().contains("disable the user"), "{}", stage.picture());
}

#[test]
fn only_whoever_the_users_file_lets_in_is_to_be_disabled_first() {
    for (enabled, is_offered) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
        let mut stage = sessions();
        stage.keys("K");
        let mut meant = meant(2, Some("eve"));
        meant["enabled"] = enabled;
        stage.answer(About::KillDry(1), meant);
        let picture = stage.picture();
        assert!(picture.contains("End 2 sessions?") && picture.contains("disable the user") == is_offered, "{picture}");
    }
}

#[test]
fn a_session_that_is_over_says_why_and_has_what_its_row_had() {
    let mut stage = sessions();
    knowing(&mut stage, &["sessions.get"]);
    let order: Vec<Value> = (1..10).map(|number| session(number)[0].clone()).collect();
    stage.push(3, "patch", json!({ "order": order, "gone": [[session(0)[0], "client"]] }));
    assert!(stage.picture().contains("over: client, after 20:34"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    let picture = stage.picture();
    assert!(picture.contains("over: client; H has it") && picture.contains("users/alice#2"), "{picture}");
    assert_eq!(stage.asked(), [], "the daemon knows no more of it");
}

#[test]
fn a_row_that_is_told_anew_stands_there_once_and_may_be_over_at_once() {
    let mut stage = sessions();
    let mut row = session(1);
    row[3] = json!("198.51.100.7:443");
    stage.push(3, "patch", json!({ "add": [row] }));
    let picture = stage.picture();
    assert_eq!(picture.matches("198.51.100.7:443").count(), 1, "{picture}");
    assert_eq!(stage.app.sessions.live.table.lines.len(), 10);
    let order: Vec<Value> = (0..10).map(|number| session(number)[0].clone()).collect();
    stage.push(3, "patch", json!({ "order": order, "add": [session(0)], "gone": [[session(0)[0], "client"]] }));
    assert!(stage.picture().contains("over: client"), "{}", stage.picture());
}

#[test]
fn what_is_against_a_session_is_not_cut() {
    for size in [SIZE, (140, 40)] {
        let mut stage = Stage::with_sessions(size, PLAIN);
        knowing(&mut stage, &["sessions.get"]);
        rest(&mut stage, 2);
        let id = session(0)[0].as_str().expect("an id").to_owned();
        let would = json!({ "decision": "block", "by": "the users: this one may not log in any more" });
        stage.answer(About::Session(id), json!({ "would": would }));
        assert!(stage.picture().contains("blocked now: may log in no more"), "{}", stage.picture());
    }
}

#[test]
fn everything_that_matches_goes_into_a_file() {
    let mut stage = sessions();
    stage.keys("/user=alice");
    stage.key(KeyCode::Enter);
    stage.keys("E");
    let command = "rustsocks-cli -o ndjson sessions list --filter user=alice > sessions.ndjson";
    assert_eq!(stage.command(), command);
    stage.key(KeyCode::Tab);
    stage.keys(" ");
    stage.key(KeyCode::Tab);
    stage.effects.clear();
    stage.key(KeyCode::Enter);
    let Some(Effect::Save(Taken { op, filter, columns: Some(columns) }, path)) = stage.effects.pop() else {
        panic!("it is written")
    };
    assert_eq!(
        (op, &*filter, columns[0].0.as_str(), &*path),
        ("sessions.export", "user=alice", "id", "sessions.ndjson")
    );
}

#[test]
fn the_screen_of_rules_opens_at_the_rule_of_the_session() {
    const TEXT: &str = "[[users]]\nusername = \"alice\"\n\n[[users.rules]]\naction = \"block\"\n\n[[users.rules]]\naction = \"allow\"\n";
    let mut stage = sessions();
    stage.keys("4");
    stage.answer(About::Acl(Topic::Running), json!({ "gen": 41, "text": TEXT }));
    assert_eq!((stage.app.ui.screen, stage.app.ui.pane, stage.app.acl.rule), (Screen::Acl, 1, 1));
    let meant = stage.app.acl.line().map(|line| line.place.to_string());
    assert_eq!(meant.as_deref(), Some("users/alice#2"));
}

#[test]
fn more_is_asked_about_the_session_on_which_the_cursor_rests() {
    let mut stage = sessions();
    knowing(&mut stage, &["sessions.get"]);
    rest(&mut stage, 1);
    stage.keys("j");
    rest(&mut stage, 2);
    let id = session(1)[0].clone();
    assert_eq!(stage.asked(), [("sessions.get", json!({ "id": id }))]);
    // One question at a time.
    rest(&mut stage, 10 * TICKS);
    assert_eq!(stage.asked(), []);
    let about = || About::Session(id.as_str().expect("an id").to_owned());
    let told = json!({
        "id": id, "would": { "decision": "block", "by": "users/alice#3" }, "live": { "dns_us": 4_100, "connect_us": 38_000 },
        "classes": [{ "name": "user/alice", "ceiling_up": 104_857_600, "ceiling_down": 104_857_600, "waiting": 0 }],
        "log": [{ "t": NOW, "level": "INFO", "msg": "session closed" }],
    });
    stage.answer(about(), told);
    let picture = stage.picture();
    for fact in ["blocked now by users/alice#3", "dns 4, connect 38 ms", "user/alice 100M/s"] {
        assert!(picture.contains(fact), "{fact}: {picture}");
    }
    rest(&mut stage, 10 * TICKS);
    assert_eq!(stage.asked().len(), 1, "and again, as long as it rests there");
    stage.key(KeyCode::Enter);
    stage.answer(about(), json!({ "id": id, "log": [{ "t": NOW, "level": "INFO", "msg": "a line" }], "classes": [] }));
    assert!(stage.picture().contains("INFO a line"), "{}", stage.picture());
}

#[test]
fn a_row_that_is_over_is_not_asked_about() {
    let mut stage = sessions();
    knowing(&mut stage, &["sessions.get"]);
    let order: Vec<Value> = (1..10).map(|number| session(number)[0].clone()).collect();
    stage.push(3, "patch", json!({ "order": order, "gone": [[session(0)[0], "client"]] }));
    rest(&mut stage, 3 * TICKS);
    assert_eq!(stage.asked(), []);
}

#[test]
fn what_is_known_of_a_user_stands_beside_the_users() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    users(&mut stage);
    knowing(&mut stage, &["users.get"]);
    stage.asked();
    rest(&mut stage, 2);
    assert_eq!(stage.asked(), [("users.get", json!({ "name": "alice" }))]);
    let told = json!({
        "name": "alice", "written": { "password": { "kept_as": "argon2id", "memory_kib": 19_456, "passes": 2 }, "expires": null },
        "rules": { "own": 3, "groups": 5, "everybody": 1 }, "limits": { "up_bps": 838_860_800, "down_bps": 838_860_800, "conns": 100 },
        "concessions": [
            { "target": "user/alice", "bytes": 1000, "until": "2026-11-22T09:00:00Z" },
            { "target": "user/alice", "bandwidth_limit_mbps": 4.194_304, "max_connections": 12, "until": "2026-11-22T08:58:12Z" },
            { "target": "user/alice", "bandwidth_limit_mbps": 0, "max_connections": 0, "until": "2026-11-22T08:58:12Z" },
        ],
    });
    stage.answer(About::Own(Screen::Users, "detail"), told);
    let picture = stage.picture();
    for fact in [
        "argon2id 19M t=2",
        "3 own, 9 effective",
        "100M/s, 100 conns",
        "override 512K/s, 12 conns",
        "58:12 left",
        "override no rate limit, any conns",
    ] {
        assert!(picture.contains(fact), "{fact}: {picture}");
    }
}

#[test]
fn groups_are_made_renamed_and_deleted_where_they_are_shown() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    users(&mut stage);
    stage.key(KeyCode::Tab);
    stage.asked();
    stage.keys("anight\tbob\t");
    stage.key(KeyCode::Enter);
    let made = json!([{ "op": "group.add", "name": "night", "members": ["bob"] }]);
    assert_eq!(stage.asked(), [("txn.quick", json!({ "store": "users", "ops": made }))]);
    stage.answer(About::Own(Screen::Users, "done"), json!({ "gen": 18 }));
    stage.asked();
    stage.keys("R2\t");
    assert!(stage.picture().contains("rules and limits that name it do not follow"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    let renamed = json!([{ "op": "group.rename", "name": "developers", "to": "developers2" }]);
    assert_eq!(stage.asked(), [("txn.quick", json!({ "store": "users", "ops": renamed }))]);
    stage.answer(About::Own(Screen::Users, "done"), json!({ "gen": 19 }));
    stage.asked();
    stage.keys("d");
    stage.key(KeyCode::Enter);
    stage.keys("y");
    assert_eq!(stage.asked(), [], "its name is typed");
    stage.key(KeyCode::Esc);
    stage.keys("ddevelopers");
    let gone = json!([{ "op": "group.del", "name": "developers" }]);
    assert_eq!(stage.asked(), [("txn.quick", json!({ "store": "users", "ops": gone }))]);
}

#[test]
fn membership_changes_by_what_was_added_and_what_was_taken_out() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    users(&mut stage);
    stage.asked();
    stage.keys("m");
    // The first of developers and staff becomes night.
    for _ in 0.."developers".len() {
        stage.key(KeyCode::Backspace);
    }
    stage.keys("night");
    let picture = stage.picture();
    assert!(picture.contains("+ night   a new group") && picture.contains("- developers"), "{picture}");
    assert!(picture.contains("groups del developers alice --yes"), "{picture}");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    let ops = json!([
        { "op": "member.add", "group": "night", "name": "alice" },
        { "op": "member.del", "group": "developers", "name": "alice" },
    ]);
    assert_eq!(stage.asked(), [("txn.quick", json!({ "store": "users", "ops": ops }))]);
}

#[test]
fn limits_show_what_holds_now_and_where_it_comes_from() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    limits(&mut stage);
    stage.asked();
    stage.keys("o");
    let picture = stage.picture();
    assert!(picture.contains("an override of anna holds until 2026-11-22T09:00:00Z: the release"), "{picture}");
    assert!(picture.contains("523750"), "its rate, to be changed: {picture}");
    stage.key(KeyCode::Esc);
    stage.key(KeyCode::Enter);
    assert_eq!((stage.app.ui.screen, &*stage.app.sessions.live.filter), (Screen::Sessions, "user=\"alice\""));
    stage.keys("6H");
    assert_eq!((stage.app.ui.screen, &*stage.app.history.filter), (Screen::History, "user=\"alice\""));
}

#[test]
fn the_history_is_sorted_by_the_daemon_and_says_how_long_it_works() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    stage.keys("3");
    let sort = |stage: &mut Stage| {
        let last = stage.asked().into_iter().rfind(|(op, _)| *op == "history.query");
        last.expect("it is asked").1["sort"].clone()
    };
    assert_eq!(sort(&mut stage), json!(["start", "desc"]));
    stage.keys("ssS");
    assert_eq!(sort(&mut stage), json!(["bytes", "asc"]));
    assert!(stage.picture().contains("asking ..."), "{}", stage.picture());
    rest(&mut stage, TICKS + 1);
    assert!(stage.picture().contains("working 1.2 s - Esc cancels"), "{}", stage.picture());
    stage.key(KeyCode::Esc);
    assert!(stage.effects.contains(&Effect::TakeBack(Screen::History)));
}

#[test]
fn a_session_that_was_says_who_claimed_what_from_where_and_why_it_ended() {
    let mut stage = Stage::connected((80, 24), PLAIN);
    stage.draw();
    stage.keys("3");
    let row = json!({
        "session_id": "019ab", "user": null, "claimed": "eve", "start_time": "2026-11-22T07:11:47Z", "duration_secs": 250,
        "source_ip": "2001:db8:0:1:2:3:4:5", "dest_host": "prod-4.company.com", "dest_port": 5432, "bytes_sent": 10,
        "bytes_received": 2_000_000, "status": "failed", "close_reason": "upstream_timeout", "listener": "0.0.0.0:1080",
    });
    stage.answer(About::Own(Screen::History, "rows"), json!({ "rows": [row], "next": null, "ms": 1 }));
    let picture = stage.picture();
    assert!(picture.contains("(eve)") && picture.contains("upstream_timeout"), "why, at the narrowest: {picture}");
    assert!(!picture.contains("2001:db8:0:1:2:3:4:5"), "{picture}");
    for _ in 0..3 {
        stage.keys("l");
        stage.draw();
    }
    let picture = stage.picture();
    assert!(picture.contains("2001:db8:0:1:2:3:4:5") && picture.contains("07:11:47"), "{picture}");
    for _ in 0..20 {
        stage.keys("l");
        stage.draw();
    }
    assert!(stage.picture().contains("019ab"), "the last one is reached: {}", stage.picture());
    stage.key(KeyCode::Enter);
    let picture = stage.picture();
    let has = |name: &str| picture.lines().any(|line| line.contains(name));
    assert!(has("claimed") && has("close_reason") && has("2001:db8:0:1:2:3:4:5"), "{picture}");
}

#[test]
fn the_rankings_of_the_overview_are_by_what_is_wanted() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    stage.asked();
    stage.keys("s");
    let asked = stage.asked();
    let keys: Vec<&Value> = asked.iter().filter(|(op, _)| *op == "top.sub").map(|(_, p)| &p["key"]).collect();
    assert_eq!(keys, ["sessions", "sessions", "sessions"]);
    assert!(stage.picture().contains("Top users by sessions"), "{}", stage.picture());
}
