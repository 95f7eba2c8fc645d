//! Whatever happens in whatever order: the console draws, and what is meant is a row that is known.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::backend::TestBackend;
use ratatui::layout::Position;
use serde_json::json;

use super::{PLAIN, Stage, rules, session, window};
use crate::console::caps::Caps;
use crate::console::event::{About, Event};
use crate::console::live::View;
use crate::console::pointer::Gesture;
use crate::console::screen::Screen;
use crate::console::screens::acl::Topic;
use crate::console::theme::Theme;

#[derive(Debug, Clone)]
enum Happening {
    Key(KeyCode, bool),
    Size(u16, u16),
    Order(Vec<u32>),
    Gone(u32),
    Window(usize),
    Lost,
    Meet(bool),
    Tick,
    Kill(u64),
    Rules(bool),
    State(u64),
    Draft(bool),
    Merge,
    Generations,
    Effect,
    ToApply,
    /// So many lines of the log.
    Lines(u64),
    Gap(u64),
    /// Something done with the mouse, somewhere.
    Pointed(Gesture, u16, u16),
    Found(u32),
    Unit,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_makes_it_fall(happenings in prop::collection::vec(happening(), 1..50), is_ascii in any::<bool>()) {
        let mut stage = Stage::with_sessions((100, 30), Caps { is_ascii, theme: Theme::Auto16, ..PLAIN });
        for happening in happenings {
            happen(&mut stage, happening);
            let picture = stage.picture();
            prop_assert!(!is_ascii || picture.is_ascii(), "{}", picture);
            prop_assert!(!picture.chars().any(|letter| letter.is_control() && letter != '\n'));
            if let Some(meant) = stage.meant() {
                let live = &stage.app.sessions.live;
                let is_known = live.table.position(meant).is_some();
                prop_assert!(is_known || live.is_asking || live.table.sub.is_none());
            }
        }
    }
}

fn happen(stage: &mut Stage, happening: Happening) {
    let ids = |numbers: Vec<u32>| numbers.into_iter().map(|number| session(number)[0].clone()).collect::<Vec<_>>();
    match happening {
        Happening::Key(code, is_control) => {
            let modifiers = if is_control { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            stage.event(Event::Key(KeyEvent::new(code, modifiers)), None);
        }
        Happening::Size(width, height) => {
            stage.terminal = ratatui::Terminal::new(TestBackend::new(width, height)).expect("a picture is a terminal");
            stage.draw();
            stage.event(Event::Resized, None);
        }
        Happening::Order(mut order) => {
            order.sort_unstable();
            order.dedup();
            order.reverse();
            let add: Vec<_> = order.iter().copied().map(session).collect();
            stage.push(3, "patch", json!({ "order": ids(order), "add": add }));
        }
        Happening::Gone(number) => stage.push(3, "patch", json!({ "gone": [[session(number)[0], "client"]] })),
        Happening::Window(off) => {
            let mut moved = window();
            moved["off"] = json!(off);
            stage.answer(About::Window(View::Sessions), moved);
        }
        Happening::Lost => {
            stage.event(Event::Lost { why: "gone".to_owned(), attempt: 2, retry_ms: 500, is_refused: false }, None);
        }
        Happening::Meet(is_same) => stage.meet(if is_same { "6f1c9a2e" } else { "another" }),
        Happening::Tick => stage.event(Event::Tick, None),
        Happening::Rules(is_broken) => {
            let text = if is_broken { "[[users" } else { rules::TEXT };
            stage.answer(About::Acl(Topic::Running), json!({ "text": text }));
        }
        Happening::State(number) => stage.push(9, "policy", rules::state(number)),
        Happening::Draft(is_broken) => {
            let text = if is_broken { "[[users".to_owned() } else { rules::changed() };
            stage.answer(About::Acl(Topic::Draft), rules::draft(&text));
        }
        Happening::Merge => stage.answer(About::Acl(Topic::Merge), rules::merge()),
        Happening::Generations => stage.answer(About::Acl(Topic::Generations), rules::generations()),
        Happening::Effect => stage.answer(About::Acl(Topic::Effect), rules::effect()),
        Happening::ToApply => stage.answer(About::Acl(Topic::ToApply), rules::effect()),
        Happening::Lines(count) => {
            let lines: Vec<_> = (0..count).map(super::news::line).collect();
            stage.answer(About::Own(Screen::Logs, "sub"), json!({ "sub": 9, "lines": lines }));
            stage.push(9, "log", super::news::line(count));
        }
        Happening::Pointed(gesture, x, y) => stage.event(Event::Pointed(gesture, Position { x, y }), None),
        Happening::Found(number) => {
            let found = json!({ "id": session(number)[0], "at": number });
            stage.answer(About::Found(View::Sessions), found);
        }
        Happening::Unit => stage.event(Event::Unit(Some("rustsocks.service: failed".to_owned())), None),
        Happening::Gap(lost) => stage.push(9, "gap", json!({ "lost": lost })),
        Happening::Kill(matched) => {
            stage.answer(About::KillDry(1), json!({ "matched": matched, "killed": 0, "gone": 0 }));
        }
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let letters = "[ -~]".prop_map(|text| KeyCode::Char(text.chars().next().unwrap_or(' ')));
    let named = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Tab,
        KeyCode::Backspace,
        KeyCode::Left,
    ]);
    prop_oneof![
        6 => (letters, prop::bool::weighted(0.1)).prop_map(|(code, is_control)| Happening::Key(code, is_control)),
        4 => named.prop_map(|code| Happening::Key(code, false)),
        1 => (1..=300_u16, 1..=100_u16).prop_map(|(width, height)| Happening::Size(width, height)),
        2 => prop::collection::vec(0..30_u32, 0..20).prop_map(Happening::Order),
        2 => (0..30_u32).prop_map(Happening::Gone),
        2 => (0..500_usize).prop_map(Happening::Window),
        1 => Just(Happening::Lost),
        1 => any::<bool>().prop_map(Happening::Meet),
        1 => Just(Happening::Tick),
        1 => (0..40_u64).prop_map(Happening::Kill),
        1 => prop::bool::weighted(0.2).prop_map(Happening::Rules),
        1 => (40..44_u64).prop_map(Happening::State),
        2 => prop::bool::weighted(0.2).prop_map(Happening::Draft),
        1 => prop::sample::select(vec![Happening::Merge, Happening::Generations, Happening::Effect, Happening::ToApply]),
        1 => (0..40_u64).prop_map(Happening::Lines),
        1 => (0..40_u64).prop_map(Happening::Gap),
        4 => (gesture(), 0..110_u16, 0..32_u16).prop_map(|(gesture, x, y)| Happening::Pointed(gesture, x, y)),
        1 => (0..30_u32).prop_map(Happening::Found),
        2 => prop::sample::select(vec!['[', ']', 'M', 'n']).prop_map(|key| Happening::Key(KeyCode::Char(key), false)),
        1 => Just(Happening::Unit),
    ]
}

fn gesture() -> impl Strategy<Value = Gesture> {
    prop::sample::select(vec![Gesture::Click, Gesture::DoubleClick, Gesture::WheelUp, Gesture::WheelDown])
}
