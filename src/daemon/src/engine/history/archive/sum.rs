//! Sessions summed up: by who they were of, where they went, what came of them, or when they began.
//!
//! The rows are read once and added up here: to group them in SQL costs a sorted copy of them for each question.

use std::cmp::Reverse;
use std::str::FromStr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use jiff::Timestamp;
use rusqlite::{Connection, Params};
use serde::Serialize;

use super::flows::Exchanged;

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

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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
    pub(crate) all: Moved,
    /// Of that, what associations carried.
    pub(crate) udp: Moved,
    pub(crate) allowed: i64,
    pub(crate) blocked: i64,
}

/// Bytes each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moved {
    pub(crate) sent: i64,
    pub(crate) received: i64,
}

/// Many sessions at a glance.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    pub(crate) total: Total,
    pub(crate) users: Vec<Sum>,
    pub(crate) destinations: Vec<Sum>,
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

    /// What of a row says where it belongs; of a time the number of the hour or the day since 1970.
    fn key(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Destination => "coalesce(dest_host, dest_ip)",
            Self::Rule => "acl_rule_matched",
            Self::Status => "status",
            Self::Hour => "CAST(start_time / 3600000000 AS TEXT)",
            Self::Day => "CAST(start_time / 86400000000 AS TEXT)",
        }
    }

    /// The session whose flows are asked for instead of its key.
    fn association(self) -> &'static str {
        match self {
            Self::Destination => "iif(protocol = 'udp' AND dest_host IS NULL AND dest_ip IS NULL, session_id, NULL)",
            Self::User | Self::Rule | Self::Status | Self::Hour | Self::Day => "NULL",
        }
    }

    /// The key as it is shown.
    fn shown(self, key: &str) -> String {
        let (seconds, format) = match self {
            Self::User | Self::Destination | Self::Rule | Self::Status => return key.to_owned(),
            Self::Hour => (3_600, "%Y-%m-%dT%H:00Z"),
            Self::Day => (86_400, "%Y-%m-%d"),
        };
        let began = key.parse().ok().and_then(|number: i64| Timestamp::from_second(number.checked_mul(seconds)?).ok());
        began.map_or_else(|| key.to_owned(), |began| began.strftime(format).to_string())
    }

    /// Who moved most comes first, and the latest of times.
    fn sort(self, sums: &mut [Sum]) {
        match self {
            Self::User | Self::Destination | Self::Rule | Self::Status => {
                sums.sort_unstable_by(|one, other| one.by_bytes().cmp(&other.by_bytes()));
            }
            Self::Hour | Self::Day => sums.sort_unstable_by(|one, other| other.of.cmp(&one.of)),
        }
    }
}

impl FromStr for By {
    type Err = NoSuchSum;

    fn from_str(word: &str) -> Result<Self, NoSuchSum> {
        Self::ALL.into_iter().find(|by| by.word() == word).ok_or(NoSuchSum)
    }
}

/// How many sums are given away, the first ones, and how many may be worked out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) given: usize,
    pub(super) worked_out: usize,
}

/// The sessions that fit, put together; nothing if that would be too many sums.
pub(super) fn sums(
    connection: &Connection,
    (conditions, values): (&str, impl Params),
    by: By,
    most: Bounds,
) -> rusqlite::Result<Option<Vec<Sum>>> {
    let key = by.key();
    let association = by.association();
    let sql =
        format!("SELECT {key}, bytes_sent, bytes_received, status, {association} FROM sessions WHERE {conditions}");
    let mut statement = connection.prepare_cached(&sql)?;
    let (mut rows, mut groups) = (statement.query(values)?, Groups::default());
    let mut exchanged = Exchanged::prepare(connection)?;
    while let Some(row) = rows.next()? {
        let carried = (row.get(1)?, row.get(2)?);
        let status = row.get_ref(3)?.as_str()?;
        match row.get(4)? {
            Some(session) => groups.add_association(&mut exchanged, session, carried, status)?,
            None => groups.add(row.get_ref(0)?.as_str_or_null()?, carried, status),
        }
        if groups.named.len() > most.worked_out {
            return Ok(None);
        }
    }
    let mut sums = groups.sums();
    for sum in &mut sums {
        sum.of = sum.of.as_deref().map(|key| by.shown(key));
    }
    by.sort(&mut sums);
    sums.truncate(most.given);
    Ok(Some(sums))
}

/// The sessions that fit: all together, the users who had the most of them, and where most connections went; nothing if there are too
/// many of either.
pub(super) fn overview(
    connection: &Connection,
    (conditions, values): (&str, impl Params),
    most: Bounds,
) -> rusqlite::Result<Option<Overview>> {
    let (user, destination) = (By::User.key(), By::Destination.key());
    let sql = format!(
        "SELECT {user}, {destination}, bytes_sent, bytes_received, status, acl_decision, protocol FROM sessions
             WHERE {conditions}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let (mut total, mut users, mut destinations) = (Total::default(), Groups::default(), Groups::default());
    while let Some(row) = rows.next()? {
        let (carried, status) = ((row.get(2)?, row.get(3)?), row.get_ref(4)?.as_str()?);
        let (decision, protocol) = (row.get_ref(5)?.as_str_or_null()?, row.get_ref(6)?.as_str_or_null()?);
        total.add(carried, protocol, status, decision);
        users.add(row.get_ref(0)?.as_str_or_null()?, carried, status);
        if !matches!(status, "rejected" | "failed") {
            destinations.add(row.get_ref(1)?.as_str_or_null()?, carried, status);
        }
        if users.named.len().max(destinations.named.len()) > most.worked_out {
            return Ok(None);
        }
    }
    let (users, destinations) = (users.most_frequent(most.given), destinations.most_frequent(most.given));
    Ok(Some(Overview { total, users, destinations }))
}

/// Sums by their key, and of the sessions without one.
#[derive(Debug, Default)]
struct Groups {
    named: HashMap<String, Sum, RandomState>,
    nameless: Option<Sum>,
}

impl Groups {
    fn add(&mut self, key: Option<&str>, carried: (i64, i64), status: &str) {
        let sum = match key {
            Some(key) => self.named.entry_ref(key).or_default(),
            None => self.nameless.get_or_insert_default(),
        };
        sum.add(carried, status);
    }

    /// An association counts with each address that it exchanged datagrams with; what is known of none belongs to nobody.
    fn add_association(
        &mut self,
        exchanged: &mut Exchanged<'_>,
        session: [u8; 16],
        (mut sent, mut received): (i64, i64),
        status: &str,
    ) -> rusqlite::Result<()> {
        let mut is_all = false;
        exchanged.each(session, |peer, of_it| {
            self.add(Some(peer), of_it, status);
            (sent, received) = (sent.saturating_sub(of_it.0), received.saturating_sub(of_it.1));
            is_all = (sent, received) == (0, 0);
        })?;
        if !is_all {
            self.add(None, (sent, received), status);
        }
        Ok(())
    }

    fn sums(self) -> Vec<Sum> {
        let named = self.named.into_iter().map(|(key, sum)| Sum { of: Some(key), ..sum });
        named.chain(self.nameless).collect()
    }

    /// Those with a key that had the most sessions.
    fn most_frequent(self, most: usize) -> Vec<Sum> {
        let mut sums = Self { nameless: None, ..self }.sums();
        sums.sort_unstable_by(|one, other| (Reverse(one.sessions), &one.of).cmp(&(Reverse(other.sessions), &other.of)));
        sums.truncate(most);
        sums
    }
}

impl Sum {
    fn add(&mut self, (sent, received): (i64, i64), status: &str) {
        self.sessions += 1;
        self.bytes_sent = self.bytes_sent.saturating_add(sent);
        self.bytes_received = self.bytes_received.saturating_add(received);
        self.rejected += i64::from(status == "rejected");
        self.failed += i64::from(status == "failed");
    }

    /// What it is sorted by: nobody's sessions come before those of somebody that are equal otherwise.
    fn by_bytes(&self) -> (Reverse<i64>, Reverse<i64>, &Option<String>) {
        (Reverse(self.bytes_sent.saturating_add(self.bytes_received)), Reverse(self.sessions), &self.of)
    }
}

impl Total {
    fn add(&mut self, carried: (i64, i64), protocol: Option<&str>, status: &str, decision: Option<&str>) {
        self.sessions += 1;
        self.active += i64::from(status == "active");
        self.all.add(carried);
        if protocol == Some("udp") {
            self.udp.add(carried);
        }
        self.allowed += i64::from(decision == Some("allow"));
        self.blocked += i64::from(decision == Some("block"));
    }
}

impl Moved {
    pub(crate) fn without(self, other: Self) -> Self {
        Self { sent: self.sent.saturating_sub(other.sent), received: self.received.saturating_sub(other.received) }
    }

    fn add(&mut self, (sent, received): (i64, i64)) {
        self.sent = self.sent.saturating_add(sent);
        self.received = self.received.saturating_add(received);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::store::schema::MIGRATIONS;
    use super::*;

    const INSERT: &str =
        "INSERT INTO sessions (session_id, user, start_time, bytes_sent, bytes_received, status, dest_host,
            dest_ip, acl_rule_matched, acl_decision, protocol, listener, generation)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '', 1)";

    const THREE: Bounds = Bounds { given: 3, worked_out: usize::MAX };

    type Written =
        (Option<&'static str>, i64, (i64, i64), &'static str, (Option<&'static str>, Option<&'static str>), bool);

    fn written() -> impl Strategy<Value = Written> {
        let name = || prop::option::of(prop::sample::select(vec!["alice", "bob", "Bob", "", "10.0.0.1"]));
        let status = prop::sample::select(vec!["active", "closed", "failed", "rejected", "interrupted"]);
        (name(), 0..200_000_000_000_i64, (0..50_i64, 0..50_i64), status, (name(), name()), any::<bool>())
    }

    fn database(rows: &[Written]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        for (number, (user, start, (sent, received), status, (host, ip), is_allowed)) in rows.iter().enumerate() {
            let id = (number as u128).to_be_bytes();
            let decision = if *is_allowed { "allow" } else { "block" };
            let protocol = if number % 2 == 0 { "tcp" } else { "udp" };
            let values = (id, user, start, sent, received, status, host, ip, user, decision, protocol);
            connection.execute(INSERT, values).unwrap();
        }
        connection
    }

    /// The same in SQL, which sorts and groups by itself.
    fn grouped(connection: &Connection, key: &str, conditions: &str, order: &str) -> Vec<Sum> {
        let sql = format!(
            "SELECT {key} AS key, count(*), sum(bytes_sent), sum(bytes_received), sum(status = 'rejected'),
                 sum(status = 'failed')
             FROM sessions WHERE {conditions} GROUP BY key ORDER BY {order} LIMIT 3"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let sums = statement.query_map([], |row| {
            Ok(Sum {
                of: row.get(0)?,
                sessions: row.get(1)?,
                bytes_sent: row.get(2)?,
                bytes_received: row.get(3)?,
                rejected: row.get(4)?,
                failed: row.get(5)?,
            })
        });
        sums.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_association_counts_with_each_of_its_addresses_and_nobody_has_the_rest() {
        let connection = database(&[
            (Some("alice"), 1, (100, 50), "closed", (None, None), true),
            (Some("alice"), 2, (7, 0), "closed", (Some("10.0.0.1"), None), true),
            (Some("alice"), 3, (0, 0), "closed", (None, None), true),
        ]);
        connection.execute("UPDATE sessions SET protocol = iif(start_time = 2, 'tcp', 'udp')", []).unwrap();
        let flow = "INSERT INTO flows VALUES (?1, ?2, ?3, ?4, ?5, 1, 1)";
        for (ip, port, sent, received) in [("10.0.0.1", 1, 20, 30), ("10.0.0.1", 2, 30, 0), ("10.0.0.2", 1, 0, 20)] {
            connection.execute(flow, (0_u128.to_be_bytes(), ip, port, sent, received)).unwrap();
        }
        let sum = |of: Option<&str>, sessions, bytes_sent, bytes_received| Sum {
            of: of.map(str::to_owned),
            sessions,
            bytes_sent,
            bytes_received,
            ..Sum::default()
        };
        let found = sums(&connection, ("true", []), By::Destination, THREE).unwrap().unwrap();
        let expected = [sum(Some("10.0.0.1"), 2, 57, 30), sum(None, 2, 50, 0), sum(Some("10.0.0.2"), 1, 0, 20)];
        assert_eq!(found, expected, "the rest of the first, and the one without datagrams");
        let alike = sums(&connection, ("true", []), By::User, THREE).unwrap().unwrap();
        assert_eq!(alike, [sum(Some("alice"), 3, 107, 50)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn sums_are_those_of_the_rows(rows in prop::collection::vec(written(), 0..60)) {
            let connection = database(&rows);
            let by_bytes = "sum(bytes_sent + bytes_received) DESC, count(*) DESC, key";
            for (by, key, order) in [
                (By::User, "user", by_bytes),
                (By::Destination, "coalesce(dest_host, dest_ip)", by_bytes),
                (By::Rule, "acl_rule_matched", by_bytes),
                (By::Status, "status", by_bytes),
                (By::Hour, "strftime('%Y-%m-%dT%H:00Z', start_time / 1000000, 'unixepoch')", "key DESC"),
                (By::Day, "strftime('%Y-%m-%d', start_time / 1000000, 'unixepoch')", "key DESC"),
            ] {
                let found = sums(&connection, ("bytes_sent < 40", []), by, THREE).unwrap().unwrap();
                prop_assert_eq!(found, grouped(&connection, key, "bytes_sent < 40", order), "{:?}", by);
            }
        }

        #[test]
        fn an_overview_is_that_of_the_rows(rows in prop::collection::vec(written(), 0..60)) {
            let connection = database(&rows);
            let Overview { total, users, destinations } = overview(&connection, ("true", []), THREE).unwrap().unwrap();
            let by_count = "count(*) DESC, key";
            prop_assert_eq!(users, grouped(&connection, "user", "user IS NOT NULL", by_count));
            let connected = "status NOT IN ('rejected', 'failed') AND coalesce(dest_host, dest_ip) IS NOT NULL";
            prop_assert_eq!(destinations, grouped(&connection, "coalesce(dest_host, dest_ip)", connected, by_count));
            let expected = connection.query_row(
                "SELECT count(*), sum(status = 'active'), sum(bytes_sent), sum(bytes_received), sum(acl_decision = 'allow'),
                     sum(acl_decision = 'block'), sum(iif(protocol = 'udp', bytes_sent, 0)),
                     sum(iif(protocol = 'udp', bytes_received, 0)) FROM sessions HAVING count(*) > 0",
                [],
                |row| {
                    let [sessions, active, allowed, blocked] = [row.get(0)?, row.get(1)?, row.get(4)?, row.get(5)?];
                    let all = Moved { sent: row.get(2)?, received: row.get(3)? };
                    let udp = Moved { sent: row.get(6)?, received: row.get(7)? };
                    Ok(Total { sessions, active, all, udp, allowed, blocked })
                },
            );
            prop_assert_eq!(total, expected.unwrap_or_default());
        }
    }
}
