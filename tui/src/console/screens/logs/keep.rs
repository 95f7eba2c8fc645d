//! What is looked for in the log, what of it is asked for, and where it is kept.

use serde_json::json;
use wire::admin::Role;

use super::{Entry, Room};
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::form::{Entries, Entry as Field, Form, Purpose};
use crate::console::room::Room as _;
use crate::console::screen::Screen;
use crate::console::shell::{flag, word};
use crate::console::ui::Overlay;
use crate::shown::visible;

const TARGETS: [&str; 7] = ["session", "auth", "quota", "audit", "daemon", "monitor", "rustsocks"];

const LEVELS: [&str; 6] = ["debug", "trace", "info", "warn", "error", "as configured"];

/// Looks for a text.
#[derive(Debug)]
struct Find;

impl Purpose for Find {
    fn is_look(&self) -> bool {
        true
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli logs | grep -iF -- {}", word(&entries.text("text")))
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        app.ui.overlay = None;
        app.logs.find = entries.text("text");
        let at = app.logs.at;
        look(app, (0..=at).rev())
    }
}

/// Has only lines with a text.
#[derive(Debug)]
struct Only;

impl Purpose for Only {
    fn is_look(&self) -> bool {
        true
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli logs --follow --filter {}", word(&entries.text("text")))
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        app.ui.overlay = None;
        app.logs.only = entries.text("text");
        Room.refresh(app)
    }
}

/// Makes the daemon log more or less.
#[derive(Debug)]
struct Louder;

impl Purpose for Louder {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_time = minutes(entries).is_some();
        (!is_time).then(|| ("minutes", "1 to 1440".to_owned())).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        let reason = flag("reason", &entries.text("reason"));
        match level(entries) {
            Some(level) => {
                let (target, minutes) = (entries.text("target"), entries.text("minutes"));
                format!("rustsocks-cli log-level {target}={level} --for {minutes}m{reason}")
            }
            None => format!("rustsocks-cli log-level {}{reason}", entries.text("target")),
        }
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        let p = json!({
            "target": entries.text("target"),
            "level": level(entries),
            "ttl_s": minutes(entries).unwrap_or(15) * 60,
            "reason": entries.text("reason"),
            "idem": uuid::Uuid::now_v7().to_string(),
        });
        vec![Effect::ask("logs.level", &p, About::Own(Screen::Logs, "level"))]
    }
}

fn level(entries: &Entries) -> Option<String> {
    Some(entries.text("level")).filter(|level| level != "as configured")
}

fn minutes(entries: &Entries) -> Option<u64> {
    entries.text("minutes").parse().ok().filter(|minutes| (1..=1_440).contains(minutes))
}

/// Writes lines into a file.
#[derive(Debug)]
struct Keep(String);

impl Purpose for Keep {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("file").is_empty();
        is_missing.then(|| ("file", "a name is needed".to_owned())).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli logs -n 10000 > {}", word(&entries.text("file")))
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        vec![Effect::Write { text: self.0.clone(), path: entries.text("file") }]
    }
}

pub(super) fn sought(app: &mut App) -> Vec<Effect> {
    let entries = vec![Field::text("text", "text", &app.logs.find), Field::button("find it")];
    ask(app, Form::new("Find in the log", entries, Find))
}

pub(super) fn only(app: &mut App) -> Vec<Effect> {
    let entries = vec![Field::text("text", "text", &app.logs.only), Field::button("show only these")];
    ask(app, Form::new("Only lines that have", entries, Only))
}

pub(super) fn louder(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "another log level") {
        return Vec::new();
    }
    let entries = vec![
        Field::choice("target", "of what", &TARGETS, "session"),
        Field::choice("level", "level", &LEVELS, "debug"),
        Field::text("minutes", "minutes", "15"),
        Field::text("reason", "reason", ""),
        Field::word("type log to do it", "log"),
    ];
    ask(app, Form::new("What the daemon logs, for a while", entries, Louder))
}

fn ask(app: &mut App, form: Form) -> Vec<Effect> {
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

pub(super) fn found_again(app: &mut App) -> Vec<Effect> {
    let at = app.logs.at;
    look(app, (0..at).rev())
}

pub(super) fn found_before(app: &mut App) -> Vec<Effect> {
    let (at, end) = (app.logs.at, app.logs.entries.len());
    look(app, at + 1..end)
}

/// To the first of these that has what is looked for.
fn look(app: &mut App, mut places: impl Iterator<Item = usize>) -> Vec<Effect> {
    let wanted = app.logs.find.to_lowercase();
    if wanted.is_empty() {
        app.ui.say("/ says what to look for");
        return Vec::new();
    }
    let logs = &mut app.logs;
    let has =
        |place: &usize| logs.entries.get(*place).is_some_and(|entry| entry.words().to_lowercase().contains(&wanted));
    match places.find(has) {
        Some(place) => {
            logs.at = place;
            logs.is_followed = false;
        }
        None => app.ui.warn(format!("no further line here has {wanted:?}")),
    }
    Vec::new()
}

/// All that is here, whatever of it is seen.
pub(super) fn kept(app: &mut App) -> Vec<Effect> {
    let mut text: String = app.logs.entries.iter().map(Entry::words).collect::<Vec<_>>().join("\n");
    text.push('\n');
    let entries = vec![Field::text("file", "file", "rustsocks.log"), Field::button("write")];
    ask(app, Form::new("Write these lines into a new file", entries, Keep(text)))
}

/// The journal of the time between the first and the last line, or these lines.
pub(super) fn paged(app: &mut App) -> Vec<Effect> {
    let mut text = String::new();
    for entry in &app.logs.entries {
        text.push_str(&visible(&entry.words()));
        text.push('\n');
    }
    let mut times = app.logs.entries.iter().filter_map(Entry::time);
    let Some(from) = times.next() else {
        app.ui.say("there is no line here");
        return Vec::new();
    };
    vec![Effect::Page { text, from, to: times.next_back().unwrap_or(from) }]
}
