//! What keys and news do.

use crossterm::event::KeyCode;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::{PLAIN, Stage, session, window};
use crate::console::event::{About, Effect, Event};
use crate::console::live::View;
use crate::console::screen::Screen;
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

fn id(number: u32) -> String {
    session(number)[0].as_str().expect("an id").to_owned()
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().copied().map(id).collect()
}

#[test]
fn what_is_meant_stays_what_it_is_however_the_order_changes() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("jj");
    assert_eq!(stage.meant(), Some(&*id(2)));
    for turn in 0..1_000_u32 {
        let mut order = ids(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.rotate_left(usize::try_from(turn % 10).expect("a small number"));
        if turn % 2 == 0 {
            order.reverse();
        }
        stage.push(3, "patch", json!({ "order": order }));
        assert_eq!(stage.meant(), Some(&*id(2)));
        let is_seen = |picture: String| picture.lines().any(|line| line.contains(&format!(">  {}", id(2))));
        assert!(turn % 10 > 0 || is_seen(stage.picture()), "turn {turn}");
    }
}

#[test]
fn a_session_that_is_over_stays_where_it_was_and_nothing_else_is_ended_in_its_place() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("j");
    let rest = ids(&[0, 2, 3, 4, 5, 6, 7, 8, 9]);
    stage.push(3, "patch", json!({ "order": rest, "gone": [[id(1), "client"]], "total": 10_213 }));
    assert_eq!(stage.meant(), Some(&*id(1)));
    let picture = stage.picture();
    assert!(
        picture.lines().any(|line| line.contains(&format!(">x {}", id(1))) && line.contains("client")),
        "{picture}"
    );
    stage.asked();
    stage.keys("K");
    assert_eq!(stage.asked(), Vec::new());
    assert!(stage.app.ui.overlay.is_none());
}

#[test]
fn a_row_that_left_the_window_is_looked_for() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("jjj");
    stage.answer(About::Window(View::Sessions), window());
    stage.answer(About::Window(View::Sessions), window());
    stage.asked();
    stage.push(3, "patch", json!({ "order": ids(&[0, 1, 2]), "matched": 412 }));
    let asked = stage.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, "view.set");
    // One question at a time; what is wanted meanwhile is asked once it is answered.
    stage.keys("S");
    stage.keys("S");
    stage.keys("S");
    assert_eq!(stage.asked(), []);
    stage.answer(About::Window(View::Sessions), window());
    assert_eq!(stage.asked().len(), 1);
}

#[test]
fn the_end_of_ten_thousand_rows_is_one_question_away() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.asked();
    stage.keys("G");
    let asked = stage.asked();
    let win = &asked[0].1["win"];
    assert!(win["off"].as_u64() < Some(412) && win["off"].as_u64() > Some(370), "{win}");
    let mut last = window();
    last["off"] = json!(402);
    stage.answer(About::Window(View::Sessions), last);
    assert_eq!(stage.meant(), Some(&*id(9)));
}

#[test]
fn whoever_goes_to_the_end_while_another_order_is_on_its_way_comes_to_the_end() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.asked();
    stage.keys("S");
    assert_eq!(stage.asked().len(), 1);
    stage.keys("G");
    assert_eq!(stage.asked(), [], "one question at a time");
    stage.answer(About::Window(View::Sessions), window());
    let asked = stage.asked();
    assert!(asked[0].1["win"]["off"].as_u64() > Some(370), "{asked:?}");
    let mut last = window();
    last["off"] = json!(402);
    stage.answer(About::Window(View::Sessions), last);
    assert_eq!(stage.meant(), Some(&*id(9)));
}

#[test]
fn few_are_ended_by_a_y_and_by_nothing_else() {
    for (key, is_yes) in
        [(KeyCode::Enter, false), (KeyCode::Char('n'), false), (KeyCode::Esc, false), (KeyCode::Char('y'), true)]
    {
        let mut stage = Stage::with_sessions(SIZE, PLAIN);
        stage.keys("  ");
        stage.asked();
        stage.keys("K");
        let dry = stage.asked();
        assert_eq!((dry[0].0, &dry[0].1["dry"]), ("sessions.kill", &Value::Bool(true)));
        // Before the daemon has said which, nothing is confirmed.
        stage.keys("y");
        assert_eq!(stage.asked(), []);
        stage.answer(About::KillDry(1), json!({ "matched": 2, "killed": 0, "gone": 0 }));
        stage.key(key);
        let given = stage.asked();
        assert_eq!(given.len(), usize::from(is_yes), "{key:?}");
        if let Some((op, p)) = given.first() {
            let mut both = ids(&[0, 1]);
            both.sort_unstable();
            assert_eq!((*op, &p["ids"], &p["epoch"]), ("sessions.kill", &json!(both), &json!("6f1c9a2e")));
            assert!(p["idem"].is_string() && p.get("dry").is_none());
            // The order is given once.
            stage.keys("y");
            assert_eq!(stage.asked(), []);
        }
    }
}

#[test]
fn many_are_ended_by_their_number_alone() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("*K");
    stage.answer(About::KillDry(1), json!({ "matched": 24, "killed": 0, "gone": 0 }));
    stage.asked();
    stage.keys("y42");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), []);
    stage.key(KeyCode::Backspace);
    stage.key(KeyCode::Backspace);
    stage.keys("24");
    assert_eq!(stage.asked().len(), 1);
}

#[test]
fn an_answer_to_another_dialog_is_none_to_this_one() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("K");
    stage.key(KeyCode::Esc);
    stage.keys("jK");
    stage.answer(About::KillDry(1), json!({ "matched": 1, "killed": 0, "gone": 0 }));
    stage.asked();
    stage.keys("y");
    assert_eq!(stage.asked(), [], "which session this one would end was not said");
    stage.answer(About::KillDry(2), json!({ "matched": 1, "killed": 0, "gone": 0 }));
    stage.keys("y");
    assert_eq!(stage.asked()[0].1["ids"], json!([id(1)]));
    // The order of a dialog that was closed meanwhile closes no other.
    stage.key(KeyCode::Esc);
    stage.keys("?");
    stage.answer(About::Killed(2), json!({ "matched": 1, "killed": 1, "gone": 0 }));
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Help { .. })));
    let refusal = Refusal::new(Code::Conflict, "there are others");
    stage.event(Event::Answer(9, Err(refusal)), Some(About::KillDry(2)));
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Help { .. })));
}

#[test]
fn what_is_wanted_of_a_view_before_it_is_open_is_asked_once_it_is() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.draw();
    stage.keys("2");
    stage.asked();
    stage.keys("/user=alice");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), []);
    stage.answer(About::Window(View::Sessions), window());
    let asked = stage.asked();
    assert_eq!((asked.len(), asked[0].0, &asked[0].1["filter"]), (1, "view.set", &json!("user=alice")));
}

#[test]
fn another_run_of_the_daemon_takes_marks_and_orders_with_it() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("  K");
    stage.answer(About::KillDry(1), json!({ "matched": 2, "killed": 0, "gone": 0 }));
    stage.keys("y");
    stage.asked();
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
    assert!(stage.app.ui.overlay.is_none(), "an order whose answer is lost is not open any more");
    assert!(stage.picture().contains("STALE"));
    stage.meet("6f1c9a2e");
    assert_eq!(stage.app.sessions.live.marks.len(), 2, "the same run: marks mean what they meant");
    let asked: Vec<_> = stage.asked().into_iter().map(|(op, _)| op).collect();
    assert_eq!(asked, ["meta.ops", "status.sub", "view.open"], "and nothing is ordered again");
    stage.meet("another");
    assert!(stage.app.sessions.live.marks.is_empty() && stage.meant().is_none());
}

#[test]
fn the_filter_is_obeyed_while_it_makes_sense() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.asked();
    stage.keys("/usr=");
    assert!(stage.picture().contains("[invalid: column 1: unknown field `usr`; did you mean `user`?]"));
    stage.key(KeyCode::Enter);
    assert!(stage.app.ui.overlay.is_some(), "what makes no sense is not taken");
    stage.event(
        Event::Key(crossterm::event::KeyEvent::new(KeyCode::Char('u'), crossterm::event::KeyModifiers::CONTROL)),
        None,
    );
    stage.event(Event::Paste("user=alice\n".to_owned()), None);
    assert!(stage.picture().contains("[valid]"));
    stage.key(KeyCode::Enter);
    stage.answer(About::Window(View::Sessions), window());
    let last = stage.asked().pop().expect("the filter was asked for");
    assert_eq!(last.1["filter"], json!("user=alice"));
    stage.key(KeyCode::Esc);
    assert_eq!(stage.app.sessions.live.filter, "");
}

#[test]
fn what_is_copied_is_chosen_and_its_bytes_are_counted() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.effects.clear();
    stage.keys("yj");
    stage.key(KeyCode::Enter);
    assert!(stage.effects.contains(&Effect::Copy(id(0))) && stage.picture().contains("6 bytes to the clipboard"));
    stage.keys("yq");
    assert_eq!((stage.app.ui.overlay.is_none(), stage.effects.len()), (true, 1));
    stage.keys("yjjjj");
    stage.key(KeyCode::Enter);
    let Some(Effect::Copy(table)) = stage.effects.last() else { panic!("the table is copied") };
    assert!(table.starts_with("id\tuser\t") && table.lines().count() == 11, "{table}");
}

#[test]
fn escape_never_leaves_and_a_refusal_is_told() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.effects.clear();
    for _ in 0..5 {
        stage.key(KeyCode::Esc);
    }
    assert!(!stage.effects.contains(&Effect::Quit));
    let refusal = Refusal::new(Code::Denied, "your role is read");
    stage.event(Event::Answer(9, Err(refusal)), Some(About::Killed(1)));
    assert!(stage.picture().contains("denied: your role is read"));
    stage.keys("q");
    assert!(stage.effects.contains(&Effect::Quit));
}

#[test]
fn the_history_goes_on_page_by_page_and_takes_questions_back() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.asked();
    stage.keys("3");
    let asked = stage.asked();
    let filters: Vec<_> = asked.iter().map(|(op, p)| (*op, p["filter"].clone())).collect();
    assert_eq!(filters, [("history.query", json!("start>=-24h")), ("history.agg", json!("start>=-24h"))]);
    stage.key(KeyCode::Esc);
    assert!(stage.effects.contains(&Effect::TakeBack(Screen::History)), "{:?}", stage.effects);
    assert!(stage.picture().contains("taken back"), "{}", stage.picture());
    stage.keys("/up>1M or host~*.corp");
    stage.key(KeyCode::Enter);
    let wanted = "(up>1M or host~*.corp) and (start>=-24h)";
    assert!(stage.asked().iter().all(|(_, p)| p["filter"] == wanted));
    let row = |id: &str| json!({ "session_id": id, "start_time": "2026-11-22T07:11:47Z", "user": "alice" });
    stage.answer(About::Own(Screen::History, "rows"), json!({ "rows": [row("one")], "next": "one", "ms": 1 }));
    stage.keys("n");
    let asked = stage.asked();
    assert_eq!((asked.len(), asked[0].0, &asked[0].1["after"]), (1, "history.query", &json!("one")));
    stage.answer(About::Own(Screen::History, "rows"), json!({ "rows": [row("two")], "next": null, "ms": 1 }));
    assert!(stage.picture().contains("page 2"), "{}", stage.picture());
    stage.keys("n");
    assert_eq!(stage.asked(), [], "there is no further page");
    stage.keys("N");
    assert_eq!(stage.asked()[0].1["after"], Value::Null);
    stage.keys("wb");
    let asked = stage.asked();
    let last = &asked[asked.len() - 1].1;
    assert_eq!((&last["filter"], &last["by"]), (&json!("(up>1M or host~*.corp) and (start>=-168h)"), &json!("user")));
    let group =
        json!({ "of": "alice", "sessions": 7, "bytes_sent": 1, "bytes_received": 2, "rejected": 0, "failed": 0 });
    let numbers = json!({ "total": { "sessions": 7 }, "groups": [group], "buckets": [] });
    stage.answer(About::Own(Screen::History, "numbers"), numbers);
    assert!(stage.picture().contains("OF"), "{}", stage.picture());
    stage.key(KeyCode::Enter);
    assert!(
        stage.asked()[0].1["filter"].as_str().is_some_and(|filter| filter.contains("user=\"alice\"")),
        "into the group"
    );
}

#[test]
fn every_group_of_the_history_is_a_filter() {
    let (hour, day) = (json!("2026-11-22T07:00Z"), json!("2026-11-22"));
    for (presses, of, wanted) in [
        (1, Value::Null, "not user~*"),
        (3, Value::Null, "not rule~*"),
        (5, hour, "start>=2026-11-22T07:00Z start<2026-11-22T08:00Z"),
        (6, day, "start>=2026-11-22 start<2026-11-23T00:00Z"),
    ] {
        let mut stage = Stage::connected(SIZE, PLAIN);
        stage.keys("3");
        (0..presses).for_each(|_| stage.keys("b"));
        let numbers = json!({ "total": { "sessions": 7 }, "groups": [{ "of": of, "sessions": 7 }], "buckets": [] });
        stage.answer(About::Own(Screen::History, "numbers"), numbers);
        stage.key(KeyCode::Enter);
        assert_eq!(stage.app.history.filter, wanted);
        assert!(filter::Filter::parse(wanted, filter::HISTORY).is_ok(), "{wanted}");
    }
}

#[test]
fn a_page_of_the_history_is_looked_through() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("3");
    let row = |id: &str, host: &str| json!({ "session_id": id, "dest_host": host });
    let rows = [row("one", "a.example"), row("two", "b.corp"), row("three", "c.corp")];
    stage.answer(About::Own(Screen::History, "rows"), json!({ "rows": rows, "next": null, "ms": 1 }));
    for place in [1, 2, 1] {
        stage.keys("F");
        if place == 1 && stage.app.history.listing.sought.is_empty() {
            stage.keys("corp");
        }
        stage.key(KeyCode::Enter);
        assert_eq!(stage.app.history.listing.cursor, place);
    }
}

#[test]
fn a_login_is_tried_by_a_form_and_told_without_its_password() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("7");
    stage.asked();
    stage.keys("t");
    stage.keys("alice");
    stage.key(KeyCode::Tab);
    stage.keys("canary-secret");
    assert!(!stage.picture().contains("canary"), "{}", stage.picture());
    (0..2).for_each(|_| stage.key(KeyCode::Tab));
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), [("auth.test", json!({ "user": "alice", "secret": "canary-secret" }))]);
    let told =
        json!({ "result": "fail", "method": "userpass", "why": "wrong_password", "ms": 41, "name_locked": true });
    stage.answer(About::Own(Screen::Auth, "test"), told);
    let picture = stage.picture();
    assert!(picture.contains("fail by userpass in 41 ms") && picture.contains("wrong_password"), "{picture}");
    assert!(!picture.contains("canary"), "{picture}");
}

#[test]
fn a_source_comes_again_only_by_a_letter() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("7");
    stage.answer(About::Own(Screen::Auth, "logins"), json!({ "sub": 7 }));
    stage.push(7, "auth", json!({ "t": 1.0, "result": "fail", "user": "eve", "src": "203.0.113.77" }));
    stage.asked();
    stage.keys("u");
    stage.key(KeyCode::Enter);
    assert_eq!(stage.asked(), []);
    stage.keys("y");
    let asked = stage.asked();
    assert_eq!((asked[0].0, &asked[0].1["src"]), ("auth.unban", &json!("203.0.113.77")));
    stage.answer(About::Own(Screen::Auth, "unban"), json!({ "source": "203.0.113.77", "forgiven": true }));
    assert!(stage.picture().contains("203.0.113.77 may come again"));
}

#[test]
fn a_screen_that_the_daemon_cannot_fill_is_not_there() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.answer(About::Ops, json!({ "ops": [{ "op": "status.sub" }, { "op": "view.open" }] }));
    assert!(!stage.picture().contains("3 History"));
    stage.keys("3");
    assert_eq!(stage.app.ui.screen, Screen::Overview);
}
