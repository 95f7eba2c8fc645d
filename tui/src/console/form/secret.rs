//! A text that nobody is to see: it is shown as stars, has no `Debug`, and is wiped.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use zeroize::Zeroizing;

use crate::password::LONGEST;

/// The text; the next letter always goes to its end.
pub(crate) struct Secret {
    text: Zeroizing<String>,
    /// More was written than a password may have. It stays so until everything is cleared.
    is_long: bool,
}

impl Default for Secret {
    fn default() -> Self {
        Self { text: Zeroizing::new(String::with_capacity(LONGEST)), is_long: false }
    }
}

impl Secret {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_long(&self) -> bool {
        self.is_long
    }

    pub(super) fn stars(&self) -> String {
        "*".repeat(self.text.chars().count())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn paste(&mut self, text: &str) {
        text.trim_end_matches(['\r', '\n']).chars().for_each(|letter| self.insert(letter));
    }

    /// Takes the key, if it is one that edits.
    pub(super) fn takes(&mut self, key: KeyEvent) -> bool {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if key.code == KeyCode::Backspace {
            self.text.pop();
        } else if key.code == KeyCode::Char('u') && is_control {
            self.clear();
        } else if let KeyCode::Char(letter) = key.code
            && !is_control
        {
            self.insert(letter);
        } else {
            return false;
        }
        true
    }

    fn insert(&mut self, letter: char) {
        self.is_long |= self.text.len() + letter.len_utf8() > LONGEST;
        if !self.is_long {
            self.text.push(letter);
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
