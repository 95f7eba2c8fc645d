//! The question before sessions are ended: which, how many, and the only answers that mean yes.

use wire::admin::{Kill, Killed};

use super::field::Field;

/// From how many on the number has to be typed.
const MANY: u64 = 10;

/// What would be ended, as the daemon has said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KillDialog {
    pub(crate) order: Kill,
    /// Nothing until the daemon has said.
    pub(crate) meant: Option<Killed>,
    pub(crate) typed: Field,
    /// Whether the order has been given.
    pub(crate) is_given: bool,
}

impl KillDialog {
    pub(crate) fn new(order: Kill) -> Self {
        Self { order, meant: None, typed: Field::default(), is_given: false }
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
        let ids = self.order.ids.clone().unwrap_or_default();
        let most = ids.iter().take(6).cloned().collect::<Vec<_>>().join(" ");
        let more = if ids.len() > 6 { " ..." } else { "" };
        format!("rustsocks-cli sessions kill {most}{more}")
    }
}
