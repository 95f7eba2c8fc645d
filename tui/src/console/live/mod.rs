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
    pub(crate) is_held: bool,
    /// Whether a window has been asked for and not come.
    pub(crate) is_asking: bool,
    /// Whether another one is needed by now.
    pub(crate) asks_again: bool,
}

impl View {
    pub(crate) const ALL: &[Self] = &[Self::Sessions, Self::Users, Self::Limits, Self::Bans];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Users => "users",
            Self::Limits => "limits",
            Self::Bans => "bans",
        }
    }

    pub(crate) fn fields(self) -> &'static [Field] {
        match self {
            Self::Sessions => filter::SESSIONS,
            Self::Users => filter::USERS,
            Self::Limits => filter::LIMITS,
            Self::Bans => filter::BANS,
        }
    }
}

impl Live {
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
            is_held: false,
            is_asking: false,
            asks_again: false,
        }
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
        if !self.hidden.remove(name) {
            self.hidden.insert(name.to_owned());
        }
    }

    /// The row that is meant.
    pub(crate) fn line(&self) -> Option<&Line> {
        let place = self.table.position(self.cursor.as_ref()?)?;
        self.table.lines.get(place)
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
