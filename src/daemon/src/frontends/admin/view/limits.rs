//! The table of classes that share the bandwidth.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use filter::{Field, Value};

use super::super::desk::{Asker, Desk};
use super::table::{Summed, Table};
use crate::frontends::office::classes::ClassNow;
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};

#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Whoever may not see whole addresses tells classes apart by what this makes of them.
    veil: RandomState,
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    id: String,
    class: ClassNow,
}

impl Table for Limits {
    type All = Vec<Row>;
    type Row = Row;
    type Id = String;

    const COLUMNS: &'static [Column] = &[
        fixed("id", "text"),
        fixed("name", "text"),
        fixed("kind", "text"),
        dynamic("parent", "text"),
        dynamic("limit", "rate"),
        dynamic("using", "rate"),
        dynamic("pct", "number"),
        dynamic("sessions", "number"),
        dynamic("most_sessions", "number"),
        dynamic("waiting", "number"),
        dynamic("guaranteed", "rate"),
        dynamic("burst", "bytes"),
        dynamic("origin", "text"),
        dynamic("override_left", "seconds"),
        dynamic("bytes", "bytes"),
        dynamic("bucket", "number"),
        dynamic("throttled", "number"),
        dynamic("wait", "number"),
        dynamic("held_by", "text"),
        dynamic("refused", "number"),
        dynamic("quota", "number"),
    ];
    const FIELDS: &'static [Field] = filter::LIMITS;
    /// Of sessions there is no sum: who waits in one class waits in those above it too.
    const SUMS: &'static [Summed<Self>] = &[("holding", |row| u64::from(row.class.waiting > 0))];

    fn all(&self, desk: &Desk, asker: &Asker) -> Vec<Row> {
        let classes = desk.office.classes(asker.is_masked).into_iter();
        classes.map(|class| Row { id: self.id_of(&class), class }).collect()
    }

    fn id(row: &Row) -> String {
        row.id.clone()
    }

    fn name(id: &String) -> String {
        id.clone()
    }

    fn cell(Row { id, class: row }: &Row, column: &str) -> Cell {
        let number = |number: Option<u64>| number.map_or(Cell::Nothing, Cell::Number);
        match column {
            "id" => Cell::text(id),
            "name" => Cell::text(&row.name),
            "kind" => Cell::Word(row.kind),
            "parent" => row.parent.as_deref().map_or(Cell::Nothing, Cell::text),
            "limit" => number(row.ceiling()),
            "using" => Cell::Number(row.using()),
            "pct" => number(row.percent()),
            "sessions" => Cell::Number(row.sessions),
            "most_sessions" => number(row.most_sessions),
            "waiting" => Cell::Number(row.waiting),
            "guaranteed" => number(row.guaranteed()),
            "burst" => number(row.burst()),
            "origin" => row.origin.map_or(Cell::Nothing, Cell::Word),
            "override_left" => number(row.override_left),
            "bytes" => Cell::Number(row.carried()),
            "bucket" => number(row.bucket.map(u64::from)),
            "throttled" => Cell::Number(row.throttled.into()),
            "wait" => number(row.wait),
            "held_by" => row.held_by.map_or(Cell::Nothing, Cell::Word),
            "refused" => Cell::Number(row.refused),
            "quota" => number(row.quota),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, _: &Desk, was: &[&Row], now: &Vec<Row>) -> Vec<(String, String)> {
        let there: HashSet<&str> = now.iter().map(|row| row.id.as_str()).collect();
        let gone = was.iter().filter(|row| !there.contains(row.id.as_str()));
        gone.map(|row| (row.id.clone(), "gone".to_owned())).collect()
    }
}

impl Limits {
    /// Its name, unless that is masked and perhaps that of others too.
    fn id_of(&self, class: &ClassNow) -> String {
        if class.name == class.whole_name {
            class.name.clone()
        } else {
            format!("{:x}", self.veil.hash_one(&class.whole_name))
        }
    }
}

impl filter::Row for Row {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        self.class.value(field)
    }
}

impl filter::Row for ClassNow {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        match field {
            "name" => Some(Value::Text(self.name.as_str().into())),
            "kind" => Some(Value::Text(self.kind.into())),
            "using" => Some(Value::Number(self.using())),
            "limit" => self.ceiling().map(Value::Number),
            "pct" => self.percent().map(Value::Number),
            "sessions" => Some(Value::Number(self.sessions)),
            "waiting" => Some(Value::Number(self.waiting)),
            "origin" => self.origin.map(|origin| Value::Text(origin.into())),
            "throttled" => Some(Value::Number(self.throttled.into())),
            "held_by" => self.held_by.map(|by| Value::Text(by.into())),
            "refused" => Some(Value::Number(self.refused)),
            "quota" => self.quota.map(Value::Number),
            _ => None,
        }
    }
}
