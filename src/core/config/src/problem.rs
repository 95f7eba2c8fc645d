//! What is wrong with what the operator wrote, where, and what to do about it.

use std::fmt::{self, Write as _};
use std::ops::Range;

use crate::origin::Origin;

/// One thing to repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is written.
    pub origin: Origin,
    /// The key it is about (`server.bind_port`, `listen[0].mode`), or `syntax`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// `rustsocks.toml:12:3: server.bind_prot: unknown key; did you mean "bind_port"?`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => {}
            Origin::File { path, line, column } => write!(f, "{path}:{line}:{column}: ")?,
            Origin::Environment { variable } => write!(f, "{variable}: ")?,
            Origin::Flag { flag } => write!(f, "{flag}: ")?,
        }
        write!(f, "{}: {}", self.key, self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// Every problem of one input, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn sorted(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| a.origin.cmp(&b.origin));
        Self(problems)
    }

    /// The problems, in the order of the file, then environment, then flags.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

/// One line per problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// What is wrong with one value, before it is known whose value it is.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The bytes of the file that are meant, when it is not the whole value.
    pub(crate) span: Option<Range<usize>>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, span: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What stands in the place of keys that were planned once and that somebody may bring along.
const INSTEAD: [(&str, &str); 3] = [
    ("sessions.storage", "it is always SQLite, in sessions.database_url; sessions.enabled = false keeps no history"),
    ("api.auth_token", "tokens stand in api.tokens_file, hashed; `rustsocks api-token` makes one"),
    ("metrics.export_interval_secs", "whoever scrapes asks whenever he likes, and gets what is so then; leave it out"),
];

/// What to do about a key that is unknown.
pub(crate) fn unknown<'a>(path: &str, written: &str, known: impl Iterator<Item = &'a str> + Clone) -> Fault {
    let instead = INSTEAD.iter().find(|(planned, _)| *planned == path).map(|(_, instead)| (*instead).to_owned());
    Fault::new("unknown key").hint(instead.unwrap_or_else(|| alternatives(written, known)))
}

/// `did you mean "x"?`, or the whole list when nothing comes close.
pub(crate) fn alternatives<'a>(written: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let likeness = |candidate: &str| strsim::jaro_winkler(written, candidate);
    let nearest = known.clone().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|candidate| likeness(candidate) > 0.8) {
        Some(candidate) => format!("did you mean {candidate:?}?"),
        None => known.enumerate().fold(String::from("known are "), |mut list, (i, candidate)| {
            let comma = if i == 0 { "" } else { ", " };
            write!(list, "{comma}{candidate}").expect("writing to a string cannot fail");
            list
        }),
    }
}
