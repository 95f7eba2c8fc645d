//! The mouse: what it did, and what of the picture it did that to.
//!
//! Whoever draws something that can be pressed says where it is; what lies above comes last and counts.

use ratatui::layout::{Position, Rect};

use super::keys::Action;
use super::live::View;
use super::screen::Screen;

/// What it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gesture {
    Click,
    /// The second of two in the same place.
    DoubleClick,
    WheelUp,
    WheelDown,
}

/// What can be pressed.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Tab(Screen),
    Hint(Action),
    /// The place of a live table.
    Table(View),
    /// A part of the screen, by its number.
    Pane(usize),
    /// A row of a live table, by its id: by the time of the click it may be elsewhere.
    Row(View, String),
    /// A column of a live table, by its name.
    Column(View, String),
    /// A row of a list in this part of the screen, so many below the one that is meant.
    Listed(usize, isize),
    /// The same for rows of the screen's own.
    Own(usize, isize),
    /// A line of a menu that lies over the screen.
    Choice(usize),
    /// An entry of a form.
    Entry(usize),
}

/// A place of the picture, and what is there.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) area: Rect,
    pub(crate) target: Target,
}

/// The columns of a live table in a picture.
#[derive(Debug)]
pub(crate) struct Laid {
    pub(crate) view: View,
    /// Those that it can show.
    pub(crate) known: Vec<&'static str>,
    /// Those that there is room for.
    pub(crate) seen: Vec<&'static str>,
}

/// What a picture says about itself to whoever works with it.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// What can be pressed, the topmost last.
    pub(crate) spots: Vec<Spot>,
    /// How many columns of a live table can be left out on the left before the last one is seen.
    pub(crate) reaches: Vec<(View, usize)>,
    /// The same of the lists that were asked for, each by the part of the screen that it is in.
    pub(crate) lists: Vec<(usize, usize)>,
    pub(crate) columns: Vec<Laid>,
    /// The first line that can be seen of a text that lies over the screen, once its last one is.
    pub(crate) below: usize,
}

impl Picture {
    pub(crate) fn reach(&self, view: View) -> usize {
        self.reaches.iter().find(|(of, _)| *of == view).map_or(0, |(_, reach)| *reach)
    }

    /// Whether there is no room for a column of a table.
    pub(crate) fn is_crowded_out(&self, view: View, column: &str) -> bool {
        self.columns.iter().any(|laid| laid.view == view && !laid.seen.contains(&column))
    }

    /// Whether a table can show a column at all, as far as it has been drawn.
    pub(crate) fn can_show(&self, view: View, column: &str) -> bool {
        self.columns.iter().find(|laid| laid.view == view).is_none_or(|laid| laid.known.contains(&column))
    }

    pub(crate) fn reach_of_list(&self, pane: usize) -> usize {
        self.lists.iter().find(|(of, _)| *of == pane).map_or(0, |(_, reach)| *reach)
    }
}

/// What is at this place, the topmost first.
pub(crate) fn under(spots: &[Spot], at: Position) -> impl Iterator<Item = &Target> {
    spots.iter().rev().filter(move |spot| spot.area.contains(at)).map(|spot| &spot.target)
}

/// So many rows from the one that is meant.
pub(crate) fn away(place: usize, meant: usize) -> isize {
    let signed = |place| isize::try_from(place).unwrap_or(isize::MAX);
    signed(place) - signed(meant)
}
