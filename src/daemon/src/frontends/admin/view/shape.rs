//! What somebody wants to see of a table: which rows, in which order, which columns, and how far the window reaches.

use std::cmp::Ordering;

use filter::Filter;
use wire::admin::{Code, Direction, FilterError, Refusal, ViewChange, ViewOpen, Window};

use super::table::Table;
use crate::frontends::office::sight::{Cell, Column};

/// Rows of one window.
const MOST_ROWS: usize = 1_000;

/// Columns to sort by.
const MOST_KEYS: usize = 4;

#[derive(Debug)]
pub(super) struct Shape {
    pub(super) filter: Filter,
    pub(super) filter_error: Option<FilterError>,
    pub(super) sort: Vec<(Column, Direction)>,
    pub(super) columns: Vec<Column>,
    pub(super) window: Window,
}

/// Rows and what they are sorted by: the cells of each, one row's after the other's, and then their ids.
struct Keyed<'s, T: Table> {
    rows: Vec<T::Row>,
    cells: Vec<Cell>,
    sort: &'s [(Column, Direction)],
    by_id: Direction,
}

impl Shape {
    pub(super) fn of<T: Table>(open: &ViewOpen) -> Result<Self, Refusal> {
        let mut shape = Self {
            filter: Filter::parse("", T::FIELDS).expect("nothing is a filter"),
            filter_error: None,
            sort: keys::<T>(&open.sort)?,
            columns: columns::<T>(open.cols.as_deref())?,
            window: bounded(&open.win)?,
        };
        shape.filter_by::<T>(open.filter.as_deref().unwrap_or_default());
        Ok(shape)
    }

    pub(super) fn change<T: Table>(&mut self, change: &ViewChange) -> Result<(), Refusal> {
        let ViewChange { sub: _, filter, sort, cols, win, every_ms: _, hold: _ } = change;
        // All of it or nothing.
        let sort = sort.as_deref().map(keys::<T>).transpose()?;
        let columns = cols.as_deref().map(|cols| columns::<T>(Some(cols))).transpose()?;
        let window = win.as_ref().map(bounded).transpose()?;
        self.sort = sort.unwrap_or_else(|| std::mem::take(&mut self.sort));
        self.columns = columns.unwrap_or_else(|| std::mem::take(&mut self.columns));
        self.window = window.unwrap_or_else(|| self.window.clone());
        if let Some(filter) = filter {
            self.filter_by::<T>(filter);
        }
        Ok(())
    }

    /// A filter that makes no sense leaves the one before it in force: somebody is still typing.
    fn filter_by<T: Table>(&mut self, text: &str) {
        match Filter::parse(text, T::FIELDS) {
            Ok(filter) => (self.filter, self.filter_error) = (filter, None),
            Err(misread) => {
                let filter::Misread { column: col, message: msg, hint } = misread;
                self.filter_error = Some(FilterError { col, msg, hint });
            }
        }
    }

    /// Takes the window out of these rows; says where it begins.
    pub(super) fn window_of<T: Table>(&self, rows: Vec<T::Row>) -> (usize, Vec<T::Row>) {
        let keyed = Keyed::<T>::of(&self.sort, rows);
        let Window::At { off, len } = self.window else {
            let rows = keyed.in_order();
            return slice(&rows, &self.window, |row, anchor| T::name(&T::id(row)) == *anchor);
        };
        keyed.between(off, off.saturating_add(len))
    }

    /// All of them in their order.
    pub(super) fn in_order<T: Table>(&self, rows: Vec<T::Row>) -> Vec<T::Row> {
        Keyed::<T>::of(&self.sort, rows).in_order()
    }
}

impl<'s, T: Table> Keyed<'s, T> {
    fn of(sort: &'s [(Column, Direction)], rows: Vec<T::Row>) -> Self {
        // What comes in order needs no cells, and nothing that is asked for behind it says more.
        let place = sort.iter().position(|(column, _)| T::IN_ORDER.contains(&column.name));
        let by_id = place.map_or(Direction::Asc, |place| sort[place].1);
        let sort = &sort[..place.unwrap_or(sort.len())];
        let mut cells = Vec::with_capacity(rows.len() * sort.len());
        for row in &rows {
            cells.extend(sort.iter().map(|(column, _)| T::cell(row, column.name)));
        }
        Self { rows, cells, sort, by_id }
    }

    fn in_order(&self) -> Vec<T::Row> {
        let all = self.rows.len();
        self.between(0, all).1
    }

    /// Those between two places of the order, of which nothing else is put in order; says where that begins.
    fn between(&self, from: usize, to: usize) -> (usize, Vec<T::Row>) {
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        let from = from.min(places.len());
        if to < places.len() {
            places.select_nth_unstable_by(to, |one, other| self.order(*one, *other));
            places.truncate(to);
        }
        if 0 < from && from < places.len() {
            places.select_nth_unstable_by(from, |one, other| self.order(*one, *other));
        }
        let shown = &mut places[from..];
        shown.sort_unstable_by(|one, other| self.order(*one, *other));
        (from, shown.iter().map(|place| self.rows[*place].clone()).collect())
    }

    fn order(&self, one: usize, other: usize) -> Ordering {
        let keys = self.sort.len();
        for (key, (_, direction)) in self.sort.iter().enumerate() {
            let (cell, its) = (&self.cells[one * keys + key], &self.cells[other * keys + key]);
            let order = match direction {
                Direction::Asc => cell.cmp(its),
                Direction::Desc => its.cmp(cell),
            };
            if order.is_ne() {
                return order;
            }
        }
        let is_ordered = !T::IN_ORDER.is_empty();
        let order = if is_ordered { one.cmp(&other) } else { T::by_id(&self.rows[one], &self.rows[other]) };
        match self.by_id {
            Direction::Asc => order,
            Direction::Desc => order.reverse(),
        }
    }
}

/// A filter that says which rows are looked for.
pub(super) fn wanted<T: Table>(text: &str) -> Result<Filter, Refusal> {
    Filter::parse(text, T::FIELDS).map_err(|misread| Refusal::new(Code::BadRequest, format!("filter: {misread}")))
}

/// Every place once, from the one behind `from` on, or before it, round about; `from` itself comes last.
pub(super) fn next(count: usize, from: Option<usize>, is_back: bool) -> impl Iterator<Item = usize> {
    let start = match (from, is_back) {
        (Some(from), false) => from + 1,
        (None, false) => 0,
        (Some(from), true) => from,
        (None, true) => count,
    };
    (0..count).map(move |step| if is_back { (start + 2 * count - 1 - step) % count } else { (start + step) % count })
}

/// The part of a list that a window shows, and where that begins.
pub(super) fn slice<R: Clone>(all: &[R], window: &Window, is: impl Fn(&R, &String) -> bool) -> (usize, Vec<R>) {
    let (off, len) = match window {
        Window::At { off, len } => (*off, *len),
        Window::Around { anchor, before, after } => {
            let place = all.iter().position(|item| is(item, anchor)).unwrap_or(0);
            (place.saturating_sub(*before), before + after + 1)
        }
    };
    let off = off.min(all.len());
    (off, all[off..all.len().min(off.saturating_add(len))].to_vec())
}

fn keys<T: Table>(sort: &[(String, Direction)]) -> Result<Vec<(Column, Direction)>, Refusal> {
    if sort.len() > MOST_KEYS {
        return Err(Refusal::new(Code::BadRequest, format!("sort: at most {MOST_KEYS} columns")));
    }
    sort.iter().map(|(name, direction)| Ok((column::<T>(name)?, *direction))).collect()
}

/// The id is always the first.
fn columns<T: Table>(names: Option<&[String]>) -> Result<Vec<Column>, Refusal> {
    let Some(names) = names else { return Ok(T::COLUMNS.to_vec()) };
    let mut columns = vec![T::COLUMNS[0]];
    for name in names {
        let column = column::<T>(name)?;
        if columns.iter().all(|known| known.name != column.name) {
            columns.push(column);
        }
    }
    Ok(columns)
}

fn column<T: Table>(name: &str) -> Result<Column, Refusal> {
    let found = T::COLUMNS.iter().find(|column| column.name == name).copied();
    let names = || T::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| Refusal::new(Code::BadRequest, format!("there is no column {name:?}; there are {}", names())))
}

fn bounded(window: &Window) -> Result<Window, Refusal> {
    let rows = match window {
        Window::At { len, .. } => *len,
        Window::Around { before, after, .. } => before.saturating_add(*after).saturating_add(1),
    };
    if rows > MOST_ROWS {
        return Err(Refusal::new(Code::TooLarge, format!("win: at most {MOST_ROWS} rows")));
    }
    Ok(window.clone())
}
