//! The daemon's own log, as it is written: followed or paused, narrowed by level and text, and kept in a file.

mod draw;
mod keep;

use std::collections::{BTreeMap, VecDeque};

use crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Push, Refusal, Role};

use self::keep::{found_again, found_before, kept, louder, only, paged, sought};
use crate::command::logs::words;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::keys::Key::{Char, Code};
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::trail::Kept;
use crate::console::ui::Overlay;
use crate::output::raw;
use crate::shown::clock;

/// Lines that the console keeps, as many as the daemon does.
const MOST: usize = 10_000;

/// Lines that are asked for at once.
const BACKLOG: usize = 500;

/// What is shown at least, the loudest last.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// So far to the side with a key.
const ASIDE: usize = 20;

/// What came of the log, and how it is looked at.
#[derive(Debug)]
pub(crate) struct Logs {
    sub: Option<u64>,
    entries: VecDeque<Entry>,
    /// The entry that is meant.
    at: usize,
    is_followed: bool,
    /// The place of the level in [`LEVELS`].
    level: usize,
    /// Only lines that have this.
    only: String,
    find: String,
    wraps: bool,
    aside: usize,
    /// Lines that are missing, in all.
    lost: u64,
    /// Earlier lines are on their way.
    is_asking: bool,
    /// Why there are none.
    fault: Option<String>,
}

/// A line as it came, for it is read only when it is seen; or a place where lines are missing.
#[derive(Debug)]
enum Entry {
    Line {
        number: u64,
        json: Box<str>,
    },
    Gap(u64),
    /// Somebody has marked the place, with the time of day.
    Mark(String),
}

const KEYS: &[Binding] = &[
    bind(
        Action::Run(follow),
        &[Char('p')],
        On::Rows,
        "follow or pause",
        "go on with the lines that come, or stay here",
    )
    .hint("follow/pause")
    .command("rustsocks-cli logs --follow"),
    bind(Action::Run(next_level), &[Char('L')], On::Rows, "level", "only errors, warnings too, and so on")
        .hint("level")
        .command("rustsocks-cli logs --level LEVEL"),
    bind(Action::Run(sought), &[Char('/')], On::Rows, "find", "the next line above that has a text")
        .hint("find")
        .command("rustsocks-cli logs | grep TEXT"),
    bind(Action::Run(found_again), &[Char('n')], On::Rows, "find above", "the line before that has it")
        .command("rustsocks-cli logs | grep TEXT"),
    bind(Action::Run(found_before), &[Char('N')], On::Rows, "find below", "the line after that has it")
        .command("rustsocks-cli logs | grep TEXT"),
    bind(Action::Run(only), &[Char('&')], On::Rows, "only matching", "only lines that have a text")
        .hint("only matching")
        .command("rustsocks-cli logs --filter TEXT"),
    bind(Action::Run(wrap), &[Char('z')], On::Rows, "wrap", "long lines on several lines, or cut").hint("wrap"),
    bind(Action::Run(left), &[Code(KeyCode::Left)], On::Rows, "left", "the beginning of long lines"),
    bind(Action::Run(right), &[Code(KeyCode::Right)], On::Rows, "right", "the end of long lines"),
    bind(
        Action::Run(louder),
        &[Char('V')],
        On::Rows,
        "log level",
        "how much the daemon logs of something, for a while",
    )
    .role(Role::Operate)
    .command("rustsocks-cli log-level TARGET=LEVEL --for 15m"),
    bind(Action::Run(marked), &[Char('m')], On::Rows, "mark", "a line of your own behind the last one, with the time")
        .hint("mark"),
    bind(
        Action::Run(paged),
        &[Char('o')],
        On::Rows,
        "pager",
        "the journal of the same time in $PAGER; without one the lines that are here",
    )
    .hint("pager")
    .command("journalctl -u rustsocks"),
    bind(Action::Run(kept), &[Char('E')], On::Rows, "save", "every line that is here, into a file")
        .hint("save")
        .command("rustsocks-cli logs -n 10000 > FILE"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn rows(&self, _pane: usize) -> Rows {
        Rows::Own
    }

    /// Whatever was told before belongs to another subscription.
    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let too_low = role_too_low(app);
        let logs = &mut app.logs;
        logs.sub = None;
        logs.is_asking = false;
        logs.fault = None;
        if let Some(role) = too_low {
            (logs.entries, logs.at) = (VecDeque::new(), 0);
            logs.fault =
                Some(format!("your role is {role}; the log takes {}, for it has whole addresses", Role::Operate));
            return Vec::new();
        }
        let p = json!({ "level": LEVELS[logs.level], "filter": logs.only, "backlog": BACKLOG });
        vec![room::subscribe(app, "logs.sub", &p, (Screen::Logs, "sub"))]
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let sub = app.logs.sub.take();
        room::unsubscribe(app, Screen::Logs, sub)
    }

    fn moved(&self, app: &mut App, by: isize) -> Vec<Effect> {
        let is_open = role_too_low(app).is_none();
        let earlier = app.logs.moved(by).filter(|_| is_open);
        earlier.map(|p| room::subscribe(app, "logs.get", &p, (Screen::Logs, "before"))).into_iter().collect()
    }

    /// Narrower first, then all the way back to the end.
    fn back(&self, app: &mut App) -> Vec<Effect> {
        if app.logs.only.is_empty() {
            app.logs.follow_on();
            return Vec::new();
        }
        app.logs.only.clear();
        self.refresh(app)
    }

    fn kept(&self, app: &App) -> Kept {
        Kept { what: json!({ "level": app.logs.level, "only": app.logs.only }), at: Value::Null }
    }

    fn resumed(&self, app: &mut App, kept: &Kept) {
        let level = kept.what["level"].as_u64().and_then(|level| usize::try_from(level).ok());
        app.logs.level = level.filter(|level| *level < LEVELS.len()).unwrap_or(app.logs.level);
        app.logs.only = raw(&kept.what["only"]);
    }

    fn record(&self, app: &App) -> (String, Value) {
        let meant = app.logs.entries.get(app.logs.at);
        match meant {
            Some(Entry::Line { number, json }) => (format!("Line {number}"), read(json)),
            Some(Entry::Gap(lost)) => ("Missing".to_owned(), json!({ "lost": lost })),
            Some(Entry::Mark(time)) => ("Mark".to_owned(), json!({ "t": time })),
            None => ("Line".to_owned(), Value::Null),
        }
    }

    fn copied(&self, app: &App) -> Vec<String> {
        app.logs.entries.get(app.logs.at).map(Entry::words).into_iter().collect()
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        if what == "before" {
            app.logs.is_asking = false;
        }
        if let ("sub", Err(refusal)) = (what, &answer) {
            app.logs.fault = Some(refusal.with_code());
        }
        let Some(answer) = app.granted(answer) else { return Vec::new() };
        match what {
            "sub" => {
                app.logs.begin(&answer);
                if app.ui.overlay.as_ref().is_some_and(Overlay::is_given) {
                    app.ui.overlay = None;
                }
            }
            "before" => app.logs.earlier(&answer),
            "level" => app.ui.answered(Ok("the log's level is changed, and goes back by itself")),
            _ => {}
        }
        Vec::new()
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        let logs = &mut app.logs;
        if logs.sub == Some(push.sub) {
            match push.ev.as_str() {
                "log" => logs.add(Entry::of(&push.d)),
                "gap" => logs.miss(push.d["lost"].as_u64().unwrap_or(0)),
                _ => {}
            }
        }
        Vec::new()
    }

    /// Every one of them was a line.
    fn missed(&self, app: &mut App, missed: &BTreeMap<u64, u64>) -> Vec<Effect> {
        if let Some(lost) = app.logs.sub.and_then(|sub| missed.get(&sub)) {
            app.logs.miss(*lost);
        }
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

/// The operator's role, if the log takes more.
fn role_too_low(app: &App) -> Option<Role> {
    app.model.welcome.as_ref().map(|welcome| welcome.role).filter(|role| *role < Role::Operate)
}

impl Logs {
    pub(crate) fn new() -> Self {
        Self {
            sub: None,
            entries: VecDeque::new(),
            at: 0,
            is_followed: true,
            level: 2,
            only: String::new(),
            find: String::new(),
            wraps: false,
            aside: 0,
            lost: 0,
            is_asking: false,
            fault: None,
        }
    }

    fn begin(&mut self, answer: &Value) {
        self.sub = answer["sub"].as_u64();
        self.entries = answer["lines"].as_array().into_iter().flatten().map(Entry::of).collect();
        self.lost = 0;
        self.follow_on();
    }

    /// Lines before the first one; what is meant stays.
    fn earlier(&mut self, answer: &Value) {
        let lines = answer["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
        let room = MOST.saturating_sub(self.entries.len());
        for line in lines.iter().rev().take(room) {
            self.entries.push_front(Entry::of(line));
            self.at += 1;
        }
    }

    fn add(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        if self.entries.len() > MOST {
            self.entries.pop_front();
            self.at = self.at.saturating_sub(1);
        }
        if self.is_followed {
            self.at = self.entries.len() - 1;
        }
    }

    fn miss(&mut self, lost: u64) {
        self.lost += lost;
        self.add(Entry::Gap(lost));
    }

    fn follow_on(&mut self) {
        self.is_followed = true;
        self.at = self.entries.len().saturating_sub(1);
    }

    /// Whoever goes up wants to stay there; at the first line the ones before are asked for.
    fn moved(&mut self, by: isize) -> Option<Value> {
        let last = self.entries.len().saturating_sub(1);
        let wanted = self.at.saturating_add_signed(by).min(last);
        let is_over_the_top = by < 0 && by.unsigned_abs() > self.at;
        self.at = wanted;
        self.is_followed = by > 0 && wanted == last;
        if is_over_the_top { self.ask_earlier() } else { None }
    }

    /// Which lines are to be asked for.
    fn ask_earlier(&mut self) -> Option<Value> {
        let Some(Entry::Line { number, .. }) = self.entries.front() else { return None };
        if self.is_asking || self.sub.is_none() || self.entries.len() >= MOST {
            return None;
        }
        self.is_asking = true;
        Some(json!({ "before": number, "n": BACKLOG, "level": LEVELS[self.level], "filter": self.only }))
    }
}

impl Entry {
    fn of(line: &Value) -> Self {
        Self::Line { number: line["n"].as_u64().unwrap_or(0), json: line.to_string().into() }
    }

    /// When it was written, in seconds since 1970.
    fn time(&self) -> Option<f64> {
        match self {
            Self::Line { json, .. } => read(json)["t"].as_f64(),
            Self::Gap(_) | Self::Mark(_) => None,
        }
    }

    /// As the command shows it.
    fn words(&self) -> String {
        match self {
            Self::Line { json, .. } => words(&read(json)),
            Self::Gap(lost) => format!("-- {lost} lines are missing here --"),
            Self::Mark(time) => format!("-- mark {time} --"),
        }
    }
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

fn follow(app: &mut App) -> Vec<Effect> {
    if app.logs.is_followed {
        app.logs.is_followed = false;
    } else {
        app.logs.follow_on();
    }
    Vec::new()
}

/// Where somebody looked last, for whoever comes back to it.
fn marked(app: &mut App) -> Vec<Effect> {
    let time = clock(app.model.now);
    app.logs.add(Entry::Mark(time));
    Vec::new()
}

fn next_level(app: &mut App) -> Vec<Effect> {
    app.logs.level = (app.logs.level + 1) % LEVELS.len();
    room::Room::refresh(&Room, app)
}

fn wrap(app: &mut App) -> Vec<Effect> {
    app.logs.wraps = !app.logs.wraps;
    Vec::new()
}

fn left(app: &mut App) -> Vec<Effect> {
    app.logs.aside = app.logs.aside.saturating_sub(ASIDE);
    Vec::new()
}

fn right(app: &mut App) -> Vec<Effect> {
    app.logs.aside += ASIDE;
    Vec::new()
}
