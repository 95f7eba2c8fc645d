//! The sessions that are in.

use ratatui::layout::{Position, Rect};

use super::detail;
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
    column("LIMIT", "limit", 16, 12, |row| row.text("limit")),
];

/// From so many columns on, the part for one session is beside the table.
const WIDE: u16 = 132;

/// How much it takes there, and how much below.
const BESIDE: u16 = 46;
const BELOW: u16 = 9;

const EMPTY: &str = "Nobody is in. Sessions appear here as clients come.";

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let live = &app.sessions.live;
    let title = title(live);
    let (area, beside) = split(app, area);
    if let Some(beside) = beside {
        about(app, canvas, beside);
    }
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.facts(area, (1, area.height - 1), &title, Role::Dim);
        Rect { height: area.height - 1, ..area }
    };
    live::draw(app, canvas, inner, (live, COLUMNS), EMPTY)
}

/// Where there is room, a part for the one that is meant: beside the table on wide terminals, else below it.
fn split(app: &App, area: Rect) -> (Rect, Option<Rect>) {
    if !app.has_boxes() {
        return (area, None);
    }
    if area.width >= WIDE {
        let table = Rect { width: area.width - BESIDE, ..area };
        return (table, Some(Rect { x: area.x + table.width, width: BESIDE, ..area }));
    }
    let table = Rect { height: area.height - BELOW, ..area };
    (table, Some(Rect { y: area.y + table.height, height: BELOW, ..area }))
}

/// Lines that the part below takes from the table.
pub(super) fn taken(app: &App) -> usize {
    if app.has_boxes() && app.ui.size.0 < WIDE { usize::from(BELOW) } else { 0 }
}

/// What is known about the one that is meant: its row at once, and the rest once it was asked for.
fn about(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let live = &app.sessions.live;
    let Some(meant) = live.line() else {
        canvas.framed(area, "Nobody is meant");
        return;
    };
    let row = Row { table: &live.table, line: meant, now: app.model.now };
    let hints = if area.width > BESIDE { "   Enter everything  H history  4 rule" } else { "" };
    let inner =
        canvas.framed(area, &format!("Session {}  {} > {}{hints}", meant.id, row.text("user"), row.text("dst")));
    let facts = detail::facts(&row, app.sessions.known.of(&meant.id));
    // Two facts on a line, where lines are long.
    let beside = if area.width > BESIDE { 2 } else { 1 };
    let half = inner.width / beside;
    let mut y = 0;
    for line in facts.chunks(usize::from(beside)) {
        for ((label, fact), place) in line.iter().zip(0..beside) {
            let cell = Rect { x: inner.x + half * place, width: half.saturating_sub(1), ..inner };
            canvas.text(cell, 0, y, label, Role::Dim);
            canvas.text(cell, 9, y, fact, Role::Text);
        }
        y += 1;
    }
    let rates = &app.sessions.known.rates;
    for ((label, place), is_down) in [("down", 0), ("up", beside - 1)].into_iter().zip([true, false]) {
        let y = y + u16::from(beside == 1 && !is_down);
        if y < inner.height {
            let cell = Rect { x: inner.x + half * place, width: half.saturating_sub(1), ..inner };
            canvas.text(cell, 0, y, label, Role::Dim);
            canvas.curve(cell, 9, y, rates.iter().map(|(up, down)| if is_down { *down } else { *up }));
        }
    }
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
