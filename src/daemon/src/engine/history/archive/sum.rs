//! Sessions summed up: by who they were of, where they went, what came of them, or when they began.

use std::str::FromStr;

use serde::Serialize;

/// What sessions are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    User,
    /// What clients asked for; the address where that is not known.
    Destination,
    /// The rule that decided.
    Rule,
    Status,
    /// In which they began, in UTC.
    Hour,
    Day,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    /// The user, the destination and so on; nothing for sessions without one.
    pub(crate) of: Option<String>,
    pub(crate) sessions: i64,
    pub(crate) bytes_sent: i64,
    pub(crate) bytes_received: i64,
    pub(crate) rejected: i64,
    pub(crate) failed: i64,
}

/// All sessions together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Total {
    pub(crate) sessions: i64,
    pub(crate) active: i64,
    pub(crate) bytes_sent: i64,
    pub(crate) bytes_received: i64,
    pub(crate) allowed: i64,
    pub(crate) blocked: i64,
}

/// A word that says nothing to put sessions together by.
#[derive(Debug, thiserror::Error)]
#[error("it is one of user, destination, rule, status, hour, day")]
pub(crate) struct NoSuchSum;

impl By {
    pub(crate) const ALL: [Self; 6] = [Self::User, Self::Destination, Self::Rule, Self::Status, Self::Hour, Self::Day];

    /// The word of the command line and of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Destination => "destination",
            Self::Rule => "rule",
            Self::Status => "status",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    pub(super) fn question(self, conditions: &str, limit: u32) -> String {
        let (key, order) = (self.key(), self.order());
        format!(
            "SELECT {key} AS key, count(*), sum(bytes_sent), sum(bytes_received),
                 sum(status = 'rejected'), sum(status = 'failed')
             FROM sessions WHERE {conditions} GROUP BY key ORDER BY {order} LIMIT {limit}"
        )
    }

    fn key(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Destination => "coalesce(dest_host, dest_ip)",
            Self::Rule => "acl_rule_matched",
            Self::Status => "status",
            Self::Hour => "strftime('%Y-%m-%dT%H:00Z', start_time / 1000000, 'unixepoch')",
            Self::Day => "strftime('%Y-%m-%d', start_time / 1000000, 'unixepoch')",
        }
    }

    fn order(self) -> &'static str {
        match self {
            Self::User | Self::Destination | Self::Rule | Self::Status => {
                "sum(bytes_sent + bytes_received) DESC, count(*) DESC, key"
            }
            Self::Hour | Self::Day => "key DESC",
        }
    }
}

impl FromStr for By {
    type Err = NoSuchSum;

    fn from_str(word: &str) -> Result<Self, NoSuchSum> {
        Self::ALL.into_iter().find(|by| by.word() == word).ok_or(NoSuchSum)
    }
}

impl Sum {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            of: row.get(0)?,
            sessions: row.get(1)?,
            bytes_sent: row.get(2)?,
            bytes_received: row.get(3)?,
            rejected: row.get(4)?,
            failed: row.get(5)?,
        })
    }
}

impl Total {
    pub(super) fn question(conditions: &str) -> String {
        format!(
            "SELECT count(*), coalesce(sum(status = 'active'), 0), coalesce(sum(bytes_sent), 0), coalesce(sum(bytes_received), 0),
                 coalesce(sum(acl_decision = 'allow'), 0), coalesce(sum(acl_decision = 'block'), 0)
             FROM sessions WHERE {conditions}"
        )
    }

    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sessions: row.get(0)?,
            active: row.get(1)?,
            bytes_sent: row.get(2)?,
            bytes_received: row.get(3)?,
            allowed: row.get(4)?,
            blocked: row.get(5)?,
        })
    }
}

/// Those who had the most sessions, and where most connections went.
pub(super) fn most_frequent(by: By, conditions: &str, limit: u32) -> String {
    let (key, of_interest) = match by {
        By::Destination => (by.key(), "status NOT IN ('rejected', 'failed')"),
        By::User | By::Rule | By::Status | By::Hour | By::Day => (by.key(), "true"),
    };
    format!(
        "SELECT {key} AS key, count(*), sum(bytes_sent), sum(bytes_received),
             sum(status = 'rejected'), sum(status = 'failed')
         FROM sessions WHERE {conditions} AND {of_interest} AND {key} IS NOT NULL
         GROUP BY key ORDER BY count(*) DESC, key LIMIT {limit}"
    )
}
