//! A question before something counts: what, with which effect, and the only answer that means yes.

use crossterm::event::{KeyCode, KeyEvent};

use crate::console::event::Effect;
use crate::console::field::Field;

/// What means yes.
#[derive(Debug)]
pub(crate) enum Consent {
    /// A `y`.
    Letter,
    /// A word or a number that is typed.
    Word { wanted: String, typed: Field },
}

/// The question.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    /// The same for a shell.
    pub(crate) command: String,
    pub(crate) consent: Consent,
    /// What a yes does; the answer of the daemon closes the question.
    pub(crate) deed: Vec<Effect>,
    /// Whether the deed names what only this run of the daemon knows by that name.
    pub(crate) is_of_run: bool,
    pub(crate) is_given: bool,
    /// The first of its lines that is seen.
    pub(crate) scroll: usize,
}

/// What a key made of the question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Yes,
    No,
    NotYet,
}

impl Question {
    pub(crate) fn new(title: impl Into<String>, lines: Vec<String>, command: String, deed: Vec<Effect>) -> Self {
        let (consent, title) = (Consent::Letter, title.into());
        Self { title, lines, command, consent, deed, is_of_run: false, is_given: false, scroll: 0 }
    }

    /// The same with more than a letter.
    pub(crate) fn by_word(self, wanted: impl Into<String>) -> Self {
        Self { consent: Consent::Word { wanted: wanted.into(), typed: Field::default() }, ..self }
    }

    /// The same about something that another run of the daemon does not know.
    pub(crate) fn of_run(self) -> Self {
        Self { is_of_run: true, ..self }
    }

    /// Whether a yes goes to the daemon.
    pub(super) fn asks_daemon(&self) -> bool {
        self.deed.iter().any(|effect| matches!(effect, Effect::Ask { .. }))
    }

    pub(super) fn hear(&mut self, key: KeyEvent) -> Heard {
        match (&mut self.consent, key.code) {
            _ if self.is_given => Heard::NotYet,
            (_, KeyCode::Enter) => Heard::NotYet,
            (Consent::Letter, KeyCode::Char('y')) => Heard::Yes,
            (Consent::Letter, _) => Heard::No,
            (Consent::Word { wanted, typed }, _) => {
                typed.takes(key);
                if typed.text() == *wanted { Heard::Yes } else { Heard::NotYet }
            }
        }
    }
}
