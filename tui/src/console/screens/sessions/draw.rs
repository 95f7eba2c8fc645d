//! The sessions that are in.

use ratatui::layout::{Position, Rect};

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::live::{self, Column, Live, Row, column};
use crate::console::theme::Role;
use crate::shown;

const COLUMNS: &[Column] = &[
    column("ID", "id", 7, 0, |row| row.text("id")),
    column("USER", "user", 10, 1, |row| row.text("user")),
    column("SOURCE", "src", 21, 6, |row| row.text("src")),
    column("DESTINATION", "dst", 18, 2, |row| row.text("dst")).growing(),
    column("PR", "proto", 3, 7, |row| row.text("proto")),
    column("AGE", "start", 6, 5, age).numeric(),
    column("UP", "up", 5, 4, |row| row.bytes("up")).numeric(),
    column("DOWN", "down", 5, 3, |row| row.bytes("down")).numeric(),
    column("RATE", "rate", 7, 3, |row| row.rate("rate")).numeric(),
    column("RULE", "rule", 18, 8, |row| row.text("rule")),
    column("STATE", "state", 9, 9, |row| row.text("state")),
    column("AUTH", "auth", 12, 10, |row| row.text("auth")),
    column("LISTENER", "listener", 12, 11, |row| row.text("listener")),
];

const EMPTY: &str = "Nobody is in. Sessions appear here as clients come.";

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let live = &app.sessions.live;
    let title = title(live);
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.text(area, 1, area.height - 1, &title, Role::Dim);
        Rect { height: area.height - 1, ..area }
    };
    live::draw(app, canvas, inner, (live, COLUMNS), EMPTY)
}

fn title(live: &Live) -> String {
    let table = &live.table;
    let mut parts = vec![format!("Sessions {}/{}", shown::count(table.matched), shown::count(table.total))];
    let sum = |(name, label): (&str, &str)| table.sums.get(name).map(|sum| format!("{label} {}/s", shown::bytes(*sum)));
    parts.extend([("rup", "up"), ("rdown", "down")].into_iter().filter_map(sum));
    if !live.marks.is_empty() {
        parts.push(format!("{} marked", live.marks.len()));
    }
    if let Some(held) = table.held.filter(|_| live.is_held) {
        parts.push(format!("held: {} came, {} went", held.came, held.went));
    }
    parts.join("  ")
}

/// How long it is in; of one that is over, that.
fn age(row: &Row<'_>) -> String {
    if row.line.over.is_some() { "over".to_owned() } else { row.since("start") }
}
