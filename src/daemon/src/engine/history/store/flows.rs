//! Where the datagrams of associations went, kept beside the rows of their sessions and in the same transactions.

use history::{Flow, Record};
use rusqlite::{Connection, OptionalExtension as _};

use super::fault::Fault;
use super::finality::changes;
use super::integer::signed;

/// Addresses that differ only in what a row does not say are one peer.
const ADD: &str = "\
INSERT INTO flows (session_id, peer_ip, peer_port, bytes_sent, bytes_received, packets_sent, packets_received)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO UPDATE SET
    bytes_sent = bytes_sent + excluded.bytes_sent, bytes_received = bytes_received + excluded.bytes_received,
    packets_sent = packets_sent + excluded.packets_sent, packets_received = packets_received + excluded.packets_received";

/// Whether the table is the one that is written to.
pub(in crate::engine::history) fn are_ours(connection: &Connection) -> Result<(), Fault> {
    connection.prepare(ADD).map(drop).map_err(|error| Fault::Damaged(error.to_string()))
}

/// Puts the flows of these records in the place of those that are there, if they are about to change their rows; no two of them
/// are of one session.
pub(super) fn put(connection: &Connection, records: &[Record<'_>]) -> rusqlite::Result<()> {
    for record in records.iter().filter(|record| !record.flows.is_empty()) {
        let mut ask = connection.prepare_cached("SELECT status FROM sessions WHERE session_id = ?1")?;
        let status: Option<String> = ask.query_row([&record.id], |row| row.get(0)).optional()?;
        if status.is_none_or(|status| changes(record, &status)) {
            connection.prepare_cached("DELETE FROM flows WHERE session_id = ?1")?.execute([&record.id])?;
            record.flows.iter().try_for_each(|flow| add(connection, &record.id, &flow))?;
        }
    }
    Ok(())
}

fn add(connection: &Connection, id: &[u8; 16], Flow { peer, sent, received }: &Flow) -> rusqlite::Result<()> {
    let [bytes_sent, bytes_received, packets_sent, packets_received] =
        [sent.bytes, received.bytes, sent.packets, received.packets].map(signed);
    let ip = peer.ip().to_canonical().to_string();
    let row = (id, ip, peer.port(), bytes_sent, bytes_received, packets_sent, packets_received);
    connection.prepare_cached(ADD)?.execute(row).map(drop)
}

#[cfg(test)]
mod tests {
    use history::{Flows, Status, Traffic};

    use super::super::fixture::bare;
    use super::super::schema::MIGRATIONS;
    use super::*;

    fn all(connection: &Connection) -> Vec<(String, i64)> {
        let mut statement = connection.prepare("SELECT peer_ip, bytes_sent FROM flows ORDER BY peer_ip").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn the_last_record_replaces_what_was_known_and_a_final_row_keeps_it() {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        let write = |status: Status, peers: &[(&str, u64)]| {
            let flow = |(peer, bytes): &(&str, u64)| Flow {
                peer: peer.parse().unwrap(),
                sent: Traffic { bytes: *bytes, packets: 1 },
                received: Traffic::default(),
            };
            let (flows, mut room) = (peers.iter().map(flow).collect::<Vec<_>>(), Vec::new());
            let record = Record { flows: Flows::packed(&flows, &mut room), ..bare(1, status) };
            put(&connection, &[record]).unwrap();
            let row = "INSERT OR REPLACE INTO sessions (session_id, start_time, status, listener, generation)
                VALUES (?1, 0, ?2, 'test', 1)";
            connection.execute(row, ([1; 16], status.word())).unwrap();
            all(&connection)
        };
        let one = |ip: &str, bytes| (ip.to_owned(), bytes);
        // One address in two spellings is one peer.
        let first = write(Status::Active, &[("192.0.2.1:1", 5), ("[::ffff:192.0.2.1]:1", 6), ("[2001:db8::1]:1", 1)]);
        assert_eq!(first, [one("192.0.2.1", 11), one("2001:db8::1", 1)]);
        assert_eq!(write(Status::Closed, &[("192.0.2.2:1", 7)]), [one("192.0.2.2", 7)]);
        assert_eq!(write(Status::Active, &[("192.0.2.3:1", 8)]), [one("192.0.2.2", 7)], "read again");
    }
}
