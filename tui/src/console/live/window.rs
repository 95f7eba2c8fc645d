//! Which part of a table is wanted, and which of its rows is meant.
//!
//! The daemon keeps the window around the row that is meant, wherever the order takes it; at most one question is under way.

use serde_json::to_value;
use wire::admin::{ViewChange, ViewOpen, ViewOpened, Window};

use super::Live;
use crate::console::event::{About, Effect};

impl Live {
    /// Opens the view, unless it is open.
    pub(crate) fn entered(&mut self, visible: usize) -> Vec<Effect> {
        if self.table.sub.is_some() { Vec::new() } else { self.open(visible) }
    }

    /// Opens the view anew.
    pub(crate) fn open(&mut self, visible: usize) -> Vec<Effect> {
        let open = ViewOpen {
            of: self.view.name().to_owned(),
            filter: (!self.filter.is_empty()).then(|| self.filter.clone()),
            sort: self.keys(),
            cols: None,
            win: self.window(visible),
            every_ms: Some(1000),
            hold: Some(self.is_held),
            digest: self.digest.clone(),
        };
        self.is_asking = true;
        self.asks_again = false;
        self.fault = None;
        vec![Effect::Ask { op: "view.open", p: to_value(open).unwrap_or_default(), about: About::Window(self.view) }]
    }

    /// Asks for the window as it is wanted now, with everything that it depends on.
    pub(crate) fn ask(&mut self, visible: usize) -> Vec<Effect> {
        if self.is_asking {
            self.asks_again = true;
            return Vec::new();
        }
        let Some(sub) = self.table.sub else { return Vec::new() };
        self.is_asking = true;
        let change = ViewChange {
            sub,
            filter: Some(self.filter.clone()),
            sort: Some(self.keys()),
            win: Some(self.window(visible)),
            hold: Some(self.is_held),
            ..ViewChange::default()
        };
        vec![Effect::Ask { op: "view.set", p: to_value(change).unwrap_or_default(), about: About::Window(self.view) }]
    }

    /// A whole window came.
    pub(crate) fn opened(&mut self, visible: usize, opened: ViewOpened) -> Vec<Effect> {
        self.is_asking = false;
        self.table.open(opened);
        if std::mem::take(&mut self.asks_again) {
            // The place that is gone to by now may be in the next window alone.
            if self.goal.is_none() {
                self.settle(visible);
            }
            return self.ask(visible);
        }
        if let Some(goal) = self.goal.take() {
            let table = &self.table;
            let place = goal.saturating_sub(table.off).min(table.lines.len().saturating_sub(1));
            self.cursor = table.lines.get(place).map(|line| line.id.clone());
        }
        if !self.settle(visible) {
            // The daemon has looked for it: it is not there any more.
            self.cursor = None;
            self.settle(visible);
        }
        Vec::new()
    }

    /// After a change: the row that is meant is on the screen, or looked for.
    pub(crate) fn settle(&mut self, visible: usize) -> bool {
        let table = &self.table;
        let place = match &self.cursor {
            None => None,
            Some(id) => match table.position(id) {
                Some(place) => Some(place),
                // It moved out of the window.
                None if table.sub.is_some() && self.goal.is_none() => return false,
                None => None,
            },
        };
        let place = place.or_else(|| {
            (!table.lines.is_empty()).then(|| self.top.saturating_sub(table.off).min(table.lines.len() - 1))
        });
        let Some(place) = place else { return true };
        self.cursor = Some(table.lines[place].id.clone());
        let at = table.off + place;
        self.top = self.top.clamp((at + 1).saturating_sub(visible), at);
        true
    }

    /// A patch came in: where is the row that is meant?
    pub(crate) fn patched(&mut self, visible: usize) -> Vec<Effect> {
        if self.settle(visible) {
            return Vec::new();
        }
        // It may be over by now and long forgotten; then the daemon answers with the top.
        let effects = self.ask(visible);
        if !effects.is_empty() {
            self.goal = None;
        }
        effects
    }

    /// Moves what is meant by so many rows.
    pub(crate) fn moved(&mut self, visible: usize, by: isize) -> Vec<Effect> {
        let table = &self.table;
        let here = self.cursor.as_ref().and_then(|id| table.position(id)).map_or(self.top, |place| table.off + place);
        let there = here.saturating_add_signed(by);
        self.to(visible, there)
    }

    /// Means this row, which the daemon says is at this place.
    pub(crate) fn meant_at(&mut self, visible: usize, id: &str, at: usize) -> Vec<Effect> {
        if let Some(place) = self.table.position(id) {
            return self.to(visible, self.table.off + place);
        }
        self.cursor = Some(id.to_owned());
        self.goal = None;
        self.top = at.saturating_sub(visible / 2);
        self.ask(visible)
    }

    /// Means this row, if it is still in the window.
    pub(crate) fn pointed(&mut self, visible: usize, id: &str) -> Vec<Effect> {
        let place = self.table.position(id).map(|place| self.table.off + place);
        place.map_or_else(Vec::new, |place| self.to(visible, place))
    }

    /// Means the row at this place among all.
    pub(crate) fn to(&mut self, visible: usize, place: usize) -> Vec<Effect> {
        let table = &self.table;
        let known = table.off + table.lines.len();
        let all = usize::try_from(table.matched).unwrap_or(usize::MAX).max(known);
        let place = place.min(all.saturating_sub(1));
        let line = place.checked_sub(table.off).and_then(|place| table.lines.get(place));
        if let Some(line) = line {
            self.cursor = Some(line.id.clone());
            self.goal = None;
            self.settle(visible);
            // The window is to go on around it before it ends.
            let margin = visible / 2;
            let table = &self.table;
            let is_near_end = place + margin >= known && known < all;
            let is_near_start = place < table.off + margin && table.off > 0;
            if is_near_end || is_near_start { self.ask(visible) } else { Vec::new() }
        } else {
            self.goal = Some(place);
            self.top = place.saturating_sub(visible / 2);
            self.ask(visible)
        }
    }

    /// A screenful before and one behind what is seen.
    fn window(&self, visible: usize) -> Window {
        if let Some(goal) = self.goal {
            return Window::At { off: goal.saturating_sub(visible * 3 / 2), len: visible * 3 };
        }
        match &self.cursor {
            Some(anchor) if self.top > 0 => {
                Window::Around { anchor: anchor.clone(), before: visible * 3 / 2, after: visible * 3 / 2 }
            }
            Some(_) | None => Window::At { off: 0, len: visible * 3 },
        }
    }
}
