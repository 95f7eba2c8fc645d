//! Regular expressions that take time in proportion to the text, whoever writes them.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};

/// The largest compiled expression, in bytes.
const LARGEST: usize = 256 << 10;

/// A regular expression, found anywhere in a text, without regard to the case of ASCII letters.
#[derive(Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles the expression.
    ///
    /// # Errors
    /// What the expression does wrong, or that it would be too large.
    pub fn new(source: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(source).case_insensitive(true).size_limit(LARGEST).build();
        built.map(Self).map_err(|error| error.to_string())
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is found in the text; what a database's function must answer as well.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source())
    }
}
