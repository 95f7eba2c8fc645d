//! The same for files of tables and keys: table by table, and within a table key by key.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, Outcome, Pick, Subject, state, unsettled};
use crate::sheet::{Misuse, Sheet};

/// What two sides made of one file of tables.
#[derive(Debug, Clone)]
pub struct SheetMerge {
    theirs: Sheet,
    items: Vec<Item>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// Conflicts without a pick.
    #[error("{} conflicts are not settled", .0.len())]
    Open(Vec<usize>),
    /// A pick that cannot be written.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

impl SheetMerge {
    /// Compares what became of `base` on both sides.
    #[must_use]
    pub fn of(base: &Sheet, mine: &Sheet, theirs: &Sheet) -> Self {
        let [base, mine, there] = [base, mine, theirs].map(Sheet::tables);
        let names: BTreeSet<&String> = base.keys().chain(mine.keys()).chain(there.keys()).collect();
        let item = |name: &String| {
            let [base, mine, theirs] = [&base, &mine, &there].map(|tables| tables.get(name));
            let state = state(base, mine, theirs)?;
            let [base, mine, theirs] = [base, mine, theirs].map(Option::<&_>::cloned);
            Some(Item { owner: name.clone(), place: None, state, base, mine, theirs, subject: Subject::Whole })
        };
        Self { theirs: theirs.clone(), items: names.into_iter().filter_map(item).collect() }
    }

    /// Everything that a side changed, in the order of names.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The text with everything in it; `picks` settles conflicts by their index among the [items](Self::items).
    ///
    /// # Errors
    /// The indices of conflicts that nobody settled, or why a table that was picked cannot be written.
    pub fn result(&self, picks: &BTreeMap<usize, Pick>) -> Result<Sheet, Unsettled> {
        let open = unsettled(&self.items, picks);
        if !open.is_empty() {
            return Err(Unsettled::Open(open));
        }
        let mut sheet = self.theirs.clone();
        for (index, item) in self.items.iter().enumerate() {
            match item.outcome(picks.get(&index)) {
                Outcome::AsThere => {}
                Outcome::Gone => sheet.remove(&item.owner)?,
                Outcome::Says(entry) => sheet.write(&item.owner, &entry)?,
            }
        }
        Ok(sheet)
    }
}
