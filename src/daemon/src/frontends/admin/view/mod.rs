//! A window on a table: what is in it, and what has changed in it since somebody was last told.
//!
//! Filter and order go over the whole table at each look; values are worked out for the window alone.
//! Knows nothing of what the rows are: each table says that itself ([`table::Table`]).

mod shape;
mod table;
mod told;

mod bans;
mod limits;
mod sessions;
mod users;
mod whatif;

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Held, Patch, Refusal, ViewChange, ViewOpen, ViewOpened, Window};

use self::bans::Bans;
use self::limits::Limits;
use self::sessions::Sessions;
use self::shape::{Shape, slice};
use self::table::{All, Mark, Seen, Sums, Table};
use self::told::{Look, Told};
use self::users::Users;
use self::whatif::WhatIf;
use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::meta;
use super::ops::{EVERY, Op, read, watch};
use super::subscription::{Subject, interval};
use crate::frontends::office::sight::{Column, now};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    watch(
        "view.open",
        open,
        &[
            ("of", "the table: sessions, users, limits, bans or whatif"),
            ("digest", "of whatif: the answer of acl.whatif whose sessions are meant; the last four are kept"),
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
    watch(
        "view.ids",
        ids,
        &[("sub", "the view"), ("max", "at most so many, 1 to 10000; 10000 without it")],
        "ids, in their order; matched: how many there are; truncated: whether that is more",
        "every row that the view's filter lets in, or that its held order has, by its id",
    ),
    watch(
        "view.find",
        find,
        &[
            ("sub", "the view"),
            ("filter", "which row"),
            ("from", "the id of the row to go on from; from the first, or the last, without it"),
            ("back", "true looks for the one before"),
        ],
        "id, at: its place in the view's order; neither if there is no such row",
        "the next row of a view that a second filter means, round about",
    ),
    watch("view.close", meta::close, &[("sub", "the view")], "closed", "closes a view"),
];

/// The tables, and what opens a view of each.
const TABLES: [(&str, Opens); 5] = [
    ("sessions", view_of::<Sessions>),
    ("users", view_of::<Users>),
    ("limits", view_of::<Limits>),
    ("bans", view_of::<Bans>),
    ("whatif", view_of::<WhatIf>),
];

type Opens = fn(&Desk, &ViewOpen) -> Result<Box<dyn Shows>, Refusal>;

/// Ids of one answer.
const MOST_IDS: usize = 10_000;

/// A view, whatever its table is.
pub(super) trait Shows: Debug + Send {
    /// Shows the window anew.
    fn begin(&mut self, desk: &Desk, asker: &Asker, is_held: bool) -> ViewOpened;

    /// Takes on another shape; all of it or nothing.
    fn change(&mut self, change: &ViewChange) -> Result<(), Refusal>;

    fn is_held(&self) -> bool;

    /// What has changed; nothing if nothing has.
    fn patch(&mut self, desk: &Desk, asker: &Asker) -> Option<Value>;

    /// The next row that is wanted and its place, as the caller's eye goes.
    fn find(&self, desk: &Desk, asker: &Asker, hunt: &Hunt) -> Result<Option<(usize, String)>, Refusal>;

    /// Whatever is in the view, in its order: in the window, before it and behind it.
    fn ids(&self, desk: &Desk, asker: &Asker) -> Vec<String>;
}

#[derive(Debug)]
struct View<T: Table> {
    table: T,
    shape: Shape,
    held: Option<Order<T>>,
    told: Told<T>,
}

/// An order that is held: every row that the filter let in when that began.
#[derive(Debug)]
struct Order<T: Table> {
    ids: Vec<T::Id>,
    known: HashSet<T::Id>,
}

pub(super) fn open(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let open: ViewOpen = read(p)?;
    let Some((_, opens)) = TABLES.iter().find(|(name, _)| *name == open.of) else {
        let names: Vec<_> = TABLES.iter().map(|(name, _)| *name).collect();
        let msg = format!("there is no table {:?}; there are {}", open.of, names.join(", "));
        return Err(Refusal::new(Code::BadRequest, msg));
    };
    let mut view = opens(&conversation.desk, &open)?;
    let mut opened = view.begin(&conversation.desk, &conversation.asker, open.hold.unwrap_or(false));
    opened.sub = conversation.subscribe(Subject::View(view), open.every_ms)?;
    Ok(written(&opened))
}

pub(super) fn set(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let change: ViewChange = read(p)?;
    let (desk, asker) = (std::sync::Arc::clone(&conversation.desk), conversation.asker.clone());
    let subscription = conversation.subscription(change.sub)?;
    let Subject::View(view) = &mut subscription.subject else { return Err(no_view()) };
    view.change(&change)?;
    let is_held = change.hold.unwrap_or(view.is_held());
    let mut opened = view.begin(&desk, &asker, is_held);
    if change.every_ms.is_some() {
        subscription.every = interval(change.every_ms);
    }
    subscription.due = Instant::now() + subscription.every;
    opened.sub = change.sub;
    Ok(written(&opened))
}

#[derive(Deserialize)]
struct Ids {
    sub: u64,
    max: Option<usize>,
}

pub(super) fn ids(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Ids { sub, max } = read(p)?;
    let (desk, asker) = (std::sync::Arc::clone(&conversation.desk), conversation.asker.clone());
    let Subject::View(view) = &conversation.subscription(sub)?.subject else { return Err(no_view()) };
    let mut ids = view.ids(&desk, &asker);
    let (matched, max) = (ids.len(), max.unwrap_or(MOST_IDS).clamp(1, MOST_IDS));
    ids.truncate(max);
    Ok(json!({ "ids": ids, "matched": matched, "truncated": matched > max }))
}

/// Which row is looked for, and from where.
#[derive(Deserialize)]
pub(super) struct Hunt {
    sub: u64,
    filter: String,
    from: Option<String>,
    #[serde(default)]
    back: bool,
}

pub(super) fn find(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let hunt: Hunt = read(p)?;
    let (desk, asker) = (std::sync::Arc::clone(&conversation.desk), conversation.asker.clone());
    let Subject::View(view) = &conversation.subscription(hunt.sub)?.subject else { return Err(no_view()) };
    let found = view.find(&desk, &asker, &hunt)?;
    Ok(found.map_or_else(|| json!({}), |(at, id)| json!({ "id": id, "at": at })))
}

fn no_view() -> Refusal {
    Refusal::new(Code::NotFound, "this subscription is no view")
}

fn view_of<T: Table>(desk: &Desk, open: &ViewOpen) -> Result<Box<dyn Shows>, Refusal> {
    let view = View { table: T::of(desk, open)?, shape: Shape::of::<T>(open)?, held: None, told: Told::<T>::default() };
    Ok(Box::new(view))
}

impl<T: Table> Shows for View<T> {
    fn begin(&mut self, desk: &Desk, asker: &Asker, is_held: bool) -> ViewOpened {
        let all = self.table.all(desk, asker);
        self.opened(&all, is_held)
    }

    fn change(&mut self, change: &ViewChange) -> Result<(), Refusal> {
        self.shape.change::<T>(change)
    }

    fn is_held(&self) -> bool {
        self.held.is_some()
    }

    fn patch(&mut self, desk: &Desk, asker: &Asker) -> Option<Value> {
        let all = self.table.all(desk, asker);
        let patch = self.patched(&all, |table, was| table.gone(desk, was, &all));
        (patch != Patch::default()).then(|| written(&patch))
    }

    fn find(&self, desk: &Desk, asker: &Asker, hunt: &Hunt) -> Result<Option<(usize, String)>, Refusal> {
        let wanted = shape::wanted::<T>(&hunt.filter)?;
        let (all, now) = (self.table.all(desk, asker), now());
        let mut found = HashSet::new();
        all.each(false, |row, _| {
            if wanted.admits(&row, now) {
                found.insert(T::id(row));
            }
        });
        let ids = self.ordered(&all);
        let from = hunt.from.as_ref().and_then(|from| ids.iter().position(|id| T::name(id) == *from));
        Ok(shape::next(ids.len(), from, hunt.back)
            .find(|place| found.contains(&ids[*place]))
            .map(|at| (at, T::name(&ids[at]))))
    }

    fn ids(&self, desk: &Desk, asker: &Asker) -> Vec<String> {
        self.ordered(&self.table.all(desk, asker)).iter().map(T::name).collect()
    }
}

impl<T: Table> View<T> {
    /// The window on these rows; from now on, the client knows it.
    fn opened(&mut self, all: &T::All, is_held: bool) -> ViewOpened {
        if is_held != self.held.is_some() {
            self.held = is_held.then(|| Order::of(self.everything(all)));
        }
        self.told = Told::of(&self.shape.columns, self.look(all), &self.told);
        let told = &self.told;
        ViewOpened {
            sub: 0,
            cols: self.shape.columns.iter().map(Column::shown).collect(),
            total: told.total,
            matched: told.matched,
            agg: told.sums.clone(),
            off: told.off,
            rows: told.window(),
            filter_error: self.shape.filter_error.clone(),
        }
    }

    /// What the client has to be told when these are the rows, where `gone` says which are over of those that it knows.
    fn patched(&mut self, all: &T::All, gone: impl FnOnce(&T, &[&T::Row]) -> Vec<(T::Id, String)>) -> Patch {
        let mut now = Told::of(&self.shape.columns, self.look(all), &self.told);
        // Only now: whoever ended between this question and a look behind it would go without a reason.
        let gone = gone(&self.table, &self.told.living());
        now.note(&gone);
        let patch = now.since(&self.told, &self.shape.columns, &gone);
        self.told = now;
        patch
    }

    /// What these rows show of themselves.
    fn look(&self, all: &T::All) -> Look<T> {
        let (mut total, mut matched, mut sums, now) = (0, 0, Sums::<T>::begin(), now());
        let mut best = self.shape.best::<T>();
        let mut kept = self.held.as_ref().map(|order| Kept::of(order, &self.shape.window));
        all.each(self.shape.is_quick::<T>(), |row, mark| {
            total += 1;
            let is_met = self.shape.filter.admits(&row, now);
            if is_met {
                matched += 1;
                sums.add(row);
            }
            match &mut kept {
                Some(kept) => kept.pass(row, mark, is_met),
                None if is_met => best.pass(row, || *mark),
                None => {}
            }
        });
        let (off, window, held) = if let Some(kept) = kept {
            kept.window(all, &self.told)
        } else {
            let (off, marks) = self.shape.window_of(&best);
            (off, marks.iter().filter_map(|mark| all.marked(mark)).collect(), Held::default())
        };
        Look { total, matched, sums: sums.by_name(), off, window, held }
    }

    /// Everything in the view, in the order that is shown.
    fn ordered(&self, all: &T::All) -> Vec<T::Id> {
        self.held.as_ref().map_or_else(|| self.everything(all), |held| held.ids.clone())
    }

    /// Every row of these that the filter lets in, in its order.
    fn everything(&self, all: &T::All) -> Vec<T::Id> {
        let (mut every, now) = (self.shape.every::<T>(), now());
        all.each(false, |row, _| {
            if self.shape.filter.admits(&row, now) {
                every.pass(row, || T::id(row));
            }
        });
        every.in_order()
    }
}

impl<T: Table> Order<T> {
    fn of(ids: Vec<T::Id>) -> Self {
        Self { known: ids.iter().cloned().collect(), ids }
    }
}

/// What there still is of an order that is held.
struct Kept<'o, T: Table> {
    order: &'o Order<T>,
    off: usize,
    ids: Vec<T::Id>,
    wanted: HashSet<T::Id>,
    found: HashMap<T::Id, Mark<T>>,
    living: usize,
    came: u64,
}

impl<'o, T: Table> Kept<'o, T> {
    fn of(order: &'o Order<T>, window: &Window) -> Self {
        let (off, ids) = slice(&order.ids, window, |id, anchor| T::name(id) == *anchor);
        let wanted = ids.iter().cloned().collect();
        Self { order, off, ids, wanted, found: HashMap::new(), living: 0, came: 0 }
    }

    /// A row passes by, which the filter lets in now or does not.
    fn pass(&mut self, row: Seen<'_, T>, mark: &Mark<T>, is_met: bool) {
        let id = T::id(row);
        if !self.order.known.contains(&id) {
            self.came += u64::from(is_met);
            return;
        }
        self.living += 1;
        if self.wanted.contains(&id) {
            self.found.insert(id, *mark);
        }
    }

    /// Where the window begins, what it shows, and how many of the order are over or not in it.
    fn window(self, all: &T::All, told: &Told<T>) -> (usize, Vec<T::Row>, Held) {
        let living = |id| self.found.get(id).and_then(|mark| all.marked(mark));
        // One that is over stays as it was last told.
        let window = self.ids.iter().filter_map(|id| living(id).or_else(|| told.row(id))).collect();
        let went = self.order.ids.len().saturating_sub(self.living) as u64;
        (self.off, window, Held { came: self.came, went })
    }
}

fn written(answer: &impl serde::Serialize) -> Value {
    serde_json::to_value(answer).expect("texts and numbers can be written")
}

#[cfg(test)]
mod model;
