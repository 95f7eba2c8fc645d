//! The table of users: those of the users file, and whoever else is in.

use filter::{Field, Value};

use super::super::desk::{Asker, Desk};
use super::table::Table;
use crate::frontends::office::people::Person;
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};

#[derive(Debug, Default)]
pub(super) struct Users;

impl Table for Users {
    type Row = Person;
    type Id = String;

    const COLUMNS: &'static [Column] = &[
        fixed("id", "text"),
        fixed("name", "text"),
        dynamic("state", "text"),
        dynamic("groups", "list"),
        dynamic("sessions", "number"),
        dynamic("rate", "rate"),
        dynamic("up", "bytes"),
        dynamic("down", "bytes"),
        dynamic("last_seen", "time"),
        dynamic("last_src", "text"),
    ];
    const FIELDS: &'static [Field] = filter::USERS;
    const SUMS: &'static [&'static str] = &["sessions", "rate"];

    fn rows(&self, desk: &Desk, asker: &Asker) -> Vec<Person> {
        desk.office.everybody(asker.is_masked).into_values().collect()
    }

    fn id(row: &Person) -> String {
        row.name.clone()
    }

    fn name(id: &String) -> String {
        id.clone()
    }

    fn cell(row: &Person, column: &str) -> Cell {
        match column {
            "id" | "name" => Cell::Text(row.name.clone()),
            "state" => Cell::Text(row.state().to_owned()),
            "groups" => Cell::List(row.groups.clone()),
            "sessions" => Cell::Number(row.sessions),
            "rate" => Cell::Number(row.rate),
            "up" => Cell::Number(row.up),
            "down" => Cell::Number(row.down),
            "last_seen" => row.latest.as_ref().map_or(Cell::Nothing, |(at, _)| Cell::Time(*at)),
            "last_src" => row.latest.as_ref().map_or(Cell::Nothing, |(_, source)| Cell::Text(source.clone())),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, desk: &Desk, was: &[&Person], _: &[Person]) -> Vec<(String, String)> {
        let there = desk.office.everybody(true);
        let gone = was.iter().filter(|row| !there.contains_key(&row.name));
        gone.map(|row| (row.name.clone(), "gone".to_owned())).collect()
    }
}

impl filter::Row for Person {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        match field {
            "name" => Some(Value::Text(self.name.as_str().into())),
            "group" => Some(Value::Many(self.groups.iter().map(|group| Value::Text(group.as_str().into())).collect())),
            "state" => Some(Value::Text(self.state().into())),
            "sessions" => Some(Value::Number(self.sessions)),
            "rate" => Some(Value::Number(self.rate)),
            "up" => Some(Value::Number(self.up)),
            "down" => Some(Value::Number(self.down)),
            _ => None,
        }
    }
}
