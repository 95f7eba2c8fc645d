//! What was asked for, to be judged by other rules than those of its hour.

use rusqlite::params;

use super::super::store::key::first_id;
use super::withdrawn::Withdrawn;
use super::{Archive, NoAnswer};

/// Requests that are alike, as the rows have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) user: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) host: Option<String>,
    /// What was dialled, or the address that was asked for.
    pub(crate) ip: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) command: Option<String>,
    pub(crate) method: Option<String>,
    /// The latest of them; microseconds since 1970.
    pub(crate) at: i64,
    /// How many there were.
    pub(crate) sessions: usize,
}

/// An association's row does not say where its datagrams went.
const QUESTION: &str =
    "SELECT user, source_ip, dest_host, dest_ip, dest_port, command, auth_method, max(start_time), count(*)
    FROM sessions WHERE session_id >= ?1 AND start_time >= ?2 AND command IN ('connect', 'bind', 'resolve')
    GROUP BY user, source_ip, dest_host, dest_ip, dest_port, command, auth_method, start_time / ?3 LIMIT ?4";

/// One group for all hours.
const EVER: i64 = i64::MAX;

/// Rules go by the minute.
const MINUTE: i64 = 60_000_000;

impl Archive {
    /// What was asked for since that moment, in microseconds since 1970, so many kinds of requests at most; those of
    /// different minutes are told apart if `minutes` matter.
    pub(crate) fn asked(&mut self, since: i64, minutes: bool, most: usize) -> Result<Vec<Asked>, NoAnswer> {
        let (first, span) = (first_id(since), if minutes { MINUTE } else { EVER });
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.within_deadline(&Withdrawn::default(), |connection| {
            let mut statement = connection.prepare_cached(QUESTION)?;
            statement.query_map(params![first, since, span, most], Asked::read)?.collect()
        })
    }
}

impl Asked {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            user: row.get(0)?,
            source: row.get(1)?,
            host: row.get(2)?,
            ip: row.get(3)?,
            port: row.get(4)?,
            command: row.get(5)?,
            method: row.get(6)?,
            at: row.get(7)?,
            sessions: row.get::<_, i64>(8)?.try_into().unwrap_or(0),
        })
    }
}
