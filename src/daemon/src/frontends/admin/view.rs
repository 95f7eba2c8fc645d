//! A window on a table: what is in it, and what has changed in it since somebody was last told.
//!
//! Filter and order go over the whole table at each look; values are worked out for the window alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use filter::Filter;
use serde_json::Value;
use wire::admin::{Code, Direction, FilterError, Held, Patch, Refusal, Row, ViewChange, ViewOpen, ViewOpened, Window};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::meta;
use super::ops::{EVERY, Op, read, watch};
use super::subscription::{Subject, interval};
use crate::frontends::office::sight::{Cell, Column, SESSIONS, Sight, now};
use crate::state::history::record::reason;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    watch(
        "view.open",
        open,
        &[
            ("of", "the table: sessions"),
            ("filter", "which rows; all without it"),
            ("sort", "columns to sort by, as [[\"rate\",\"desc\"],…]; the id comes last"),
            ("cols", "which columns; all without it; the id is always first"),
            ("win", "{off,len} or {anchor,before,after}; {off:0,len:100} without it, at most 1000 rows"),
            EVERY,
            ("hold", "true keeps order and membership as they are"),
        ],
        "sub, cols, total, matched, agg, off, rows, filter_error; pushes patch",
        "opens a window on a table, which is then told what changes in it",
    ),
    watch(
        "view.set",
        set,
        &[("sub", "the view"), ("…", "any parameter of view.open but of; what is not given stays")],
        "as view.open",
        "changes a view",
    ),
    watch("view.close", meta::close, &[("sub", "the view")], "closed", "closes a view"),
];

/// Rows of one window.
const MOST_ROWS: usize = 1_000;

/// Columns to sort by.
const MOST_KEYS: usize = 4;

#[derive(Debug)]
pub(super) struct View {
    shape: Shape,
    /// The order that is held: every id that the filter let in when that began.
    held: Option<Vec<u64>>,
    told: Told,
}

/// What somebody wants to see.
#[derive(Debug)]
struct Shape {
    filter: Filter,
    filter_error: Option<FilterError>,
    sort: Vec<(Column, Direction)>,
    columns: Vec<Column>,
    window: Window,
}

/// What the client knows.
#[derive(Debug, Default)]
struct Told {
    off: usize,
    order: Vec<u64>,
    rows: HashMap<u64, Shown>,
    total: u64,
    matched: u64,
    sums: BTreeMap<String, u64>,
    held: Held,
}

/// A row as it was told.
#[derive(Debug, Clone)]
struct Shown {
    sight: Sight,
    row: Row,
    is_over: bool,
}

/// The table at one moment: those whom the filter lets in, in their order as far as the window reaches.
struct Look {
    total: u64,
    matched: u64,
    sums: BTreeMap<String, u64>,
    off: usize,
    window: Vec<Sight>,
    /// Every id that was let in, if somebody holds the order.
    ids: Vec<u64>,
}

pub(super) fn open(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let open: ViewOpen = read(p)?;
    if open.of != "sessions" {
        return Err(Refusal::new(Code::BadRequest, format!("there is no table {:?}; there is sessions", open.of)));
    }
    let mut view = View { shape: Shape::of(&open)?, held: None, told: Told::default() };
    let mut opened = view.begin(&conversation.desk, &conversation.asker, open.hold.unwrap_or(false));
    opened.sub = conversation.subscribe(Subject::View(Box::new(view)), open.every_ms)?;
    Ok(written(&opened))
}

pub(super) fn set(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let change: ViewChange = read(p)?;
    let (desk, asker) = (std::sync::Arc::clone(&conversation.desk), conversation.asker.clone());
    let subscription = conversation.subscription(change.sub)?;
    let Subject::View(view) = &mut subscription.subject else {
        return Err(Refusal::new(Code::NotFound, "this subscription is no view"));
    };
    view.shape.change(&change)?;
    let is_held = change.hold.unwrap_or(view.held.is_some());
    let mut opened = view.begin(&desk, &asker, is_held);
    if change.every_ms.is_some() {
        subscription.every = interval(change.every_ms);
    }
    subscription.due = Instant::now() + subscription.every;
    opened.sub = change.sub;
    Ok(written(&opened))
}

impl Shape {
    fn of(open: &ViewOpen) -> Result<Self, Refusal> {
        let mut shape = Self {
            filter: Filter::parse("", filter::SESSIONS).expect("nothing is a filter"),
            filter_error: None,
            sort: keys(&open.sort)?,
            columns: columns(open.cols.as_deref())?,
            window: bounded(&open.win)?,
        };
        shape.filter_by(open.filter.as_deref().unwrap_or_default());
        Ok(shape)
    }

    fn change(&mut self, change: &ViewChange) -> Result<(), Refusal> {
        let ViewChange { sub: _, filter, sort, cols, win, every_ms: _, hold: _ } = change;
        // All of it or nothing.
        let sort = sort.as_deref().map(keys).transpose()?;
        let columns = cols.as_deref().map(|cols| columns(Some(cols))).transpose()?;
        let window = win.as_ref().map(bounded).transpose()?;
        self.sort = sort.unwrap_or_else(|| std::mem::take(&mut self.sort));
        self.columns = columns.unwrap_or_else(|| std::mem::take(&mut self.columns));
        self.window = window.unwrap_or_else(|| self.window.clone());
        if let Some(filter) = filter {
            self.filter_by(filter);
        }
        Ok(())
    }

    /// A filter that makes no sense leaves the one before it in force: somebody is still typing.
    fn filter_by(&mut self, text: &str) {
        match Filter::parse(text, filter::SESSIONS) {
            Ok(filter) => (self.filter, self.filter_error) = (filter, None),
            Err(misread) => {
                let filter::Misread { column: col, message: msg, hint } = misread;
                self.filter_error = Some(FilterError { col, msg, hint });
            }
        }
    }
}

fn keys(sort: &[(String, Direction)]) -> Result<Vec<(Column, Direction)>, Refusal> {
    if sort.len() > MOST_KEYS {
        return Err(Refusal::new(Code::BadRequest, format!("sort: at most {MOST_KEYS} columns")));
    }
    sort.iter().map(|(name, direction)| Ok((column(name)?, *direction))).collect()
}

/// The id is always the first.
fn columns(names: Option<&[String]>) -> Result<Vec<Column>, Refusal> {
    let Some(names) = names else { return Ok(SESSIONS.to_vec()) };
    let mut columns = vec![SESSIONS[0]];
    for name in names {
        let column = column(name)?;
        if columns.iter().all(|known| known.name != column.name) {
            columns.push(column);
        }
    }
    Ok(columns)
}

fn column(name: &str) -> Result<Column, Refusal> {
    let found = SESSIONS.iter().find(|column| column.name == name).copied();
    let names = || SESSIONS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| Refusal::new(Code::BadRequest, format!("there is no column {name:?}; there are {}", names())))
}

fn bounded(window: &Window) -> Result<Window, Refusal> {
    let rows = match window {
        Window::At { len, .. } => *len,
        Window::Around { before, after, .. } => before.saturating_add(*after).saturating_add(1),
    };
    if rows > MOST_ROWS {
        return Err(Refusal::new(Code::TooLarge, format!("win: at most {MOST_ROWS} rows")));
    }
    Ok(window.clone())
}

impl View {
    /// Shows the window anew.
    fn begin(&mut self, desk: &Desk, asker: &Asker, is_held: bool) -> ViewOpened {
        if !is_held {
            self.held = None;
        }
        let look = self.look(desk, asker, is_held && self.held.is_none());
        if is_held && self.held.is_none() {
            self.held = Some(look.ids.clone());
        }
        let look = self.as_held(look, desk, asker);
        self.told = Told::of(&self.shape.columns, look, Held::default());
        let told = &self.told;
        let rows = told.order.iter().filter_map(|id| told.rows.get(id)).map(|shown| shown.row.clone());
        ViewOpened {
            sub: 0,
            cols: self.shape.columns.iter().map(shown_column).collect(),
            total: told.total,
            matched: told.matched,
            agg: told.sums.clone(),
            off: told.off,
            rows: rows.collect(),
            filter_error: self.shape.filter_error.clone(),
        }
    }

    /// What has changed; nothing if nothing has.
    pub(super) fn patch(&mut self, desk: &Desk, asker: &Asker) -> Option<Value> {
        let look = self.look(desk, asker, self.held.is_some());
        let held = self.held.as_ref().map_or_else(Held::default, |held| beside(held, &look.ids, &desk.office));
        let look = self.as_held(look, desk, asker);
        let now = Told::of(&self.shape.columns, look, held);
        let patch = now.since(&self.told, &self.shape.columns);
        self.told = now;
        (patch != Patch::default()).then(|| written(&patch))
    }

    fn look(&self, desk: &Desk, asker: &Asker, wants_ids: bool) -> Look {
        let rates = desk.office.paces.rates(&desk.office.world.roster, Instant::now());
        let mut sights = desk.office.sights(&rates, asker.is_masked);
        let (total, now) = (sights.len() as u64, now());
        sights.retain(|sight| self.shape.filter.admits(sight, now));
        let sums = sums(&sights);
        let matched = sights.len() as u64;
        let (off, window) = self.shape.window_of(&mut sights, wants_ids);
        let ids = if wants_ids { sights.iter().map(|sight| sight.session.number).collect() } else { Vec::new() };
        Look { total, matched, sums, off, window, ids }
    }

    /// The same with the window on the order that is held, if one is.
    fn as_held(&self, look: Look, desk: &Desk, asker: &Asker) -> Look {
        let Some(held) = &self.held else { return look };
        let (off, ids) = slice(held, &self.shape.window, |id, anchor| format!("{id:x}") == *anchor);
        let wanted: HashSet<u64> = ids.iter().copied().collect();
        let rates = desk.office.paces.rates(&desk.office.world.roster, Instant::now());
        let mut found: HashMap<u64, Sight> = HashMap::new();
        desk.office.world.roster.each(|session| {
            if wanted.contains(&session.number) {
                found.insert(session.number, Sight::of(session, &rates, asker.is_masked));
            }
        });
        // One that is over stays as it was last told.
        let told = |id: &u64| self.told.rows.get(id).map(|shown| shown.sight.clone());
        let window = ids.iter().filter_map(|id| found.remove(id).or_else(|| told(id))).collect();
        Look { off, window, ..look }
    }
}

impl Shape {
    /// Puts the sights into their order as far as the window reaches, or all of them, and takes the window out.
    fn window_of(&self, sights: &mut Vec<Sight>, wholly: bool) -> (usize, Vec<Sight>) {
        let mut keyed: Vec<(Vec<Cell>, u64, Sight)> = sights.drain(..).map(|sight| self.keyed(sight)).collect();
        let order = |one: &(Vec<Cell>, u64, Sight), other: &(Vec<Cell>, u64, Sight)| self.order(one, other);
        let reach = match self.window {
            Window::At { off, len } if !wholly => off.saturating_add(len),
            Window::At { .. } | Window::Around { .. } => usize::MAX,
        };
        if reach < keyed.len() {
            keyed.select_nth_unstable_by(reach, order);
            keyed[..reach].sort_unstable_by(order);
        } else {
            keyed.sort_unstable_by(order);
        }
        sights.extend(keyed.into_iter().map(|(.., sight)| sight));
        let (off, window) = slice(sights, &self.window, |sight, anchor| sight.id() == *anchor);
        (off, window)
    }

    fn keyed(&self, sight: Sight) -> (Vec<Cell>, u64, Sight) {
        let cells = self.sort.iter().map(|(column, _)| sight.cell(column.name)).collect();
        (cells, sight.session.number, sight)
    }

    fn order(&self, one: &(Vec<Cell>, u64, Sight), other: &(Vec<Cell>, u64, Sight)) -> std::cmp::Ordering {
        for ((cell, its), (_, direction)) in one.0.iter().zip(&other.0).zip(&self.sort) {
            let order = match direction {
                Direction::Asc => cell.cmp(its),
                Direction::Desc => its.cmp(cell),
            };
            if order.is_ne() {
                return order;
            }
        }
        one.1.cmp(&other.1)
    }
}

/// The part of a list that a window shows, and where that begins.
fn slice<T: Clone>(all: &[T], window: &Window, is: impl Fn(&T, &String) -> bool) -> (usize, Vec<T>) {
    let (off, len) = match window {
        Window::At { off, len } => (*off, *len),
        Window::Around { anchor, before, after } => {
            let place = all.iter().position(|item| is(item, anchor)).unwrap_or(0);
            (place.saturating_sub(*before), before + after + 1)
        }
    };
    let off = off.min(all.len());
    (off, all[off..all.len().min(off.saturating_add(len))].to_vec())
}

/// What would be in a held order by now and is not, and what is in it and over.
fn beside(held: &[u64], ids: &[u64], office: &crate::frontends::office::Office) -> Held {
    let known: HashSet<u64> = held.iter().copied().collect();
    let came = ids.iter().filter(|id| !known.contains(id)).count() as u64;
    let mut live = 0;
    office.world.roster.each(|session| live += u64::from(known.contains(&session.number)));
    Held { came, went: (held.len() as u64).saturating_sub(live) }
}

fn sums(sights: &[Sight]) -> BTreeMap<String, u64> {
    let number = |sight: &Sight, column: &str| match sight.cell(column) {
        Cell::Number(number) => number,
        Cell::Nothing | Cell::Time(_) | Cell::Text(_) | Cell::List(_) => 0,
    };
    let sum = |column: &str| sights.iter().map(|sight| number(sight, column)).sum();
    ["up", "down", "rup", "rdown"].into_iter().map(|column| (column.to_owned(), sum(column))).collect()
}

impl Told {
    fn of(columns: &[Column], look: Look, held: Held) -> Self {
        let Look { total, matched, sums, off, window, ids: _ } = look;
        let order = window.iter().map(|sight| sight.session.number).collect();
        let rows = window.into_iter().map(|sight| (sight.session.number, Shown::of(sight, columns))).collect();
        Self { off, order, rows, total, matched, sums, held }
    }

    /// What somebody has to be told who knows how it was.
    fn since(&self, was: &Self, columns: &[Column]) -> Patch {
        let (mut add, mut upd) = (Vec::new(), Vec::new());
        for id in &self.order {
            let Some(is) = self.rows.get(id) else { continue };
            match was.rows.get(id) {
                Some(known) if known.row == is.row => {}
                Some(known) if is_same_but_for_dynamics(columns, &known.row, &is.row) => {
                    upd.push(dynamics(columns, &is.row));
                }
                Some(_) | None => add.push(is.row.clone()),
            }
        }
        Patch {
            off: (self.off != was.off).then_some(self.off),
            order: (self.order != was.order).then(|| self.order.iter().map(|id| format!("{id:x}")).collect()),
            add,
            upd,
            gone: was.gone(),
            total: (self.total != was.total).then_some(self.total),
            matched: (self.matched != was.matched).then_some(self.matched),
            agg: (self.sums != was.sums).then(|| self.sums.clone()),
            held: (self.held != was.held).then_some(self.held),
        }
    }

    /// Those that were told as living and are over by now.
    fn gone(&self) -> Vec<(String, String)> {
        let known = self.order.iter().filter_map(|id| self.rows.get(id)).filter(|shown| !shown.is_over);
        let ended = known.filter_map(|shown| Some((shown.sight.id(), reason(shown.sight.session.ended()?).to_owned())));
        ended.collect()
    }
}

impl Shown {
    fn of(sight: Sight, columns: &[Column]) -> Self {
        let row = columns.iter().map(|column| sight.cell(column.name).json()).collect();
        let is_over = sight.session.ended().is_some();
        Self { sight, row, is_over }
    }
}

fn is_same_but_for_dynamics(columns: &[Column], was: &Row, is: &Row) -> bool {
    columns.iter().zip(was.iter().zip(is)).all(|(column, (was, is))| column.is_dynamic || was == is)
}

/// The id, then whatever may change.
fn dynamics(columns: &[Column], row: &Row) -> Row {
    let changing = columns.iter().zip(row).filter(|(column, _)| column.is_dynamic).map(|(_, value)| value.clone());
    row.first().cloned().into_iter().chain(changing).collect()
}

fn shown_column(column: &Column) -> wire::admin::Column {
    wire::admin::Column { name: column.name.to_owned(), kind: column.kind.to_owned(), dynamic: column.is_dynamic }
}

fn written(answer: &impl serde::Serialize) -> Value {
    serde_json::to_value(answer).expect("texts and numbers can be written")
}
