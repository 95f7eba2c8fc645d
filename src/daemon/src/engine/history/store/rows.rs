//! Records into rows, one transaction for many: the last record of a session wins, and what is final stays.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use history::{Damage, Frame, Kind, Record};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::super::spool::directory::SpoolNumber;
use super::super::spool::position::Position;
use super::columns::{COLUMNS, Columns, columns};
use super::fault::Fault;
use super::integer::{signed, unsigned};
use super::{flows, usage};

/// What of a row comes from a record, and when it was first written.
const INSERT: &str = "\
INSERT INTO sessions (
    session_id, user, start_time, end_time, source_ip, source_port, dest_ip, dest_port, protocol,
    bytes_sent, bytes_received, packets_sent, packets_received, status, close_reason,
    dest_host, exit_ip, exit_port, listener, dialect, command, auth_method, claimed, generation,
    handshake_us, auth_us, rules_us, dns_us, connect_us, first_byte_us, remark,
    acl_rule_matched, acl_decision, created_at, spool)
VALUES ";

/// A record that is read again, of a session whose row is final, changes nothing: [`changes`](super::finality::changes) says the same.
const ON_CONFLICT: &str = "\
ON CONFLICT (session_id) DO UPDATE SET
    user = excluded.user, end_time = excluded.end_time,
    source_ip = excluded.source_ip, source_port = excluded.source_port,
    dest_ip = excluded.dest_ip, dest_port = excluded.dest_port, protocol = excluded.protocol,
    bytes_sent = excluded.bytes_sent, bytes_received = excluded.bytes_received,
    packets_sent = excluded.packets_sent, packets_received = excluded.packets_received,
    status = excluded.status, close_reason = excluded.close_reason,
    dest_host = excluded.dest_host, exit_ip = excluded.exit_ip, exit_port = excluded.exit_port,
    dialect = excluded.dialect, command = excluded.command,
    auth_method = excluded.auth_method, claimed = excluded.claimed,
    handshake_us = excluded.handshake_us, auth_us = excluded.auth_us, rules_us = excluded.rules_us, dns_us = excluded.dns_us,
    connect_us = excluded.connect_us, first_byte_us = excluded.first_byte_us, remark = excluded.remark,
    acl_rule_matched = excluded.acl_rule_matched, acl_decision = excluded.acl_decision
WHERE sessions.status = 'active' OR (sessions.status = 'interrupted' AND excluded.status <> 'active')";

/// Rows of one statement: its beginning and end cost as much as half a row.
const TOGETHER: usize = 8;

/// Whether the tables are those that rows are written to.
pub(in crate::engine::history) fn are_ours(connection: &Connection) -> Result<(), Fault> {
    connection.prepare(&upsert(1)).map(drop).map_err(|error| Fault::Damaged(error.to_string()))
}

/// Inserts so many rows, or brings them up to date.
fn upsert(rows: usize) -> String {
    let row = format!("({})", vec!["?"; COLUMNS].join(", "));
    [INSERT, &vec![row.as_str(); rows].join(", "), "\n", ON_CONFLICT].concat()
}

/// Writes frames, with what is kept for it from one time to the next.
#[derive(Debug)]
pub(in crate::engine::history) struct Rows {
    one: String,
    several: String,
    spool: SpoolNumber,
    /// The place of the one frame of each session that is written.
    last: HashMap<[u8; 16], usize, RandomState>,
}

/// What became of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::history) enum Committed {
    /// They are in the database, in so many rows; `seen` is the latest moment in them.
    Up { rows: u64, seen: i64, unreadable: Vec<Kind> },
    /// A newer program wrote one of them.
    Nothing { version: u8 },
}

impl Rows {
    /// For what comes through this spool.
    pub(in crate::engine::history) fn of(spool: SpoolNumber) -> Self {
        Self { one: upsert(1), several: upsert(TOGETHER), spool, last: HashMap::default() }
    }

    /// Writes frames, which were read up to `position`, in one transaction. `seen` is the latest moment before them.
    pub(in crate::engine::history) fn commit(
        &mut self,
        connection: &mut Connection,
        frames: &[Frame<'_>],
        (position, seen): (Position, i64),
    ) -> Result<Committed, Fault> {
        self.choose(frames);
        let (mut records, mut unreadable) = (Vec::with_capacity(self.last.len()), Vec::new());
        for (place, frame) in frames.iter().enumerate() {
            if frame.id().is_some_and(|id| self.last.get(&id) != Some(&place)) {
                continue;
            }
            match frame.record() {
                Ok(record) => records.push(record),
                Err(Damage::Version(version)) => return Ok(Committed::Nothing { version }),
                Err(Damage::Mark | Damage::Kind(_) | Damage::Length(_) | Damage::Checksum | Damage::Record) => {
                    unreadable.push(frame.kind);
                }
            }
        }
        let seen = records.iter().map(|record| record.seen).fold(seen, i64::max);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.write(&transaction, &records)?;
        note_position(&transaction, self.spool, position, seen)?;
        transaction.commit()?;
        Ok(Committed::Up { rows: records.len() as u64, seen, unreadable })
    }

    fn write(&self, connection: &Connection, records: &[Record<'_>]) -> rusqlite::Result<()> {
        // Before the rows change.
        usage::add(connection, records, self.spool)?;
        flows::put(connection, records)?;
        let now_and_spool = (Timestamp::now().as_microsecond(), self.spool);
        let (together, rest) = records.as_chunks::<TOGETHER>();
        if !together.is_empty() {
            let mut several = Columns::<TOGETHER>::of(connection.prepare_cached(&self.several)?);
            for records in together {
                several.write(&records.each_ref().map(|record| columns(record, now_and_spool)))?;
            }
        }
        if !rest.is_empty() {
            let mut one = Columns::<1>::of(connection.prepare_cached(&self.one)?);
            for record in rest {
                one.write(&[columns(record, now_and_spool)])?;
            }
        }
        Ok(())
    }

    /// Of several records of one session only its end is written, or else the last one.
    fn choose(&mut self, frames: &[Frame<'_>]) {
        self.last.clear();
        for (place, frame) in frames.iter().enumerate() {
            let Some(id) = frame.id() else { continue };
            let chosen = self.last.entry(id).or_insert(place);
            if frames[*chosen].kind != Kind::Closed {
                *chosen = place;
            }
        }
    }
}

/// Up to where the spool was in the database when it was last written, and the latest moment in it.
pub(in crate::engine::history) fn noted_position(
    connection: &Connection,
    spool: SpoolNumber,
) -> Result<(Position, i64), Fault> {
    let sql = "SELECT segment, offset, seen FROM spool_position WHERE spool = ?1";
    let read = connection.query_row(sql, [spool], |row| {
        let position = Position { segment: unsigned(row.get(0)?), offset: unsigned(row.get(1)?) };
        Ok((position, row.get(2)?))
    });
    match read {
        Ok(noted) => Ok(noted),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok((Position::default(), 0)),
        Err(error) => Err(error.into()),
    }
}

fn note_position(connection: &Connection, spool: SpoolNumber, position: Position, seen: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO spool_position (spool, segment, offset, seen) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (spool) DO UPDATE SET segment = ?2, offset = ?3, seen = max(seen, ?4)",
        )?
        .execute((spool, signed(position.segment), signed(position.offset), seen))
        .map(drop)
}

/// Ends what an earlier process with this spool left open; returns how many sessions that were. It lived until `seen` at least.
pub(in crate::engine::history) fn close_orphans(
    connection: &Connection,
    spool: SpoolNumber,
    seen: i64,
) -> Result<usize, Fault> {
    let closed = connection.execute(
        "UPDATE sessions SET status = 'interrupted', close_reason = 'interrupted', end_time = max(start_time, ?1)
         WHERE status = 'active' AND status <> 'closed' AND spool = ?2",
        (seen, spool),
    )?;
    Ok(closed)
}
