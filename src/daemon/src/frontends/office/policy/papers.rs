//! What can be done with a text before anybody asks whether it could be in force: edits, comparison and merging, as each file has them.

use std::collections::BTreeMap;

use ::policy::{
    Change, ConfigurationEdit, Document, Edit, Item, Merge, Pick, Sheet, SheetMerge, UserEdit, compare, compare_tables,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::No;
use super::store::Store;

/// Makes changes, all or none.
///
/// # Errors
/// The first one that cannot be read or does not fit.
pub(super) fn edit(store: Store, text: &str, ops: &[Value]) -> Result<String, No> {
    match store {
        Store::Acl => {
            let mut document = document(text)?;
            each(ops, |edit: Edit| document.apply(&edit))?;
            Ok(document.text())
        }
        Store::Users => {
            let mut sheet = sheet(text)?;
            each(ops, |edit: UserEdit| sheet.edit_users(&edit))?;
            Ok(sheet.text())
        }
        Store::Config => {
            let mut sheet = sheet(text)?;
            each(ops, |edit: ConfigurationEdit| sheet.configure(&edit))?;
            Ok(sheet.text())
        }
    }
}

/// Every difference in what two texts say.
pub(super) fn differences(store: Store, before: &str, after: &str) -> Result<Vec<Change>, No> {
    match store {
        Store::Acl => Ok(compare(&document(before)?.outline(), &document(after)?.outline())),
        Store::Users | Store::Config => Ok(compare_tables(&sheet(before)?, &sheet(after)?)),
    }
}

/// The same of the tests of the rules.
pub(super) fn differences_of_tests(before: &str, after: &str) -> Result<Vec<Change>, No> {
    Ok(compare_tables(&sheet(before)?, &sheet(after)?))
}

/// What became of `base` on both sides.
pub(super) fn merged(store: Store, base: &str, mine: &str, theirs: &str) -> Result<Vec<Item>, No> {
    match store {
        Store::Acl => Ok(rules(base, mine, theirs)?.items().to_vec()),
        Store::Users | Store::Config => Ok(tables(base, mine, theirs)?.items().to_vec()),
    }
}

/// The text with what both sides made of it, where `picks` settle what they do not agree on.
pub(super) fn settled(
    store: Store,
    [base, mine, theirs]: [&str; 3],
    picks: &BTreeMap<usize, Pick>,
) -> Result<String, No> {
    let invalid = |error: &dyn std::error::Error| No::Invalid(error.to_string());
    match store {
        Store::Acl => rules(base, mine, theirs)?.result(picks).map(|it| it.text()).map_err(|error| invalid(&error)),
        Store::Users | Store::Config => {
            tables(base, mine, theirs)?.result(picks).map(|it| it.text()).map_err(|error| invalid(&error))
        }
    }
}

pub(super) fn each<E: DeserializeOwned, M: std::fmt::Display>(
    ops: &[Value],
    mut make: impl FnMut(E) -> Result<(), M>,
) -> Result<(), No> {
    for (op, said) in ops.iter().enumerate() {
        let refused = |why: &dyn std::fmt::Display| No::Misfit { op, why: why.to_string() };
        let edit = E::deserialize(said).map_err(|error| refused(&error))?;
        make(edit).map_err(|misfit| refused(&misfit))?;
    }
    Ok(())
}

fn rules(base: &str, mine: &str, theirs: &str) -> Result<Merge, No> {
    Ok(Merge::of(&document(base)?, &document(mine)?, &document(theirs)?))
}

fn tables(base: &str, mine: &str, theirs: &str) -> Result<SheetMerge, No> {
    Ok(SheetMerge::of(&sheet(base)?, &sheet(mine)?, &sheet(theirs)?))
}

fn document(text: &str) -> Result<Document, No> {
    Ok(Document::parse(text)?)
}

fn sheet(text: &str) -> Result<Sheet, No> {
    Ok(Sheet::parse(text)?)
}
