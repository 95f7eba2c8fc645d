//! The question before sessions are ended: which, how many, and the only answers that mean yes.

use wire::admin::{Kill, Killed};

use super::app::App;
use super::event::{About, Effect};
use super::field::Field;
use super::shell::word;
use super::ui::Overlay;

/// From how many on the number has to be typed.
const MANY: u64 = 10;

/// What would be ended, as the daemon has said.
#[derive(Debug)]
pub(crate) struct KillDialog {
    /// Which one it is, so that no answer to another one is taken for its own.
    pub(crate) number: u64,
    pub(crate) order: Kill,
    /// Nothing until the daemon has said.
    pub(crate) meant: Option<Killed>,
    pub(crate) typed: Field,
    /// Whether the order has been given.
    pub(crate) is_given: bool,
}

impl KillDialog {
    /// Asks the daemon first what this order would end.
    pub(crate) fn open(app: &mut App, order: Kill) -> Vec<Effect> {
        let dry = Kill { dry: true, ..order.clone() };
        app.ui.dialogs += 1;
        let number = app.ui.dialogs;
        let dialog = Self { number, order, meant: None, typed: Field::default(), is_given: false };
        app.ui.overlay = Some(Overlay::Kill(Box::new(dialog)));
        vec![Effect::ask("sessions.kill", &dry, About::KillDry(number))]
    }

    /// The order as it was shown: the sessions of a filter are no others by then.
    pub(crate) fn confirmed(&self) -> Kill {
        let expect = self.order.filter.as_ref().and(self.meant.as_ref()).map(|meant| meant.matched);
        Kill { expect, idem: Some(uuid::Uuid::now_v7().to_string()), ..self.order.clone() }
    }

    /// Whether it takes more than a `y`.
    pub(crate) fn wants_number(&self) -> bool {
        self.meant.as_ref().is_some_and(|meant| meant.matched > MANY)
    }

    /// Whether what has been typed is the number.
    pub(crate) fn has_number(&self) -> bool {
        self.meant.as_ref().is_some_and(|meant| self.typed.text() == meant.matched.to_string())
    }

    /// The same for a shell.
    pub(crate) fn command(&self) -> String {
        if let Some(filter) = &self.order.filter {
            let expect = self.meant.as_ref().map(|meant| format!(" --expect {}", meant.matched)).unwrap_or_default();
            return format!("rustsocks-cli sessions kill --filter {}{expect}", word(filter));
        }
        let ids = self.order.ids.clone().unwrap_or_default();
        let most = ids.iter().take(6).cloned().collect::<Vec<_>>().join(" ");
        let more = if ids.len() > 6 { " ..." } else { "" };
        format!("rustsocks-cli sessions kill {most}{more}")
    }
}
