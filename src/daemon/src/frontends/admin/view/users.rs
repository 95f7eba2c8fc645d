//! The table of users: those of the users file, whoever else is in, and names that nobody got in by.

use std::sync::Arc;

use filter::{Field, Value};

use super::super::desk::{Asker, Desk};
use super::super::lanes::Lane;
use super::table::{Summed, Table};
use crate::engine::history::archive::day::Day;
use crate::engine::sys::pool::Urgency;
use crate::frontends::office::people::{Person, group_names};
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};

#[derive(Debug, Default)]
pub(super) struct Users;

#[derive(Debug, Clone)]
pub(super) struct Row(Arc<Person>);

impl Table for Users {
    type All = Vec<Row>;
    type Row = Row;
    type Id = Arc<str>;

    const COLUMNS: &'static [Column] = &[
        fixed("id", "text"),
        fixed("name", "text"),
        dynamic("state", "text"),
        dynamic("from", "text"),
        dynamic("groups", "list"),
        dynamic("sessions", "number"),
        dynamic("rate", "rate"),
        dynamic("up", "bytes"),
        dynamic("down", "bytes"),
        dynamic("last_seen", "time"),
        dynamic("last_src", "text"),
        dynamic("up24", "bytes"),
        dynamic("down24", "bytes"),
        dynamic("denied24", "number"),
        dynamic("fails24", "number"),
    ];
    const FIELDS: &'static [Field] = filter::USERS;
    const SUMS: &'static [Summed<Self>] = &[("sessions", |row| row.0.sessions), ("rate", |row| row.0.rate)];
    const IN_ORDER: &'static [&'static str] = &["id", "name"];

    fn all(&self, desk: &Desk, asker: &Asker) -> Vec<Row> {
        if desk.office.is_due_to_look_back() {
            let office = Arc::clone(&desk.office);
            let is_begun = desk.lanes.of(Lane::Looking).leave(Urgency::Usual, move || office.look_back()).is_ok();
            if is_begun {
                desk.office.will_look_back();
            }
        }
        let days = desk.office.days();
        desk.office.everybody(asker.is_masked, days.as_ref()).into_iter().map(Row).collect()
    }

    fn id(Row(row): &Row) -> Arc<str> {
        Arc::clone(&row.name)
    }

    fn name(id: &Arc<str>) -> String {
        id.to_string()
    }

    fn cell(Row(row): &Row, column: &str) -> Cell {
        let day = |of: fn(&Day) -> i64| {
            let number = row.day.as_ref().map(|day| u64::try_from(of(day)).unwrap_or(0));
            number.map_or(Cell::Nothing, Cell::Number)
        };
        match column {
            "id" | "name" => Cell::Text(row.name.to_string()),
            "state" => Cell::Word(row.state()),
            "from" => row.vouched_by().map_or(Cell::Nothing, Cell::Word),
            "up24" => day(|day| day.up),
            "down24" => day(|day| day.down),
            "denied24" => day(|day| day.denied),
            "fails24" => day(|day| day.fails),
            "groups" => Cell::List(group_names(&row.groups)),
            "sessions" => Cell::Number(row.sessions),
            "rate" => Cell::Number(row.rate),
            "up" => Cell::Number(row.up),
            "down" => Cell::Number(row.down),
            "last_seen" => row.latest.as_ref().map_or(Cell::Nothing, |(at, _)| Cell::Time(*at)),
            "last_src" => row.latest.as_ref().map_or(Cell::Nothing, |(_, source)| Cell::source(source)),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, _: &Desk, was: &[&Row], now: &Vec<Row>) -> Vec<(Arc<str>, String)> {
        let is_there = |row: &Row| now.binary_search_by(|other| other.0.name.cmp(&row.0.name)).is_ok();
        let gone = was.iter().filter(|row| !is_there(row));
        gone.map(|row| (Self::id(row), "gone".to_owned())).collect()
    }
}

impl filter::Row for Row {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        self.0.value(field)
    }
}

impl filter::Row for Person {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        let day = |of: fn(&Day) -> i64| self.day.as_ref().map(|day| Value::Number(u64::try_from(of(day)).unwrap_or(0)));
        match field {
            "name" => Some(Value::Text((&*self.name).into())),
            "group" => Some(Value::Many(self.groups.iter().map(|group| Value::Text((&**group).into())).collect())),
            "state" => Some(Value::Text(self.state().into())),
            "sessions" => Some(Value::Number(self.sessions)),
            "rate" => Some(Value::Number(self.rate)),
            "up" => Some(Value::Number(self.up)),
            "down" => Some(Value::Number(self.down)),
            "from" => self.vouched_by().map(|from| Value::Text(from.into())),
            "up24" => day(|day| day.up),
            "down24" => day(|day| day.down),
            "denied24" => day(|day| day.denied),
            "fails24" => day(|day| day.fails),
            _ => None,
        }
    }
}
