//! The question before sessions are ended: which, how many, what goes with it, and the only answers that mean yes.

use crossterm::event::{KeyCode, KeyEvent};
use filter::quoted;
use serde_json::json;
use wire::admin::{Kill, Killed, Role};

use super::app::App;
use super::event::{About, Effect};
use super::field::Field;
use super::shell::{flag, word};
use super::ui::Overlay;
use crate::past::both;

/// From how many on the number has to be typed.
const MANY: u64 = 10;

/// Sessions that can be looked through.
const SAMPLE: usize = 200;

/// Sessions that are seen at once.
pub(crate) const SEEN: usize = 6;

/// What would be ended, as the daemon has said.
#[derive(Debug)]
pub(crate) struct KillDialog {
    /// Which one it is, so that no answer to another one is taken for its own.
    pub(crate) number: u64,
    pub(crate) order: Kill,
    /// Nothing until the daemon has said.
    pub(crate) meant: Option<Killed>,
    pub(crate) part: Part,
    pub(crate) typed: Field,
    pub(crate) reason: Field,
    /// Whether the one whose sessions they are is let in no more first; nothing where that cannot be asked for.
    pub(crate) disables: Option<bool>,
    /// The first session of the list that is seen.
    pub(crate) scroll: usize,
    /// Whether the order has been given.
    pub(crate) is_given: bool,
}

/// What has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Consent,
    List,
    Reason,
    Leaver,
}

/// What a key made of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Yes,
    No,
    NotYet,
}

impl KillDialog {
    /// Asks the daemon first what this order would end.
    pub(crate) fn open(app: &mut App, order: Kill) -> Vec<Effect> {
        let dry = Kill { dry: true, sample: Some(SAMPLE), ..order.clone() };
        app.ui.dialogs += 1;
        let number = app.ui.dialogs;
        let reason = Field::of(order.reason.as_deref().unwrap_or_default());
        let dialog = Self {
            number,
            order,
            meant: None,
            part: Part::Consent,
            typed: Field::default(),
            reason,
            disables: None,
            scroll: 0,
            is_given: false,
        };
        app.ui.overlay = Some(Overlay::Kill(Box::new(dialog)));
        vec![Effect::ask("sessions.kill", &dry, About::KillDry(number))]
    }

    /// The daemon has said which they are, to somebody with this role.
    pub(crate) fn told(&mut self, meant: Option<Killed>, role: Option<Role>) {
        let is_let_in = meant.as_ref().is_some_and(|meant| meant.enabled == Some(true));
        self.disables = (is_let_in && role == Some(Role::Admin)).then_some(false);
        self.meant = meant;
    }

    /// Everything is done by hand but Enter, which does nothing.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Heard {
        if self.meant.is_none() || self.is_given || key.code == KeyCode::Enter {
            return Heard::NotYet;
        }
        match (key.code, self.part) {
            (KeyCode::Tab, _) => self.turn(1),
            (KeyCode::BackTab, _) => self.turn(self.parts().len() - 1),
            (_, Part::Consent) => return self.consent(key),
            (_, Part::Reason) => drop(self.reason.takes(key)),
            (KeyCode::Char(' '), Part::Leaver) => self.disables = self.disables.map(|disables| !disables),
            (KeyCode::Down | KeyCode::Char('j'), Part::List) => self.look(1),
            (KeyCode::Up | KeyCode::Char('k'), Part::List) => self.look(-1),
            (KeyCode::PageDown, Part::List) => self.look(isize::try_from(SEEN).unwrap_or(1)),
            (KeyCode::PageUp, Part::List) => self.look(-isize::try_from(SEEN).unwrap_or(1)),
            (_, Part::Leaver | Part::List) => {}
        }
        Heard::NotYet
    }

    /// What is done after a yes.
    pub(crate) fn given(&mut self) -> Effect {
        self.is_given = true;
        let (order, number) = (self.confirmed(), self.number);
        match self.leaver() {
            Some(user) => {
                let comment = order.reason.as_deref().unwrap_or_default();
                let p =
                    json!({ "store": "users", "ops": [{ "op": "user.disable", "name": user }], "comment": comment });
                Effect::ask("txn.quick", &p, About::LeaverFirst(Box::new(order), number))
            }
            None => Effect::ask("sessions.kill", &order, About::Killed(number)),
        }
    }

    /// The order as it was shown: the sessions of a filter are no others by then, but for those of one who can begin none any more.
    fn confirmed(&self) -> Kill {
        let matched = self.order.filter.as_ref().and(self.meant.as_ref()).map(|meant| meant.matched);
        let expect = matched.filter(|_| self.leaver().is_none());
        let reason = Some(self.reason.text().trim().to_owned()).filter(|reason| !reason.is_empty());
        let idem = Some(uuid::Uuid::now_v7().to_string());
        let filter = self.filter();
        Kill { expect, filter, idem, reason, ..self.order.clone() }
    }

    /// Of a filter that may be about others too by then, only what is of whoever is let in no more.
    fn filter(&self) -> Option<String> {
        let filter = self.order.filter.as_ref()?;
        let his = self.leaver().map(|user| format!("user={}", quoted(user))).filter(|his| his != filter);
        Some(his.map_or_else(|| filter.clone(), |his| both(filter, &his)))
    }

    /// Whoever is let in no more first.
    fn leaver(&self) -> Option<&str> {
        self.meant.as_ref()?.user.as_deref().filter(|_| self.disables == Some(true))
    }

    /// Whether it takes more than a `y`.
    pub(crate) fn wants_number(&self) -> bool {
        self.meant.as_ref().is_some_and(|meant| meant.matched > MANY)
    }

    /// The same for a shell.
    pub(crate) fn command(&self) -> String {
        let first =
            self.leaver().map(|user| format!("rustsocks-cli users disable {} && ", word(user))).unwrap_or_default();
        let which = if let Some(filter) = self.filter() {
            let expect = self.meant.as_ref().filter(|_| self.leaver().is_none());
            let expect = expect.map(|meant| format!(" --expect {}", meant.matched)).unwrap_or_default();
            format!("--filter {}{expect}", word(&filter))
        } else {
            self.order.ids.as_deref().unwrap_or_default().join(" ")
        };
        format!("{first}rustsocks-cli sessions kill {which}{}", flag("reason", self.reason.text().trim()))
    }

    /// A `y` for few, the number for many; everything else is a no.
    fn consent(&mut self, key: KeyEvent) -> Heard {
        let Some(matched) = self.meant.as_ref().map(|meant| meant.matched) else { return Heard::NotYet };
        if !self.wants_number() {
            return if matched > 0 && key.code == KeyCode::Char('y') { Heard::Yes } else { Heard::No };
        }
        if matches!(key.code, KeyCode::Char('0'..='9') | KeyCode::Backspace) {
            self.typed.takes(key);
        }
        if self.typed.text() == matched.to_string() { Heard::Yes } else { Heard::NotYet }
    }

    /// What there is to go through with Tab.
    fn parts(&self) -> Vec<Part> {
        let has_more = self.meant.as_ref().is_some_and(|meant| meant.sample.len() > SEEN);
        let mut parts = vec![Part::Consent];
        parts.extend(has_more.then_some(Part::List));
        parts.push(Part::Reason);
        parts.extend(self.disables.map(|_| Part::Leaver));
        parts
    }

    fn turn(&mut self, by: usize) {
        let parts = self.parts();
        let here = parts.iter().position(|part| *part == self.part).unwrap_or(0);
        self.part = parts[(here + by) % parts.len()];
    }

    fn look(&mut self, by: isize) {
        let shown = self.meant.as_ref().map_or(0, |meant| meant.sample.len());
        self.scroll = self.scroll.saturating_add_signed(by).min(shown.saturating_sub(SEEN));
    }
}
