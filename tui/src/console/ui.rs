//! What the operator looks at and is about to do.

use std::collections::BTreeSet;

use wire::admin::{Direction, Killed};

use super::dialog::KillDialog;
use super::field::Field;

/// A screen, in the order of their tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Screen {
    Overview,
    Sessions,
    History,
    Acl,
    Health,
}

impl Screen {
    pub(crate) const ALL: [Self; 5] = [Self::Overview, Self::Sessions, Self::History, Self::Acl, Self::Health];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Sessions => "Sessions",
            Self::History => "History",
            Self::Acl => "ACL",
            Self::Health => "Health",
        }
    }

    /// Its key; the numbers are those of all ten screens, so that they stay when the others come.
    pub(crate) fn digit(self) -> char {
        match self {
            Self::Overview => '1',
            Self::Sessions => '2',
            Self::History => '3',
            Self::Acl => '4',
            Self::Health => '0',
        }
    }

    /// The operation without which there is nothing on it.
    pub(crate) fn needs(self) -> &'static str {
        match self {
            Self::Overview => "status.sub",
            Self::Sessions => "view.open",
            Self::History => "history.query",
            Self::Acl => "acl.rules",
            Self::Health => "health.get",
        }
    }
}

/// What lies over the screen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Overlay {
    Filter(Field),
    Help {
        search: Field,
        scroll: usize,
    },
    Palette {
        search: Field,
        choice: usize,
    },
    Sort {
        choice: usize,
    },
    Columns {
        choice: usize,
    },
    /// Everything about a session, or a row.
    Detail {
        scroll: usize,
    },
    Kill(Box<KillDialog>),
}

/// Where the eye and the hand are.
#[derive(Debug)]
pub(crate) struct Ui {
    pub(crate) screen: Screen,
    pub(crate) overlay: Option<Overlay>,
    /// The id of the session that is meant.
    pub(crate) cursor: Option<String>,
    /// A place among all rows that is to be meant once it has come.
    pub(crate) goal: Option<usize>,
    /// The place of the first line on the screen.
    pub(crate) top: usize,
    pub(crate) marks: BTreeSet<String>,
    pub(crate) filter: String,
    pub(crate) past_filter: String,
    pub(crate) sort: (String, Direction),
    /// Columns that are not shown.
    pub(crate) hidden: BTreeSet<String>,
    pub(crate) is_held: bool,
    /// Whether a window has been asked for and not come.
    pub(crate) is_asking: bool,
    /// Whether another one is needed by now.
    pub(crate) asks_again: bool,
    pub(crate) message: Option<Message>,
    /// Ticks in which a second Ctrl-C ends the console.
    pub(crate) ending: u32,
    /// What was ended last.
    pub(crate) killed: Option<Killed>,
    pub(crate) size: (u16, u16),
}

/// A line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) is_bad: bool,
    /// Ticks for which it stays.
    pub(crate) stays: u32,
}

impl Ui {
    pub(crate) fn new() -> Self {
        Self {
            screen: Screen::Overview,
            overlay: None,
            cursor: None,
            goal: None,
            top: 0,
            marks: BTreeSet::new(),
            filter: String::new(),
            past_filter: String::new(),
            sort: ("rate".to_owned(), Direction::Desc),
            hidden: BTreeSet::new(),
            is_held: false,
            is_asking: false,
            asks_again: false,
            message: None,
            ending: 0,
            killed: None,
            size: (80, 24),
        }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_bad: false, stays: 8 });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_bad: true, stays: 15 });
    }
}
