//! Records into rows, one transaction for many: the last record of a session wins, and what is final stays.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;

use history::{Phases, Record, Status};
use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior};

use super::super::spool::position::Position;
use super::fault::Fault;

/// A record that is read again, of a session whose row is final, changes nothing.
const UPSERT: &str = "\
INSERT INTO sessions (
    session_id, user, start_time, end_time, source_ip, source_port, dest_ip, dest_port, protocol,
    bytes_sent, bytes_received, packets_sent, packets_received, status, close_reason,
    dest_host, exit_ip, exit_port, listener, dialect, command, auth_method, claimed, generation,
    handshake_us, auth_us, dns_us, connect_us, first_byte_us, remark,
    acl_rule_matched, acl_decision)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
    ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)
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
    handshake_us = excluded.handshake_us, auth_us = excluded.auth_us, dns_us = excluded.dns_us,
    connect_us = excluded.connect_us, first_byte_us = excluded.first_byte_us, remark = excluded.remark,
    acl_rule_matched = excluded.acl_rule_matched, acl_decision = excluded.acl_decision
WHERE sessions.status = 'active' OR (sessions.status = 'interrupted' AND excluded.status <> 'active')";

/// Whether the tables are those that rows are written to.
pub(in crate::engine::history) fn are_ours(connection: &Connection) -> Result<(), Fault> {
    connection.prepare_cached(UPSERT).map(drop).map_err(|error| Fault::Damaged(error.to_string()))
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub(in crate::engine::history) struct Batch<'a> {
    records: Vec<Record<'a>>,
    places: HashMap<[u8; 16], usize>,
}

impl<'a> Batch<'a> {
    /// Takes the place of an earlier record of the same session, unless that one was its end.
    pub(in crate::engine::history) fn add(&mut self, record: &Record<'a>) {
        match self.places.entry(record.id) {
            Entry::Vacant(vacant) => {
                vacant.insert(self.records.len());
                self.records.push(*record);
            }
            Entry::Occupied(occupied) => {
                let earlier = &mut self.records[*occupied.get()];
                if earlier.status == Status::Active {
                    *earlier = *record;
                }
            }
        }
    }

    /// Writes the rows, and up to where the spool is in the database with them; returns how many rows.
    pub(in crate::engine::history) fn commit(
        &self,
        connection: &mut Connection,
        position: Position,
        seen: i64,
    ) -> Result<usize, Fault> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut upsert = transaction.prepare_cached(UPSERT)?;
        for record in &self.records {
            write(&mut upsert, record)?;
        }
        drop(upsert);
        note_position(&transaction, position, seen)?;
        transaction.commit()?;
        Ok(self.records.len())
    }
}

/// Up to where the spool was in the database when it was last written, and the latest moment in it.
pub(in crate::engine::history) fn noted_position(connection: &Connection) -> Result<(Position, i64), Fault> {
    let sql = "SELECT segment, offset, seen FROM spool_position";
    let read = connection.query_row(sql, [], |row| {
        let position = Position { segment: unsigned(row.get(0)?), offset: unsigned(row.get(1)?) };
        Ok((position, row.get(2)?))
    });
    match read {
        Ok(noted) => Ok(noted),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok((Position::default(), 0)),
        Err(error) => Err(error.into()),
    }
}

fn note_position(connection: &Connection, position: Position, seen: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO spool_position (only, segment, offset, seen) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (only) DO UPDATE SET segment = ?1, offset = ?2, seen = max(seen, ?3)",
        )?
        .execute((signed(position.segment), signed(position.offset), seen))
        .map(drop)
}

/// Ends what an earlier process left open; returns how many sessions that were. It lived until `seen` at least.
pub(in crate::engine::history) fn close_orphans(connection: &Connection, seen: i64) -> Result<usize, Fault> {
    let closed = connection.execute(
        "UPDATE sessions SET status = 'interrupted', close_reason = 'interrupted', end_time = max(start_time, ?1)
         WHERE status = 'active' AND status <> 'closed'",
        [seen],
    )?;
    Ok(closed)
}

fn write(statement: &mut CachedStatement<'_>, record: &Record<'_>) -> rusqlite::Result<()> {
    let asked = record.asked.as_ref();
    let host = asked.and_then(|asked| asked.host);
    // Who was not dialled may still have asked for an address.
    let dest_ip = record.peer.map(ip).or_else(|| host.filter(|host| is_address(host)).map(str::to_owned));
    let dest_port = record.peer.map(|peer| peer.port()).or_else(|| asked.and_then(|asked| asked.port));
    let Phases { handshake, auth, dns, connect, first_byte } = record.phases;
    let [handshake, auth, dns, connect, first_byte] =
        [handshake, auth, dns, connect, first_byte].map(|phase| phase.map(signed));
    let values: [&dyn ToSql; 32] = [
        &record.id,
        &record.user,
        &record.started,
        &(record.status != Status::Active).then_some(record.seen),
        &record.source.map(ip),
        &record.source.map(|source| source.port()),
        &dest_ip,
        &dest_port,
        &asked.map(|asked| asked.protocol),
        &signed(record.sent.bytes),
        &signed(record.received.bytes),
        &signed(record.sent.packets),
        &signed(record.received.packets),
        &record.status.word(),
        &record.close_reason,
        &host,
        &record.exit.map(ip),
        &record.exit.map(|exit| exit.port()),
        &record.listener,
        &asked.map(|asked| asked.dialect),
        &asked.map(|asked| asked.command),
        &record.auth,
        &record.claimed,
        &signed(record.generation),
        &handshake,
        &auth,
        &dns,
        &connect,
        &first_byte,
        &record.remark,
        &record.rule,
        &record.decision,
    ];
    for (index, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    statement.raw_execute().map(drop)
}

fn ip(address: SocketAddr) -> String {
    address.ip().to_canonical().to_string()
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// SQLite has signed integers only.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
