//! Rows and columns, whatever they are about.

use serde_json::{Map, Value};
use wire::admin::{Column as Viewed, unit};

use crate::failure::Failure;
use crate::shown;

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Count,
    Bytes,
    Rate,
    /// A rate as configurations have it.
    Megabits,
    Seconds,
    /// Seconds since 1970, or a text that is a time already.
    Time,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sheet {
    pub(crate) columns: Vec<(String, Kind)>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Kind {
    /// By the name that the protocol has for it.
    pub(crate) fn of_view(name: &str) -> Self {
        match name {
            "number" => Self::Count,
            "bytes" => Self::Bytes,
            "rate" => Self::Rate,
            "time" => Self::Time,
            "seconds" => Self::Seconds,
            "megabits" => Self::Megabits,
            _ => Self::Text,
        }
    }

    /// By the last part of the name of a record's property, as the protocol has it.
    fn of_property(name: &str) -> Self {
        unit(name.rsplit('.').next().unwrap_or_default()).map_or(Self::Text, Self::of_view)
    }

    /// For people.
    pub(crate) fn shown(self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Null) => "-".to_owned(),
            (Self::Bytes, value) => value.as_u64().map_or_else(|| raw(value), shown::bytes),
            (Self::Rate, value) => whole(value).map_or_else(|| raw(value), |rate| format!("{}/s", shown::bytes(rate))),
            (Self::Megabits, value) => value.as_f64().map_or_else(|| raw(value), shown::about),
            (Self::Seconds, value) => whole(value).map_or_else(|| raw(value), shown::age),
            (Self::Time, value) => without_fraction(value.as_f64().map_or_else(|| raw(value), shown::time)),
            (Self::Text | Self::Count, value) => raw(value),
        }
    }

    /// For people, where it is a number that takes a unit; anything else as it is.
    pub(crate) fn with_unit(self, value: &Value) -> Value {
        let has_unit = matches!(self, Self::Bytes | Self::Rate | Self::Megabits | Self::Seconds);
        if has_unit && !value.is_null() { self.shown(value).into() } else { value.clone() }
    }

    /// For programs: times as RFC 3339, everything else as it is.
    pub(crate) fn exact(self, value: &Value) -> Value {
        match (self, value.as_f64()) {
            (Self::Time, Some(seconds)) => Value::from(shown::time(seconds)),
            _ => value.clone(),
        }
    }

    pub(crate) fn is_number(self) -> bool {
        match self {
            Self::Text | Self::Time => false,
            Self::Count | Self::Bytes | Self::Rate | Self::Megabits | Self::Seconds => true,
        }
    }
}

impl Sheet {
    /// A view's columns without rows.
    pub(crate) fn of_view(columns: &[Viewed]) -> Self {
        let columns = columns.iter().map(|column| (column.name.clone(), Kind::of_view(&column.kind))).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Objects as rows: these columns, as far as any object has them, and no others.
    pub(crate) fn of_objects(columns: &[(&str, Kind)], objects: &[Value]) -> Self {
        let present = columns
            .iter()
            .filter(|(name, _)| objects.is_empty() || objects.iter().any(|object| at(object, name).is_some()));
        let columns: Vec<(String, Kind)> = present.map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        let row =
            |object: &Value| columns.iter().map(|(name, _)| at(object, name).cloned().unwrap_or_default()).collect();
        let rows = objects.iter().map(row).collect();
        Self { columns, rows }
    }

    /// One object as a row with all of these columns.
    pub(super) fn of_object(columns: &[(&str, Kind)], object: &Value) -> Self {
        let row = columns.iter().map(|(name, _)| at(object, name).cloned().unwrap_or_default()).collect();
        Self { columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(), rows: vec![row] }
    }

    /// Whether every one of these columns that the object has is there, and there are rows that say which are.
    pub(crate) fn has_columns_of(&self, columns: &[(&str, Kind)], object: &Value) -> bool {
        let is_there = |name: &str| self.columns.iter().any(|(known, _)| known == name);
        !self.rows.is_empty() && columns.iter().all(|(name, _)| is_there(name) || at(object, name).is_none())
    }

    /// Another row before all others, of which there are then at most so many.
    pub(crate) fn add_first(&mut self, object: &Value, most: usize) {
        let row = self.columns.iter().map(|(name, _)| at(object, name).cloned().unwrap_or_default()).collect();
        self.rows.insert(0, row);
        self.rows.truncate(most);
    }

    /// One object: a row for each property, those of properties with dots between the names.
    pub(crate) fn of_record(record: &Value) -> Self {
        let mut rows = Vec::new();
        flatten("", record, &mut rows);
        Self::of_properties(rows)
    }

    /// The same of these properties alone, in this order.
    pub(super) fn of_part(record: &Value, names: &[String]) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        for name in names {
            flatten(name, &property(record, name)?, &mut rows);
        }
        Ok(Self::of_properties(rows))
    }

    /// The rows of a record as people see them: a value is what its property is.
    pub(crate) fn with_units(mut self) -> Self {
        for row in &mut self.rows {
            let [name, value] = row.as_mut_slice() else { continue };
            *value = Kind::of_property(name.as_str().unwrap_or_default()).with_unit(value);
        }
        self
    }

    fn of_properties(rows: Vec<(String, Value)>) -> Self {
        let columns = vec![("name".to_owned(), Kind::Text), ("value".to_owned(), Kind::Text)];
        Self { columns, rows: rows.into_iter().map(|(name, value)| vec![Value::from(name), value]).collect() }
    }

    /// These columns in this order.
    pub(crate) fn only(self, fields: &[String]) -> Result<Self, Failure> {
        let place = |field: &String| {
            let names = || self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            let found = self.columns.iter().position(|(name, _)| name == field);
            found.ok_or_else(|| Failure::Usage(format!("no column {field:?}; there are {}", names())))
        };
        let places: Vec<usize> = fields.iter().map(place).collect::<Result<_, _>>()?;
        let columns = places.iter().map(|place| self.columns[*place].clone()).collect();
        let taken = |row: Vec<Value>| places.iter().map(|place| row.get(*place).cloned().unwrap_or_default()).collect();
        Ok(Self { columns, rows: self.rows.into_iter().map(taken).collect() })
    }

    /// Each row as an object, for programs.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let object = |row: &Vec<Value>| {
            let entry = |((name, kind), value): (&(String, Kind), &Value)| (name.clone(), kind.exact(value));
            Value::Object(self.columns.iter().zip(row).map(entry).collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }
}

/// A value without quotes; nothing where there is none, and lists with commas.
pub(crate) fn raw(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(raw).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Of a time, no part of a second.
fn without_fraction(time: String) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time,
    }
}

fn whole(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither a duration nor a rate is negative, and the cast saturates"
    )]
    value.as_f64().map(|number| number as u64)
}

/// What this record calls so, as its rows are named: of a list, `sample.1` is the first.
pub(super) fn property(record: &Value, name: &str) -> Result<Value, Failure> {
    let part = |value: &Value, part: &str| match value.as_array() {
        Some(items) => items.get(part.parse::<usize>().ok()?.checked_sub(1)?).cloned(),
        None => value.get(part).cloned(),
    };
    let found = name.split('.').try_fold(record.clone(), |value, name| part(&value, name));
    found.ok_or_else(|| {
        let names: Vec<&str> = record.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        Failure::Usage(format!("there is no property {name:?}; there are {}", names.join(", ")))
    })
}

/// A property, or one of a property: `rule.id`.
fn at<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(object, |value, part| value.get(part))
}

fn flatten(name: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Object(properties) => properties.iter().for_each(|(part, value)| flatten(&below(part), value, into)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(i, item)| flatten(&below(&(i + 1).to_string()), item, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            into.push((name.to_owned(), value.clone()));
        }
    }
}
