//! In which order sessions come, and where the next page begins.

use std::str::FromStr;

/// By what, and which way; the latest first if nobody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Order {
    pub(crate) by: Key,
    pub(crate) is_ascending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Key {
    #[default]
    Start,
    /// Those that are not over come last.
    End,
    /// Both directions together.
    Bytes,
    /// Those that are not over have none yet.
    Duration,
}

/// A word that says nothing to sort by.
#[derive(Debug, thiserror::Error)]
#[error("it is one of start, end, bytes, dur")]
pub(crate) struct NoSuchKey;

impl FromStr for Key {
    type Err = NoSuchKey;

    fn from_str(word: &str) -> Result<Self, NoSuchKey> {
        match word {
            "start" => Ok(Self::Start),
            "end" => Ok(Self::End),
            "bytes" => Ok(Self::Bytes),
            "dur" => Ok(Self::Duration),
            _ => Err(NoSuchKey),
        }
    }
}

impl Order {
    /// What stands behind ORDER BY.
    pub(super) fn sql(self) -> String {
        let way = if self.is_ascending { "ASC" } else { "DESC" };
        match self.by.expression() {
            None => format!("session_id {way}"),
            Some(expression) => format!("{expression} {way}, session_id {way}"),
        }
    }

    /// What holds of the rows that come behind the one whose id is the value of the question mark.
    pub(super) fn behind(self) -> String {
        let than = if self.is_ascending { ">" } else { "<" };
        match self.by.expression() {
            None => format!("session_id {than} ?"),
            Some(expression) => {
                let last = format!("SELECT {expression}, session_id FROM sessions WHERE session_id = ?");
                format!("({expression}, session_id) {than} ({last})")
            }
        }
    }
}

impl Key {
    /// Rows lie in the order of their start.
    fn expression(self) -> Option<&'static str> {
        match self {
            Self::Start => None,
            Self::End => Some("coalesce(end_time, 9223372036854775807)"),
            Self::Bytes => Some("bytes_sent + bytes_received"),
            Self::Duration => Some("coalesce(end_time - start_time, 0)"),
        }
    }
}
