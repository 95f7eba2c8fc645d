//! The table of classes that share the bandwidth.

use std::collections::HashSet;

use filter::{Field, Value};

use super::super::desk::{Asker, Desk};
use super::table::Table;
use crate::frontends::office::classes::ClassNow;
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};

#[derive(Debug, Default)]
pub(super) struct Limits;

impl Table for Limits {
    type Row = ClassNow;
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
        dynamic("waiting", "number"),
        dynamic("override_left", "seconds"),
    ];
    const FIELDS: &'static [Field] = filter::LIMITS;
    const SUMS: &'static [&'static str] = &["waiting"];

    fn rows(&self, desk: &Desk, asker: &Asker) -> Vec<ClassNow> {
        desk.office.classes(asker.is_masked)
    }

    fn id(row: &ClassNow) -> String {
        row.name.clone()
    }

    fn name(id: &String) -> String {
        id.clone()
    }

    fn cell(row: &ClassNow, column: &str) -> Cell {
        let number = |number: Option<u64>| number.map_or(Cell::Nothing, Cell::Number);
        match column {
            "id" | "name" => Cell::Text(row.name.clone()),
            "kind" => Cell::Text(row.kind.to_owned()),
            "parent" => row.parent.clone().map_or(Cell::Nothing, Cell::Text),
            "limit" => number(row.ceiling()),
            "using" => Cell::Number(row.using()),
            "pct" => number(row.percent()),
            "sessions" => Cell::Number(row.sessions),
            "waiting" => Cell::Number(row.waiting),
            "override_left" => number(row.override_left),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, desk: &Desk, rows: &[&ClassNow]) -> Vec<(String, String)> {
        // One that is masked has a name that no class of those who may see everything has.
        let there: HashSet<String> =
            [true, false].into_iter().flat_map(|is_masked| desk.office.classes(is_masked)).map(|it| it.name).collect();
        let gone = rows.iter().filter(|row| !there.contains(&row.name));
        gone.map(|row| (row.name.clone(), "gone".to_owned())).collect()
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
            _ => None,
        }
    }
}
