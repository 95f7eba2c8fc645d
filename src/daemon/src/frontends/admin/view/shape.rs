//! What somebody wants to see of a table: which rows, in which order, which columns, and how far the window reaches.

use std::cmp::Ordering;

use filter::Filter;
use wire::admin::{Code, Direction, FilterError, Refusal, ViewChange, ViewOpen, Window};

use super::table::{Mark, Seen, Table};
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

/// An order of rows: by the cells of these columns, then by their ids.
#[derive(Debug, Clone, Copy)]
struct By<'s> {
    sort: &'s [(Column, Direction)],
    ids: Direction,
}

/// What a row is put in order by.
#[derive(Debug)]
struct Key<I> {
    first: Cell,
    more: Vec<Cell>,
    /// Nothing where rows come in the order of their ids.
    id: Option<I>,
    place: usize,
}

/// Of the rows that pass by those that come first in an order, or rather what is kept of them.
#[derive(Debug)]
pub(super) struct Best<'s, T: Table, K> {
    by: By<'s>,
    /// So many are wanted.
    most: usize,
    passed: usize,
    kept: Vec<(Key<T::Id>, K)>,
    /// The row that is meant, if one is, and its place in `kept` once it has passed by.
    anchor: Option<&'s str>,
    anchored: Option<usize>,
    /// So many are there, and the last of them is at its place; whatever comes behind it is not wanted.
    is_full: bool,
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

    /// Whether filter and order only read values.
    pub(super) fn is_quick<T: Table>(&self) -> bool {
        self.filter.expr.is_none() && self.sort.iter().all(|(column, _)| !T::SLOW.contains(&column.name))
    }

    /// How many rows there are to the end of the window.
    fn reach(&self) -> usize {
        match self.window {
            Window::At { off, len } => off.saturating_add(len),
            Window::Around { .. } => usize::MAX,
        }
    }

    /// For those that the window may show; to put thousands in order takes longer than whoever comes in may wait, so that is left for later.
    pub(super) fn best<T: Table>(&self) -> Best<'_, T, Mark<T>> {
        let anchor = match &self.window {
            Window::At { .. } => None,
            Window::Around { anchor, .. } => Some(&**anchor),
        };
        let most = Some(self.reach()).filter(|reach| *reach <= MOST_ROWS).unwrap_or(usize::MAX);
        Best { anchor, ..Best::of(&self.sort, most) }
    }

    /// For all of them.
    pub(super) fn every<T: Table>(&self) -> Best<'_, T, T::Id> {
        Best::of(&self.sort, usize::MAX)
    }

    /// Takes the window out of these rows; says where it begins.
    pub(super) fn window_of<T: Table>(&self, best: &Best<'_, T, Mark<T>>) -> (usize, Vec<Mark<T>>) {
        let (off, len) = span(&self.window, |_| best.place_of_anchor());
        best.between(off, off.saturating_add(len))
    }
}

impl By<'_> {
    fn key<T: Table>(self, row: Seen<'_, T>, place: usize) -> Key<T::Id> {
        let cell = |(column, _): &(Column, Direction)| T::cell(row, column.name);
        let id = T::IN_ORDER.is_empty().then(|| T::id(row));
        let (first, more) = match self.sort {
            [] => (Cell::Nothing, Vec::new()),
            [first, more @ ..] => (cell(first), more.iter().map(cell).collect()),
        };
        Key { first, more, id, place }
    }

    fn order<I: Ord>(self, one: &Key<I>, other: &Key<I>) -> Ordering {
        let directed = |order: Ordering, direction| match direction {
            Direction::Asc => order,
            Direction::Desc => order.reverse(),
        };
        for ((_, direction), (cell, its)) in self.sort.iter().zip(one.cells().zip(other.cells())) {
            let order = cell.cmp(its);
            if order.is_ne() {
                return directed(order, *direction);
            }
        }
        directed((&one.id, one.place).cmp(&(&other.id, other.place)), self.ids)
    }
}

impl<I> Key<I> {
    fn cells(&self) -> impl Iterator<Item = &Cell> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

impl<'s, T: Table, K: Clone> Best<'s, T, K> {
    fn of(sort: &'s [(Column, Direction)], most: usize) -> Self {
        // What comes in order needs no cells, and nothing that is asked for behind it says more.
        let place = sort.iter().position(|(column, _)| T::IN_ORDER.contains(&column.name));
        let ids = place.map_or(Direction::Asc, |place| sort[place].1);
        let by = By { sort: &sort[..place.unwrap_or(sort.len())], ids };
        Self { by, most: most.max(1), passed: 0, kept: Vec::new(), anchor: None, anchored: None, is_full: false }
    }

    /// A row passes by; `keep` says what is kept of it if it is among the best so far.
    pub(super) fn pass(&mut self, row: Seen<'_, T>, keep: impl FnOnce() -> K) {
        let key = self.by.key::<T>(row, self.passed);
        self.passed += 1;
        if self.is_full && self.by.order(&key, &self.kept[self.most - 1].0).is_gt() {
            return;
        }
        if self.anchor.is_some_and(|name| T::is_called(row, name)) {
            self.anchored = Some(self.kept.len());
        }
        self.kept.push((key, keep()));
        if self.kept.len() >= self.most.saturating_mul(2) {
            self.crop();
        }
    }

    pub(super) fn in_order(&self) -> Vec<K> {
        self.between(0, usize::MAX).1
    }

    /// How many come before the row that is meant, if it has passed by. Where one is meant, all are kept where they are.
    fn place_of_anchor(&self) -> Option<usize> {
        let (key, _) = &self.kept[self.anchored?];
        Some(self.kept.iter().filter(|(other, _)| self.by.order(other, key).is_lt()).count())
    }

    /// Those between two places of the order, of which nothing else is put in order; says where that begins.
    fn between(&self, from: usize, to: usize) -> (usize, Vec<K>) {
        let order = |one: &usize, other: &usize| self.by.order(&self.kept[*one].0, &self.kept[*other].0);
        let mut places: Vec<usize> = (0..self.kept.len()).collect();
        let from = from.min(places.len());
        if to < places.len() {
            places.select_nth_unstable_by(to, order);
            places.truncate(to);
        }
        if 0 < from && from < places.len() {
            places.select_nth_unstable_by(from, order);
        }
        let shown = &mut places[from..];
        shown.sort_unstable_by(order);
        (from, shown.iter().map(|place| self.kept[*place].1.clone()).collect())
    }

    /// Forgets those that are not wanted any more.
    fn crop(&mut self) {
        let by = self.by;
        self.kept.select_nth_unstable_by(self.most - 1, |(one, _), (other, _)| by.order(one, other));
        self.kept.truncate(self.most);
        self.is_full = true;
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
    let (off, len) = span(window, |anchor| all.iter().position(|item| is(item, anchor)));
    let off = off.min(all.len());
    (off, all[off..all.len().min(off.saturating_add(len))].to_vec())
}

/// Where a window begins, and how long it is; around a row that is not there it is at the beginning.
fn span(window: &Window, place: impl FnOnce(&String) -> Option<usize>) -> (usize, usize) {
    match window {
        Window::At { off, len } => (*off, *len),
        Window::Around { anchor, before, after } => {
            (place(anchor).unwrap_or(0).saturating_sub(*before), before + after + 1)
        }
    }
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
