//! What a table has to say of itself to be looked at through a window.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use filter::Field;
use wire::admin::{Refusal, ViewOpen};

use super::super::desk::{Asker, Desk};
use crate::frontends::office::sight::{Cell, Column};

/// A column that is summed up over all rows, and what a row adds to it.
pub(super) type Summed<T> = (&'static str, for<'r> fn(Seen<'r, T>) -> u64);

/// A row of a table while it is looked at.
pub(super) type Seen<'r, T> = <<T as Table>::All as All>::Seen<'r>;

/// What is kept of a row that passed by.
pub(super) type Mark<T> = <<T as Table>::All as All>::Mark;

/// Every row of a table.
pub(super) trait All {
    /// A row at one moment.
    type Row;
    /// The same while it is looked at: whatever is not shown is not kept either.
    type Seen<'r>: filter::Row + Copy;
    /// What is kept of a row that passed by, to find it again.
    type Mark: Copy;

    /// Shows every row to `visit`, which is `quick` if it only reads values.
    fn each(&self, is_quick: bool, visit: impl FnMut(Self::Seen<'_>, &Self::Mark));

    /// The row that was shown with this; nothing if it is over by now.
    fn marked(&self, mark: &Self::Mark) -> Option<Self::Row>;

    fn seen(row: &Self::Row) -> Self::Seen<'_>;
}

/// Rows that somebody may look at.
pub(super) trait Table: Debug + Default + Send + Sized + 'static {
    /// What is looked at; cheap to make, as it is made for each look.
    type All: All<Row = Self::Row>;
    type Row: Clone + Debug + Send + 'static;
    /// What tells rows apart, and their order where nothing else does.
    type Id: Clone + Ord + Hash + Debug + Send;

    /// The first is the id.
    const COLUMNS: &'static [Column];
    /// What can be asked about them.
    const FIELDS: &'static [Field];
    /// What is summed up.
    const SUMS: &'static [Summed<Self>];

    /// The columns in whose order rows come; none where they come in no order.
    const IN_ORDER: &'static [&'static str] = &[];

    /// The columns whose values have to be worked out.
    const SLOW: &'static [&'static str] = &[];

    /// The table that somebody means; there is one, unless it says otherwise.
    fn of(_desk: &Desk, _open: &ViewOpen) -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    /// Every row there is now, as whoever asks may see it.
    fn all(&self, desk: &Desk, asker: &Asker) -> Self::All;

    fn id(row: Seen<'_, Self>) -> Self::Id;

    /// The id as clients have it.
    fn name(id: &Self::Id) -> String;

    /// Whether clients have it by this name.
    fn is_called(row: Seen<'_, Self>, name: &str) -> bool {
        Self::name(&Self::id(row)) == name
    }

    /// What a row has in the column of this name.
    fn cell(row: Seen<'_, Self>, column: &str) -> Cell;

    /// Which of the rows that were there a while ago are over by now, where `now` is what there is, and why.
    fn gone(&self, desk: &Desk, was: &[&Self::Row], now: &Self::All) -> Vec<(Self::Id, String)>;
}

impl<R: filter::Row + Clone + 'static> All for Vec<R> {
    type Row = R;
    type Seen<'r> = &'r R;
    /// Its place.
    type Mark = usize;

    fn each(&self, _: bool, mut visit: impl FnMut(&R, &usize)) {
        self.iter().enumerate().for_each(|(place, row)| visit(row, &place));
    }

    fn marked(&self, place: &usize) -> Option<R> {
        self.get(*place).cloned()
    }

    fn seen(row: &R) -> &R {
        row
    }
}

/// What the summed columns of all rows come to.
#[derive(Debug)]
pub(super) struct Sums<T: Table>(Vec<u64>, PhantomData<T>);

impl<T: Table> Sums<T> {
    pub(super) fn begin() -> Self {
        Self(vec![0; T::SUMS.len()], PhantomData)
    }

    pub(super) fn add(&mut self, row: Seen<'_, T>) {
        self.0.iter_mut().zip(T::SUMS).for_each(|(sum, (_, adds))| *sum += adds(row));
    }

    pub(super) fn by_name(self) -> BTreeMap<String, u64> {
        T::SUMS.iter().zip(self.0).map(|((column, _), sum)| ((*column).to_owned(), sum)).collect()
    }
}

impl Column {
    pub(super) fn shown(&self) -> wire::admin::Column {
        wire::admin::Column { name: self.name.to_owned(), kind: self.kind.to_owned(), dynamic: self.is_dynamic }
    }
}
