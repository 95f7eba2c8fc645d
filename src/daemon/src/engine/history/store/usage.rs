//! What users have carried, kept beside the rows of their sessions and in the same transactions: a byte that is in a row is here
//! once, however often the row is written.

use std::collections::HashMap;
use std::sync::Arc;

use history::Record;
use limits::quota::account::{Carried, Quarter};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::super::spool::directory::SpoolNumber;
use super::fault::Fault;
use super::finality::changes;
use super::integer::{signed, unsigned};
use crate::state::session::facts::ANONYMOUS;

/// What nobody adds to any more.
const SETTLED: SpoolNumber = 0;

const ADD: &str = "\
INSERT INTO usage (quarter, user, spool, bytes_sent, bytes_received) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET
    bytes_sent = bytes_sent + excluded.bytes_sent, bytes_received = bytes_received + excluded.bytes_received";

/// Whether the table is the one that is written to.
pub(in crate::engine::history) fn is_ours(connection: &Connection) -> Result<(), Fault> {
    connection.prepare(ADD).map(drop).map_err(|error| Fault::Damaged(error.to_string()))
}

/// Adds what these records say more than the rows that they are about to change; no two of them are of one session.
pub(super) fn add(connection: &Connection, records: &[Record<'_>], spool: SpoolNumber) -> rusqlite::Result<()> {
    let mut sums: HashMap<(Quarter, &str), Carried> = HashMap::new();
    for record in records {
        // Nobody in particular has no quota.
        let Some(user) = record.user.filter(|user| *user != ANONYMOUS) else { continue };
        let more = more(connection, record)?;
        if more != Carried::default() {
            *sums.entry((Quarter::of(record.seen / 1_000_000), user)).or_default() += more;
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let mut add = connection.prepare_cached(ADD)?;
    for ((quarter, user), Carried { sent, received }) in sums {
        add.execute((quarter.number(), user, spool, signed(sent), signed(received)))?;
    }
    Ok(())
}

/// What a record says more than its row, if it changes that at all.
fn more(connection: &Connection, record: &Record<'_>) -> rusqlite::Result<Carried> {
    let now = Carried { sent: record.sent.bytes, received: record.received.bytes };
    if now == Carried::default() {
        return Ok(now);
    }
    let sql = "SELECT bytes_sent, bytes_received, status FROM sessions WHERE session_id = ?1";
    let row = connection.prepare_cached(sql)?.query_row([&record.id], |row| {
        let before = Carried { sent: unsigned(row.get(0)?), received: unsigned(row.get(1)?) };
        Ok((before, row.get::<_, String>(2)?))
    });
    let Some((before, status)) = row.optional()? else { return Ok(now) };
    Ok(if changes(record, &status) {
        Carried { sent: now.sent.saturating_sub(before.sent), received: now.received.saturating_sub(before.received) }
    } else {
        Carried::default()
    })
}

/// The process with this spool is gone, and with it what it knew by itself.
pub(in crate::engine::history) fn settle(connection: &mut Connection, spool: SpoolNumber) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let moved = transaction.execute(
        "INSERT INTO usage (quarter, user, spool, bytes_sent, bytes_received)
         SELECT quarter, user, ?1, bytes_sent, bytes_received FROM usage WHERE spool = ?2
         ON CONFLICT DO UPDATE SET
            bytes_sent = bytes_sent + excluded.bytes_sent, bytes_received = bytes_received + excluded.bytes_received",
        (SETTLED, spool),
    )?;
    if moved > 0 {
        transaction.execute("DELETE FROM usage WHERE spool = ?1", [spool])?;
    }
    Ok(transaction.commit()?)
}

/// Everything since then, in seconds since 1970-01-01T00:00:00Z, that has not come through this spool.
pub(in crate::engine::history) fn of_others(
    connection: &Connection,
    spool: SpoolNumber,
    since: i64,
) -> Result<Vec<(Arc<str>, Quarter, Carried)>, Fault> {
    let sql = "SELECT user, quarter, sum(bytes_sent), sum(bytes_received) FROM usage
        WHERE quarter >= ?1 AND spool <> ?2 GROUP BY quarter, user";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((Quarter::of(since).number(), spool), |row| {
        let carried = Carried { sent: unsigned(row.get(2)?), received: unsigned(row.get(3)?) };
        Ok((row.get::<_, Arc<str>>(0)?, Quarter::numbered(row.get(1)?), carried))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes what was before that moment, in seconds since 1970-01-01T00:00:00Z.
pub(super) fn forget_before(connection: &Connection, second: i64) -> Result<(), Fault> {
    let forget = connection.prepare_cached("DELETE FROM usage WHERE quarter < ?1");
    forget?.execute([Quarter::of(second).number()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use history::{Encoder, Kind, Status, Traffic, decode};

    use super::super::super::spool::position::Position;
    use super::super::fixture::bare;
    use super::super::rows::{Committed, Rows};
    use super::super::schema::MIGRATIONS;
    use super::*;

    fn database(migrations: &[&str]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in migrations {
            connection.execute_batch(migration).unwrap();
        }
        connection
    }

    /// What a session of alice has carried at that second of its life, of which it is known whether it is over.
    fn record(id: u8, kind: Kind, second: i64, sent: u64) -> (Kind, Record<'static>) {
        let status = if kind == Kind::Closed { Status::Closed } else { Status::Active };
        let record = Record {
            seen: second * 1_000_000,
            user: Some("alice"),
            sent: Traffic { bytes: sent, packets: 0 },
            ..bare(id, status)
        };
        (kind, record)
    }

    fn write(connection: &mut Connection, spool: SpoolNumber, records: &[(Kind, Record<'_>)]) {
        let (mut encoder, mut bytes, mut frames) = (Encoder::default(), Vec::new(), Vec::new());
        for (kind, record) in records {
            encoder.encode(*kind, record, &mut bytes);
        }
        let mut rest = bytes.as_slice();
        while let Some(frame) = decode(rest).unwrap() {
            rest = &rest[frame.bytes.len()..];
            frames.push(frame);
        }
        let committed = Rows::of(spool).commit(connection, &frames, (Position::default(), 0)).unwrap();
        assert!(matches!(committed, Committed::Up { .. }), "{committed:?}");
    }

    /// By quarter and spool.
    fn all(connection: &Connection) -> Vec<(u32, u32, i64)> {
        let mut rows = connection.prepare("SELECT quarter, spool, bytes_sent FROM usage ORDER BY 1, 2").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_byte_counts_once_however_often_its_row_is_written() {
        let mut connection = database(MIGRATIONS);
        write(&mut connection, 1, &[record(1, Kind::Opened, 0, 0), record(2, Kind::Opened, 0, 0)]);
        assert_eq!(all(&connection), []);
        write(&mut connection, 1, &[record(1, Kind::Checkpoint, 1, 10), record(1, Kind::Checkpoint, 2, 30)]);
        write(&mut connection, 1, &[record(2, Kind::Checkpoint, 3, 5)]);
        assert_eq!(all(&connection), [(0, 1, 35)]);
        let last = [record(1, Kind::Closed, 1000, 100)];
        for _ in 0..2 {
            write(&mut connection, 1, &last);
            assert_eq!(all(&connection), [(0, 1, 35), (1, 1, 70)]);
        }
        // Read again from the beginning: what is over stays.
        write(&mut connection, 1, &[record(1, Kind::Checkpoint, 2, 30)]);
        assert_eq!(all(&connection), [(0, 1, 35), (1, 1, 70)]);
    }

    #[test]
    fn what_others_have_written_is_told_and_what_came_through_a_spool_is_settled_when_its_process_is_gone() {
        let mut connection = database(MIGRATIONS);
        write(&mut connection, 1, &[record(1, Kind::Closed, 1, 10)]);
        write(&mut connection, 2, &[record(2, Kind::Closed, 1, 7), record(3, Kind::Closed, 950, 1)]);
        let told = |spool, since| {
            let told = of_others(&connection, spool, since).unwrap();
            told.into_iter()
                .map(|(user, quarter, carried)| (user.to_string(), quarter.number(), carried.sent))
                .collect()
        };
        let of = |quarter, bytes| ("alice".to_owned(), quarter, bytes);
        let nobody: Vec<(String, u32, u64)> = Vec::new();
        assert_eq!(
            (told(1, 0), told(2, 0), told(1, 900), told(2, 900)),
            (vec![of(0, 7), of(1, 1)], vec![of(0, 10)], vec![of(1, 1)], nobody)
        );
        settle(&mut connection, 1).unwrap();
        settle(&mut connection, 1).unwrap();
        assert_eq!(all(&connection), [(0, 0, 10), (0, 2, 7), (1, 2, 1)]);
        settle(&mut connection, 2).unwrap();
        assert_eq!(all(&connection), [(0, 0, 17), (1, 0, 1)]);
        forget_before(&connection, 900).unwrap();
        assert_eq!(all(&connection), [(1, 0, 1)]);
    }

    #[test]
    fn a_database_of_before_has_what_its_rows_say() {
        let connection = database(&MIGRATIONS[..1]);
        let insert =
            "INSERT INTO sessions (session_id, user, start_time, end_time, bytes_sent, status, listener, generation)
            VALUES (?1, ?2, (unixepoch() - ?3) * 1000000, (unixepoch() - ?4) * 1000000, ?5, 'closed', '', 1)";
        let day = 86_400;
        for (id, user, begun, ended, bytes) in [
            (1, Some("alice"), 2 * day, Some(day), 5),
            (2, Some("alice"), 2 * day, Some(day), 6),
            (3, Some("alice"), 50 * day, Some(45 * day), 100),
            (4, Some("anonymous"), day, Some(day), 100),
            (5, None, day, Some(day), 100),
            (6, Some("alice"), day, None, 7),
        ] {
            connection.execute(insert, (vec![id; 16], user, begun, ended, bytes)).unwrap();
        }
        connection.execute_batch(MIGRATIONS[1]).unwrap();
        let usage = all(&connection);
        assert_eq!(usage.iter().map(|(_, _, bytes)| bytes).sum::<i64>(), 18);
        assert!(usage.iter().all(|(_, spool, _)| *spool == 0), "{usage:?}");
    }
}
