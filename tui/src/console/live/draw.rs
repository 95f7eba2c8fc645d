//! How a live table is drawn: only the rows that can be seen are made.

use ratatui::layout::{Position, Rect};
use serde_json::Value;
use wire::admin::Direction;

use super::{Line, Live, Table};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::model::number;
use crate::console::pointer::{Laid, Target};
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, fitted};

/// A column as it is shown: which of the daemon's it is made of, and how many cells it takes.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// The column that it is sorted and hidden by.
    pub(crate) name: &'static str,
    pub(crate) cells: usize,
    /// Whether it takes what room is left.
    pub(crate) grows: bool,
    pub(crate) to_the_right: bool,
    /// Columns with a greater number are left out first.
    pub(crate) rank: u8,
    pub(crate) text: fn(&Row<'_>) -> String,
}

/// A row, and the hour at which it is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'a Table,
    pub(crate) line: &'a Line,
    /// In seconds since 1970.
    pub(crate) now: f64,
}

/// A column of texts.
pub(crate) const fn column(
    title: &'static str,
    name: &'static str,
    cells: usize,
    rank: u8,
    text: fn(&Row<'_>) -> String,
) -> Column {
    Column { title, name, cells, grows: false, to_the_right: false, rank, text }
}

impl Column {
    /// The same with what room is left.
    pub(crate) const fn growing(self) -> Self {
        Self { grows: true, ..self }
    }

    /// The same for numbers.
    pub(crate) const fn numeric(self) -> Self {
        Self { to_the_right: true, ..self }
    }
}

impl Row<'_> {
    pub(crate) fn value(&self, column: &str) -> Option<&Value> {
        self.table.cell(self.line, column)
    }

    pub(crate) fn text(&self, column: &str) -> String {
        self.value(column).map(raw).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
    }

    pub(crate) fn bytes(&self, column: &str) -> String {
        shown::bytes(self.value(column).map_or(0, number))
    }

    /// How long ago that was.
    pub(crate) fn since(&self, column: &str) -> String {
        let then = self.value(column).and_then(Value::as_f64);
        then.map_or_else(|| "-".to_owned(), |then| shown::age(number(&Value::from((self.now - then).max(0.0)))))
    }

    /// Bytes in a second; why the row is over, once it is.
    pub(crate) fn rate(&self, column: &str) -> String {
        match (&self.line.over, self.value(column)) {
            (Some((_, why)), _) => why.clone(),
            (None, None | Some(Value::Null)) => "-".to_owned(),
            (None, Some(rate)) => format!("{}/s", shown::bytes(number(rate))),
        }
    }
}

/// Draws the window into a place, or `empty` if it has no rows; says where the row that is meant is.
pub(crate) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    area: Rect,
    (live, columns): (&Live, &[Column]),
    empty: &str,
) -> Option<Position> {
    let known = columns.iter().map(|column| column.name).collect();
    let columns = arranged(live, columns);
    let room = usize::from(area.width);
    let reach = reach(&columns, room);
    canvas.picture.reaches.push((live.view, reach));
    let columns = fitting(columns, live.aside.min(reach), room);
    let seen = columns.iter().map(|(column, _)| column.name).collect();
    canvas.picture.columns.push(Laid { view: live.view, known, seen });
    canvas.spot(area, Target::Table(live.view));
    header(live, canvas, area, &columns);
    let table = &live.table;
    if let Some(fault) = &live.fault {
        canvas.text(area, 4, 1, &format!("! {fault}"), Role::Bad);
        return None;
    }
    if table.lines.is_empty() {
        let why = match (table.sub, live.filter.is_empty()) {
            (None, _) => "asking ...".to_owned(),
            (Some(_), true) => empty.to_owned(),
            (Some(_), false) => {
                format!("The filter lets none of {} through. Esc clears it.", shown::count(table.total))
            }
        };
        canvas.text(area, 4, 1, &why, Role::Text);
        return None;
    }
    let first = live.top.saturating_sub(table.off).min(table.lines.len());
    let mut meant = None;
    for (line, y) in table.lines[first..].iter().zip(1..area.height) {
        let shown = Row { table, line, now: app.model.now };
        row(live, canvas, area, (y, &shown), &columns);
        canvas.line_spot(area, y, Target::Row(live.view, line.id.clone()));
        if live.cursor.as_deref() == Some(&line.id) {
            canvas.mark_line(area, y, Role::Select);
            meant = Some(Position { x: area.x, y: area.y + y });
        }
    }
    if app.model.is_stale() {
        canvas.dim(Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area });
    }
    meant
}

/// The columns that are wanted, in the order in which they are wanted.
fn arranged<'a>(live: &Live, columns: &'a [Column]) -> Vec<&'a Column> {
    let mut columns: Vec<&Column> = columns.iter().filter(|column| live.shows(column.name)).collect();
    let place = |column: &&Column| live.order.iter().position(|name| name == column.name);
    columns.sort_by_key(|column| place(column).unwrap_or(usize::MAX));
    columns
}

fn needed<'a>(columns: impl IntoIterator<Item = &'a &'a Column>) -> usize {
    4 + columns.into_iter().map(|column| column.cells + 1).sum::<usize>()
}

/// So many columns behind the first have to be left out for the last one to be seen.
fn reach(columns: &[&Column], room: usize) -> usize {
    let Some((first, rest)) = columns.split_first() else { return 0 };
    let fits = |left_out: &usize| needed([first].into_iter().chain(&rest[*left_out..])) <= room;
    (0..rest.len()).find(fits).unwrap_or(rest.len().saturating_sub(1))
}

/// Which columns there is room for, and how wide each is. Without those that are left out, the last ones are let go;
/// with all of them, those that say least.
fn fitting(mut columns: Vec<&Column>, aside: usize, room: usize) -> Vec<(&Column, usize)> {
    if aside > 0 {
        columns.drain(1..=aside);
        while needed(&columns) > room && columns.len() > 2 {
            columns.pop();
        }
    }
    while needed(&columns) > room && columns.len() > 1 {
        let last = columns.iter().map(|column| column.rank).max().unwrap_or(0);
        columns.retain(|column| column.rank != last);
    }
    let left = room.saturating_sub(needed(&columns)).min(40);
    columns.into_iter().map(|column| (column, column.cells + if column.grows { left } else { 0 })).collect()
}

fn header(live: &Live, canvas: &mut Canvas<'_>, area: Rect, columns: &[(&Column, usize)]) {
    let mut x = 4;
    for (column, cells) in columns {
        let arrow = match live.sort.1 {
            _ if live.sort.0 != column.name => "",
            Direction::Desc => "v",
            Direction::Asc => "^",
        };
        let title = fitted(&format!("{}{arrow}", column.title), *cells, column.to_the_right);
        canvas.text(area, x, 0, &title, Role::Header);
        let place = Rect { x: area.x + x, width: u16::try_from(*cells).unwrap_or(u16::MAX), height: 1, ..area };
        canvas.spot(place.intersection(area), Target::Column(live.view, column.name.to_owned()));
        x += u16::try_from(*cells).unwrap_or(u16::MAX).saturating_add(1);
    }
}

fn row(live: &Live, canvas: &mut Canvas<'_>, area: Rect, (y, row): (u16, &Row<'_>), columns: &[(&Column, usize)]) {
    let told = row.line;
    let is_marked = live.marks.contains(&told.id);
    let is_meant = live.cursor.as_deref() == Some(&told.id);
    let signs = format!("{}{}", if is_meant { ">" } else { " " }, sign(is_marked, told));
    canvas.text(area, 1, y, &signs, Role::Mark);
    let role = match &told.over {
        Some(_) => Role::Dim,
        None if is_marked => Role::Mark,
        None => Role::Text,
    };
    let mut x = 4;
    for (column, cells) in columns {
        let text = canvas.seen(&(column.text)(row));
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
