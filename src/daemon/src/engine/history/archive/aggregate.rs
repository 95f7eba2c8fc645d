//! Many sessions in a few numbers: all together, group by group, and through the time.

use rusqlite::params_from_iter;
use serde::Serialize;

use super::filter::{Conditions, Filter};
use super::sum::{self, Bounds, By, Sum};
use super::{Archive, NoAnswer};

/// What is wanted beside the numbers of all together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Groups, so many at most.
    pub(crate) by: Option<(By, u32)>,
    /// Numbers for each span of so many seconds.
    pub(crate) span: Option<u32>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Aggregate {
    total: Everything,
    groups: Vec<Sum>,
    buckets: Vec<Bucket>,
}

#[derive(Debug, Default, Serialize)]
struct Everything {
    sessions: i64,
    bytes_sent: i64,
    bytes_received: i64,
    rejected: i64,
    failed: i64,
    users: i64,
    destinations: i64,
}

/// The sessions that began within a span.
#[derive(Debug, Serialize)]
struct Bucket {
    /// When it begins; seconds since 1970.
    t: i64,
    sessions: i64,
    bytes_sent: i64,
    bytes_received: i64,
    rejected: i64,
    failed: i64,
}

/// Spans of one answer: the latest that have any session.
const MOST_BUCKETS: u32 = 1_000;

impl Archive {
    /// The sessions that `filter` lets through in numbers.
    pub(crate) fn aggregate(&mut self, filter: &Filter, wanted: Wanted) -> Result<Aggregate, NoAnswer> {
        let Conditions { sql, values } = filter.conditions();
        let total = Everything::question(&sql);
        let spans = wanted.span.map(|seconds| (i64::from(seconds), Bucket::question(&sql, seconds)));
        let worked_out = self.most_sums;
        let answer = self.within_deadline(&filter.withdrawn, |connection| {
            let values_of_all = values.iter().cycle().take(values.len() * Everything::TIMES);
            let total =
                connection.prepare_cached(&total)?.query_row(params_from_iter(values_of_all), Everything::read)?;
            let (mut of_each, mut buckets) = (Vec::new(), Vec::new());
            if let Some((by, most)) = wanted.by {
                let most = Bounds { given: most as usize, worked_out };
                let Some(sums) = sum::sums(connection, (&sql, params_from_iter(&values)), by, most)? else {
                    return Ok(None);
                };
                of_each = sums;
            }
            if let Some((seconds, question)) = spans {
                let mut statement = connection.prepare_cached(&question)?;
                let read = |row: &rusqlite::Row<'_>| Bucket::read(row, seconds);
                buckets =
                    statement.query_map(params_from_iter(&values), read)?.collect::<rusqlite::Result<Vec<_>>>()?;
                buckets.reverse();
            }
            Ok(Some(Aggregate { total, groups: of_each, buckets }))
        })?;
        answer.ok_or(NoAnswer::TooMuch(worked_out))
    }
}

impl Everything {
    /// How often the conditions stand in its question.
    const TIMES: usize = 3;

    fn question(conditions: &str) -> String {
        format!(
            "SELECT count(*), coalesce(sum(bytes_sent), 0), coalesce(sum(bytes_received), 0),
                 coalesce(sum(status = 'rejected'), 0), coalesce(sum(status = 'failed'), 0),
                 count(DISTINCT user), (
                     SELECT count(place) FROM (
                         SELECT coalesce(dest_host, dest_ip) AS place FROM sessions WHERE {conditions}
                         UNION SELECT peer_ip FROM flows
                         WHERE session_id IN (SELECT session_id FROM sessions WHERE protocol = 'udp' AND {conditions})))
             FROM sessions WHERE {conditions}"
        )
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sessions: row.get(0)?,
            bytes_sent: row.get(1)?,
            bytes_received: row.get(2)?,
            rejected: row.get(3)?,
            failed: row.get(4)?,
            users: row.get(5)?,
            destinations: row.get(6)?,
        })
    }
}

impl Bucket {
    /// The latest first.
    fn question(conditions: &str, seconds: u32) -> String {
        let micros = i64::from(seconds) * 1_000_000;
        format!(
            "SELECT start_time / {micros} AS span, count(*), sum(bytes_sent), sum(bytes_received),
                 sum(status = 'rejected'), sum(status = 'failed')
             FROM sessions WHERE {conditions} GROUP BY span ORDER BY span DESC LIMIT {MOST_BUCKETS}"
        )
    }

    fn read(row: &rusqlite::Row<'_>, seconds: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            t: row.get::<_, i64>(0)?.saturating_mul(seconds),
            sessions: row.get(1)?,
            bytes_sent: row.get(2)?,
            bytes_received: row.get(3)?,
            rejected: row.get(4)?,
            failed: row.get(5)?,
        })
    }
}
