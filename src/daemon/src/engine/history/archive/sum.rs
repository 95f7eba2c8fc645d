//! Sessions summed up by who they were of or where they went.

use serde::Serialize;

/// What sessions are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    User,
    /// What clients asked for; the address where that is not known.
    Destination,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    /// The user or the destination; nothing for sessions without one.
    pub(crate) of: Option<String>,
    pub(crate) sessions: i64,
    pub(crate) bytes_sent: i64,
    pub(crate) bytes_received: i64,
    pub(crate) rejected: i64,
    pub(crate) failed: i64,
}

impl By {
    pub(super) fn question(self, conditions: &str, limit: u32) -> String {
        let key = match self {
            Self::User => "user",
            Self::Destination => "coalesce(dest_host, dest_ip)",
        };
        format!(
            "SELECT {key} AS key, count(*), sum(bytes_sent), sum(bytes_received),
                 sum(status = 'rejected'), sum(status = 'failed')
             FROM sessions WHERE {conditions} GROUP BY key
             ORDER BY sum(bytes_sent + bytes_received) DESC, count(*) DESC, key LIMIT {limit}"
        )
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
