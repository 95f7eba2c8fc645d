//! Who comes and who goes, as it happens, in the place of the table: also those who are gone before anybody looks at it.

use std::collections::BTreeMap;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::Push;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::listing::{self, Columns, Listing};
use crate::console::room::{subscribe, unsubscribe};
use crate::console::screen::Screen;
use crate::console::theme::Role;
use crate::output::Kind;

/// Its part of the screen, behind the table; it is left by Esc.
pub(super) const COMINGS: usize = 1;

/// Lines that are kept.
const MOST: usize = 1_000;

const COLUMNS: Columns = &[
    ("t", Kind::Time),
    ("event", Kind::Text),
    ("user", Kind::Text),
    ("dst", Kind::Text),
    ("reason", Kind::Text),
    ("src", Kind::Text),
    ("rule", Kind::Text),
    ("id", Kind::Text),
];

/// The latest first.
#[derive(Debug, Default)]
pub(super) struct Comings {
    pub(super) listing: Listing,
    sub: Option<u64>,
}

/// Opens it, for those whom the filter of the table means.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    if !app.model.knows("sessions.sub") {
        app.ui.say("this daemon does not tell who comes and goes");
        return Vec::new();
    }
    app.ui.pane = COMINGS;
    app.sessions.comings.listing = Listing::default();
    vec![wanted(app)]
}

pub(super) fn wanted(app: &App) -> Effect {
    let p = json!({ "filter": app.sessions.live.filter });
    subscribe(app, "sessions.sub", &p, (Screen::Sessions, "comings"))
}

pub(super) fn begun(app: &mut App, answer: &Value) {
    app.sessions.comings.sub = answer["sub"].as_u64();
}

/// Nobody looks any more.
pub(super) fn closed(app: &mut App) -> Vec<Effect> {
    let sub = app.sessions.comings.sub.take();
    unsubscribe(app, Screen::Sessions, sub)
}

pub(super) fn back(app: &mut App) -> Vec<Effect> {
    app.ui.pane = 0;
    closed(app)
}

pub(super) fn pushed(app: &mut App, push: &Push) {
    let comings = &mut app.sessions.comings;
    if comings.sub != Some(push.sub) {
        return;
    }
    let mut told = push.d.clone();
    told["event"] = push.ev.as_str().into();
    if push.ev == "gap" {
        told["reason"] = format!("{} that came or went are missing", push.d["lost"]).into();
    }
    comings.listing.add_first(COLUMNS, told, MOST);
}

/// So many were let go of while the operator was elsewhere.
pub(super) fn missed(app: &mut App, missed: &BTreeMap<u64, u64>) {
    let lost = app.sessions.comings.sub.and_then(|sub| Some((sub, *missed.get(&sub)?)));
    if let Some((sub, lost)) = lost {
        pushed(app, &Push { sub, seq: 0, ev: "gap".to_owned(), t: 0.0, d: json!({ "lost": lost }) });
    }
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let filter = &app.sessions.live.filter;
    let whose = if filter.is_empty() { String::new() } else { format!(" of {filter}") };
    let title = format!("Who comes and goes{whose}   Esc back");
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.facts(area, (1, 0), &title, Role::Header);
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    };
    listing::rows(canvas, inner, (&app.sessions.comings.listing, COMINGS))
}
