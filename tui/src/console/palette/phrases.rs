//! What can be said with an object: which sessions to end, which rows to look at, how.

use std::path::Path;

use filter::Field;
use wire::admin::{Direction, Kill, Role};

use crate::args::ThemeName;
use crate::console::app::App;
use crate::console::dialog::KillDialog;
use crate::console::event::Effect;
use crate::console::live::View;
use crate::console::room::Rows;
use crate::console::screen::Screen;
use crate::console::screens::{room, users};
use crate::console::shell::word;
use crate::console::theme::Theme;
use crate::console::update::elsewhere;

/// What a phrase is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Object {
    /// Rows that have these fields, by an expression.
    Rows(&'static [Field]),
    /// A column of the table on the screen.
    Column,
    /// A user.
    Name,
    Theme,
    Text,
}

/// A line of the palette that takes an object.
#[derive(Debug)]
pub(crate) struct Phrase {
    pub(crate) words: &'static str,
    pub(crate) object: Object,
    /// What the object is called.
    pub(crate) called: &'static str,
    pub(crate) help: &'static str,
    /// What it takes.
    pub(crate) role: Role,
    /// The table whose rows it means; nothing where they are not counted.
    pub(crate) counts: Option<View>,
    /// The same for a shell; nothing for what concerns the console alone.
    pub(crate) command: Option<fn(&str) -> String>,
    pub(crate) run: fn(&mut App, &str) -> Vec<Effect>,
}

const fn phrase(
    words: &'static str,
    (called, object): (&'static str, Object),
    help: &'static str,
    run: fn(&mut App, &str) -> Vec<Effect>,
) -> Phrase {
    Phrase { words, object, called, help, role: Role::Read, counts: None, command: None, run }
}

impl Phrase {
    const fn command(self, command: fn(&str) -> String) -> Self {
        Self { command: Some(command), ..self }
    }

    const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    const fn counting(self, view: View) -> Self {
        Self { counts: Some(view), ..self }
    }
}

pub(crate) const PHRASES: &[Phrase] = &[
    phrase("sessions", ("EXPR", Object::Rows(filter::SESSIONS)), "the sessions that this means", sessions)
        .counting(View::Sessions)
        .command(|expr| format!("rustsocks-cli sessions list --filter {}", word(expr))),
    phrase("history", ("EXPR", Object::Rows(filter::HISTORY)), "the sessions that were and that this means", history)
        .command(|expr| format!("rustsocks-cli history query {}", word(expr))),
    phrase("users", ("EXPR", Object::Rows(filter::USERS)), "the users that this means", of_users)
        .counting(View::Users)
        .command(|expr| format!("rustsocks-cli users list --filter {}", word(expr))),
    phrase("limits", ("EXPR", Object::Rows(filter::LIMITS)), "the limits that this means", limits)
        .counting(View::Limits)
        .command(|expr| format!("rustsocks-cli limits show --filter {}", word(expr))),
    phrase("kill", ("EXPR", Object::Rows(filter::SESSIONS)), "end the sessions that this means; asks first", kill)
        .role(Role::Operate)
        .counting(View::Sessions)
        .command(|expr| format!("rustsocks-cli sessions kill --filter {}", word(expr))),
    phrase("disable", ("NAME", Object::Name), "lets this user log in no more; asks first", disable)
        .role(Role::Admin)
        .command(|name| format!("rustsocks-cli users disable {} --end-sessions", word(name))),
    phrase("enable", ("NAME", Object::Name), "lets this user log in again; asks first", enable)
        .role(Role::Admin)
        .command(|name| format!("rustsocks-cli users enable {}", word(name))),
    phrase("sort", ("COLUMN", Object::Column), "by this column; with - the greatest first", sort)
        .command(|column| format!("rustsocks-cli sessions list --sort {}", word(column))),
    phrase("theme", ("NAME", Object::Theme), "other colours, in this console", theme)
        .command(|name| format!("rustsocks-cli console --theme {}", word(name))),
    phrase("socket", ("PATH", Object::Text), "the daemon at another socket", socket)
        .command(|path| format!("rustsocks-cli --socket {} console", word(path))),
];

fn sessions(app: &mut App, expr: &str) -> Vec<Effect> {
    narrowed(app, Screen::Sessions, View::Sessions, expr)
}

fn of_users(app: &mut App, expr: &str) -> Vec<Effect> {
    narrowed(app, Screen::Users, View::Users, expr)
}

fn limits(app: &mut App, expr: &str) -> Vec<Effect> {
    narrowed(app, Screen::Limits, View::Limits, expr)
}

/// To the screen, with this filter.
fn narrowed(app: &mut App, screen: Screen, view: View, expr: &str) -> Vec<Effect> {
    let Some(expr) = sound(app, expr, view.fields()) else { return Vec::new() };
    let visible = room(screen).visible(app, 0);
    let mut effects = app.live_mut(view).filtered(visible, expr);
    effects.push(Effect::Go(screen));
    effects
}

fn history(app: &mut App, expr: &str) -> Vec<Effect> {
    let Some(expr) = sound(app, expr, filter::HISTORY) else { return Vec::new() };
    app.history.filter = expr;
    vec![Effect::Go(Screen::History)]
}

fn kill(app: &mut App, expr: &str) -> Vec<Effect> {
    if expr.is_empty() {
        app.ui.say("which sessions?");
        return Vec::new();
    }
    let Some(expr) = sound(app, expr, filter::SESSIONS) else { return Vec::new() };
    if !app.may(Role::Operate, "ending sessions") {
        return Vec::new();
    }
    KillDialog::open(app, Kill { filter: Some(expr), ..Kill::default() })
}

fn disable(app: &mut App, name: &str) -> Vec<Effect> {
    if is_named(app, name) { users::disable(app, name) } else { Vec::new() }
}

fn enable(app: &mut App, name: &str) -> Vec<Effect> {
    if is_named(app, name) { users::enable(app, name) } else { Vec::new() }
}

/// Whether somebody was named whom the operator may change.
fn is_named(app: &mut App, name: &str) -> bool {
    if name.is_empty() {
        app.ui.say("whom?");
    }
    !name.is_empty() && app.may(Role::Admin, "changing users")
}

/// An expression that makes sense; of another it is said why it makes none.
fn sound(app: &mut App, expr: &str, fields: &'static [Field]) -> Option<String> {
    match filter::Filter::parse(expr, fields) {
        Ok(_) => Some(expr.to_owned()),
        Err(misread) => {
            app.ui.warn(misread.to_string());
            None
        }
    }
}

fn sort(app: &mut App, column: &str) -> Vec<Effect> {
    let Rows::Live(view) = room(app.ui.screen).rows(app.ui.pane) else {
        app.ui.say("there is no table here that is sorted");
        return Vec::new();
    };
    let (name, direction) = match column.strip_prefix('-') {
        Some(name) => (name, Direction::Desc),
        None => (column, Direction::Asc),
    };
    if !app.live(view).names().iter().any(|known| known == name) {
        app.ui.warn(format!("there is no column {name:?}"));
        return Vec::new();
    }
    let visible = room(app.ui.screen).visible(app, app.ui.pane);
    let live = app.live_mut(view);
    live.sort = (name.to_owned(), direction);
    live.ask(visible)
}

fn theme(app: &mut App, name: &str) -> Vec<Effect> {
    match <ThemeName as clap::ValueEnum>::from_str(name, false) {
        Ok(name) => app.caps.theme = Theme::from(name),
        Err(_) => app.ui.warn(format!("there is no theme {name:?}")),
    }
    vec![Effect::Redraw]
}

fn socket(app: &mut App, path: &str) -> Vec<Effect> {
    if !Path::new(path).exists() {
        app.ui.warn(format!("there is nothing at {path}"));
        return Vec::new();
    }
    elsewhere(app, path)
}
