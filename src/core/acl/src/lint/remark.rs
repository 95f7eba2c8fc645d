//! What is said about rules.

use std::fmt;

use crate::decision::RuleId;
use crate::ruleset::Ruleset;

/// Everything that was found, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was found.
    pub remarks: Vec<Remark>,
    /// Whether every pair of rules was looked at; otherwise there were too many that are alike.
    pub is_complete: bool,
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What kind of thing.
    pub kind: Concern,
    /// What it is about: `users/alice#2`.
    pub about: String,
    /// Where that is written, from 1; 0 when it was not read from a file.
    pub line: u32,
    /// The other rule that matters, and its line.
    pub other: Option<(String, u32)>,
    /// The rest of the sentence.
    pub words: String,
}

/// A kind of remark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Concern {
    /// One rule allows exactly what another blocks.
    Conflicting,
    /// A rule allows what a wider one blocks.
    Shadowed,
    /// The same rule twice.
    Duplicate,
    /// A rule that never decides anything.
    Unreachable,
    /// A group that has no rules.
    UndefinedGroup,
    /// A name is blocked, and its addresses are not.
    BlockedByName,
    /// Strangers may choose what a name that is allowed leads to.
    WideName,
    /// Bits beyond the prefix of a network.
    HostBits,
    /// A wildcard that fits other names than it seems to.
    LooseWildcard,
}

impl Report {
    /// How many remarks there are of a kind.
    #[must_use]
    pub fn count(&self, kind: Concern) -> usize {
        self.remarks.iter().filter(|remark| remark.kind == kind).count()
    }
}

/// `users/alice#2 is blocked altogether by users/alice#3 (line 26)`
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.about, self.words)?;
        match &self.other {
            Some((other, 0)) => write!(f, " {other}"),
            Some((other, line)) => write!(f, " {other} (line {line})"),
            None => Ok(()),
        }
    }
}

impl Ruleset {
    pub(super) fn remark(&self, rule: RuleId, kind: Concern, words: impl Into<String>) -> Remark {
        Remark { kind, about: self.label(rule), line: self.rule(rule).line, other: None, words: words.into() }
    }

    pub(super) fn remark_beside(&self, rule: RuleId, other: RuleId, kind: Concern, words: &str) -> Remark {
        let other = Some((self.label(other), self.rule(other).line));
        Remark { other, ..self.remark(rule, kind, words) }
    }
}
