//! What patches make of a window is what a fresh look shows, whatever becomes of the table and whatever the client wants of it.

use std::collections::{BTreeMap, HashMap};

use filter::{Field, Value};
use proptest::prelude::*;
use wire::admin::{Direction, Patch, Row, ViewChange, ViewOpen, ViewOpened, Window};

use super::super::desk::{Asker, Desk};
use super::bans::Bans;
use super::limits::Limits;
use super::sessions::Sessions;
use super::shape::Shape;
use super::table::{All, Summed, Table};
use super::users::Users;
use super::whatif::WhatIf;
use super::{Told, View};
use crate::frontends::office::sight::{Cell, Column, dynamic, fixed};

/// Steps of a run, of which there are so many that the daemon looks ten thousand times.
const STEPS: usize = 1_000;

/// Rows that there may be.
const NUMBERS: u32 = 40;

const USERS: [&str; 3] = ["alice", "bob", "eve\u{202e}"];

/// A table whose rows are whatever the test says.
#[derive(Debug, Default)]
struct Herd;

#[derive(Debug, Clone, PartialEq)]
struct Sheep {
    number: u32,
    user: usize,
    up: u64,
    /// A column that is not dynamic, and may change all the same.
    rule: u64,
}

/// All of them, which know whether somebody has looked.
#[derive(Debug, Default)]
struct Flock {
    sheep: Vec<Sheep>,
    is_looked_at: std::cell::Cell<bool>,
}

impl All for Flock {
    type Row = Sheep;
    type Seen<'r> = &'r Sheep;
    type Mark = usize;

    fn each(&self, is_quick: bool, visit: impl FnMut(&Sheep, &usize)) {
        self.is_looked_at.set(true);
        self.sheep.each(is_quick, visit);
    }

    fn marked(&self, place: &usize) -> Option<Sheep> {
        self.sheep.marked(place)
    }

    fn seen(row: &Sheep) -> &Sheep {
        row
    }
}

impl Flock {
    fn of(sheep: &[Sheep]) -> Self {
        Self { sheep: sheep.to_vec(), ..Self::default() }
    }
}

impl Table for Herd {
    type All = Flock;
    type Row = Sheep;
    type Id = u32;

    const COLUMNS: &'static [Column] =
        &[fixed("id", "text"), fixed("user", "text"), dynamic("up", "bytes"), fixed("rule", "number")];
    const FIELDS: &'static [Field] = filter::SESSIONS;
    const SUMS: &'static [Summed<Self>] = &[("up", |row| row.up)];

    fn all(&self, _: &Desk, _: &Asker) -> Flock {
        Flock::default()
    }

    fn id(row: &Sheep) -> u32 {
        row.number
    }

    fn name(id: &u32) -> String {
        format!("{id:x}")
    }

    fn cell(row: &Sheep, column: &str) -> Cell {
        match column {
            "id" => Cell::text(&Self::name(&row.number)),
            "user" => Cell::text(USERS[row.user]),
            "up" => Cell::Number(row.up),
            "rule" => Cell::Number(row.rule),
            _ => Cell::Nothing,
        }
    }

    fn gone(&self, _: &Desk, _: &[&Sheep], _: &Flock) -> Vec<(u32, String)> {
        Vec::new()
    }
}

impl filter::Row for Sheep {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        match field {
            "user" => Some(Value::Text(USERS[self.user].into())),
            "up" => Some(Value::Number(self.up)),
            _ => None,
        }
    }
}

/// What a client makes of what it is told, as docs/admin-protocol.md says.
#[derive(Debug, Default, PartialEq)]
struct Client {
    dynamic: Vec<bool>,
    order: Vec<String>,
    rows: HashMap<String, Row>,
    off: usize,
    total: u64,
    matched: u64,
    sums: BTreeMap<String, u64>,
}

impl Client {
    fn of(opened: ViewOpened) -> Self {
        let ViewOpened { cols, total, matched, agg, off, rows, .. } = opened;
        let order = rows.iter().map(name).collect();
        let dynamic = cols.iter().map(|column| column.dynamic).collect();
        let rows = rows.into_iter().map(|row| (name(&row), row)).collect();
        Self { dynamic, order, rows, off, total, matched, sums: agg }
    }

    fn take(&mut self, patch: Patch) {
        let Patch { off, order, add, upd, gone: _, total, matched, agg, held: _ } = patch;
        self.rows.extend(add.into_iter().map(|row| (name(&row), row)));
        for changed in upd {
            let row = self.rows.get_mut(&name(&changed)).expect("only what is known changes");
            let places = self.dynamic.iter().enumerate().filter(|(_, is_dynamic)| **is_dynamic);
            for ((place, _), value) in places.zip(&changed[1..]) {
                row[place] = value.clone();
            }
        }
        self.order = order.unwrap_or_else(|| std::mem::take(&mut self.order));
        self.rows.retain(|id, _| self.order.contains(id));
        self.off = off.unwrap_or(self.off);
        self.total = total.unwrap_or(self.total);
        self.matched = matched.unwrap_or(self.matched);
        self.sums = agg.unwrap_or_else(|| std::mem::take(&mut self.sums));
    }
}

fn name(row: &Row) -> String {
    row[0].as_str().expect("an id is a text").to_owned()
}

/// What happens between two looks.
#[derive(Debug, Clone)]
enum Step {
    Comes(u32, usize),
    Goes(u32),
    Carries(u32, u64),
    IsRuled(u32, u64),
    Wants(Box<ViewChange>),
    Holds(bool),
    /// The daemon looks; a client that reads slowly has not, until then.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..NUMBERS;
    let window = prop_oneof![
        (0..30usize, 0..15usize).prop_map(|(off, len)| Window::At { off, len }),
        (0..NUMBERS, 0..6usize, 0..6usize).prop_map(|(anchor, before, after)| Window::Around {
            anchor: format!("{anchor:x}"),
            before,
            after
        }),
    ];
    let filter = prop::sample::select(vec!["", "user=alice", "up>500", "user=bob or up<100", "not user=alice", "up>"]);
    let sort = prop::sample::select(vec!["id", "user", "up", "rule"]);
    let change = (prop::option::of(window), prop::option::of(filter), prop::option::of((sort, any::<bool>())));
    prop_oneof![
        4 => (number.clone(), 0..USERS.len()).prop_map(|(number, user)| Step::Comes(number, user)),
        3 => number.clone().prop_map(Step::Goes),
        8 => (number.clone(), 0..1_000u64).prop_map(|(number, up)| Step::Carries(number, up)),
        1 => (number, 0..5u64).prop_map(|(number, rule)| Step::IsRuled(number, rule)),
        2 => change.prop_map(|(win, filter, sort)| Step::Wants(Box::new(ViewChange {
            win,
            filter: filter.map(str::to_owned),
            sort: sort.map(|(column, is_up)| {
                vec![(column.to_owned(), if is_up { Direction::Asc } else { Direction::Desc })]
            }),
            ..ViewChange::default()
        }))),
        1 => any::<bool>().prop_map(Step::Holds),
        10 => Just(Step::Look),
    ]
}

fn view() -> View<Herd> {
    let open = ViewOpen {
        of: "herd".to_owned(),
        filter: None,
        sort: Vec::new(),
        cols: None,
        win: Window::default(),
        every_ms: None,
        hold: None,
        digest: None,
    };
    let shape = Shape::of::<Herd>(&open).expect("it makes sense");
    View { table: Herd, shape, held: None, told: Told::default() }
}

impl View<Herd> {
    fn change_shape(&mut self, change: &ViewChange) {
        self.shape.change::<Herd>(change).expect("it makes sense");
    }
}

/// What is over of what the client knows, and why.
fn gone(was: &[&Sheep], rows: &[Sheep]) -> Vec<(u32, String)> {
    let is_there = |was: &Sheep| rows.iter().any(|row| row.number == was.number);
    was.iter().filter(|was| !is_there(was)).map(|was| (was.number, "over".to_owned())).collect()
}

/// The same view, by somebody who opens it now.
fn fresh(view: &View<Herd>, rows: &[Sheep]) -> Client {
    let mut other = self::view();
    other.shape.filter = view.shape.filter.clone();
    other.shape.sort.clone_from(&view.shape.sort);
    other.shape.window = view.shape.window.clone();
    Client::of(other.opened(&Flock::of(rows), false))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(29))]
    #[test]
    fn what_patches_make_of_a_window_is_what_a_fresh_look_shows(steps in prop::collection::vec(step(), STEPS)) {
        let (mut view, mut rows) = (view(), Vec::<Sheep>::new());
        let mut client = Client::of(view.opened(&Flock::default(), false));
        for step in steps {
            match step {
                Step::Comes(number, user) if rows.iter().all(|row| row.number != number) => {
                    rows.push(Sheep { number, user, up: 0, rule: 0 });
                }
                Step::Comes(..) => {}
                Step::Goes(number) => rows.retain(|row| row.number != number),
                Step::Carries(number, up) => rows.iter_mut().filter(|row| row.number == number).for_each(|row| row.up = up),
                Step::IsRuled(number, rule) => {
                    rows.iter_mut().filter(|row| row.number == number).for_each(|row| row.rule = rule);
                }
                Step::Wants(change) => {
                    view.change_shape(&change);
                    let is_held = view.held.is_some();
                    client = Client::of(view.opened(&Flock::of(&rows), is_held));
                }
                Step::Holds(is_held) => client = Client::of(view.opened(&Flock::of(&rows), is_held)),
                Step::Look => {
                    let flock = Flock::of(&rows);
                    let patch = view.patched(&flock, |_, was| {
                        assert!(flock.is_looked_at.get(), "who ends while it looks would go without a reason");
                        gone(was, &rows)
                    });
                    // As it goes over the line.
                    let line = serde_json::to_string(&patch).expect("it can be written");
                    client.take(serde_json::from_str(&line).expect("it can be read"));
                    match &view.held {
                        None => prop_assert_eq!(&client, &fresh(&view, &rows)),
                        Some(held) => is_held(&client, held, &rows)?,
                    }
                }
            }
        }
    }
}

/// A held order stays, with the values of those that are still there.
fn is_held(client: &Client, held: &super::Order<Herd>, rows: &[Sheep]) -> Result<(), TestCaseError> {
    let names: Vec<String> = held.ids.iter().map(Herd::name).collect();
    // One that was over before the window came to it has nothing to show.
    let mut later = names[client.off.min(names.len())..].iter();
    prop_assert!(client.order.iter().all(|id| later.any(|name| name == id)), "{:?} of {:?}", client.order, names);
    for row in rows {
        if let Some(told) = client.rows.get(&Herd::name(&row.number)) {
            prop_assert_eq!(told[2].as_u64(), Some(row.up));
        }
    }
    prop_assert_eq!(client.total, rows.len() as u64);
    Ok(())
}

#[test]
fn clients_know_every_table_with_its_columns() {
    fn columns<T: Table>() -> Vec<&'static str> {
        T::COLUMNS.iter().map(|column| column.name).collect()
    }
    let all = [columns::<Sessions>(), columns::<Users>(), columns::<Limits>(), columns::<Bans>(), columns::<WhatIf>()];
    let known: Vec<_> = wire::admin::TABLES.iter().map(|(name, columns)| (*name, columns.to_vec())).collect();
    let here: Vec<_> = super::TABLES.iter().map(|(name, _)| *name).zip(all).collect();
    assert_eq!(known, here);
}

#[test]
fn a_column_is_what_its_name_says() {
    fn check<T: Table>() {
        for column in T::COLUMNS {
            assert!(wire::admin::unit(column.name).is_none_or(|unit| unit == column.kind), "{}", column.name);
        }
    }
    check::<Sessions>();
    check::<Users>();
    check::<Limits>();
    check::<Bans>();
    check::<WhatIf>();
}
