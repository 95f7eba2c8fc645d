//! The console as a whole: what is known, what is looked at, and how it is drawn.

use super::caps::Caps;
use super::model::Model;
use super::ui::{Screen, Ui};

/// Everything that `view` needs and `update` changes.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) model: Model,
    pub(crate) ui: Ui,
    pub(crate) caps: Caps,
    /// Where the daemon is, for people.
    pub(crate) socket: String,
}

impl App {
    pub(crate) fn new(caps: Caps, socket: String) -> Self {
        Self { model: Model::new(), ui: Ui::new(), caps, socket }
    }

    /// The screens that this daemon can fill.
    pub(crate) fn screens(&self) -> impl Iterator<Item = Screen> + Clone {
        Screen::ALL.into_iter().filter(|screen| self.model.ops.is_empty() || self.model.knows(screen.needs()))
    }

    /// Lines of a table that fit on the screen.
    pub(crate) fn visible(&self) -> usize {
        let frame = if self.has_boxes() { 7 } else { 5 };
        usize::from(self.ui.size.1).saturating_sub(frame).max(1)
    }

    pub(crate) fn has_boxes(&self) -> bool {
        self.ui.size.0 >= 100 && self.ui.size.1 >= 28
    }
}
