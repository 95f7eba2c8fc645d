//! What a client knows of a view, and what it has to be told.

use std::collections::{BTreeMap, HashMap};

use wire::admin::{Held, Patch, Row};

use super::table::{All, Table};
use crate::frontends::office::sight::{Cell, Column};

/// The table at one moment: how much the filter lets in, and what is in the window.
pub(super) struct Look<T: Table> {
    pub(super) total: u64,
    pub(super) matched: u64,
    pub(super) sums: BTreeMap<String, u64>,
    pub(super) off: usize,
    pub(super) window: Vec<T::Row>,
    pub(super) held: Held,
}

/// What the client knows.
#[derive(Debug)]
pub(super) struct Told<T: Table> {
    pub(super) off: usize,
    order: Vec<T::Id>,
    rows: HashMap<T::Id, Shown<T>>,
    pub(super) total: u64,
    pub(super) matched: u64,
    pub(super) sums: BTreeMap<String, u64>,
    held: Held,
}

/// A row as it was told.
#[derive(Debug)]
struct Shown<T: Table> {
    row: T::Row,
    cells: Vec<Cell>,
    /// The client knows that it is over.
    is_over: bool,
}

impl<T: Table> Default for Told<T> {
    fn default() -> Self {
        let (order, rows, sums) = (Vec::new(), HashMap::new(), BTreeMap::new());
        Self { off: 0, order, rows, total: 0, matched: 0, sums, held: Held::default() }
    }
}

impl<T: Table> Told<T> {
    /// What somebody knows after this look who knew `was` before.
    pub(super) fn of(columns: &[Column], look: Look<T>, was: &Self) -> Self {
        let Look { total, matched, sums, off, window, held } = look;
        let order = window.iter().map(|row| T::id(T::All::seen(row))).collect();
        let shown = |row: T::Row| {
            let seen = T::All::seen(&row);
            let (id, cells) = (T::id(seen), columns.iter().map(|column| T::cell(seen, column.name)).collect());
            let is_over = was.rows.get(&id).is_some_and(|known| known.is_over);
            (id, Shown { row, cells, is_over })
        };
        let rows = window.into_iter().map(shown).collect();
        Self { off, order, rows, total, matched, sums, held }
    }

    /// The values of the window, in its order.
    pub(super) fn window(&self) -> Vec<Row> {
        self.order.iter().filter_map(|id| self.rows.get(id)).map(|shown| said(&shown.cells)).collect()
    }

    /// A row as it was last told.
    pub(super) fn row(&self, id: &T::Id) -> Option<T::Row> {
        self.rows.get(id).map(|shown| shown.row.clone())
    }

    /// The rows of which the client does not know that they are over.
    pub(super) fn living(&self) -> Vec<&T::Row> {
        let shown = self.order.iter().filter_map(|id| self.rows.get(id));
        shown.filter(|shown| !shown.is_over).map(|shown| &shown.row).collect()
    }

    /// The client is told that these are over.
    pub(super) fn note(&mut self, gone: &[(T::Id, String)]) {
        for (id, _) in gone {
            if let Some(shown) = self.rows.get_mut(id) {
                shown.is_over = true;
            }
        }
    }

    /// What somebody has to be told who knows how it was, and of whom those are gone.
    pub(super) fn since(&self, was: &Self, columns: &[Column], gone: &[(T::Id, String)]) -> Patch {
        let (mut add, mut upd) = (Vec::new(), Vec::new());
        for id in &self.order {
            let Some(Shown { cells, .. }) = self.rows.get(id) else { continue };
            match was.rows.get(id) {
                Some(known) if known.cells == *cells => {}
                Some(known) if is_same_but_for_dynamics(columns, &known.cells, cells) => {
                    upd.push(dynamics(columns, cells));
                }
                Some(_) | None => add.push(said(cells)),
            }
        }
        Patch {
            off: (self.off != was.off).then_some(self.off),
            order: (self.order != was.order).then(|| self.order.iter().map(T::name).collect()),
            add,
            upd,
            gone: gone.iter().map(|(id, why)| (T::name(id), why.clone())).collect(),
            total: (self.total != was.total).then_some(self.total),
            matched: (self.matched != was.matched).then_some(self.matched),
            agg: (self.sums != was.sums).then(|| self.sums.clone()),
            held: (self.held != was.held).then_some(self.held),
        }
    }
}

/// A row as clients are told it.
fn said(cells: &[Cell]) -> Row {
    cells.iter().map(Cell::json).collect()
}

fn is_same_but_for_dynamics(columns: &[Column], was: &[Cell], is: &[Cell]) -> bool {
    columns.iter().zip(was.iter().zip(is)).all(|(column, (was, is))| column.is_dynamic || was == is)
}

/// The id, then whatever may change.
fn dynamics(columns: &[Column], cells: &[Cell]) -> Row {
    let changing = columns.iter().zip(cells).filter(|(column, _)| column.is_dynamic).map(|(_, cell)| cell);
    cells.first().into_iter().chain(changing).map(Cell::json).collect()
}
