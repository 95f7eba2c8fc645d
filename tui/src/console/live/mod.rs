//! Tables that the daemon keeps and the console looks at: one window each, sorted and filtered over there.

mod draw;
mod table;
mod window;

use std::collections::BTreeSet;

use filter::Field;
use wire::admin::Direction;

pub(crate) use self::draw::{Column, Row, column, draw};
pub(crate) use self::table::{Line, Table};
use super::event::Effect;

/// Which table, by the name that the daemon has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Sessions,
    Users,
    Limits,
    Bans,
    WhatIf,
}

/// A window on one, what is meant in it, and how it is wanted.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) view: View,
    pub(crate) table: Table,
    /// The id of the row that is meant.
    pub(crate) cursor: Option<String>,
    /// A place among all rows that is to be meant once it has come.
    pub(crate) goal: Option<usize>,
    /// The place of the first line on the screen.
    pub(crate) top: usize,
    pub(crate) marks: BTreeSet<String>,
    pub(crate) filter: String,
    pub(crate) sort: (String, Direction),
    /// Columns that are not shown.
    pub(crate) hidden: BTreeSet<String>,
    /// The only ones that are shown besides those that were asked for; all without it.
    pub(crate) only: Option<Vec<String>>,
    /// Columns in another order than the usual one; empty for that.
    pub(crate) order: Vec<String>,
    /// So many columns behind the first are left of the screen.
    pub(crate) aside: usize,
    /// What was looked for last.
    pub(crate) sought: String,
    /// Of what other rules would change: which answer.
    pub(crate) digest: Option<String>,
    pub(crate) is_held: bool,
    /// Whether a window has been asked for and not come.
    pub(crate) is_asking: bool,
    /// Whether another one is needed by now.
    pub(crate) asks_again: bool,
    /// Why it could not be opened.
    pub(crate) fault: Option<String>,
}

/// How a table is looked at, to come back to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aim {
    pub(crate) filter: String,
    pub(crate) cursor: Option<String>,
    pub(crate) top: usize,
    sort: (String, Direction),
    hidden: BTreeSet<String>,
    only: Option<Vec<String>>,
    order: Vec<String>,
    aside: usize,
}

impl View {
    pub(crate) const ALL: &[Self] = &[Self::Sessions, Self::Users, Self::Limits, Self::Bans, Self::WhatIf];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Users => "users",
            Self::Limits => "limits",
            Self::Bans => "bans",
            Self::WhatIf => "whatif",
        }
    }

    pub(crate) fn fields(self) -> &'static [Field] {
        match self {
            Self::Sessions => filter::SESSIONS,
            Self::Users => filter::USERS,
            Self::Limits => filter::LIMITS,
            Self::Bans => filter::BANS,
            Self::WhatIf => filter::WHATIF,
        }
    }
}

impl Live {
    /// Whether there are no rows because they were asked for, and did not come yet.
    pub(crate) fn is_coming(&self) -> bool {
        self.fault.is_none() && self.table.sub.is_none()
    }

    /// Sorted by this column, the greatest first.
    pub(crate) fn new(view: View, sort: &str) -> Self {
        Self {
            view,
            table: Table::default(),
            cursor: None,
            goal: None,
            top: 0,
            marks: BTreeSet::new(),
            filter: String::new(),
            sort: (sort.to_owned(), Direction::Desc),
            hidden: BTreeSet::new(),
            only: None,
            order: Vec::new(),
            aside: 0,
            sought: String::new(),
            digest: None,
            is_held: false,
            is_asking: false,
            asks_again: false,
            fault: None,
        }
    }

    /// What it is sorted by: among classes in which equally many wait, the fullest first.
    fn keys(&self) -> Vec<(String, Direction)> {
        let mut keys = vec![self.sort.clone()];
        if self.view == View::Limits && self.sort.0 == "waiting" {
            keys.push(("pct".to_owned(), self.sort.1));
        }
        keys
    }

    /// Another filter. The same one changes nothing: what is meant stays.
    pub(crate) fn filtered(&mut self, visible: usize, filter: String) -> Vec<Effect> {
        if filter == self.filter && self.table.sub.is_some() {
            return Vec::new();
        }
        self.filter = filter;
        self.top = 0;
        self.cursor = None;
        self.goal = Some(0);
        self.ask(visible)
    }

    /// By this column; again, the other way round.
    pub(crate) fn sorted(&mut self, visible: usize, name: &str) -> Vec<Effect> {
        let direction = match self.sort.1 {
            Direction::Desc if self.sort.0 == name => Direction::Asc,
            Direction::Asc | Direction::Desc => Direction::Desc,
        };
        self.sort = (name.to_owned(), direction);
        self.ask(visible)
    }

    pub(crate) fn reversed(&mut self, visible: usize) -> Vec<Effect> {
        self.sort.1 = if self.sort.1 == Direction::Asc { Direction::Desc } else { Direction::Asc };
        self.ask(visible)
    }

    /// Rows keep their places, or no more.
    pub(crate) fn held(&mut self, visible: usize) -> Vec<Effect> {
        self.is_held = !self.is_held;
        self.table.held = None;
        self.ask(visible)
    }

    /// Marks what is meant, or not any more, and goes on.
    pub(crate) fn marked(&mut self, visible: usize) -> Vec<Effect> {
        let Some(id) = self.cursor.clone() else { return Vec::new() };
        if !self.marks.remove(&id) {
            self.marks.insert(id);
        }
        self.moved(visible, 1)
    }

    /// Shows a column, or not any more.
    pub(crate) fn toggle(&mut self, name: &str) {
        if self.shows(name) {
            self.hidden.insert(name.to_owned());
            return;
        }
        self.hidden.remove(name);
        if let Some(only) = &mut self.only
            && !only.iter().any(|known| known == name)
        {
            only.push(name.to_owned());
        }
    }

    /// Whether this column is wanted.
    pub(crate) fn shows(&self, name: &str) -> bool {
        let is_chosen = self.only.as_ref().is_none_or(|only| only.iter().any(|known| known == name));
        is_chosen && !self.hidden.contains(name)
    }

    /// How it is looked at now.
    pub(crate) fn aim(&self) -> Aim {
        let Self { filter, cursor, top, sort, hidden, only, order, aside, .. } = self;
        Aim {
            filter: filter.clone(),
            cursor: cursor.clone(),
            top: *top,
            sort: sort.clone(),
            hidden: hidden.clone(),
            only: only.clone(),
            order: order.clone(),
            aside: *aside,
        }
    }

    /// To be looked at so again; nothing is asked for it yet.
    pub(crate) fn aim_at(&mut self, aim: Aim) {
        let Aim { filter, cursor, top, sort, hidden, only, order, aside } = aim;
        (self.filter, self.cursor, self.top, self.goal) = (filter, cursor, top, None);
        (self.sort, self.hidden, self.only) = (sort, hidden, only);
        (self.order, self.aside) = (order, aside);
    }

    /// So many columns to the right; the first one stays.
    pub(crate) fn scrolled(&mut self, by: isize, reach: usize) {
        self.aside = self.aside.min(reach).saturating_add_signed(by).min(reach);
    }

    /// The names of all columns, in their order.
    pub(crate) fn names(&self) -> Vec<String> {
        let place = |name: &String| self.order.iter().position(|known| known == name).unwrap_or(usize::MAX);
        let mut names: Vec<String> = self.table.columns.iter().map(|column| column.name.clone()).collect();
        names.sort_by_key(place);
        names
    }

    /// The column at this place of the names changes places with the next one, or the one before; says where it is then.
    pub(crate) fn shifted(&mut self, place: usize, by: isize) -> usize {
        let mut names = self.names();
        let there = place.saturating_add_signed(by);
        if place >= names.len() || there >= names.len() {
            return place;
        }
        names.swap(place, there);
        self.order = names;
        there
    }

    /// The row that is meant.
    pub(crate) fn line(&self) -> Option<&Line> {
        self.table.line(self.cursor.as_ref()?)
    }

    /// Ids of another run of the daemon mean nothing in this one.
    pub(crate) fn forget(&mut self) {
        self.marks.clear();
        self.cursor = None;
        self.top = 0;
        self.goal = None;
        self.table.lines.clear();
    }

    /// The conversation in which it was open is over.
    pub(crate) fn closed(&mut self) {
        self.table.sub = None;
        self.is_asking = false;
    }
}
