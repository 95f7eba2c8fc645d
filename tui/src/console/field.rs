//! One line of text that is being written.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::shown::{visible, width};

/// The text and where the next letter goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    letters: Vec<char>,
    at: usize,
}

impl Field {
    pub(crate) fn of(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        Self { at: letters.len(), letters }
    }

    pub(crate) fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// What stands before the cursor.
    pub(crate) fn before(&self) -> String {
        self.letters[..self.at].iter().collect()
    }

    /// As much of it as has room around the cursor, with nothing hidden, and the cell of that in which the cursor is.
    pub(crate) fn seen(&self, cells: usize) -> (String, usize) {
        let shown: Vec<String> =
            self.letters.iter().map(|letter| visible(letter.encode_utf8(&mut [0; 4])).into_owned()).collect();
        let (before, after) = shown.split_at(self.at);
        // Of what follows, as much as helps to see where one is; the cursor has a cell behind the last letter.
        let behind = after.iter().map(|part| width(part)).sum::<usize>().clamp(1, (cells / 3).max(1));
        let mut at = 0;
        let fits = |part: &&String| {
            let is_room = at + width(part) + behind <= cells;
            at += if is_room { width(part) } else { 0 };
            is_room
        };
        let first = self.at - before.iter().rev().take_while(fits).count();
        let mut taken = 0;
        let whole = |part: &&String| {
            taken += width(part);
            taken <= cells
        };
        (shown[first..].iter().take_while(whole).map(String::as_str).collect(), at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Puts a text in; ends of lines become spaces, other controls go.
    pub(crate) fn paste(&mut self, text: &str) {
        for letter in text.trim_end_matches(['\r', '\n']).chars() {
            match letter {
                '\n' | '\r' | '\t' => self.insert(' '),
                letter if letter.is_control() => {}
                letter => self.insert(letter),
            }
        }
    }

    /// Takes the key, if it is one that edits.
    pub(crate) fn takes(&mut self, key: KeyEvent) -> bool {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let is_alt = key.modifiers.contains(KeyModifiers::ALT);
        let letter = if let KeyCode::Char(letter) = key.code { Some(letter) } else { None };
        match (key.code, letter) {
            (_, Some('a')) if is_control => self.at = 0,
            (_, Some('e')) if is_control => self.at = self.letters.len(),
            (_, Some('b')) if is_control => self.at = self.at.saturating_sub(1),
            (_, Some('f')) if is_control => self.at = (self.at + 1).min(self.letters.len()),
            (_, Some('w')) if is_control => self.cut(self.word_before(), self.at),
            (_, Some('u')) if is_control => self.cut(0, self.at),
            (_, Some('k')) if is_control => self.letters.truncate(self.at),
            (_, Some('h')) if is_control => self.cut(self.at.saturating_sub(1), self.at),
            (KeyCode::Left, _) if is_control || is_alt => self.at = self.word_before(),
            (KeyCode::Right, _) if is_control || is_alt => self.at = self.word_behind(),
            (KeyCode::Left, _) => self.at = self.at.saturating_sub(1),
            (KeyCode::Right, _) => self.at = (self.at + 1).min(self.letters.len()),
            (KeyCode::Home, _) => self.at = 0,
            (KeyCode::End, _) => self.at = self.letters.len(),
            (KeyCode::Backspace, _) => self.cut(self.at.saturating_sub(1), self.at),
            (KeyCode::Delete, _) => self.cut(self.at, (self.at + 1).min(self.letters.len())),
            // Right Alt types letters on many keyboards, so only Control keeps a letter out.
            (_, Some(letter)) if !is_control => self.insert(letter),
            _ => return false,
        }
        true
    }

    fn insert(&mut self, letter: char) {
        self.letters.insert(self.at, letter);
        self.at += 1;
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.letters.drain(from..to);
        self.at = from;
    }

    fn word_before(&self) -> usize {
        let word = self.letters[..self.at].iter().rposition(|letter| !letter.is_whitespace()).unwrap_or(0);
        self.letters[..word].iter().rposition(|letter| letter.is_whitespace()).map_or(0, |space| space + 1)
    }

    fn word_behind(&self) -> usize {
        let rest = &self.letters[self.at..];
        let word = rest.iter().position(|letter| !letter.is_whitespace()).unwrap_or(rest.len());
        self.at + rest[word..].iter().position(|letter| letter.is_whitespace()).map_or(rest.len(), |space| word + space)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_typed_and_pasted_the_cursor_is_in_the_text_and_no_control_is(
            deeds in prop::collection::vec((0..13_u8, "[a ż漢👩\u{301}\u{200d}\n\t\u{1b}]{0,6}"), 0..60),
        ) {
            let mut field = Field::default();
            for (deed, text) in deeds {
                let key = |code, modifiers| KeyEvent::new(code, modifiers);
                let _is_taken = match deed {
                    0 => field.takes(key(KeyCode::Left, KeyModifiers::NONE)),
                    1 => field.takes(key(KeyCode::Right, KeyModifiers::NONE)),
                    2 => field.takes(key(KeyCode::Home, KeyModifiers::NONE)),
                    3 => field.takes(key(KeyCode::End, KeyModifiers::NONE)),
                    4 => field.takes(key(KeyCode::Backspace, KeyModifiers::NONE)),
                    5 => field.takes(key(KeyCode::Delete, KeyModifiers::NONE)),
                    6 => field.takes(key(KeyCode::Left, KeyModifiers::CONTROL)),
                    7 => field.takes(key(KeyCode::Right, KeyModifiers::ALT)),
                    8 => field.takes(key(KeyCode::Char('w'), KeyModifiers::CONTROL)),
                    9 => field.takes(key(KeyCode::Char('k'), KeyModifiers::CONTROL)),
                    _ => {
                        field.paste(&text);
                        true
                    }
                };
                let written = field.text();
                prop_assert!(written.starts_with(&field.before()), "{:?} of {:?}", field.before(), written);
                prop_assert!(!written.chars().any(char::is_control), "{:?}", written);
                for cells in [16, 40] {
                    let (seen, at) = field.seen(cells);
                    prop_assert!(width(&seen) <= cells && at < cells && at <= width(&seen), "{:?} {} of {:?}", seen, at, written);
                }
            }
        }
    }

    #[test]
    fn what_is_around_the_cursor_is_seen_of_a_long_line() {
        let mut field = Field::of("0123456789abcdef");
        let mut goes = |code| {
            field.takes(KeyEvent::new(code, KeyModifiers::NONE));
            field.seen(9)
        };
        assert_eq!(goes(KeyCode::End), ("89abcdef".to_owned(), 8));
        assert_eq!(goes(KeyCode::Left), ("789abcdef".to_owned(), 8));
        assert_eq!(goes(KeyCode::Home), ("012345678".to_owned(), 0));
        assert_eq!(Field::of("short").seen(9), ("short".to_owned(), 5));
    }

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut field = Field::of("zażółć gęślą  jaźń");
        let key = |field: &mut Field, code, modifiers| assert!(field.takes(KeyEvent::new(code, modifiers)));
        key(&mut field, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "zażółć gęślą  ");
        key(&mut field, KeyCode::Backspace, KeyModifiers::NONE);
        key(&mut field, KeyCode::Left, KeyModifiers::CONTROL);
        key(&mut field, KeyCode::Char('ż'), KeyModifiers::ALT);
        assert_eq!((field.text().as_str(), field.before().as_str()), ("zażółć żgęślą ", "zażółć ż"));
        key(&mut field, KeyCode::Char('u'), KeyModifiers::CONTROL);
        key(&mut field, KeyCode::Right, KeyModifiers::CONTROL);
        key(&mut field, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "gęślą");
        field.paste("\u{1b}[31m=\nx\n");
        assert_eq!(field.text(), "gęślą[31m= x");
        assert!(!field.takes(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    }
}
