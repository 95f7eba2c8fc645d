//! What is around the screens: the way back, the mouse, what is looked for, the palette, and a daemon that is gone.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::{NOW, PLAIN, Stage, rules, session, status, window};
use crate::console::caps::Caps;
use crate::console::event::{About, Effect, Event};
use crate::console::live::View;
use crate::console::pointer::Gesture;
use crate::console::screen::Screen;
use crate::console::ui::Overlay;

const SIZE: (u16, u16) = (100, 30);

fn id(number: u32) -> String {
    session(number)[0].as_str().expect("an id").to_owned()
}

fn clear(stage: &mut Stage) {
    stage.event(Event::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)), None);
}

fn lose(stage: &mut Stage) {
    stage.event(Event::Lost { why: "closed".to_owned(), attempt: 1, retry_ms: 250, is_refused: false }, None);
}

/// Where these words begin on the screen.
fn place(stage: &mut Stage, words: &str) -> Position {
    let picture = stage.picture();
    let found = picture.lines().enumerate().find_map(|(y, line)| Some((line.find(words)?, y)));
    let (x, y) = found.unwrap_or_else(|| panic!("{words:?} is not there:\n{picture}"));
    Position { x: u16::try_from(x).expect("a column"), y: u16::try_from(y).expect("a line") }
}

pub(super) fn click(stage: &mut Stage, words: &str, gesture: Gesture) {
    let at = place(stage, words);
    stage.event(Event::Pointed(gesture, at), None);
}

#[test]
fn whoever_goes_back_finds_the_screen_its_filter_its_order_and_the_row() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("jjS/user=alice");
    stage.key(KeyCode::Enter);
    stage.answer(About::Window(View::Sessions), window());
    stage.answer(About::Window(View::Sessions), window());
    stage.keys("jjjS");
    stage.answer(About::Window(View::Sessions), window());
    let (sort, meant) = (stage.app.sessions.live.sort.clone(), stage.meant().map(str::to_owned));
    // Into the past of a user, and to another filter there.
    stage.keys("H");
    assert_eq!(stage.app.ui.screen, Screen::History);
    let of_user = stage.app.history.filter.clone();
    stage.keys("/");
    clear(&mut stage);
    stage.keys("status=rejected");
    stage.key(KeyCode::Enter);
    // And to other sessions, by another way.
    stage.keys("1:sessions user=bob");
    stage.key(KeyCode::Enter);
    assert_eq!((stage.app.ui.screen, &*stage.app.sessions.live.filter), (Screen::Sessions, "user=bob"));
    let came_by = ["", "user=alice", &*of_user, "status=rejected", "", "user=bob"];
    let here = |stage: &Stage| {
        let filters =
            [(Screen::History, &stage.app.history.filter), (Screen::Sessions, &stage.app.sessions.live.filter)];
        let filter = filters.into_iter().find(|(screen, _)| *screen == stage.app.ui.screen);
        filter.map_or_else(String::new, |(_, filter)| filter.clone())
    };
    for filter in came_by.iter().rev().skip(1) {
        stage.keys("[");
        assert_eq!(here(&stage), *filter, "{:?}", stage.app.ui.screen);
        if *filter == "user=alice" {
            assert_eq!((&stage.app.sessions.live.sort, stage.meant()), (&sort, meant.as_deref()));
        }
    }
    for filter in &came_by[1..] {
        stage.keys("]");
        assert_eq!(here(&stage), *filter, "{:?}", stage.app.ui.screen);
    }
    stage.keys("]");
    assert!(stage.picture().contains("nothing was gone back from"), "{}", stage.picture());
}

#[test]
fn a_window_that_is_come_back_to_is_around_the_row_that_was_meant() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.app.sessions.live.top = 3;
    stage.keys("jjjjj");
    stage.keys("1");
    stage.answer(About::Window(View::Sessions), window());
    stage.answer(About::Window(View::Sessions), window());
    stage.asked();
    stage.keys("[");
    let asked = stage.asked();
    let set = asked.iter().find(|(op, _)| *op == "view.set").expect("the window is asked for anew");
    assert_eq!((&set.1["win"]["anchor"], &set.1["filter"]), (&json!(id(5)), &json!("")));
}

#[test]
fn rows_of_another_run_are_no_places_to_come_back_to() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("jj1");
    lose(&mut stage);
    stage.meet("another");
    stage.keys("[");
    assert_eq!((stage.app.ui.screen, stage.meant()), (Screen::Sessions, None));
}

#[test]
fn a_page_of_the_history_is_come_back_to() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("3");
    let row = |id: &str| json!({ "session_id": id, "start_time": "2026-11-22T07:11:47Z", "user": "alice" });
    let page = |ids: &[&str], next: Value| {
        let rows: Vec<Value> = ids.iter().map(|id| row(id)).collect();
        json!({ "rows": rows, "next": next, "ms": 1 })
    };
    stage.answer(About::Own(Screen::History, "rows"), page(&["one", "two"], json!("two")));
    stage.keys("n");
    stage.answer(About::Own(Screen::History, "rows"), page(&["three", "four"], Value::Null));
    stage.keys("j1");
    stage.asked();
    stage.keys("[");
    let asked = stage.asked();
    let query = asked.iter().find(|(op, _)| *op == "history.query").expect("the page is asked for");
    assert_eq!(query.1["after"], json!("two"));
    stage.answer(About::Own(Screen::History, "rows"), page(&["three", "four"], Value::Null));
    assert_eq!(stage.app.history.listing.cursor, 1);
}

#[test]
fn the_mouse_does_nothing_until_it_is_wanted() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    click(&mut stage, "3 History", Gesture::Click);
    assert_eq!(stage.app.ui.screen, Screen::Sessions);
    stage.effects.clear();
    stage.keys("M");
    assert_eq!(stage.effects, [Effect::Mouse(true)]);
    click(&mut stage, "3 History", Gesture::Click);
    assert_eq!(stage.app.ui.screen, Screen::History);
    stage.effects.clear();
    stage.keys("M");
    assert_eq!(stage.effects, [Effect::Mouse(false)]);
}

#[test]
fn a_click_means_a_row_two_open_it_and_one_on_a_title_sorts() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("M");
    click(&mut stage, &id(4), Gesture::Click);
    assert_eq!(stage.meant(), Some(&*id(4)));
    // The order changes between the picture and the click: what was pressed is meant.
    let at = place(&mut stage, &id(2));
    let order: Vec<String> = (0..10).rev().map(id).collect();
    stage.push(3, "patch", json!({ "order": order }));
    stage.event(Event::Pointed(Gesture::Click, at), None);
    assert_eq!(stage.meant(), Some(&*id(2)));
    let tab = place(&mut stage, "3 History");
    stage.event(Event::Pointed(Gesture::DoubleClick, at), None);
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Detail { .. })));
    // What lies under it is not pressed through it.
    stage.draw();
    stage.event(Event::Pointed(Gesture::Click, tab), None);
    assert_eq!(stage.app.ui.screen, Screen::Sessions);
    stage.key(KeyCode::Esc);
    click(&mut stage, "DOWN", Gesture::Click);
    assert_eq!(stage.app.sessions.live.sort.0, "down");
    click(&mut stage, "? help", Gesture::Click);
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Help { .. })));
}

#[test]
fn the_wheel_scrolls_what_is_under_it_and_answers_no_question() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.keys("M");
    super::people::users(&mut stage);
    let groups = place(&mut stage, "Groups");
    let below = Position { y: groups.y + 2, ..groups };
    stage.event(Event::Pointed(Gesture::WheelDown, below), None);
    assert_eq!(stage.app.ui.pane, 0, "the keys stay where they were");
    stage.keys("2");
    stage.answer(About::Window(View::Sessions), window());
    click(&mut stage, &id(0), Gesture::WheelDown);
    assert_eq!(stage.meant(), Some(&*id(3)));
    stage.keys("K");
    stage.answer(About::KillDry(1), json!({ "matched": 1, "killed": 0, "gone": 0 }));
    stage.asked();
    for gesture in [Gesture::WheelDown, Gesture::Click, Gesture::DoubleClick] {
        click(&mut stage, "y ends them", gesture);
    }
    assert_eq!(stage.asked(), [], "a mouse says no yes");
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Kill(_))), "and no no");
}

#[test]
fn the_next_row_that_has_it_is_looked_for_by_the_daemon() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.asked();
    stage.keys("n");
    assert!(stage.picture().contains("find:"), "{}", stage.picture());
    stage.keys("corp");
    stage.key(KeyCode::Enter);
    let wanted = json!({ "sub": 3, "filter": "\"corp\"", "from": id(0), "back": false });
    assert_eq!(stage.asked(), [("view.find", wanted)]);
    stage.answer(About::Found(View::Sessions), json!({ "id": id(7), "at": 7 }));
    assert_eq!(stage.meant(), Some(&*id(7)));
    stage.answer(About::Window(View::Sessions), window());
    stage.asked();
    stage.keys("N");
    assert_eq!(stage.asked()[0].1["back"], true);
    // One that is far away is gone to.
    stage.answer(About::Found(View::Sessions), json!({ "id": "8f0001", "at": 300 }));
    let asked = stage.asked();
    assert_eq!((asked[0].0, &asked[0].1["win"]["anchor"]), ("view.set", &json!("8f0001")));
    let mut far = window();
    far["off"] = json!(295);
    far["rows"][5][0] = json!("8f0001");
    stage.answer(About::Window(View::Sessions), far);
    assert_eq!(stage.meant(), Some("8f0001"));
    stage.keys("n");
    stage.answer(About::Found(View::Sessions), json!({}));
    assert!(stage.picture().contains("no row here has \"corp\""), "{}", stage.picture());
    // What is an expression goes as one, and the daemon says what is wrong with it.
    stage.keys("F");
    clear(&mut stage);
    stage.keys("down>1G");
    stage.key(KeyCode::Enter);
    let asked = stage.asked();
    assert_eq!(asked[asked.len() - 1].1["filter"], "down>1G");
    let refusal = Refusal::new(Code::BadRequest, "filter: column 1: no");
    stage.event(Event::Answer(1, Err(refusal)), Some(About::Found(View::Sessions)));
    assert!(stage.picture().contains("filter: column 1: no"));
}

#[test]
fn columns_for_which_there_is_no_room_are_gone_to_and_moved() {
    let mut stage = Stage::with_sessions((80, 24), PLAIN);
    assert!(!stage.picture().contains("RULE"), "{}", stage.picture());
    for _ in 0..30 {
        stage.keys("l");
        stage.draw();
    }
    let picture = stage.picture();
    assert!(picture.contains("LISTENER") && picture.contains("ID") && !picture.contains("USER"), "{picture}");
    for _ in 0..12 {
        stage.keys("h");
        stage.draw();
    }
    assert!(stage.picture().contains("USER"), "{}", stage.picture());
    // The third column becomes the first.
    stage.keys("cjj<<");
    stage.key(KeyCode::Esc);
    let picture = stage.picture();
    let head = picture.lines().find(|line| line.contains("USER")).expect("there is a head");
    assert!(head.find("SOURCE") < head.find("ID"), "{head}");
}

#[test]
fn a_column_that_cannot_be_seen_says_why() {
    let mut stage = Stage::with_sessions((80, 24), PLAIN);
    stage.draw();
    stage
        .app
        .sessions
        .live
        .table
        .columns
        .push(serde_json::from_value(json!({ "name": "uuid", "type": "text", "dynamic": false })).expect("a column"));
    stage.keys("c");
    let picture = stage.picture();
    let line = |name: &str| picture.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(line(" rule").contains("x rule   no room at this width"), "{picture}");
    assert!(line(" uuid").contains("uuid   not in this table"), "{picture}");
    assert!(line(" user").contains("x user  ") && !line(" user").contains("room"), "{picture}");
    for _ in 0..20 {
        stage.key(KeyCode::Down);
    }
    stage.keys(" ");
    assert!(stage.picture().contains("this table never shows uuid"), "{}", stage.picture());
    assert!(stage.app.sessions.live.hidden.is_empty());
}

#[test]
fn who_is_refused_is_told_why_and_what_to_do() {
    let mut stage = Stage::new((80, 24), PLAIN);
    let why = "user mallory is in no group that may do anything here; these may: rustsocks-admin, rustsocks".to_owned();
    stage.event(Event::Lost { why, attempt: 1, retry_ms: 30_000, is_refused: true }, None);
    let picture = stage.picture();
    for said in ["Refused", "these may:", "usermod -aG GROUP USER", "read_groups", "next in 30 s", "REFUSED retry 30s"]
    {
        assert!(picture.contains(said), "{said}: {picture}");
    }
    stage.keys("r");
    assert!(stage.effects.contains(&Effect::RetryNow));
}

#[test]
fn what_is_long_is_read_whole() {
    let mut stage = Stage::connected((80, 24), PLAIN);
    stage.draw();
    stage.keys("3");
    let long = format!("an answer of {} words", "many ".repeat(30));
    stage.app.ui.warn(long.as_str());
    let picture = stage.picture();
    let said: Vec<&str> = picture.lines().rev().skip(1).take(3).collect();
    let said = said.into_iter().rev().map(str::trim).collect::<Vec<_>>().join(" ");
    assert!(said.contains(long.trim()), "{picture}");
    // What an expression means is said above it, where there is too little room beside it.
    stage.keys("/user=alice and dst=10.0.0.0/8 and reasn=timeout");
    let picture = stage.picture();
    assert!(picture.contains("did you mean `reason`?"), "{picture}");
    stage.key(KeyCode::Esc);
    // So is the help: what a key does, and the same for a shell.
    stage.keys("?reverse");
    let picture = stage.picture();
    assert!(picture.contains("rustsocks-cli history query --sort bytes"), "{picture}");
    // And each line of what lies over the screen.
    stage.key(KeyCode::Esc);
    stage.app.ui.lay("Lines", vec![format!("{}end", "a word ".repeat(20))]);
    assert!(stage.picture().contains("word end"), "{}", stage.picture());
}

#[test]
fn what_was_said_stays_for_seconds_and_a_warning_for_longer() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    let wait = |stage: &mut Stage, seconds: u32| (0..4 * seconds).for_each(|_| stage.event(Event::Tick, None));
    stage.app.ui.say("done so");
    wait(&mut stage, 7);
    assert!(stage.picture().contains("done so"), "{}", stage.picture());
    wait(&mut stage, 1);
    assert!(!stage.picture().contains("done so"), "{}", stage.picture());
    stage.app.ui.warn("not so");
    wait(&mut stage, 14);
    assert!(stage.picture().contains("not so"), "{}", stage.picture());
}

#[test]
fn screens_that_an_older_daemon_cannot_fill_are_said_once() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.answer(About::Ops, json!({ "ops": [{ "op": "status.sub" }, { "op": "view.open" }] }));
    let picture = stage.picture();
    assert!(picture.contains("this daemon has nothing for History, ACL, Users"), "{picture}");
}

#[test]
fn the_cursor_is_where_the_choice_is_for_who_cannot_see_it() {
    for follows in [true, false] {
        let mut stage = Stage::with_sessions(SIZE, Caps { follows, ..PLAIN });
        stage.keys("sj");
        let chosen = place(&mut stage, "  user ");
        let backend = stage.terminal.backend();
        assert_eq!(backend.cursor_visible(), follows);
        assert!(!follows || backend.cursor_position() == chosen, "{:?}", backend.cursor_position());
    }
}

#[test]
fn the_help_is_searched_by_what_is_done_and_by_the_command() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("?");
    assert!(stage.picture().contains("THIS SCREEN"), "{}", stage.picture());
    stage.keys("sessions kill");
    let picture = stage.picture();
    assert!(picture.contains("end the marked sessions") && !picture.contains("EVERYWHERE"), "{picture}");
}

#[test]
fn whoever_has_lost_the_daemon_sees_why_and_where_to_look() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    lose(&mut stage);
    let unit = "rustsocks.service: activating (start), result watchdog".to_owned();
    stage.event(Event::Unit(Some(unit.clone())), None);
    for _ in 0..48 {
        stage.event(Event::Tick, None);
    }
    let picture = stage.picture();
    assert!(picture.contains(&unit) && picture.contains("of 08:00:00, 00:12 ago"), "{picture}");
    stage.effects.clear();
    stage.keys("rj");
    assert_eq!(stage.effects, [Effect::RetryNow, Effect::Journal]);
    // What is being written meanwhile is not lost for it.
    stage.keys("o");
    stage.event(Event::Told("the journal", Ok("late".to_owned())), None);
    assert!(matches!(stage.app.ui.overlay, Some(Overlay::Form(_))) && stage.picture().contains("once this is closed"));
    stage.key(KeyCode::Esc);
    assert!(stage.picture().contains("late"), "{}", stage.picture());
    stage.keys("q");
    stage.event(Event::Told("the journal", Ok("one\ntwo\u{1b}[2J".to_owned())), None);
    assert!(stage.picture().contains("two\\u{1b}[2J"), "{}", stage.picture());
    stage.keys("q");
    stage.effects.clear();
    stage.keys("o");
    clear(&mut stage);
    stage.keys("/tmp/other.sock");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Enter);
    assert_eq!(stage.effects, [Effect::Elsewhere("/tmp/other.sock".to_owned())]);
    assert!(stage.picture().contains("connecting"), "{}", stage.picture());
}

#[test]
fn whoever_leaves_a_draft_is_asked() {
    let mut stage = rules::stage_with_draft();
    stage.effects.clear();
    stage.keys("q");
    assert!(!stage.effects.contains(&Effect::Quit) && stage.picture().contains("Leave with a draft?"));
    stage.keys("n");
    assert!(!stage.effects.contains(&Effect::Quit));
    // Also while nobody is there who could be asked.
    lose(&mut stage);
    stage.keys("qy");
    assert!(stage.effects.contains(&Effect::Quit));
}

#[test]
fn what_was_said_can_be_read_again() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("M");
    stage.event(Event::Saved(Err("the disk is full".to_owned())), None);
    for _ in 0..40 {
        stage.event(Event::Tick, None);
    }
    stage.keys(":messages");
    stage.key(KeyCode::Enter);
    let picture = stage.picture();
    assert!(picture.contains("08:00:00 the mouse is the console's"), "{picture}");
    assert!(picture.contains("08:00:00 ! the disk is full"), "{picture}");
}

#[test]
fn whoever_listens_hears_words_and_a_head_that_rests() {
    let mut stage = Stage::with_sessions(SIZE, Caps { follows: true, ..PLAIN });
    stage.keys("p");
    let picture = stage.picture();
    assert!(picture.contains("drift, order held, overrides 1, role admin"), "{picture}");
    let told = |stage: &mut Stage, after: f64, sessions: u64| {
        let mut status = status();
        status["t"] = json!(NOW + after);
        status["sessions"] = json!(sessions);
        stage.push(1, "status", status);
        stage.picture()
    };
    assert!(told(&mut stage, 5.0, 77).contains("10 214 sessions"));
    assert!(told(&mut stage, 11.0, 78).contains("78 sessions"));
}

#[test]
fn a_slow_line_has_news_seldom_and_they_count_as_new() {
    let mut stage = Stage::connected(SIZE, PLAIN);
    stage.app.model.is_slow = true;
    stage.draw();
    stage.asked();
    stage.keys("2");
    assert_eq!(stage.asked()[0].1["every_ms"], 5_000);
    for _ in 0..24 {
        stage.event(Event::Tick, None);
    }
    assert!(stage.picture().contains("LIVE 6s") && !stage.picture().contains("STALE"), "{}", stage.picture());
}

#[test]
fn what_is_copied_cannot_do_anything_to_a_shell() {
    let mut stage = Stage::with_sessions(SIZE, PLAIN);
    stage.keys("jjjyjj");
    stage.key(KeyCode::Enter);
    let Some(Effect::Copy(text)) = stage.effects.last() else { panic!("the user is copied") };
    assert_eq!(text, "eve\\u{1b}[2J\\u{202e}");
}
