//! A text that nobody is to see: it is shown as stars, has no `Debug`, and is wiped.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use zeroize::Zeroizing;

/// As long as a password may be, in bytes; so much is set aside at once, since what grows leaves copies behind.
const MOST: usize = 1024;

/// The text; the next letter always goes to its end.
pub(crate) struct Secret(Zeroizing<String>);

impl Default for Secret {
    fn default() -> Self {
        Self(Zeroizing::new(String::with_capacity(MOST)))
    }
}

impl Secret {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn stars(&self) -> String {
        "*".repeat(self.0.chars().count())
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
            self.0.pop();
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
        if self.0.len() + letter.len_utf8() <= MOST {
            self.0.push(letter);
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
