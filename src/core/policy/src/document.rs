//! A rule file as text that is changed rule by rule.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, RawString, Table, TomlError, Value};

use crate::edit::Edit;
use crate::entry::{Entry, Unwritable};
use crate::layout;
use crate::outline::{Outline, Share};
use crate::place::{Owner, Place};

/// The text of a rule file; whatever is not edited stays as it was written, to the byte.
#[derive(Debug, Clone)]
pub struct Document(pub(crate) DocumentMut);

/// A text that is no TOML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Syntax {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

/// An edit that does not fit the document, which has not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is about a rule that is not there.
    #[error("there is no rule {0}")]
    NoRule(Place),
    /// It is about an owner who has no table.
    #[error("there is no table for {0}")]
    NoOwner(Owner),
    /// The owner has a table already.
    #[error("{0} has a table already")]
    OwnerExists(Owner),
    /// A rule is to stand before one of another owner.
    #[error("{0} belongs to somebody else")]
    OtherOwner(Place),
    /// Groups have no groups.
    #[error("{0} is a group, and groups are in no groups")]
    GroupInGroup(Owner),
    /// `global`, `users`, `groups` or `rules` is written in a way that cannot be edited.
    #[error("{0} is not written as tables; edit the text instead")]
    OtherForm(&'static str),
    /// A value that TOML cannot say.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

impl Document {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no TOML.
    pub fn parse(text: &str) -> Result<Self, Syntax> {
        text.parse().map(Self).map_err(|error: TomlError| Syntax::of(&error, text))
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// What it says.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let default_policy = self.0.get("global").and_then(|global| global.get("default_policy")?.as_str());
        let shares = |table: &str, owner: fn(String) -> Owner, key: &str| -> Vec<Share> {
            let tables = self.0.get(table).and_then(Item::as_array_of_tables).into_iter().flatten();
            tables.filter_map(|table| Some(share(owner(table.get(key)?.as_str()?.to_owned()), table))).collect()
        };
        let mut all = shares("groups", Owner::Group, "name");
        all.append(&mut shares("users", Owner::User, "username"));
        Outline { default_policy: default_policy.map(str::to_owned), shares: all }
    }

    /// What one rule says.
    #[must_use]
    pub fn rule(&self, place: &Place) -> Option<Entry> {
        let rules = self.owner(&place.owner)?.get("rules")?.as_array_of_tables()?;
        rules.get(place.index).map(Entry::of)
    }

    /// Makes one change.
    ///
    /// # Errors
    /// It does not fit; nothing has changed.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), Misfit> {
        match edit {
            Edit::AddRule { owner, rule, before } => {
                let index = before.as_ref().map(|next| self.index_before(owner, next)).transpose()?;
                let table = rule.table()?;
                if self.owner(owner).is_none() {
                    self.add_owner(owner, None)?;
                }
                self.insert(owner, index, table)
            }
            Edit::SetRule { place, rule } => {
                let table = self.rules(&place.owner)?.get_mut(place.index);
                Ok(rule.write_into(table.ok_or_else(|| Misfit::NoRule(place.clone()))?)?)
            }
            Edit::RemoveRule { place } => self.take(place).map(drop),
            Edit::MoveRule { place, before } => {
                let index = before.as_ref().map(|next| self.index_before(&place.owner, next)).transpose()?;
                let index = index.map(|index| if index > place.index { index - 1 } else { index });
                let table = self.take_whole(place)?;
                self.insert(&place.owner, index, table)
            }
            Edit::AddOwner { owner, groups } => {
                if self.owner(owner).is_some() {
                    return Err(Misfit::OwnerExists(owner.clone()));
                }
                self.add_owner(owner, groups.as_deref())
            }
            Edit::RemoveOwner { owner } => self.remove_owner(owner),
            Edit::SetOwner { owner, groups } => {
                if matches!(owner, Owner::Group(_)) {
                    return Err(Misfit::GroupInGroup(owner.clone()));
                }
                set_groups(self.owner_mut(owner)?, groups.as_deref());
                Ok(())
            }
            Edit::SetGlobal { default_policy } => self.set_default(default_policy),
        }
    }

    fn owner(&self, owner: &Owner) -> Option<&Table> {
        let tables = self.0.get(owner.table())?.as_array_of_tables()?;
        tables.iter().find(|table| is_of(table, owner))
    }

    fn owner_mut(&mut self, owner: &Owner) -> Result<&mut Table, Misfit> {
        let tables = self.0.get_mut(owner.table()).and_then(Item::as_array_of_tables_mut);
        let found = tables.and_then(|tables| tables.iter_mut().find(|table| is_of(table, owner)));
        found.ok_or_else(|| Misfit::NoOwner(owner.clone()))
    }

    fn rules(&mut self, owner: &Owner) -> Result<&mut ArrayOfTables, Misfit> {
        let table = self.owner_mut(owner)?;
        let rules = table.entry("rules").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        rules.as_array_of_tables_mut().ok_or(Misfit::OtherForm("rules"))
    }

    fn index_before(&self, owner: &Owner, next: &Place) -> Result<usize, Misfit> {
        if next.owner != *owner {
            return Err(Misfit::OtherOwner(next.clone()));
        }
        self.rule(next).map(|_there| next.index).ok_or_else(|| Misfit::NoRule(next.clone()))
    }

    /// Puts a rule at an index, or last, in the manner of its neighbours.
    fn insert(&mut self, owner: &Owner, index: Option<usize>, mut table: Table) -> Result<(), Misfit> {
        let position = self.owner(owner).and_then(Table::position);
        let rules = self.rules(owner)?;
        if table.decor().prefix().is_none() {
            dress(&mut table, rules.iter().last());
        }
        let index = index.unwrap_or(rules.len()).min(rules.len());
        rules.insert(index, table);
        for rule in rules.iter_mut() {
            rule.set_position(position);
        }
        layout::renumber(self.0.as_table_mut());
        Ok(())
    }

    /// Takes a rule out, with the comment that belongs to it.
    fn take(&mut self, place: &Place) -> Result<Table, Misfit> {
        let table = self.take_whole(place)?;
        self.keep_what_stands_alone(&table);
        Ok(table)
    }

    /// Takes a rule out with everything above it.
    fn take_whole(&mut self, place: &Place) -> Result<Table, Misfit> {
        let missing = || Misfit::NoRule(place.clone());
        self.rule(place).ok_or_else(missing)?;
        Ok(self.rules(&place.owner)?.remove(place.index))
    }

    fn add_owner(&mut self, owner: &Owner, groups: Option<&[String]>) -> Result<(), Misfit> {
        let last = layout::positions(self.0.as_table()).max().unwrap_or(0);
        let tables = self.0.entry(owner.table()).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let tables = tables.as_array_of_tables_mut().ok_or(Misfit::OtherForm(owner.table()))?;
        let mut table = Table::new();
        table.insert(owner.name_key(), Item::Value(owner.name().into()));
        set_groups(&mut table, groups);
        table.decor_mut().set_prefix("\n");
        table.set_position(Some(last + 1));
        tables.push(table);
        Ok(())
    }

    fn remove_owner(&mut self, owner: &Owner) -> Result<(), Misfit> {
        let tables = self.0.get_mut(owner.table()).and_then(Item::as_array_of_tables_mut);
        let missing = || Misfit::NoOwner(owner.clone());
        let tables = tables.ok_or_else(missing)?;
        let index = tables.iter().position(|table| is_of(table, owner)).ok_or_else(missing)?;
        let table = tables.remove(index);
        if tables.is_empty() {
            self.0.remove(owner.table());
        }
        self.keep_what_stands_alone(&table);
        Ok(())
    }

    fn set_default(&mut self, default_policy: &str) -> Result<(), Misfit> {
        let first = layout::positions(self.0.as_table()).min().unwrap_or(0);
        let global = self.0.entry("global").or_insert_with(|| {
            let mut table = Table::new();
            table.set_position(Some(first - 1));
            Item::Table(table)
        });
        let global = global.as_table_like_mut().ok_or(Misfit::OtherForm("global"))?;
        let slot = global.entry("default_policy").or_insert(Item::None);
        let mut value = Value::from(default_policy);
        if let Some(old) = slot.as_value() {
            *value.decor_mut() = old.decor().clone();
        }
        *slot = Item::Value(value);
        Ok(())
    }

    /// A comment that an empty line separates from the table below belongs to the file: it moves to the table that
    /// comes next, or to the end.
    pub(crate) fn keep_what_stands_alone(&mut self, gone: &Table) {
        let prefix = gone.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
        let Some((alone, _its_own)) = prefix.rsplit_once("\n\n").filter(|(alone, _)| alone.contains('#')) else {
            return;
        };
        let last = layout::positions(gone).chain(gone.position()).max();
        let next = layout::positions(self.0.as_table()).filter(|position| Some(*position) > last).min();
        if let Some(heir) = next.and_then(|next| layout::table_at(self.0.as_table_mut(), next)) {
            let below = heir.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
            let both = format!("{alone}\n{below}");
            heir.decor_mut().set_prefix(both);
        } else {
            let below = self.0.trailing().as_str().unwrap_or_default();
            let both = format!("{alone}\n{below}");
            self.0.set_trailing(both);
        }
    }
}

impl Syntax {
    fn of(error: &TomlError, text: &str) -> Self {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, message: error.message().lines().collect::<Vec<_>>().join(", ") }
    }
}

fn share(owner: Owner, table: &Table) -> Share {
    let groups = table.get("groups").and_then(Item::as_array);
    let groups = groups.map(|groups| groups.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect());
    let rules = table.get("rules").and_then(Item::as_array_of_tables).into_iter().flatten();
    Share { owner, groups, rules: rules.map(Entry::of).collect() }
}

fn is_of(table: &Table, owner: &Owner) -> bool {
    table.get(owner.name_key()).and_then(Item::as_str) == Some(owner.name())
}

fn set_groups(table: &mut Table, groups: Option<&[String]>) {
    let Some(groups) = groups else {
        table.remove("groups");
        return;
    };
    let mut value = Value::Array(groups.iter().map(String::as_str).collect::<Array>());
    let slot = table.entry("groups").or_insert(Item::None);
    if let Some(old) = slot.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *slot = Item::Value(value);
}

/// Gives a new rule the indentation of a neighbour.
fn dress(table: &mut Table, neighbour: Option<&Table>) {
    let above = neighbour.and_then(|rule| rule.decor().prefix()?.as_str()).unwrap_or_default();
    let indent = above.rsplit('\n').next().filter(|indent| indent.trim().is_empty()).unwrap_or_default();
    table.decor_mut().set_prefix(format!("\n{indent}"));
    let Some(key) = neighbour.and_then(|rule| rule.iter().next().and_then(|(key, _)| rule.key(key))) else { return };
    let indent = key.leaf_decor().prefix().and_then(RawString::as_str).filter(|indent| indent.trim().is_empty());
    let indent = indent.and_then(|indent| indent.rsplit('\n').next()).unwrap_or_default().to_owned();
    for (mut key, _value) in table.iter_mut() {
        key.leaf_decor_mut().set_prefix(indent.as_str());
    }
}
