//! What a key does: to what lies over the screen first, then to the screen.

mod overlay;

pub(crate) use self::overlay::found;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{json, to_value};
use wire::admin::{Direction, Kill};

use super::{TICKS, enter, refresh, rows};
use crate::console::app::App;
use crate::console::dialog::KillDialog;
use crate::console::event::{About, Effect};
use crate::console::field::Field;
use crate::console::keys::{Action, meaning};
use crate::console::model::Link;
use crate::console::ui::{Overlay, Screen};
use crate::output::raw;

/// Sessions that one order may name.
const MOST_IDS: usize = 5_000;

pub(super) fn pressed(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return interrupted(app);
    }
    if app.ui.overlay.is_some() {
        return overlay::pressed(app, key);
    }
    if matches!(app.model.link, Link::Down { .. }) && key.code == KeyCode::Char('r') {
        return vec![Effect::RetryNow];
    }
    match meaning(key, app.ui.screen) {
        Some(action) => act(app, action),
        None => Vec::new(),
    }
}

pub(super) fn pasted(app: &mut App, text: &str) {
    match &mut app.ui.overlay {
        Some(Overlay::Filter(field) | Overlay::Help { search: field, .. } | Overlay::Palette { search: field, .. }) => {
            field.paste(text);
        }
        Some(Overlay::Sort { .. } | Overlay::Columns { .. } | Overlay::Detail { .. } | Overlay::Kill(_)) | None => {}
    }
}

/// Ctrl-C clears a field, cancels a dialog, and the second one leaves.
fn interrupted(app: &mut App) -> Vec<Effect> {
    match &mut app.ui.overlay {
        Some(Overlay::Filter(field) | Overlay::Help { search: field, .. } | Overlay::Palette { search: field, .. })
            if !field.is_empty() =>
        {
            field.clear();
        }
        Some(_) => app.ui.overlay = None,
        None if app.ui.ending > 0 => return vec![Effect::Quit],
        None => {
            app.ui.ending = 2 * TICKS;
            app.ui.say("Ctrl-C again leaves the console");
        }
    }
    Vec::new()
}

/// Does what was wanted.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let page = isize::try_from(app.visible()).unwrap_or(isize::MAX);
    match action {
        Action::Go(screen) if app.screens().any(|known| known == screen) => return enter(app, screen),
        Action::Go(screen) => app.ui.warn(format!("this daemon has nothing for {}", screen.title())),
        Action::NextScreen => return turned(app, 1),
        Action::PreviousScreen => return turned(app, -1),
        Action::Up => return moved(app, -1),
        Action::Down => return moved(app, 1),
        Action::PageUp => return moved(app, -page),
        Action::PageDown => return moved(app, page),
        Action::HalfUp => return moved(app, -page / 2),
        Action::HalfDown => return moved(app, page / 2),
        Action::First => return moved(app, isize::MIN / 2),
        Action::Last => return moved(app, isize::MAX / 2),
        Action::Open => return opened(app),
        Action::Back => return back(app),
        Action::Filter => {
            let text = if app.ui.screen == Screen::History { &app.ui.past_filter } else { &app.ui.filter };
            app.ui.overlay = Some(Overlay::Filter(Field::of(text)));
        }
        Action::Sort => app.ui.overlay = Some(Overlay::Sort { choice: 0 }),
        Action::Columns => app.ui.overlay = Some(Overlay::Columns { choice: 0 }),
        Action::Reverse => {
            let other = if app.ui.sort.1 == Direction::Asc { Direction::Desc } else { Direction::Asc };
            app.ui.sort.1 = other;
            return rows::ask(app);
        }
        Action::Follow => return follow(app),
        Action::Mark => return mark(app),
        Action::MarkAll => mark_all(app),
        Action::Hold => {
            app.ui.is_held = !app.ui.is_held;
            app.model.sessions.held = None;
            return rows::ask(app);
        }
        Action::Kill => return kill(app),
        Action::PastOfUser => return past_of_user(app),
        Action::Copy => return copied(app),
        Action::Refresh => return refresh(app),
        Action::Help => app.ui.overlay = Some(Overlay::Help { search: Field::default(), scroll: 0 }),
        Action::Palette => app.ui.overlay = Some(Overlay::Palette { search: Field::default(), choice: 0 }),
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return vec![Effect::Quit],
    }
    Vec::new()
}

fn turned(app: &mut App, by: isize) -> Vec<Effect> {
    let screens: Vec<Screen> = app.screens().collect();
    let here = screens.iter().position(|screen| *screen == app.ui.screen).unwrap_or(0);
    let count = isize::try_from(screens.len()).unwrap_or(1).max(1);
    let there = (isize::try_from(here).unwrap_or(0) + by).rem_euclid(count);
    enter(app, screens[there.unsigned_abs()])
}

fn moved(app: &mut App, by: isize) -> Vec<Effect> {
    match app.ui.screen {
        Screen::Sessions => return rows::moved(app, by),
        Screen::History | Screen::Acl | Screen::Health => {
            let last = app.model.listing.sheet.rows.len().saturating_sub(1);
            app.model.listing.cursor = app.model.listing.cursor.saturating_add_signed(by).min(last);
        }
        Screen::Overview => {}
    }
    Vec::new()
}

fn opened(app: &mut App) -> Vec<Effect> {
    app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
    match (&app.ui.cursor, app.ui.screen) {
        (Some(id), Screen::Sessions) => {
            let p = json!({ "id": id });
            vec![Effect::Ask { op: "sessions.get", p, about: About::Detail(id.clone()) }]
        }
        _ => Vec::new(),
    }
}

/// One step back: the filter, then the marks.
fn back(app: &mut App) -> Vec<Effect> {
    match app.ui.screen {
        Screen::Sessions if !app.ui.filter.is_empty() => filtered(app, String::new()),
        Screen::Sessions => {
            app.ui.marks.clear();
            Vec::new()
        }
        Screen::History if !app.ui.past_filter.is_empty() => {
            app.ui.past_filter.clear();
            refresh(app)
        }
        Screen::History | Screen::Overview | Screen::Acl | Screen::Health => Vec::new(),
    }
}

/// Another filter for the sessions.
pub(super) fn filtered(app: &mut App, filter: String) -> Vec<Effect> {
    app.ui.filter = filter;
    app.ui.top = 0;
    app.ui.cursor = None;
    app.ui.goal = Some(0);
    rows::ask(app)
}

/// Narrows the view to what the row has; each press another of its sides.
fn follow(app: &mut App) -> Vec<Effect> {
    let Some(line) = line(app) else { return Vec::new() };
    let condition = |(field, column): (&str, &str)| {
        let value = app.model.sessions.cell(line, column).map(raw).filter(|value| !value.is_empty())?;
        Some(format!("{field}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
    };
    let conditions: Vec<String> =
        [("user", "user"), ("dst", "host"), ("rule", "rule")].into_iter().filter_map(condition).collect();
    let next = conditions.iter().position(|condition| *condition == app.ui.filter).map_or(0, |place| place + 1);
    match conditions.into_iter().nth(next) {
        Some(condition) => filtered(app, condition),
        None => filtered(app, String::new()),
    }
}

fn mark(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.ui.cursor.clone() else { return Vec::new() };
    if !app.ui.marks.remove(&id) {
        app.ui.marks.insert(id);
    }
    rows::moved(app, 1)
}

fn mark_all(app: &mut App) {
    if app.ui.marks.is_empty() {
        let living = app.model.sessions.lines.iter().filter(|line| line.over.is_none());
        app.ui.marks = living.map(|line| line.id.clone()).collect();
        let (marked, matched) = (app.ui.marks.len(), app.model.sessions.matched);
        if (marked as u64) < matched {
            app.ui.say(format!("{marked} of {matched} marked: those around here; a command can end more at once"));
        }
    } else {
        app.ui.marks.clear();
    }
}

/// First the daemon says what would be ended.
fn kill(app: &mut App) -> Vec<Effect> {
    let is_reader = app.model.welcome.as_ref().is_some_and(|welcome| welcome.role == wire::admin::Role::Read);
    if is_reader {
        app.ui.warn("your role is read; ending sessions takes operate");
        return Vec::new();
    }
    let ids: Vec<String> = if app.ui.marks.is_empty() {
        match line(app) {
            Some(line) if line.over.is_none() => vec![line.id.clone()],
            Some(_) => {
                app.ui.say("this session is over already");
                return Vec::new();
            }
            None => return Vec::new(),
        }
    } else {
        app.ui.marks.iter().take(MOST_IDS).cloned().collect()
    };
    let epoch = app.model.welcome.as_ref().map(|welcome| welcome.epoch.clone());
    let order = Kill { ids: Some(ids), epoch, ..Kill::default() };
    let p = to_value(Kill { dry: true, ..order.clone() }).unwrap_or_default();
    app.ui.overlay = Some(Overlay::Kill(Box::new(KillDialog::new(order))));
    vec![Effect::Ask { op: "sessions.kill", p, about: About::KillDry }]
}

fn past_of_user(app: &mut App) -> Vec<Effect> {
    let user =
        line(app).and_then(|line| app.model.sessions.cell(line, "user")).map(raw).filter(|user| !user.is_empty());
    let Some(user) = user else { return Vec::new() };
    app.ui.past_filter = format!("user=\"{}\"", user.replace('\\', "\\\\").replace('"', "\\\""));
    act(app, Action::Go(Screen::History))
}

fn copied(app: &mut App) -> Vec<Effect> {
    let cells: Vec<String> = match app.ui.screen {
        Screen::Sessions => line(app).map(|line| line.cells.iter().map(raw).collect()).unwrap_or_default(),
        Screen::Overview | Screen::History | Screen::Acl | Screen::Health => {
            let row = app.model.listing.sheet.rows.get(app.model.listing.cursor);
            row.map(|row| row.iter().map(raw).collect()).unwrap_or_default()
        }
    };
    let text = cells.join("\t");
    if text.is_empty() {
        return Vec::new();
    }
    app.ui.say(format!("{} bytes to the clipboard", text.len()));
    vec![Effect::Copy(text)]
}

/// The row that is meant.
fn line(app: &App) -> Option<&crate::console::table::Line> {
    let place = app.model.sessions.position(app.ui.cursor.as_ref()?)?;
    app.model.sessions.lines.get(place)
}
