//! Which part of the sessions is wanted, and which of them is meant.
//!
//! The daemon keeps the window around the row that is meant, wherever the order takes it; at most one question is under way.

use serde_json::to_value;
use wire::admin::{ViewChange, ViewOpen, ViewOpened, Window};

use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::model::Link;
use crate::console::ui::Screen;

/// Opens the view anew.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let open = ViewOpen {
        of: "sessions".to_owned(),
        filter: (!app.ui.filter.is_empty()).then(|| app.ui.filter.clone()),
        sort: vec![app.ui.sort.clone()],
        cols: None,
        win: window(app),
        every_ms: Some(1000),
        hold: Some(app.ui.is_held),
    };
    app.ui.is_asking = true;
    app.ui.asks_again = false;
    vec![Effect::Ask { op: "view.open", p: to_value(open).unwrap_or_default(), about: About::Window }]
}

/// Asks for the window as it is wanted now, with everything that it depends on.
pub(super) fn ask(app: &mut App) -> Vec<Effect> {
    let Some(sub) = app.model.sessions.sub else { return Vec::new() };
    if app.ui.is_asking {
        app.ui.asks_again = true;
        return Vec::new();
    }
    app.ui.is_asking = true;
    let change = ViewChange {
        sub,
        filter: Some(app.ui.filter.clone()),
        sort: Some(vec![app.ui.sort.clone()]),
        win: Some(window(app)),
        hold: Some(app.ui.is_held),
        ..ViewChange::default()
    };
    vec![Effect::Ask { op: "view.set", p: to_value(change).unwrap_or_default(), about: About::Window }]
}

/// A whole window came.
pub(super) fn opened(app: &mut App, opened: ViewOpened) -> Vec<Effect> {
    app.ui.is_asking = false;
    if let Some(error) = &opened.filter_error {
        let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        app.ui.warn(format!("column {}: {}{hint}", error.col, error.msg));
    }
    app.model.sessions.open(opened);
    if let Some(goal) = app.ui.goal.take() {
        let table = &app.model.sessions;
        let place = goal.saturating_sub(table.off).min(table.lines.len().saturating_sub(1));
        app.ui.cursor = table.lines.get(place).map(|line| line.id.clone());
    }
    let is_found = settle(app);
    if std::mem::take(&mut app.ui.asks_again) {
        return ask(app);
    }
    if !is_found {
        // The daemon has looked for it: it is not there any more.
        app.ui.cursor = None;
        settle(app);
    }
    Vec::new()
}

/// After a change: the row that is meant is on the screen, or looked for.
pub(super) fn settle(app: &mut App) -> bool {
    let visible = app.visible();
    let table = &app.model.sessions;
    let place = match &app.ui.cursor {
        None => None,
        Some(id) => match table.position(id) {
            Some(place) => Some(place),
            // It moved out of the window.
            None if table.sub.is_some() && app.ui.goal.is_none() => return false,
            None => None,
        },
    };
    let place = place
        .or_else(|| (!table.lines.is_empty()).then(|| app.ui.top.saturating_sub(table.off).min(table.lines.len() - 1)));
    let Some(place) = place else { return true };
    app.ui.cursor = Some(table.lines[place].id.clone());
    let at = table.off + place;
    app.ui.top = app.ui.top.clamp((at + 1).saturating_sub(visible), at);
    true
}

/// A patch came in: where is the row that is meant?
pub(super) fn patched(app: &mut App) -> Vec<Effect> {
    if settle(app) {
        return Vec::new();
    }
    // It may be over by now and long forgotten; then the daemon answers with the top.
    let effects = ask(app);
    if !effects.is_empty() {
        app.ui.goal = None;
    }
    effects
}

/// Moves what is meant by so many rows.
pub(super) fn moved(app: &mut App, by: isize) -> Vec<Effect> {
    let table = &app.model.sessions;
    let here = app.ui.cursor.as_ref().and_then(|id| table.position(id)).map_or(app.ui.top, |place| table.off + place);
    let there = here.saturating_add_signed(by);
    to(app, there)
}

/// Means the row at this place among all.
pub(super) fn to(app: &mut App, place: usize) -> Vec<Effect> {
    let table = &app.model.sessions;
    let known = table.off + table.lines.len();
    let all = usize::try_from(table.matched).unwrap_or(usize::MAX).max(known);
    let place = place.min(all.saturating_sub(1));
    let line = place.checked_sub(table.off).and_then(|place| table.lines.get(place));
    if let Some(line) = line {
        app.ui.cursor = Some(line.id.clone());
        app.ui.goal = None;
        settle(app);
        // The window is to go on around it before it ends.
        let margin = app.visible() / 2;
        let table = &app.model.sessions;
        let is_near_end = place + margin >= known && known < all;
        let is_near_start = place < table.off + margin && table.off > 0;
        if is_near_end || is_near_start { ask(app) } else { Vec::new() }
    } else {
        app.ui.goal = Some(place);
        app.ui.top = place.saturating_sub(app.visible() / 2);
        ask(app)
    }
}

pub(super) fn resized(app: &mut App) -> Vec<Effect> {
    if app.ui.screen == Screen::Sessions && app.model.link == Link::Live { ask(app) } else { Vec::new() }
}

/// A screenful before and one behind what is seen.
fn window(app: &App) -> Window {
    let visible = app.visible();
    if let Some(goal) = app.ui.goal {
        return Window::At { off: goal.saturating_sub(visible * 3 / 2), len: visible * 3 };
    }
    match &app.ui.cursor {
        Some(anchor) if app.ui.top > 0 => {
            Window::Around { anchor: anchor.clone(), before: visible * 3 / 2, after: visible * 3 / 2 }
        }
        Some(_) | None => Window::At { off: 0, len: visible * 3 },
    }
}
