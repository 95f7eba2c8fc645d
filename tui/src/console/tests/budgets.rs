//! What pictures cost: allocations always, and time for whoever wants it measured.
//!
//! `RUSTSOCKS_MEASURES=FILE` has each picture drawn some hundred times and notes in the file, with tabs between them: its name, and how
//! many nanoseconds half of them took and all but a twentieth. `make bench-console` judges them; a test knows no clock.

use std::fmt::Write;
use std::time::{Duration, Instant};
use std::{env, fs};

use allocation_counter::{AllocationInfo, measure};
use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::{Stage, news, session};
use crate::console::canvas::Canvas;
use crate::console::caps::Caps;
use crate::console::event::About;
use crate::console::live::View;
use crate::console::screen::Screen;
use crate::console::theme::Theme;

const SIZE: (u16, u16) = (100, 30);

/// As most terminals have it.
const USUAL: Caps = Caps { theme: Theme::Auto16, is_ascii: false, has_braille: false, follows: false };

/// How often a picture is drawn to be measured, and before that.
const TIMES: usize = 400;
const BEFORE: usize = 50;

/// Lines that the console keeps of the log.
const LINES: u64 = 10_000;

/// What is drawn under a name.
type Scene = (&'static str, fn() -> Stage);

const SCENES: &[Scene] = &[
    ("frame of 1000 sessions", || among(1_000, SIZE)),
    ("frame of 10000 sessions", || among(10_000, SIZE)),
    ("frame of 50000 sessions", || among(50_000, SIZE)),
    ("wide frame of 10000 sessions", || among(10_000, (200, 60))),
    ("log", || log("")),
    ("wrapped log", || log("z")),
];

#[test]
fn whatever_is_drawn_allocates_as_much_for_a_thousand_sessions_as_for_fifty_thousand() {
    let [few, many] = [1_000, 50_000].map(|all| {
        let mut stage = among(all, SIZE);
        let window = window(all, &stage);
        [
            ("window", measure(|| stage.answer(About::Window(View::Sessions), window))),
            ("patch", measure(|| stage.push(3, "patch", patch(7)))),
            ("key", measure(|| stage.key(KeyCode::Down))),
            ("picture", measure(|| stage.show())),
        ]
    });
    for ((what, few), (_, many)) in few.into_iter().zip(many) {
        let [few, many] = [few, many].map(|AllocationInfo { bytes_total, .. }| bytes_total);
        assert!(few > 0 && many <= few + few / 10, "{what}: {few} bytes for a thousand, {many} for fifty thousand");
    }
}

#[test]
fn what_is_measured_shows_what_it_is_about() {
    for (name, scene) in SCENES {
        let picture = scene().picture();
        let words = if name.contains("log") { "session closed" } else { "Session " };
        assert!(picture.contains(words), "{name}:\n{picture}");
    }
    let many = among(50_000, SIZE).picture();
    assert!(many.contains("50 000"), "{many}");
    assert!(log("").picture().contains("10 000 lines"));
}

#[test]
fn pictures_are_measured_for_whoever_wants_it() {
    let Some(file) = env::var_os("RUSTSOCKS_MEASURES") else { return };
    let mut notes = String::new();
    let mut stages: Vec<Stage> = SCENES.iter().map(|(_, scene)| scene()).collect();
    let mut times = vec![Vec::new(); stages.len()];
    // In turns, so that what else the machine does meets all of them alike.
    for number in 0..BEFORE + TIMES {
        for (stage, times) in stages.iter_mut().zip(&mut times) {
            // Each picture differs from the one before.
            stage.push(3, "patch", patch(number));
            let began = Instant::now();
            stage.show();
            times.push(began.elapsed());
        }
    }
    for ((name, _), times) in SCENES.iter().zip(times) {
        note(&mut notes, name, times);
    }
    let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 6));
    let curves = (0..BEFORE + TIMES).map(|number| {
        let began = Instant::now();
        let mut canvas = Canvas::new(&mut buffer, USUAL);
        let area = Rect::new(0, 0, 100, 6);
        (0..6).for_each(|line| canvas.curve(area, 20, line, (0..300).map(|second| second * (number as u64 + 7) % 97)));
        began.elapsed()
    });
    note(&mut notes, "curves", curves.collect());
    fs::write(&file, notes).expect("the file can be written");
}

/// A line about how long it took when it had been done a few times.
fn note(notes: &mut String, name: &str, times: Vec<Duration>) {
    let mut times: Vec<u128> = times.into_iter().skip(BEFORE).map(|time| time.as_nanos()).collect();
    times.sort_unstable();
    let (half, most) = (times[TIMES / 2], times[TIMES * 95 / 100]);
    writeln!(notes, "{name}\t{half}\t{most}").expect("a String takes any text");
}

/// In the middle of so many sessions.
fn among(all: u64, size: (u16, u16)) -> Stage {
    let mut stage = Stage::with_sessions(size, USUAL);
    stage.draw();
    let window = window(all, &stage);
    stage.answer(About::Window(View::Sessions), window);
    stage.key(KeyCode::Down);
    stage
}

/// Three screenfuls in the middle of so many, as the daemon sends them for this screen.
fn window(all: u64, stage: &Stage) -> Value {
    let rows: Vec<Value> =
        (0..u32::try_from(3 * stage.app.visible()).expect("screens are small")).map(session).collect();
    let mut window = super::window();
    let changes = [("total", json!(all)), ("matched", json!(all)), ("off", json!(all / 2)), ("rows", json!(rows))];
    for (key, value) in changes {
        window[key] = value;
    }
    window
}

/// Every row has carried more.
fn patch(number: usize) -> Value {
    let change = |row: u32| json!([session(row)[0], number * 1000, number * 2000, number * 100 + row as usize]);
    json!({ "upd": (0..60).map(change).collect::<Vec<_>>() })
}

/// The log with as many lines as are kept, some of them long.
fn log(keys: &str) -> Stage {
    let mut stage = Stage::connected(SIZE, USUAL);
    stage.draw();
    stage.keys("8");
    stage.answer(About::Own(Screen::Logs, "sub"), json!({ "sub": 3, "lines": [] }));
    (0..LINES).for_each(|number| stage.push(3, "log", news::line(number)));
    stage.keys(keys);
    stage
}
