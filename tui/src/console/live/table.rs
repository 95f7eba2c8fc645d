//! A window on a table that the daemon keeps: what it sent last, and what has changed since.
//!
//! Rows are known by their ids; one that is over stays where it was for a while, so that nobody acts on its neighbour.

use std::collections::BTreeMap;

use serde_json::Value;
use wire::admin::{Column, Held, Patch, ViewOpened};

use crate::output::{Kind, raw};

/// How long a row that is over stays, in seconds.
const STAYS: f64 = 10.0;

/// A row as it was last told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) cells: Vec<Value>,
    /// Since when it is over, and why.
    pub(crate) over: Option<(f64, String)>,
}

/// The window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) sub: Option<u64>,
    pub(crate) columns: Vec<Column>,
    pub(crate) lines: Vec<Line>,
    /// The place of the first line among all rows.
    pub(crate) off: usize,
    pub(crate) total: u64,
    pub(crate) matched: u64,
    pub(crate) sums: BTreeMap<String, u64>,
    pub(crate) held: Option<Held>,
}

impl Table {
    /// A whole window came.
    pub(crate) fn open(&mut self, opened: ViewOpened) {
        let ViewOpened { sub, cols, total, matched, agg, off, rows, filter_error: _ } = opened;
        self.sub = Some(sub);
        self.lines = rows.into_iter().map(Line::new).collect();
        (self.columns, self.total, self.matched, self.sums, self.off) = (cols, total, matched, agg, off);
    }

    /// Changes came, at `now`.
    pub(crate) fn apply(&mut self, patch: Patch, now: f64) {
        let Patch { off, order, add, upd, gone, total, matched, agg, held } = patch;
        self.off = off.unwrap_or(self.off);
        self.total = total.unwrap_or(self.total);
        self.matched = matched.unwrap_or(self.matched);
        self.sums = agg.unwrap_or_else(|| std::mem::take(&mut self.sums));
        self.held = held.or(self.held);
        let new = self.taken_up(add);
        self.updated(upd);
        for (id, why) in gone {
            if let Some(line) = self.lines.iter_mut().find(|line| line.id == id) {
                line.over.get_or_insert((now, why));
            }
        }
        match order {
            Some(order) => self.ordered(&order, new),
            None => self.lines.extend(new),
        }
    }

    /// Lets those go that have been over for long; not the one with this id.
    pub(crate) fn forget(&mut self, now: f64, but: Option<&str>) {
        let is_kept = |line: &Line| {
            line.over.as_ref().is_none_or(|(since, _)| now - since < STAYS) || but == Some(line.id.as_str())
        };
        self.lines.retain(is_kept);
    }

    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.id == id)
    }

    pub(crate) fn line(&self, id: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// A cell by the name of its column.
    pub(crate) fn cell<'a>(&self, line: &'a Line, column: &str) -> Option<&'a Value> {
        let place = self.columns.iter().position(|known| known.name == column)?;
        line.cells.get(place)
    }

    /// A line by the names of its columns, as people see it.
    pub(crate) fn record(&self, line: &Line) -> Value {
        let of_column =
            |(column, value): (&Column, &Value)| (column.name.clone(), Kind::of_view(&column.kind).with_unit(value));
        self.columns.iter().zip(&line.cells).map(of_column).collect()
    }

    /// The window as lines with tabs, the names of the columns first.
    pub(crate) fn tsv(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let line = |line: &Line| line.cells.iter().map(raw).collect::<Vec<_>>().join("\t") + "\n";
        names.join("\t") + "\n" + &self.lines.iter().map(line).collect::<String>()
    }

    /// Shows rows anew whose lines are there; the lines of the others are the answer.
    fn taken_up(&mut self, add: Vec<Vec<Value>>) -> Vec<Line> {
        let mut new = Vec::new();
        for line in add.into_iter().map(Line::new) {
            match self.lines.iter_mut().find(|known| known.id == line.id) {
                Some(known) => *known = line,
                None => new.push(line),
            }
        }
        new
    }

    fn updated(&mut self, upd: Vec<Vec<Value>>) {
        let changing: Vec<usize> =
            self.columns.iter().enumerate().filter(|(_, column)| column.dynamic).map(|(place, _)| place).collect();
        for row in upd {
            let mut values = row.into_iter();
            let id = values.next().as_ref().map(id_of).unwrap_or_default();
            let Some(line) = self.lines.iter_mut().find(|line| line.id == id) else { continue };
            for (place, value) in changing.iter().zip(values) {
                if let Some(cell) = line.cells.get_mut(*place) {
                    *cell = value;
                }
            }
        }
    }

    /// The window is these now; what is over keeps its place among them.
    fn ordered(&mut self, order: &[String], new: Vec<Line>) {
        let before = std::mem::take(&mut self.lines);
        let over = before.iter().enumerate().filter(|(_, line)| line.over.is_some() && !order.contains(&line.id));
        let over: Vec<(usize, Line)> = over.map(|(place, line)| (place, line.clone())).collect();
        let mut known: BTreeMap<String, Line> = before.into_iter().map(|line| (line.id.clone(), line)).collect();
        known.extend(new.into_iter().map(|line| (line.id.clone(), line)));
        self.lines = order.iter().filter_map(|id| known.remove(id)).collect();
        for (place, line) in over {
            self.lines.insert(place.min(self.lines.len()), line);
        }
    }
}

impl Line {
    fn new(cells: Vec<Value>) -> Self {
        Self { id: cells.first().map(id_of).unwrap_or_default(), cells, over: None }
    }
}

fn id_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
