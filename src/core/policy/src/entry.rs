//! One rule, or one table, as keys and values, without the way in which they are written.

use config::rules::RULE_KEYS;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use toml_edit::{Array, Datetime, Formatted, InlineTable, Item, Table, Value};

/// The keys whose values are dates and not strings.
const DATES: &[&str] = &["valid_until", "expires"];

/// One rule: its keys and their values, the form in which programs send and receive it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entry(pub Map<String, Json>);

/// A value that TOML cannot say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct Unwritable {
    /// The key of the rule.
    pub key: String,
    /// What is the matter with its value.
    pub why: &'static str,
}

impl Entry {
    /// What a table says, but for arrays of tables in it.
    pub(crate) fn of(table: &Table) -> Self {
        Self(values_of(table))
    }

    /// One key and what it says.
    pub(crate) fn single(key: &str, value: impl Into<Json>) -> Self {
        Self([(key.to_owned(), value.into())].into_iter().collect())
    }

    /// What a key says.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// How much of two rules is the same: the part of their keys, out of 1000, that have equal values.
    pub(crate) fn likeness(&self, other: &Self) -> usize {
        let equal = self.0.iter().filter(|(key, value)| other.get(key) == Some(value)).count();
        let keys = self.0.len() + other.0.keys().filter(|key| !self.0.contains_key(*key)).count();
        (equal * 1000).checked_div(keys).unwrap_or(1000)
    }

    /// The keys whose values differ, in the order of the alphabet.
    #[must_use]
    pub fn differing_keys(&self, other: &Self) -> Vec<String> {
        let here = self.0.keys().filter(|key| self.get(key) != other.get(key));
        let only_there = other.0.keys().filter(|key| !self.0.contains_key(*key));
        let mut keys: Vec<String> = here.chain(only_there).cloned().collect();
        keys.sort_unstable();
        keys
    }

    /// A table that says this.
    pub(crate) fn table(&self) -> Result<Table, Unwritable> {
        let mut table = Table::new();
        self.write_into(&mut table)?;
        Ok(table)
    }

    /// Makes a table say this and nothing else; what it says already stays as it is written.
    ///
    /// # Errors
    /// A value that TOML cannot say; the table has not changed.
    pub(crate) fn write_into(&self, table: &mut Table) -> Result<(), Unwritable> {
        let before = Self::of(table);
        let values: Vec<(&String, Value)> = self
            .0
            .iter()
            .filter(|(key, value)| before.get(key) != Some(value))
            .map(|(key, value)| Ok((key, written(key, value)?)))
            .collect::<Result<_, Unwritable>>()?;
        table.retain(|key, item| item.is_array_of_tables() || self.0.contains_key(key));
        let (there, mut new): (Vec<_>, Vec<_>) = values.into_iter().partition(|(key, _)| table.contains_key(key));
        for (key, mut value) in there {
            let old = table.entry(key).or_insert(Item::None);
            if let Some(old) = old.as_value() {
                *value.decor_mut() = old.decor().clone();
            }
            *old = Item::Value(value);
        }
        // What is no key of a rule comes last.
        new.sort_by_key(|(key, _)| RULE_KEYS.iter().position(|known| known == key).unwrap_or(RULE_KEYS.len()));
        for (key, value) in new {
            table.insert(key, Item::Value(value));
        }
        Ok(())
    }
}

fn values_of(table: &Table) -> Map<String, Json> {
    let value = |item: &Item| item.as_value().map(read).or_else(|| Some(Json::Object(values_of(item.as_table()?))));
    table.iter().filter_map(|(key, item)| Some((key.to_owned(), value(item)?))).collect()
}

pub(crate) fn read(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::from(text.value().as_str()),
        Value::Integer(number) => Json::from(*number.value()),
        Value::Float(number) => Json::from(*number.value()),
        Value::Boolean(flag) => Json::from(*flag.value()),
        Value::Datetime(moment) => Json::from(moment.value().to_string()),
        Value::Array(values) => values.iter().map(read).collect(),
        Value::InlineTable(table) => {
            Json::Object(table.iter().map(|(key, value)| (key.to_owned(), read(value))).collect())
        }
    }
}

pub(crate) fn written(key: &str, value: &Json) -> Result<Value, Unwritable> {
    let unwritable = |why| Unwritable { key: key.to_owned(), why };
    Ok(match value {
        Json::Null => return Err(unwritable("has no value; leave the key out instead")),
        Json::Bool(flag) => Value::Boolean(Formatted::new(*flag)),
        Json::Number(number) => {
            let whole = number.as_i64().map(|number| Value::Integer(Formatted::new(number)));
            let fraction = || Some(Value::Float(Formatted::new(number.as_f64().filter(|_| number.is_f64())?)));
            whole.or_else(fraction).ok_or_else(|| unwritable("is too large a number"))?
        }
        Json::String(text) if DATES.contains(&key) => {
            let moment = text.parse::<Datetime>();
            Value::Datetime(Formatted::new(moment.map_err(|_| unwritable("must be a date as in RFC 3339"))?))
        }
        Json::String(text) => Value::String(Formatted::new(text.clone())),
        Json::Array(values) => {
            let values = values.iter().map(|value| written(key, value)).collect::<Result<Array, _>>()?;
            Value::Array(values)
        }
        Json::Object(values) => {
            let mut table = InlineTable::new();
            for (inner, value) in values {
                table.insert(inner, written(key, value)?);
            }
            Value::InlineTable(table)
        }
    })
}
