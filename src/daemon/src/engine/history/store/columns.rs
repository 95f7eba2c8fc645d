//! A record as the columns of its row, and their way into a statement.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use history::{Host, Phases, Record, Status};
use rusqlite::CachedStatement;
use rusqlite::types::Null;

use super::super::spool::directory::SpoolNumber;
use super::integer::signed;
use crate::state::history::record::address_asked;

/// How many there are of a row.
pub(super) const COLUMNS: usize = 35;

/// What one column of a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column<'r> {
    Nothing,
    Number(i64),
    Text(&'r str),
    /// As text, in its shortest form.
    Address(IpAddr),
    Id(&'r [u8; 16]),
}

/// The columns of a record, in the order in which they are inserted.
pub(super) fn columns<'r>(record: &'r Record<'_>, (now, spool): (i64, SpoolNumber)) -> [Column<'r>; COLUMNS] {
    let asked = record.asked.as_ref();
    let host = asked.and_then(|asked| asked.host);
    // Who was not dialled may still have asked for an address.
    let dest_ip = record.peer.map(|peer| peer.ip()).or_else(|| host.and_then(address_asked));
    let dest_port = record.peer.map(|peer| peer.port()).or_else(|| asked.and_then(|asked| asked.port));
    let host = match host {
        Some(Host::Name(name)) => Column::Text(name),
        Some(Host::Address(address)) => Column::Address(address),
        None => Column::Nothing,
    };
    let Phases { handshake, auth, rules, dns, connect, first_byte } = record.phases;
    let end = (record.status != Status::Active).then_some(record.seen);
    let (source_ip, source_port) = halves(record.source);
    let (exit_ip, exit_port) = halves(record.exit);
    [
        Column::Id(&record.id),
        text(record.user),
        Column::Number(record.started),
        number(end),
        source_ip,
        source_port,
        address(dest_ip),
        number(dest_port),
        text(asked.map(|asked| asked.protocol)),
        count(record.sent.bytes),
        count(record.received.bytes),
        count(record.sent.packets),
        count(record.received.packets),
        Column::Text(record.status.word()),
        text(record.close_reason),
        host,
        exit_ip,
        exit_port,
        Column::Text(record.listener),
        text(asked.map(|asked| asked.dialect)),
        text(asked.map(|asked| asked.command)),
        text(record.auth),
        text(record.claimed),
        count(record.generation),
        number(handshake.map(signed)),
        number(auth.map(signed)),
        number(rules.map(signed)),
        number(dns.map(signed)),
        number(connect.map(signed)),
        number(first_byte.map(signed)),
        text(record.remark),
        text(record.rule),
        text(record.decision),
        Column::Number(now),
        Column::Number(spool.into()),
    ]
}

fn text(text: Option<&str>) -> Column<'_> {
    text.map_or(Column::Nothing, Column::Text)
}

fn address<'r>(address: Option<IpAddr>) -> Column<'r> {
    address.map_or(Column::Nothing, Column::Address)
}

fn number<'r>(number: Option<impl Into<i64>>) -> Column<'r> {
    number.map_or(Column::Nothing, |number| Column::Number(number.into()))
}

fn count<'r>(count: u64) -> Column<'r> {
    Column::Number(signed(count))
}

/// The address and the port.
fn halves<'r>(whole: Option<SocketAddr>) -> (Column<'r>, Column<'r>) {
    (address(whole.map(|whole| whole.ip())), number(whole.map(|whole| whole.port())))
}

/// A statement for so many rows at once, and what is bound to it: most columns hold what they held in the row before.
pub(super) struct Columns<'c, 'r, const ROWS: usize> {
    statement: CachedStatement<'c>,
    bound: [[Column<'r>; COLUMNS]; ROWS],
    address: AddressText,
}

impl<'c, 'r, const ROWS: usize> Columns<'c, 'r, ROWS> {
    /// A statement to which nothing is bound yet.
    pub(super) fn of(statement: CachedStatement<'c>) -> Self {
        Self { statement, bound: [[Column::Nothing; COLUMNS]; ROWS], address: AddressText::default() }
    }

    pub(super) fn write(&mut self, rows: &[[Column<'r>; COLUMNS]; ROWS]) -> rusqlite::Result<()> {
        let bound = self.bound.as_flattened_mut();
        for (index, (column, bound)) in rows.as_flattened().iter().zip(bound).enumerate() {
            if column != bound {
                bind(&mut self.statement, index + 1, *column, &mut self.address)?;
                *bound = *column;
            }
        }
        self.statement.raw_execute().map(drop)
    }
}

fn bind(
    statement: &mut CachedStatement<'_>,
    parameter: usize,
    column: Column<'_>,
    text: &mut AddressText,
) -> rusqlite::Result<()> {
    match column {
        Column::Nothing => statement.raw_bind_parameter(parameter, Null),
        Column::Number(number) => statement.raw_bind_parameter(parameter, number),
        Column::Text(text) => statement.raw_bind_parameter(parameter, text),
        Column::Address(address) => statement.raw_bind_parameter(parameter, text.of(address)),
        Column::Id(id) => statement.raw_bind_parameter(parameter, id),
    }
}

/// An address as text; the same one often comes again.
#[derive(Debug, Default)]
struct AddressText {
    of: Option<IpAddr>,
    text: String,
}

impl AddressText {
    fn of(&mut self, address: IpAddr) -> &str {
        if self.of != Some(address) {
            self.of = Some(address);
            self.text.clear();
            write!(self.text, "{}", address.to_canonical()).expect("a string takes everything");
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use history::Traffic;
    use rusqlite::Connection;

    use super::super::fixture::bare;
    use super::*;

    type Row = (Option<String>, Option<String>, Option<u16>, i64, String);

    #[test]
    fn every_row_has_its_own_columns_whatever_the_rows_before_had() {
        let records = [
            (Some("alice"), Some("192.0.2.1:1"), 5, Status::Active),
            (None, Some("[2001:db8::1]:1"), 5, Status::Active),
            (Some("alice"), Some("192.0.2.1:2"), 6, Status::Active),
            (Some("bob"), None, 6, Status::Closed),
            (None, None, 6, Status::Closed),
            (None, Some("[::ffff:192.0.2.1]:2"), 5, Status::Closed),
        ];
        let written = records.map(|(user, source, bytes, status)| Record {
            user,
            source: source.map(|source| source.parse().unwrap()),
            sent: Traffic { bytes, packets: 0 },
            ..bare(1, status)
        });
        let connection = Connection::open_in_memory().unwrap();
        let names: Vec<_> = (1..=COLUMNS).map(|number| format!("c{number}")).collect();
        connection.execute_batch(&format!("CREATE TABLE rows ({})", names.join(", "))).unwrap();
        let row = format!("({})", vec!["?"; COLUMNS].join(", "));
        let insert = connection.prepare_cached(&format!("INSERT INTO rows VALUES {row}, {row}")).unwrap();
        let mut insert = Columns::<2>::of(insert);
        for pair in written.as_chunks::<2>().0 {
            insert.write(&pair.each_ref().map(|record| columns(record, (7, 1)))).unwrap();
        }
        let mut read =
            connection.prepare("SELECT c2, c5, c6, c10, c14 FROM rows WHERE c34 = 7 ORDER BY rowid").unwrap();
        let read = read
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .unwrap()
            .map(Result::unwrap);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            read.collect::<Vec<Row>>(),
            [
                (text("alice"), text("192.0.2.1"), Some(1), 5, "active".to_owned()),
                (None, text("2001:db8::1"), Some(1), 5, "active".to_owned()),
                (text("alice"), text("192.0.2.1"), Some(2), 6, "active".to_owned()),
                (text("bob"), None, None, 6, "closed".to_owned()),
                (None, None, None, 6, "closed".to_owned()),
                (None, text("192.0.2.1"), Some(2), 5, "closed".to_owned()),
            ]
        );
    }
}
