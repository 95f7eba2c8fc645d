//! The table of users: those of the users file, whoever else is in, and names that nobody got in by.

use std::sync::Arc;

use filter::{Field, Value};

use super::super::desk::{Asker, Desk};
use super::super::lanes::Lane;
use super::table::{All, Summed, Table};
use crate::engine::history::archive::day::Day;
use crate::engine::sys::pool::Urgency;
use crate::frontends::office::people::{Everybody, Person};
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};

#[derive(Debug, Default)]
pub(super) struct Users;

impl All for Everybody {
    type Row = Arc<Person>;
    type Seen<'r> = &'r Person;
    /// The number.
    type Mark = usize;

    fn each(&self, _: bool, mut visit: impl FnMut(&Person, &usize)) {
        self.numbered().for_each(|(number, person)| visit(person, &number));
    }

    fn marked(&self, number: &usize) -> Option<Arc<Person>> {
        self.get(*number).cloned()
    }

    fn seen(row: &Arc<Person>) -> &Person {
        row
    }
}

impl Table for Users {
    type All = Everybody;
    type Row = Arc<Person>;
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
    const SUMS: &'static [Summed<Self>] = &[("sessions", |person| person.sessions), ("rate", |person| person.rate)];
    const IN_ORDER: &'static [&'static str] = &["id", "name"];

    fn all(&self, desk: &Desk, asker: &Asker) -> Everybody {
        if desk.office.is_due_to_look_back() {
            let office = Arc::clone(&desk.office);
            let is_begun = desk.lanes.of(Lane::Looking).leave(Urgency::Usual, move || office.look_back()).is_ok();
            if is_begun {
                desk.office.will_look_back();
            }
        }
        let days = desk.office.days();
        desk.office.everybody(asker.is_masked, days.as_ref())
    }

    fn id(row: &Person) -> Arc<str> {
        Arc::clone(&row.name)
    }

    fn name(id: &Arc<str>) -> String {
        id.to_string()
    }

    fn is_called(row: &Person, name: &str) -> bool {
        *row.name == *name
    }

    fn cell(row: &Person, column: &str) -> Cell {
        let day = |of: fn(&Day) -> i64| {
            let number = row.day.as_ref().map(|day| u64::try_from(of(day)).unwrap_or(0));
            number.map_or(Cell::Nothing, Cell::Number)
        };
        match column {
            "id" | "name" => Cell::text(&row.name),
            "state" => Cell::Word(row.state()),
            "from" => row.vouched_by().map_or(Cell::Nothing, Cell::Word),
            "up24" => day(|day| day.up),
            "down24" => day(|day| day.down),
            "denied24" => day(|day| day.denied),
            "fails24" => day(|day| day.fails),
            "groups" => Cell::list(&row.groups),
            "sessions" => Cell::Number(row.sessions),
            "rate" => Cell::Number(row.rate),
            "up" => Cell::Number(row.up),
            "down" => Cell::Number(row.down),
            "last_seen" => row.latest.as_ref().map_or(Cell::Nothing, |(at, _)| Cell::Time(*at)),
            "last_src" => row.latest.as_ref().map_or(Cell::Nothing, |(_, source)| Cell::source(source)),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, _: &Desk, was: &[&Arc<Person>], now: &Everybody) -> Vec<(Arc<str>, String)> {
        let gone = was.iter().filter(|person| now.find(&person.name).is_none());
        gone.map(|person| (Self::id(person), "gone".to_owned())).collect()
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
