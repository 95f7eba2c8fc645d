//! The sessions that are in: only the rows that can be seen are made.

use ratatui::layout::{Position, Rect};
use serde_json::Value;
use wire::admin::Direction;

use super::Canvas;
use crate::console::app::App;
use crate::console::model::number;
use crate::console::table::Line;
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, fitted};

/// A column as it is shown: which of the daemon's it is made of, and how many cells it takes.
struct Shown {
    title: &'static str,
    /// The column that it is sorted and hidden by.
    name: &'static str,
    cells: usize,
    /// Whether it takes what room is left.
    grows: bool,
    to_the_right: bool,
    /// Columns with a greater number are left out first.
    rank: u8,
    text: fn(&App, &Line) -> String,
}

const COLUMNS: &[Shown] = &[
    column("ID", "id", 7, 0, |app, line| text(app, line, "id")),
    column("USER", "user", 10, 1, |app, line| text(app, line, "user")),
    column("SOURCE", "src", 21, 6, |app, line| text(app, line, "src")),
    Shown { grows: true, ..column("DESTINATION", "dst", 18, 2, |app, line| text(app, line, "dst")) },
    column("PR", "proto", 3, 7, |app, line| text(app, line, "proto")),
    Shown { to_the_right: true, ..column("AGE", "start", 6, 5, age) },
    Shown { to_the_right: true, ..column("UP", "up", 5, 4, |app, line| bytes(app, line, "up")) },
    Shown { to_the_right: true, ..column("DOWN", "down", 5, 3, |app, line| bytes(app, line, "down")) },
    Shown { to_the_right: true, ..column("RATE", "rate", 7, 3, rate) },
    column("RULE", "rule", 18, 8, |app, line| text(app, line, "rule")),
    column("STATE", "state", 9, 9, |app, line| text(app, line, "state")),
    column("AUTH", "auth", 12, 10, |app, line| text(app, line, "auth")),
    column("LISTENER", "listener", 12, 11, |app, line| text(app, line, "listener")),
];

const fn column(
    title: &'static str,
    name: &'static str,
    cells: usize,
    rank: u8,
    text: fn(&App, &Line) -> String,
) -> Shown {
    Shown { title, name, cells, grows: false, to_the_right: false, rank, text }
}

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let title = title(app);
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.text(area, 1, area.height - 1, &title, Role::Dim);
        Rect { height: area.height - 1, ..area }
    };
    let columns = fitting(app, usize::from(inner.width));
    header(app, canvas, inner, &columns);
    let table = &app.model.sessions;
    if table.lines.is_empty() {
        let why = if table.sub.is_none() { "asking ..." } else { empty(app) };
        canvas.text(inner, 4, 1, why, Role::Text);
        return None;
    }
    let first = app.ui.top.saturating_sub(table.off).min(table.lines.len());
    let mut meant = None;
    for (line, y) in table.lines[first..].iter().zip(1..inner.height) {
        let is_meant = app.ui.cursor.as_deref() == Some(&line.id);
        row(app, canvas, inner, (y, line), &columns);
        if is_meant {
            canvas.mark_line(inner, y, Role::Select);
            meant = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    if app.model.is_stale() {
        canvas.dim(Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner });
    }
    meant
}

fn title(app: &App) -> String {
    let table = &app.model.sessions;
    let mut parts = vec![format!("Sessions {}/{}", shown::count(table.matched), shown::count(table.total))];
    let sum = |(name, label): (&str, &str)| table.sums.get(name).map(|sum| format!("{label} {}/s", shown::bytes(*sum)));
    parts.extend([("rup", "up"), ("rdown", "down")].into_iter().filter_map(sum));
    if !app.ui.marks.is_empty() {
        parts.push(format!("{} marked", app.ui.marks.len()));
    }
    if let Some(held) = table.held.filter(|_| app.ui.is_held) {
        parts.push(format!("held: {} came, {} went", held.came, held.went));
    }
    parts.join("  ")
}

fn empty(app: &App) -> &'static str {
    if app.ui.filter.is_empty() {
        "Nobody is in. Sessions appear here as clients come."
    } else {
        "The filter lets nobody through. Esc clears it."
    }
}

/// Which columns there is room for, and how wide each is.
fn fitting(app: &App, room: usize) -> Vec<(&'static Shown, usize)> {
    let mut columns: Vec<&Shown> = COLUMNS.iter().filter(|column| !app.ui.hidden.contains(column.name)).collect();
    let needed = |columns: &[&Shown]| 4 + columns.iter().map(|column| column.cells + 1).sum::<usize>();
    while needed(&columns) > room && columns.len() > 1 {
        let last = columns.iter().map(|column| column.rank).max().unwrap_or(0);
        columns.retain(|column| column.rank != last);
    }
    let left = room.saturating_sub(needed(&columns)).min(40);
    columns.into_iter().map(|column| (column, column.cells + if column.grows { left } else { 0 })).collect()
}

fn header(app: &App, canvas: &mut Canvas<'_>, area: Rect, columns: &[(&Shown, usize)]) {
    let mut x = 4;
    for (column, cells) in columns {
        let arrow = if app.ui.sort.0 != column.name {
            ""
        } else if app.ui.sort.1 == Direction::Desc {
            "v"
        } else {
            "^"
        };
        canvas.text(
            area,
            x,
            0,
            &fitted(&format!("{}{arrow}", column.title), *cells, column.to_the_right),
            Role::Header,
        );
        x += u16::try_from(*cells).unwrap_or(u16::MAX).saturating_add(1);
    }
}

fn row(app: &App, canvas: &mut Canvas<'_>, area: Rect, (y, line): (u16, &Line), columns: &[(&Shown, usize)]) {
    let is_marked = app.ui.marks.contains(&line.id);
    let is_meant = app.ui.cursor.as_deref() == Some(&line.id);
    let signs = format!("{}{}", if is_meant { ">" } else { " " }, sign(is_marked, line));
    canvas.text(area, 1, y, &signs, Role::Mark);
    let role = match &line.over {
        Some(_) => Role::Dim,
        None if is_marked => Role::Mark,
        None => Role::Text,
    };
    let mut x = 4;
    for (column, cells) in columns {
        let text = canvas.seen(&(column.text)(app, line));
        canvas.text(area, x, y, &fitted(&text, *cells, column.to_the_right), role);
        x += u16::try_from(*cells).unwrap_or(u16::MAX).saturating_add(1);
    }
}

fn sign(is_marked: bool, line: &Line) -> char {
    match (&line.over, is_marked) {
        (Some(_), _) => 'x',
        (None, true) => '*',
        (None, false) => ' ',
    }
}

fn text(app: &App, line: &Line, column: &str) -> String {
    app.model.sessions.cell(line, column).map(raw).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

fn bytes(app: &App, line: &Line, column: &str) -> String {
    shown::bytes(app.model.sessions.cell(line, column).map_or(0, number))
}

/// How long it is in; of one that is over, that.
fn age(app: &App, line: &Line) -> String {
    if line.over.is_some() {
        return "over".to_owned();
    }
    let start = app.model.sessions.cell(line, "start").and_then(Value::as_f64);
    start.map_or_else(|| "-".to_owned(), |start| shown::age(number(&Value::from((app.model.now - start).max(0.0)))))
}

/// What it moves in a second; why it is over, once it is.
fn rate(app: &App, line: &Line) -> String {
    match (&line.over, app.model.sessions.cell(line, "rate")) {
        (Some((_, why)), _) => why.clone(),
        (None, None | Some(Value::Null)) => "-".to_owned(),
        (None, Some(rate)) => format!("{}/s", shown::bytes(number(rate))),
    }
}
