//! What became of a session, in one word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The word in the column `status`; the order is that of the spool's format, so new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// It is not over yet.
    Active,
    /// It got what it asked for, and ended.
    Closed,
    /// What it asked for could not be had.
    Failed,
    /// It was not let in, or may not have what it asked for.
    Rejected,
    /// Nobody saw its end: the process that served it was killed, or the machine stopped.
    Interrupted,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Active, Self::Closed, Self::Failed, Self::Rejected, Self::Interrupted];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status; there are active, closed, failed, rejected and interrupted")]
pub struct NoSuchStatus(String);

impl FromStr for Status {
    type Err = NoSuchStatus;

    fn from_str(word: &str) -> Result<Self, NoSuchStatus> {
        let found = Self::ALL.into_iter().find(|status| status.word() == word);
        found.ok_or_else(|| NoSuchStatus(word.to_owned()))
    }
}
