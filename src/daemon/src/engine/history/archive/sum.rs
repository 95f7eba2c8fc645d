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
    pub(crate) bytes_sent: i64,
    pub(crate) bytes_received: i64,
    pub(crate) allowed: i64,
    pub(crate) blocked: i64,
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
    let sql = format!("SELECT {key}, bytes_sent, bytes_received, status FROM sessions WHERE {conditions}");
    let mut statement = connection.prepare_cached(&sql)?;
    let (mut rows, mut groups) = (statement.query(values)?, Groups::default());
    while let Some(row) = rows.next()? {
        let carried = (row.get(1)?, row.get(2)?);
        groups.add(row.get_ref(0)?.as_str_or_null()?, carried, row.get_ref(3)?.as_str()?);
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
        "SELECT {user}, {destination}, bytes_sent, bytes_received, status, acl_decision FROM sessions WHERE {conditions}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let (mut total, mut users, mut destinations) = (Total::default(), Groups::default(), Groups::default());
    while let Some(row) = rows.next()? {
        let (carried, status) = ((row.get(2)?, row.get(3)?), row.get_ref(4)?.as_str()?);
        total.add(carried, status, row.get_ref(5)?.as_str_or_null()?);
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
    fn add(&mut self, (sent, received): (i64, i64), status: &str, decision: Option<&str>) {
        self.sessions += 1;
        self.active += i64::from(status == "active");
        self.bytes_sent = self.bytes_sent.saturating_add(sent);
        self.bytes_received = self.bytes_received.saturating_add(received);
        self.allowed += i64::from(decision == Some("allow"));
        self.blocked += i64::from(decision == Some("block"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::store::schema::MIGRATIONS;
    use super::*;

    const INSERT: &str =
        "INSERT INTO sessions (session_id, user, start_time, bytes_sent, bytes_received, status, dest_host,
            dest_ip, acl_rule_matched, acl_decision, listener, generation)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '', 1)";

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
            connection.execute(INSERT, (id, user, start, sent, received, status, host, ip, user, decision)).unwrap();
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
                     sum(acl_decision = 'block') FROM sessions HAVING count(*) > 0",
                [],
                |row| {
                    let [sessions, active, bytes_sent, bytes_received, allowed, blocked] =
                        [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                    Ok(Total { sessions, active, bytes_sent, bytes_received, allowed, blocked })
                },
            );
            prop_assert_eq!(total, expected.unwrap_or_default());
        }
    }
}
