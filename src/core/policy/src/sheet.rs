//! A file of tables and keys, the users file or the configuration, as text that is changed key by key.
//!
//! Each table has a name: `limits`, `auth.pam`, and of several of one kind `users/alice`, by what its key `name` says, or `listen/2`
//! if nothing else tells it from its neighbours.

mod configuration;
mod limits;
mod rule_tests;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value as Json;
use toml_edit::{ArrayOfTables, Item, Table};

pub use self::configuration::ConfigurationEdit;
pub use self::limits::{Limits, Rate, Target};
pub use self::rule_tests::TestEdit;
pub use self::users::UserEdit;
use crate::compare::{Change, Kind};
use crate::document::{Document, Syntax};
use crate::entry::{Entry, Unwritable, read, written};
use crate::layout;

/// The key by which one of several tables says which it is.
const NAME: &str = "name";

/// The text of a file; whatever is not edited stays as it was written, to the byte.
#[derive(Debug, Clone)]
pub struct Sheet(Document);

/// An edit that does not fit the text, of which nothing may have changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// It is about a table that is not there.
    #[error("there is no {0}")]
    Missing(String),
    /// It is to be made and is there.
    #[error("there is a {0} already")]
    Exists(String),
    /// It is written in a way that cannot be edited.
    #[error("{0} is not written as a table; edit the text instead")]
    OtherForm(String),
    /// No table and key.
    #[error("{0:?} names no key; write limits.max_connections, or limits.groups/staff.max_connections")]
    NoKey(String),
    /// A target that this file says nothing of, or of which it cannot say that.
    #[error("{target}: {why}")]
    Target {
        /// As it was written.
        target: String,
        /// What is the matter with it.
        why: &'static str,
    },
    /// A group that nobody would be in.
    #[error("a group is there as long as somebody is in it; name its members")]
    NoMembers,
    /// A value that TOML cannot say.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

impl Sheet {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no TOML.
    pub fn parse(text: &str) -> Result<Self, Syntax> {
        Document::parse(text).map(Self)
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// What it says, table by table.
    #[must_use]
    pub fn tables(&self) -> BTreeMap<String, Entry> {
        let mut found = BTreeMap::new();
        collect("", self.0.0.as_table(), &mut found);
        found
    }

    /// Makes a table say this and nothing else; a table that is not there is made.
    pub(crate) fn write(&mut self, name: &str, entry: &Entry) -> Result<(), Misuse> {
        let table = self.make(name)?;
        let before = values_of(table);
        for key in before.differing_keys(entry) {
            match entry.get(&key) {
                Some(value) => put(table, &key, value)?,
                None => drop(table.remove(&key)),
            }
        }
        Ok(())
    }

    /// Takes a table out, with the comment that belongs to it.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Misuse> {
        let missing = || Misuse::Missing(name.to_owned());
        let (path, element) = split(name);
        let (parents, last) = path.rsplit_once('.').map_or((None, path), |(parents, last)| (Some(parents), last));
        let root = self.0.0.as_table_mut();
        let parent = match parents {
            Some(parents) => descend_mut(root, parents).ok_or_else(missing)?,
            None => root,
        };
        let Some(element) = element else { return parent.remove(last).map(drop).ok_or_else(missing) };
        let tables = parent.get_mut(last).and_then(Item::as_array_of_tables_mut).ok_or_else(missing)?;
        let index = place_of(tables, element).ok_or_else(missing)?;
        let gone = tables.remove(index);
        if tables.is_empty() {
            parent.remove(last);
        }
        self.0.keep_what_stands_alone(&gone);
        Ok(())
    }

    /// Makes one key of a table say this; a table that is not there is made.
    fn set(&mut self, name: &str, key: &str, value: &Json) -> Result<(), Misuse> {
        put(self.make(name)?, key, value)
    }

    /// Lets a table say nothing of this key.
    fn unset(&mut self, name: &str, key: &str) -> Result<(), Misuse> {
        let table = self.find_mut(name).ok_or_else(|| Misuse::Missing(name.to_owned()))?;
        table.remove(key).map(drop).ok_or_else(|| Misuse::Missing(format!("{name}.{key}")))
    }

    fn find(&self, name: &str) -> Option<&Table> {
        let (path, element) = split(name);
        let item = path.split('.').try_fold(self.0.0.as_item(), |item, part| item.as_table()?.get(part))?;
        match element {
            None => item.as_table(),
            Some(element) => item.as_array_of_tables().and_then(|tables| tables.get(place_of(tables, element)?)),
        }
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Table> {
        let (path, element) = split(name);
        let item = path.split('.').try_fold(self.0.0.as_item_mut(), |item, part| item.as_table_mut()?.get_mut(part))?;
        match element {
            None => item.as_table_mut(),
            Some(element) => {
                let tables = item.as_array_of_tables_mut()?;
                let index = place_of(tables, element)?;
                tables.get_mut(index)
            }
        }
    }

    /// The table of this name, which comes last if it is new.
    fn make(&mut self, name: &str) -> Result<&mut Table, Misuse> {
        let other_form = || Misuse::OtherForm(name.to_owned());
        let last = layout::positions(self.0.0.as_table()).max().unwrap_or(0);
        let fresh = || {
            let mut table = Table::new();
            table.set_position(Some(last + 1));
            table.decor_mut().set_prefix("\n");
            table
        };
        let (path, element) = split(name);
        let mut table = self.0.0.as_table_mut();
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let is_whole = parts.peek().is_none();
            if is_whole && let Some(element) = element {
                let tables = table.entry(part).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
                let tables = tables.as_array_of_tables_mut().ok_or_else(other_form)?;
                let index = place_of(tables, element).unwrap_or_else(|| {
                    let mut named = fresh();
                    named.insert(NAME, Item::Value(element.into()));
                    tables.push(named);
                    tables.len() - 1
                });
                return tables.get_mut(index).ok_or_else(other_form);
            }
            let new = || {
                let mut table = if is_whole { fresh() } else { Table::new() };
                table.set_implicit(!is_whole);
                Item::Table(table)
            };
            table = table.entry(part).or_insert_with(new).as_table_mut().ok_or_else(other_form)?;
        }
        if table.is_implicit() {
            table.set_implicit(false);
            table.set_position(Some(last + 1));
            table.decor_mut().set_prefix("\n");
        }
        Ok(table)
    }
}

/// Every difference in what two texts say, table by table; of one that changed, the keys that did.
#[must_use]
pub fn compare_tables(before: &Sheet, after: &Sheet) -> Vec<Change> {
    let (before, after) = (before.tables(), after.tables());
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |name: &String| {
        let (old, new) = (before.get(name), after.get(name));
        let (kind, old, new) = match (old, new) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(old), Some(new)) => {
                let keys = old.differing_keys(new);
                (Kind::Changed, Some(only(old, &keys)), Some(only(new, &keys)))
            }
            (old, new) => (if new.is_some() { Kind::Added } else { Kind::Removed }, old.cloned(), new.cloned()),
        };
        Some(Change { owner: name.clone(), place: None, kind, before: old, after: new })
    };
    names.into_iter().filter_map(change).collect()
}

fn only(entry: &Entry, keys: &[String]) -> Entry {
    Entry(keys.iter().filter_map(|key| Some((key.clone(), entry.get(key)?.clone()))).collect())
}

fn collect(name: &str, table: &Table, found: &mut BTreeMap<String, Entry>) {
    let said = values_of(table);
    if !said.0.is_empty() || !(name.is_empty() || table.is_implicit()) {
        found.insert(name.to_owned(), said);
    }
    let within = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    for (key, item) in table {
        match item {
            Item::Table(table) => collect(&within(key), table, found),
            Item::ArrayOfTables(tables) => {
                for (element, table) in element_names(tables).zip(tables) {
                    collect(&format!("{}/{element}", within(key)), table, found);
                }
            }
            Item::None | Item::Value(_) => {}
        }
    }
}

/// What a table says itself, without the tables in it.
fn values_of(table: &Table) -> Entry {
    Entry(table.iter().filter_map(|(key, item)| Some((key.to_owned(), read(item.as_value()?)))).collect())
}

/// Puts a value where another one is, in its spacing and with its comment, or behind all others.
fn put(table: &mut Table, key: &str, value: &Json) -> Result<(), Misuse> {
    let mut value = written(key, value)?;
    match table.get_mut(key) {
        Some(there) => {
            let old = there.as_value_mut().ok_or_else(|| Misuse::OtherForm(key.to_owned()))?;
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => drop(table.insert(key, Item::Value(value))),
    }
    Ok(())
}

fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('/').map_or((name, None), |(path, element)| (path, Some(element)))
}

fn descend_mut<'a>(table: &'a mut Table, path: &str) -> Option<&'a mut Table> {
    path.split('.').try_fold(table, |table, part| table.get_mut(part)?.as_table_mut())
}

fn name_of(table: &Table) -> Option<&str> {
    table.get(NAME).and_then(Item::as_str).filter(|name| !name.is_empty())
}

/// Each by its name if no earlier one has it, or else by its number, counted from 1.
fn element_names(tables: &ArrayOfTables) -> impl Iterator<Item = String> {
    let mut known = HashSet::new();
    tables.iter().zip(1..).map(move |(table, number): (_, usize)| {
        name_of(table).filter(|name| known.insert(*name)).map_or_else(|| number.to_string(), str::to_owned)
    })
}

fn place_of(tables: &ArrayOfTables, element: &str) -> Option<usize> {
    let first_of = |name: &str| tables.iter().position(|table| name_of(table) == Some(name));
    let by_number = || {
        let at = element.parse::<usize>().ok()?.checked_sub(1)?;
        let has_no_name = name_of(tables.get(at)?).is_none_or(|name| first_of(name) != Some(at));
        (has_no_name && (at + 1).to_string() == element).then_some(at)
    };
    first_of(element).or_else(by_number)
}
