//! Operations on sessions that were.

use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use wire::admin::{Code, Direction, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::lanes::Lane;
use super::ops::{Op, order, read, search};
use super::sessions::{filter_of, mask};
use crate::engine::history::archive::aggregate::Wanted;
use crate::engine::history::archive::expression::Expression;
use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::order::{Key, Order};
use crate::engine::history::archive::sum::By;
use crate::frontends::office::moment::moment;
use crate::frontends::office::{Answer, Operation};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    search(
        "history.query",
        query,
        &[
            ("filter", "which, in the filter language; all without it"),
            ("from", "began then or later; a time as in the API"),
            ("to", "began before"),
            ("sort", "[start, end, bytes or dur, asc or desc]; [\"start\",\"desc\"] without it"),
            ("after", "the UUID of the last row of the page before"),
            ("limit", "at most so many rows, 1 to 1000; 100 without it"),
        ],
        "rows as the API shows them; next: the UUID for after, if there are more; ms",
        "sessions of the history",
    ),
    search(
        "history.agg",
        aggregate,
        &[
            ("filter", "as for history.query"),
            ("from", "as for history.query"),
            ("to", "as for history.query"),
            ("by", "groups by user, destination, rule, status, hour or day; none without it"),
            ("bucket_s", "numbers for each span of so many seconds, 1 to 31536000; none without it"),
            ("n", "at most so many groups, 1 to 1000; 100 without it"),
        ],
        "total: sessions, bytes_sent, bytes_received, rejected, failed, users, destinations; groups: of and the same numbers; buckets: t and the same numbers, at most the latest 1000; ms",
        "the same sessions in numbers",
    ),
    order(
        "history.export",
        export,
        &[
            ("filter", "as for history.query"),
            ("from", "as for history.query"),
            ("to", "as for history.query"),
            ("sort", "as for history.query"),
        ],
        "parts with rows of 500 objects like those of history.get, then rows: how many",
        "the same sessions, all of them; it is written into the audit log",
    )
    .on(Lane::Looking),
    search(
        "history.get",
        get,
        &[("id", "a UUID")],
        "the row; of an association flows, its peers with the most bytes, and others",
        "one session, live or over",
    ),
];

/// Rows of one answer.
const MOST: u32 = 1_000;

/// Rows of one answer if nobody says how many.
const USUAL: u32 = 100;

/// The longest span of a bucket: a year.
const LONGEST_SPAN: u32 = 31_536_000;

/// Which sessions.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    filter: String,
    from: Option<String>,
    to: Option<String>,
    sort: Option<(String, Direction)>,
    after: Option<Uuid>,
}

#[derive(Deserialize)]
struct Query {
    #[serde(flatten)]
    which: Which,
    limit: Option<u32>,
}

pub(super) fn query(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Query { which, limit } = read(p)?;
    let (began, limit) = (Instant::now(), limit.unwrap_or(USUAL).clamp(1, MOST));
    let operation = Operation::History(Box::new(which.filter(asker)?), limit);
    let answer = desk.office.perform(&asker.caller, operation).map_err(|no| refusal(&no))?;
    let mut rows = serde_json::to_value(&answer).expect("an answer can be written");
    let rows = rows.as_array_mut().map(std::mem::take).unwrap_or_default();
    let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row["session_id"].clone());
    let rows: Vec<_> = rows.into_iter().map(|row| shown(row, asker)).collect();
    Ok(json!({ "rows": rows, "next": next, "ms": millis(began) }))
}

#[derive(Deserialize)]
struct Aggregation {
    #[serde(flatten)]
    which: Which,
    by: Option<String>,
    bucket_s: Option<u32>,
    n: Option<u32>,
}

pub(super) fn aggregate(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Aggregation { which, by, bucket_s, n } = read(p)?;
    let by = by.map(|word| word.parse::<By>().map_err(|why| wrong("by", &why))).transpose()?;
    if bucket_s.is_some_and(|seconds| !(1..=LONGEST_SPAN).contains(&seconds)) {
        return Err(wrong("bucket_s", &format!("1 to {LONGEST_SPAN}")));
    }
    let wanted = Wanted { by: by.map(|by| (by, n.unwrap_or(USUAL).clamp(1, MOST))), span: bucket_s };
    let (began, operation) = (Instant::now(), Operation::Aggregate(Box::new(which.filter(asker)?), wanted));
    let mut answer = desk.perform(asker, operation)?;
    answer["ms"] = millis(began).into();
    Ok(answer)
}

pub(super) fn export(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    part: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let words = Value::Object(p.clone());
    let which: Which = read(p)?;
    let filter = which.filter(asker)?;
    let taken = |rows| {
        let rows = serde_json::to_value(rows).expect("an answer can be written");
        part(json!({ "rows": rows }))
    };
    let count = desk.office.export(&asker.caller, (&filter, words), taken).map_err(|no| refusal(&no))?;
    Ok(json!({ "rows": count }))
}

#[derive(Deserialize)]
struct One {
    id: Uuid,
}

pub(super) fn get(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let One { id } = read(p)?;
    let answer: Answer = desk.office.perform(&asker.caller, Operation::Session(id)).map_err(|no| refusal(&no))?;
    Ok(shown(serde_json::to_value(&answer).expect("an answer can be written"), asker))
}

impl Which {
    fn filter(self, asker: &Asker) -> Result<Filter, Refusal> {
        let Self { filter, from, to, sort, after } = self;
        let time = |key: &str, text: Option<String>| {
            text.map(|text| moment(&text).map(Timestamp::as_microsecond).map_err(|why| wrong(key, &why))).transpose()
        };
        let now = Timestamp::now().as_microsecond();
        let such = Expression { filter: filter_of(&filter, filter::HISTORY)?, now, is_masked: asker.is_masked };
        let order = sort.map_or(Ok(Order::default()), |(word, direction)| {
            let by: Key = word.parse().map_err(|why| wrong("sort", &why))?;
            Ok(Order { by, is_ascending: direction == Direction::Asc })
        });
        Ok(Filter {
            since: time("from", from)?,
            until: time("to", to)?,
            such: Some(such),
            after,
            order: order?,
            withdrawn: asker.withdrawn.clone(),
            ..Filter::default()
        })
    }
}

fn wrong(key: &str, why: &impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::BadRequest, format!("{key}: {why}"))
}

fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn shown(mut row: Value, asker: &Asker) -> Value {
    if asker.is_masked {
        mask(&mut row);
    }
    row
}
