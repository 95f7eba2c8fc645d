//! Words, signs and brackets of a filter's text.

use crate::misread::Slip;

/// What ends a word.
const SIGNS: &[char] = &['=', '!', '~', '<', '>', '(', ')', '"'];

/// The text and how far it has been read.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    pub(crate) at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Skips white space and says what comes then.
    pub(crate) fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    /// Takes this sign, if it is the next one.
    pub(crate) fn takes(&mut self, sign: &str) -> bool {
        self.peek();
        let is_next = self.rest().starts_with(sign);
        self.at += if is_next { sign.len() } else { 0 };
        is_next
    }

    /// Takes this word, in any case, if it is the next one and nothing hangs on to it.
    pub(crate) fn takes_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.word_ahead().eq_ignore_ascii_case(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    /// The letters up to white space or a sign; maybe none.
    pub(crate) fn word(&mut self) -> &'a str {
        self.peek();
        let word = self.word_ahead();
        self.at += word.len();
        word
    }

    /// One value: quoted, or the letters up to white space, a bracket, a quote or one of `ends`.
    pub(crate) fn value(&mut self, ends: &[char]) -> Result<String, Slip> {
        match self.peek() {
            Some('"') => self.quoted(),
            Some('=' | '!' | '~' | '<' | '>') => {
                Err(Slip::new(self.at, "a value is missing").hint("put signs in quotes: user=\"<x>\""))
            }
            _ => {
                let is_end = |letter: char| letter.is_whitespace() || "()\"".contains(letter) || ends.contains(&letter);
                let value = &self.rest()[..self.rest().find(is_end).unwrap_or(self.rest().len())];
                if value.is_empty() {
                    return Err(Slip::new(self.at, "a value is missing"));
                }
                self.at += value.len();
                Ok(value.to_owned())
            }
        }
    }

    /// Text in quotes; `\"` and `\\` stand for a quote and a backslash, any other backslash for itself.
    pub(crate) fn quoted(&mut self) -> Result<String, Slip> {
        let opened = self.at;
        let mut letters = self.rest()[1..].char_indices().peekable();
        let mut value = String::new();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += at + 2;
                    return Ok(value);
                }
                '\\' => match letters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, escaped)) => value.push(escaped),
                    None => value.push('\\'),
                },
                other => value.push(other),
            }
        }
        Err(Slip::new(opened, "this quote is never closed"))
    }

    fn word_ahead(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|letter: char| letter.is_whitespace() || SIGNS.contains(&letter)).unwrap_or(rest.len())]
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

/// Whether the text can stand without quotes: as a bare word and as one value of a list.
pub(crate) fn is_plain(text: &str) -> bool {
    let is_taken = ["and", "or", "not", "in"].iter().any(|taken| text.eq_ignore_ascii_case(taken));
    let is_sign = |letter: char| letter.is_whitespace() || letter == ',' || letter == '\\' || SIGNS.contains(&letter);
    !text.is_empty() && !is_taken && !text.contains(is_sign)
}
