//! The users, and beside or below them the groups; where there is room, also what is known of the one who is meant.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::detail;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::live::{self, Column, Live, Row, column};
use crate::console::model::number;
use crate::console::pane::pane;
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown;

const COLUMNS: &[Column] = &[
    column("USER", "name", 12, 0, |row| row.text("name")).growing(),
    column("STATE", "state", 9, 1, state),
    column("FROM", "from", 4, 6, |row| row.text("from")),
    column("GROUPS", "groups", 13, 5, groups),
    column("SESS", "sessions", 5, 2, |row| row.text("sessions")).numeric(),
    column("RATE", "rate", 7, 3, |row| row.rate("rate")).numeric(),
    column("SEEN", "last_seen", 9, 4, seen).numeric(),
    column("UP 24H", "up24", 6, 8, |row| carried(row, "up24")).numeric(),
    column("DOWN 24H", "down24", 8, 8, |row| carried(row, "down24")).numeric(),
    column("DENIED", "denied24", 6, 9, |row| row.text("denied24")).numeric(),
    column("FAILS", "fails24", 5, 7, |row| row.text("fails24")).numeric(),
    column("UP", "up", 5, 11, |row| row.bytes("up")).numeric(),
    column("DOWN", "down", 5, 11, |row| row.bytes("down")).numeric(),
    column("LAST SOURCE", "last_src", 15, 10, |row| row.text("last_src")),
];

const EMPTY: &str = "There is no users file, and nobody with a name is in.";

/// Lines that the groups take below the users, or below what is known of the one who is meant.
const GROUPS: u16 = 8;

/// Columns that the one who is meant and the groups take beside the users, where there is room.
const BESIDE: u16 = 38;

/// Rows of users that fit.
pub(super) fn rows_of_users(app: &App) -> usize {
    let below = if app.has_boxes() { 0 } else { usize::from(GROUPS) };
    app.visible().saturating_sub(below).max(1)
}

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let below = GROUPS.min(area.height / 2);
    let groups = Rect { y: area.y + area.height - below, height: below, ..area };
    let above = Rect { height: area.height - below, ..area };
    let (users, groups) = if app.has_boxes() {
        let users = Rect { width: area.width - BESIDE, ..area };
        let beside = |place: Rect| Rect { x: area.x + users.width, width: BESIDE, ..place };
        about(app, canvas, beside(above));
        (users, beside(groups))
    } else {
        (above, groups)
    };
    let live = &app.users.live;
    let users = pane(app, canvas, users, (&title(live), 0));
    let meant = live::draw(app, canvas, users, (live, COLUMNS), EMPTY);
    let groups = pane(app, canvas, groups, ("Groups", 1));
    let group = listing::rows(canvas, groups, (&app.users.groups, 1));
    if app.ui.pane == 0 { meant } else { group }
}

/// The one who is meant.
fn about(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let users = &app.users;
    let Some(line) = users.live.line() else {
        canvas.framed(area, "Nobody is meant");
        return;
    };
    let inner = canvas.framed(area, &line.id);
    let told = detail::known(app, &line.id);
    let row = Row { table: &users.live.table, line, now: app.model.now };
    for ((label, fact), y) in detail::facts(&row, told).iter().zip(0..inner.height) {
        canvas.text(inner, 0, y, label, Role::Dim);
        canvas.text(inner, 9, y, fact, Role::Text);
    }
    if app.model.is_stale() {
        canvas.dim(inner);
    }
}

/// Whether the user may log in; capitals say it without colours.
fn state(row: &Row<'_>) -> String {
    match (row.text("state").as_str(), row.text("from").as_str()) {
        ("enabled", _) | ("elsewhere", "pam") => "ok".to_owned(),
        ("disabled", _) => "DISABLED".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// The first group, and how many more.
fn groups(row: &Row<'_>) -> String {
    let groups = row.value("groups").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match groups {
        [] => "-".to_owned(),
        [only] => raw(only),
        [first, others @ ..] => format!("{} +{}", raw(first), others.len()),
    }
}

/// How long ago; of a name that nobody got in by, how often it was tried.
fn seen(row: &Row<'_>) -> String {
    if row.value("sessions").map_or(0, number) > 0 {
        return "now".to_owned();
    }
    match row.text("state").as_str() {
        "unknown" => format!("{} fails", row.text("fails24")),
        _ => row.since("last_seen"),
    }
}

/// Nothing where no history is kept, and before it was asked.
fn carried(row: &Row<'_>, column: &str) -> String {
    match row.value(column) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(_) => row.bytes(column),
    }
}

fn title(live: &Live) -> String {
    let table = &live.table;
    let users = format!("Users {}/{}", shown::count(table.matched), shown::count(table.total));
    match table.sums.get("sessions") {
        Some(sessions) => format!("{users}  sessions {}", shown::count(*sessions)),
        None => users,
    }
}
