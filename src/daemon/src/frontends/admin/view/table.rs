//! What a table has to say of itself to be looked at through a window.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use filter::Field;
use wire::admin::{Refusal, ViewOpen};

use super::super::desk::{Asker, Desk};
use crate::frontends::office::sight::{Cell, Column};

/// A column that is summed up over all rows, and what a row adds to it.
pub(super) type Summed<R> = (&'static str, fn(&R) -> u64);

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
    /// What is summed up.
    const SUMS: &'static [Summed<Self::Row>];

    /// The columns in whose order rows come; none where they come in no order.
    const IN_ORDER: &'static [&'static str] = &[];

    /// The table that somebody means; there is one, unless it says otherwise.
    fn of(_desk: &Desk, _open: &ViewOpen) -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    /// Every row there is now, as whoever asks may see it.
    fn rows(&self, desk: &Desk, asker: &Asker) -> Vec<Self::Row>;

    fn id(row: &Self::Row) -> Self::Id;

    /// The order of two rows by their ids.
    fn by_id(one: &Self::Row, other: &Self::Row) -> Ordering {
        Self::id(one).cmp(&Self::id(other))
    }

    /// The id as clients have it.
    fn name(id: &Self::Id) -> String;

    /// What a row has in the column of this name.
    fn cell(row: &Self::Row, column: &str) -> Cell;

    /// Which of the rows that were there a while ago are over by now, where `now` are all there are, and why.
    fn gone(&self, desk: &Desk, was: &[&Self::Row], now: &[Self::Row]) -> Vec<(Self::Id, String)>;
}

pub(super) fn sums<T: Table>(rows: &[T::Row]) -> BTreeMap<String, u64> {
    let mut sums = vec![0; T::SUMS.len()];
    for row in rows {
        sums.iter_mut().zip(T::SUMS).for_each(|(sum, (_, adds))| *sum += adds(row));
    }
    T::SUMS.iter().zip(sums).map(|((column, _), sum)| ((*column).to_owned(), sum)).collect()
}

impl Column {
    pub(super) fn shown(&self) -> wire::admin::Column {
        wire::admin::Column { name: self.name.to_owned(), kind: self.kind.to_owned(), dynamic: self.is_dynamic }
    }
}
