//! The audit log as a list in the place of the screen: who did what, the latest first, as far as a filter lets it through.

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Refusal, Role};

use super::{AUDIT, CHANGES};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::listing::{self, Columns, Listing};
use crate::console::room::ask_latest;
use crate::console::screen::Screen;
use crate::output::Kind;

/// Records that are asked for, from the end.
const MOST: usize = 500;

const COLUMNS: Columns = &[
    ("t", Kind::Time),
    ("who.user", Kind::Text),
    ("op", Kind::Text),
    ("phase", Kind::Text),
    ("target", Kind::Text),
    ("changes", Kind::Text),
    ("result", Kind::Text),
    ("comment", Kind::Text),
    ("id", Kind::Text),
];

/// What is known of the log.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) listing: Listing,
    pub(super) filter: String,
    /// There are earlier records that are not here.
    has_more: bool,
}

/// Opens it, if the operator may read it.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "the audit log") {
        return Vec::new();
    }
    app.ui.pane = AUDIT;
    asked(app)
}

pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    let audit = &mut app.overview.audit;
    audit.listing.is_waiting = true;
    let p = json!({ "filter": audit.filter, "n": MOST });
    vec![ask_latest(app, "audit.query", &p, (Screen::Overview, "audit log"))]
}

pub(super) fn answered(app: &mut App, answer: Result<Value, Refusal>) {
    let audit = &mut app.overview.audit;
    match answer {
        Ok(answer) => {
            audit.has_more = answer["complete"] == false;
            let records = answer["records"].as_array().into_iter().flatten().rev().cloned().collect();
            audit.listing.fill(COLUMNS, records);
        }
        Err(refusal) => audit.listing.refused(refusal.with_code()),
    }
}

/// First without the filter, then back to the screen.
pub(super) fn back(app: &mut App) -> Vec<Effect> {
    if app.overview.audit.filter.is_empty() {
        app.ui.pane = CHANGES;
        return Vec::new();
    }
    app.overview.audit.filter.clear();
    asked(app)
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let audit = &app.overview.audit;
    let more = if audit.has_more { ", and earlier ones: a filter finds them" } else { "" };
    let title = format!("Audit log {}{more}   / filter   Esc back", audit.listing.sheet.rows.len());
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.facts(area, (1, 0), &title, crate::console::theme::Role::Header);
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    };
    listing::rows(canvas, inner, (&audit.listing, AUDIT))
}
