//! The console as a whole: what is known, what is looked at, and how it is drawn.

use serde_json::Value;
use wire::admin::{Refusal, Role};

use super::caps::Caps;
use super::keymap::Keymap;
use super::live::{Live, View};
use super::model::Model;
use super::palette::Names;
use super::screen::Screen;
use super::screens::acl::Acl;
use super::screens::auth::Auth;
use super::screens::config::Config;
use super::screens::health::Health;
use super::screens::history::History;
use super::screens::limits::Limits;
use super::screens::logs::Logs;
use super::screens::overview::Overview;
use super::screens::room;
use super::screens::sessions::Sessions;
use super::screens::users::Users;
use super::trail::Trail;
use super::ui::Ui;
use super::waiting::Waiting;
use crate::shown::{visible, wrapped};

/// Everything that `view` needs and `update` changes.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) model: Model,
    pub(crate) ui: Ui,
    pub(crate) trail: Trail,
    pub(crate) caps: Caps,
    pub(crate) keymap: Keymap,
    /// For the palette.
    pub(crate) names: Names,
    pub(crate) waiting: Waiting,
    /// Where the daemon is, for people.
    pub(crate) socket: String,
    pub(crate) sessions: Sessions,
    pub(crate) history: History,
    pub(crate) acl: Acl,
    pub(crate) auth: Auth,
    pub(crate) config: Config,
    /// Addresses from which the operator has come, for whom what-if looks.
    pub(crate) here: Vec<String>,
    pub(crate) users: Users,
    pub(crate) limits: Limits,
    pub(crate) logs: Logs,
    pub(crate) health: Health,
    pub(crate) overview: Overview,
}

impl App {
    pub(crate) fn new(caps: Caps, socket: String) -> Self {
        Self {
            model: Model::new(caps.follows),
            ui: Ui::new(),
            trail: Trail::default(),
            caps,
            keymap: Keymap::default(),
            names: Names::default(),
            waiting: Waiting::default(),
            socket,
            sessions: Sessions::new(),
            history: History::default(),
            acl: Acl::new(),
            auth: Auth::new(),
            config: Config::default(),
            here: Vec::new(),
            users: Users::new(),
            limits: Limits::new(),
            logs: Logs::new(),
            health: Health::default(),
            overview: Overview::default(),
        }
    }

    /// A table that the daemon keeps.
    pub(crate) fn live(&self, view: View) -> &Live {
        match view {
            View::Sessions => &self.sessions.live,
            View::Users => &self.users.live,
            View::Limits => &self.limits.live,
            View::Bans => &self.auth.bans,
            View::WhatIf => &self.acl.affected,
        }
    }

    pub(crate) fn live_mut(&mut self, view: View) -> &mut Live {
        match view {
            View::Sessions => &mut self.sessions.live,
            View::Users => &mut self.users.live,
            View::Limits => &mut self.limits.live,
            View::Bans => &mut self.auth.bans,
            View::WhatIf => &mut self.acl.affected,
        }
    }

    /// The screens that this daemon can fill.
    pub(crate) fn screens(&self) -> impl Iterator<Item = Screen> + Clone {
        Screen::ALL.iter().copied().filter(|screen| self.model.ops.is_empty() || self.model.knows(screen.needs()))
    }

    /// Lines of a table that fit on the screen.
    pub(crate) fn visible(&self) -> usize {
        let frame = if self.has_boxes() { 3 } else { 1 };
        usize::from(self.height()).saturating_sub(frame).max(1)
    }

    /// Lines of the screen between the tabs and the line for messages; a long filter takes more than that line.
    pub(crate) fn height(&self) -> u16 {
        let more = u16::try_from(self.filter_told().len().saturating_sub(1)).unwrap_or(0);
        self.ui.size.1.saturating_sub(4 + more)
    }

    /// The filter in force, whole as long as it takes no more than a quarter of the screen; nothing without one.
    pub(crate) fn filter_told(&self) -> Vec<String> {
        let filter = room(self.ui.screen).filter(self).unwrap_or_default();
        if filter.is_empty() {
            return Vec::new();
        }
        let cells = usize::from(self.ui.size.0.saturating_sub(2));
        let lines = wrapped(&visible(&format!("filter: {filter}   Esc clears it")), cells);
        lines.into_iter().take(usize::from(self.ui.size.1 / 4).max(1)).collect()
    }

    pub(crate) fn has_boxes(&self) -> bool {
        self.ui.size.0 >= 100 && self.ui.size.1 >= 28
    }

    /// What was asked for, unless the daemon refused it; then it is said why.
    pub(crate) fn granted(&mut self, answer: Result<Value, Refusal>) -> Option<Value> {
        answer.map_err(|refusal| self.ui.answered(Err(&refusal.with_code()))).ok()
    }

    /// Whether the operator's role is enough; if it is not, says so.
    pub(crate) fn may(&mut self, role: Role, what: &str) -> bool {
        let has = self.model.welcome.as_ref().map(|welcome| welcome.role);
        let is_enough = has.is_none_or(|has| has >= role);
        if let Some(has) = has.filter(|_| !is_enough) {
            self.ui.warn(format!("your role is {has}; {what} takes {role}"));
        }
        is_enough
    }
}
