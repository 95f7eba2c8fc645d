//! What a table has to say of itself to be looked at through a window.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use filter::Field;
use wire::admin::{Refusal, ViewOpen};

use super::super::desk::{Asker, Desk};
use crate::frontends::office::sight::{Cell, Column};

/// Rows that somebody may look at.
pub(super) trait Table: Debug + Default + Send + Sized + 'static {
    /// A row at one moment; cheap to make, as all are made at each look.
    type Row: filter::Row + Clone + Debug + Send;
    /// What tells rows apart, and their order where nothing else does.
    type Id: Clone + Ord + Hash + Debug + Send;

    /// The first is the id.
    const COLUMNS: &'static [Column];
    /// What can be asked about them.
    const FIELDS: &'static [Field];
    /// The columns that are summed up over all rows.
    const SUMS: &'static [&'static str];

    /// The table that somebody means; there is one, unless it says otherwise.
    fn of(_desk: &Desk, _open: &ViewOpen) -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    /// Every row there is now, in no order, as whoever asks may see it.
    fn rows(&self, desk: &Desk, asker: &Asker) -> Vec<Self::Row>;

    fn id(row: &Self::Row) -> Self::Id;

    /// The id as clients have it.
    fn name(id: &Self::Id) -> String;

    /// What a row has in the column of this name.
    fn cell(row: &Self::Row, column: &str) -> Cell;

    /// Which of the rows that were there a while ago are over by now, where `now` are all there are, and why.
    fn gone(&self, desk: &Desk, was: &[&Self::Row], now: &[Self::Row]) -> Vec<(Self::Id, String)>;
}

pub(super) fn sums<T: Table>(rows: &[T::Row]) -> BTreeMap<String, u64> {
    let number = |row: &T::Row, column: &str| match T::cell(row, column) {
        Cell::Number(number) => number,
        Cell::Nothing | Cell::Time(_) | Cell::Text(_) | Cell::List(_) => 0,
    };
    let sum = |column: &str| rows.iter().map(|row| number(row, column)).sum();
    T::SUMS.iter().map(|column| ((*column).to_owned(), sum(column))).collect()
}

impl Column {
    pub(super) fn shown(&self) -> wire::admin::Column {
        wire::admin::Column { name: self.name.to_owned(), kind: self.kind.to_owned(), dynamic: self.is_dynamic }
    }
}
