//! Questions to the history: each opens the file that is there then, and has an end.
//!
//! A reader that is kept would go on with a file that is not there any more, and keep the writer from another one.

use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::No;
use crate::engine::history::archive::aggregate::{Aggregate, Wanted};
use crate::engine::history::archive::day::Days;
use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::flows::Whole;
use crate::engine::history::archive::replay::Asked;
use crate::engine::history::archive::row::Row;
use crate::engine::history::archive::sum::{By, Overview, Sum};
use crate::engine::history::archive::{Archive, NoAnswer};

/// How long a question may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// Rows of one question of an export, each of which has a deadline of its own.
const PAGE: u32 = 500;

/// Users, destinations and so on of one question: some tens of megabytes.
const MOST_SUMS: usize = 250_000;

#[derive(Debug)]
pub(crate) struct Past {
    file: PathBuf,
}

impl Past {
    /// Asks the database in this file.
    pub(crate) fn of(file: PathBuf) -> Self {
        Self { file }
    }

    /// In the order of the filter, so many at most.
    pub(super) fn page(&self, filter: &Filter, limit: u32) -> Result<Vec<Row>, No> {
        self.answer(|archive| archive.page(filter, limit))
    }

    pub(super) fn sums(&self, filter: &Filter, by: By, limit: u32) -> Result<Vec<Sum>, No> {
        self.answer(|archive| archive.sums(filter, by, limit))
    }

    /// Of everybody since this moment, in microseconds since 1970.
    pub(super) fn days(&self, since: i64) -> Result<Days, No> {
        self.answer(|archive| archive.days(since))
    }

    pub(super) fn aggregate(&self, filter: &Filter, wanted: Wanted) -> Result<Aggregate, No> {
        self.answer(|archive| archive.aggregate(filter, wanted))
    }

    /// All that the filter lets through, page by page; `each` says whether it takes more. Returns how many there were.
    pub(super) fn export(&self, filter: &Filter, mut each: impl FnMut(Vec<Whole>) -> bool) -> Result<u64, No> {
        let (mut filter, mut count) = (filter.clone(), 0);
        loop {
            let rows = self.answer(|archive| archive.whole(&filter, PAGE))?;
            let Some(last) = rows.last() else { return Ok(count) };
            filter.after = Some(last.row.session_id);
            count += rows.len() as u64;
            if !each(rows) {
                return Err(No::Withdrawn);
            }
        }
    }

    pub(super) fn overview(&self, filter: &Filter, most: u32) -> Result<Overview, No> {
        self.answer(|archive| archive.overview(filter, most))
    }

    /// What was asked for since that moment, see [`Archive::asked`].
    pub(super) fn asked(&self, since: i64, minutes: bool, most: usize) -> Result<Vec<Asked>, No> {
        self.answer(|archive| archive.asked(since, minutes, most))
    }

    fn answer<T: Default>(&self, question: impl FnOnce(&mut Archive) -> Result<T, NoAnswer>) -> Result<T, No> {
        match self.ask(question) {
            // Nothing has been written yet.
            Err(NoAnswer::NoFile(_)) => Ok(T::default()),
            Ok(answer) => Ok(answer),
            Err(NoAnswer::TooLate(_)) => Err(No::TooLate),
            Err(NoAnswer::TooMuch(most)) => Err(No::TooMuch(most)),
            Err(NoAnswer::Withdrawn) => Err(No::Withdrawn),
            Err(error @ NoAnswer::Unreadable(_)) => {
                tracing::warn!(%error, "the API cannot answer from the history");
                Err(No::Unreadable)
            }
        }
    }

    pub(super) fn find(&self, id: Uuid) -> Result<Option<Whole>, No> {
        let Some(next) = id.as_u128().checked_add(1) else { return Ok(None) };
        let filter = Filter { after: Some(Uuid::from_u128(next)), ..Filter::default() };
        let found = self.answer(|archive| archive.whole(&filter, 1))?;
        Ok(found.into_iter().find(|whole| whole.row.session_id == id))
    }

    fn ask<T>(&self, question: impl FnOnce(&mut Archive) -> Result<T, NoAnswer>) -> Result<T, NoAnswer> {
        question(&mut Archive::open(&self.file, DEADLINE)?.with_most_sums(MOST_SUMS))
    }
}
