//! Where the datagrams of associations went, as the history has it.

use rusqlite::{CachedStatement, Connection};
use serde::Serialize;
use uuid::Uuid;

use super::row::Row;

/// The version of the tables that has them.
pub(super) const SINCE: i64 = 5;

/// What stands for them in a file that only earlier programs have written: a table of the reader's own, with nothing in it.
pub(super) const NONE: &str = "CREATE TEMP TABLE flows (session_id, peer_ip, peer_port, bytes_sent, bytes_received, \
    packets_sent, packets_received)";

/// A session with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) row: Row,
    /// Of an association; nothing for everybody else.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) datagrams: Option<Datagrams>,
}

/// Where an association's datagrams went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Datagrams {
    /// The peers with the most bytes.
    pub(crate) flows: Vec<Flow>,
    /// What it exchanged with all peers of which no more is known.
    pub(crate) others: Counts,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Flow {
    pub(crate) peer_ip: String,
    pub(crate) peer_port: u16,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// What an association exchanged with one peer or with several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) bytes_sent: i64,
    pub(crate) bytes_received: i64,
    pub(crate) packets_sent: i64,
    pub(crate) packets_received: i64,
}

impl Whole {
    /// Asks for what belongs to the row.
    pub(super) fn of(row: Row, connection: &Connection) -> rusqlite::Result<Self> {
        let datagrams = match row.protocol.as_deref() {
            Some("udp") => {
                let flows = Flow::all_of(row.session_id, connection)?;
                let others = Counts::beside(&row, flows.iter().map(|flow| flow.counts));
                Some(Datagrams { flows, others })
            }
            Some(_) | None => None,
        };
        Ok(Self { row, datagrams })
    }
}

impl Flow {
    fn all_of(session: Uuid, connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let sql = "SELECT peer_ip, peer_port, bytes_sent, bytes_received, packets_sent, packets_received FROM flows
            WHERE session_id = ?1 ORDER BY bytes_sent + bytes_received DESC, peer_ip, peer_port";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                peer_ip: row.get(0)?,
                peer_port: row.get(1)?,
                counts: Counts {
                    bytes_sent: row.get(2)?,
                    bytes_received: row.get(3)?,
                    packets_sent: row.get(4)?,
                    packets_received: row.get(5)?,
                },
            })
        };
        connection.prepare_cached(sql)?.query_map([session.as_bytes()], read)?.collect()
    }
}

impl Counts {
    /// What the session carried beyond these.
    pub(crate) fn beside(row: &Row, flows: impl IntoIterator<Item = Self>) -> Self {
        let Row { bytes_sent, bytes_received, packets_sent, packets_received, .. } = *row;
        let all = Self { bytes_sent, bytes_received, packets_sent, packets_received };
        flows.into_iter().fold(all, |rest, known| Self {
            bytes_sent: rest.bytes_sent.saturating_sub(known.bytes_sent),
            bytes_received: rest.bytes_received.saturating_sub(known.bytes_received),
            packets_sent: rest.packets_sent.saturating_sub(known.packets_sent),
            packets_received: rest.packets_received.saturating_sub(known.packets_received),
        })
    }
}

/// Asks of one association after the other what it exchanged with which address.
pub(super) struct Exchanged<'c>(CachedStatement<'c>);

impl<'c> Exchanged<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql =
            "SELECT peer_ip, sum(bytes_sent), sum(bytes_received) FROM flows WHERE session_id = ?1 GROUP BY peer_ip";
        connection.prepare_cached(sql).map(Self)
    }

    /// Tells of each address the bytes from the client and to it.
    pub(super) fn each(&mut self, session: [u8; 16], mut tell: impl FnMut(&str, (i64, i64))) -> rusqlite::Result<()> {
        let mut rows = self.0.query([session])?;
        while let Some(row) = rows.next()? {
            tell(row.get_ref(0)?.as_str()?, (row.get(1)?, row.get(2)?));
        }
        Ok(())
    }
}
