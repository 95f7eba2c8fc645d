//! Where the operator has been: places to go back to and forward again, each as it was left.

use serde_json::Value;

use super::app::App;
use super::live::{Aim, View};
use super::room::Rows;
use super::screen::Screen;
use super::screens::room;

/// Places that are remembered.
const MOST: usize = 100;

/// What a screen has of its own to come back to, besides its live tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    /// What is looked at: with another, it is another place.
    pub(crate) what: Value,
    /// Where in it.
    pub(crate) at: Value,
}

/// A screen as it is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) screen: Screen,
    pub(crate) pane: usize,
    pub(crate) aims: Vec<(View, Aim)>,
    pub(crate) own: Kept,
}

/// The way that was gone.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The one that the operator is at, as it was when somebody looked last.
    pub(crate) here: Option<Place>,
    pub(crate) behind: Vec<Place>,
    pub(crate) ahead: Vec<Place>,
}

impl Place {
    /// The one that the operator is at.
    pub(crate) fn here(app: &App) -> Self {
        let screen = app.ui.screen;
        let aims = views(screen).map(|view| (view, app.live(view).aim())).collect();
        Self { screen, pane: app.ui.pane, aims, own: room(screen).kept(app) }
    }

    /// Whether going from one to the other is a step, and not a look around.
    fn is_another(&self, other: &Self) -> bool {
        let filters = |place: &Self| place.aims.iter().map(|(_, aim)| aim.filter.clone()).collect::<Vec<_>>();
        self.screen != other.screen || self.own.what != other.own.what || filters(self) != filters(other)
    }
}

impl Trail {
    /// Looks where the operator is by now; a step is remembered with the place that was left.
    pub(crate) fn note(&mut self, place: Place) {
        let left = self.here.replace(place);
        if let (Some(left), Some(here)) = (left, &self.here)
            && left.is_another(here)
        {
            self.ahead.clear();
            self.behind.push(left);
            if self.behind.len() > MOST {
                self.behind.remove(0);
            }
        }
    }

    /// Rows of another run of the daemon are no places in this one.
    pub(crate) fn forget_rows(&mut self) {
        for place in self.here.iter_mut().chain(&mut self.behind).chain(&mut self.ahead) {
            for (_, aim) in &mut place.aims {
                aim.cursor = None;
                aim.top = 0;
            }
        }
    }
}

/// The live tables of a screen.
fn views(screen: Screen) -> impl Iterator<Item = View> {
    let here = room(screen);
    (0..here.panes()).filter_map(move |pane| match here.rows(pane) {
        Rows::Live(view) => Some(view),
        Rows::Nothing | Rows::Listing | Rows::Own => None,
    })
}
