//! The classes, and the overrides below them.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::live::{self, Column, Live, Row, column};
use crate::console::model::number;
use crate::console::pane::pane;
use crate::shown;

const COLUMNS: &[Column] = &[
    column("CLASS", "name", 18, 0, |row| row.text("name")).growing(),
    column("BELOW", "parent", 12, 8, |row| row.text("parent")),
    column("GUARANT.", "guaranteed", 8, 7, |row| row.rate("guaranteed")).numeric(),
    column("LIMIT", "limit", 8, 2, |row| row.rate("limit")).numeric(),
    column("FROM", "origin", 8, 5, |row| row.text("origin")),
    column("BURST", "burst", 6, 9, burst).numeric(),
    column("USING", "using", 8, 1, |row| row.rate("using")).numeric(),
    column("%", "pct", 4, 3, |row| row.text("pct")).numeric(),
    column("", "pct", 12, 6, bar),
    column("BUCKET", "bucket", 6, 7, |row| percent(row, "bucket")).numeric(),
    column("THROTL", "throttled", 8, 2, |row| percent(row, "throttled")).numeric(),
    column("WHY", "held_by", 8, 3, |row| row.text("held_by")),
    column("P95", "wait", 6, 6, wait).numeric(),
    column("SESS", "sessions", 9, 4, sessions).numeric(),
    column("WAIT", "waiting", 5, 1, |row| row.text("waiting")).numeric(),
    column("REFUSED", "refused", 7, 5, |row| row.text("refused")).numeric(),
    column("QUOTA", "quota", 6, 7, |row| percent(row, "quota")).numeric(),
    column("BYTES", "bytes", 7, 9, |row| row.bytes("bytes")).numeric(),
    column("OVERRIDE", "override_left", 8, 4, left).numeric(),
];

const EMPTY: &str = "Nothing is limited. Limits are set with e, or for a while with o.";

/// Lines that the overrides take below the classes.
const OVERRIDES: u16 = 7;

/// Rows of classes that fit.
pub(super) fn rows_of_classes(app: &App) -> usize {
    app.visible().saturating_sub(usize::from(OVERRIDES)).max(1)
}

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let below = OVERRIDES.min(area.height / 2);
    let above = Rect { height: area.height - below, ..area };
    let overrides = Rect { y: area.y + above.height, height: below, ..area };
    let live = &app.limits.live;
    let classes = pane(app, canvas, above, (&title(live), 0));
    let meant = live::draw(app, canvas, classes, (live, COLUMNS), EMPTY);
    let overrides = pane(app, canvas, overrides, ("For a while", 1));
    let laid_over = listing::rows(canvas, overrides, (&app.limits.overrides, 1));
    if app.ui.pane == 0 { meant } else { laid_over }
}

fn title(live: &Live) -> String {
    let table = &live.table;
    let holding = table.sums.get("holding").copied().unwrap_or(0);
    let classes = format!("Limits {}/{}", shown::count(table.matched), shown::count(table.total));
    if holding > 0 { format!("{classes}  {} hold somebody back", shown::count(holding)) } else { classes }
}

/// Ten parts of the limit, those in use filled.
fn bar(row: &Row<'_>) -> String {
    match row.value("pct").and_then(Value::as_u64) {
        None => String::new(),
        Some(percent) => {
            let filled = usize::try_from(percent.div_ceil(10).min(10)).unwrap_or(10);
            format!("[{}{}]", "#".repeat(filled), ".".repeat(10 - filled))
        }
    }
}

/// How many are in, and how many may be.
fn sessions(row: &Row<'_>) -> String {
    match row.value("most_sessions").and_then(Value::as_u64) {
        Some(most) => format!("{}/{most}", row.text("sessions")),
        None => row.text("sessions"),
    }
}

fn percent(row: &Row<'_>, column: &str) -> String {
    row.value(column).and_then(Value::as_u64).map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
}

/// What nearly all waits took at most.
fn wait(row: &Row<'_>) -> String {
    row.value("wait").and_then(Value::as_u64).map_or_else(|| "-".to_owned(), |millis| format!("{millis}ms"))
}

fn burst(row: &Row<'_>) -> String {
    match row.value("burst") {
        None | Some(Value::Null) => "-".to_owned(),
        Some(_) => row.bytes("burst"),
    }
}

/// How long an override holds on.
fn left(row: &Row<'_>) -> String {
    match row.value("override_left") {
        None | Some(Value::Null) => "-".to_owned(),
        Some(seconds) => shown::age(number(seconds)),
    }
}
