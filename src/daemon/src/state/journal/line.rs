//! One line of the log: its words and its fields in one piece of text.

use std::fmt::{self, Debug, Write};

use tracing::Level;

/// Bytes of a line's text; what is longer is cut.
pub(crate) const LONGEST: usize = 8 * 1024;

/// The words of a line stand under this name among its fields.
const MESSAGE: &str = "message";

/// Fields whose values nobody may read, should somebody ever log one.
const SECRET: [&str; 6] = ["password", "passphrase", "secret", "token", "authorization", "cookie"];

/// What ends a text that was cut.
const CUT: char = '…';

/// A line in the ring.
#[derive(Debug)]
pub(crate) struct Line {
    /// Counts the lines of this worker, those included that were lost; the first has 1.
    pub(crate) number: u64,
    pub(crate) written: Written,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// In microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) level: Level,
    pub(crate) target: &'static str,
    /// The values of all fields, one behind the other.
    text: Box<str>,
    /// Each field and where its value ends.
    fields: Box<[(&'static str, usize)]>,
}

/// A line that is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    at: i64,
    level: Level,
    target: &'static str,
    text: Bounded,
    fields: Vec<(&'static str, usize)>,
}

/// A text that takes no more than it may.
#[derive(Debug, Default)]
struct Bounded {
    text: String,
    is_full: bool,
}

impl Line {
    /// What it takes in memory.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.written.text.len() + size_of_val(&*self.written.fields)
    }
}

impl Written {
    pub(crate) fn message(&self) -> &str {
        self.values().find(|(name, _)| *name == MESSAGE).map_or("", |(_, value)| value)
    }

    /// Everything but the words, in the order in which it was logged.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values().filter(|(name, _)| *name != MESSAGE)
    }

    fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let begins = std::iter::once(0).chain(self.fields.iter().map(|(_, end)| *end));
        self.fields.iter().zip(begins).map(|((name, end), begin)| (*name, &self.text[begin..*end]))
    }
}

impl Draft {
    pub(crate) fn new(at: i64, level: Level, target: &'static str) -> Self {
        Self { at, level, target, text: Bounded::default(), fields: Vec::with_capacity(16) }
    }

    /// Adds a field; of a secret only that there is one.
    pub(crate) fn add(&mut self, name: &'static str, value: &dyn fmt::Display) {
        // Only a full text fails, and it says so itself.
        let _is_cut = if SECRET.contains(&name) { write!(self.text, "***") } else { write!(self.text, "{value}") };
        self.fields.push((name, self.text.text.len()));
    }

    pub(crate) fn finish(self) -> Written {
        let Self { at, level, target, text, fields } = self;
        Written { at, level, target, text: text.text.into(), fields: fields.into() }
    }
}

/// Fields as they come from whoever logs them.
impl tracing::field::Visit for Draft {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        self.add(field.name(), &format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.add(field.name(), &value);
    }
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.is_full {
            return Err(fmt::Error);
        }
        let room = LONGEST - CUT.len_utf8() - self.text.len();
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.text.push_str(&more[..more.floor_char_boundary(room)]);
        self.text.push(CUT);
        self.is_full = true;
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_words_and_its_fields_in_their_order() {
        let mut draft = Draft::new(7, Level::WARN, "session");
        draft.add("user", &"alice");
        draft.add("message", &"denied");
        draft.add("port", &22);
        draft.add("empty", &"");
        let written = draft.finish();
        assert_eq!(written.message(), "denied");
        assert_eq!(written.fields().collect::<Vec<_>>(), [("user", "alice"), ("port", "22"), ("empty", "")]);
    }

    #[test]
    fn nobody_reads_a_secret_back() {
        let mut draft = Draft::new(7, Level::INFO, "daemon");
        for name in SECRET {
            draft.add(name, &"hunter2");
        }
        let written = draft.finish();
        assert!(written.fields().all(|(_, value)| value == "***"));
        assert!(!format!("{written:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_too_long_is_cut_between_letters() {
        let mut draft = Draft::new(7, Level::INFO, "daemon");
        draft.add("message", &"ż".repeat(LONGEST));
        draft.add("user", &"alice");
        let written = draft.finish();
        assert!(written.text.len() <= LONGEST && written.message().ends_with("ż…"));
        assert_eq!(written.fields().collect::<Vec<_>>(), [("user", "")]);
    }
}
