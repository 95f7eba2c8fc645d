//! Operations on the history.

use ::history::NoSuchStatus;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::ops::{Op, read, search};
use super::sessions::mask;
use crate::engine::history::archive::filter::Filter;
use crate::frontends::office::moment::moment;
use crate::frontends::office::{Answer, Operation};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    search(
        "history.query",
        query,
        &[
            ("user", "whose"),
            ("dest", "an address, a network, a name or *.name"),
            ("port", "the destination's port"),
            ("status", "active, closed, failed, rejected or interrupted"),
            ("rule", "a part of the name of the rule that decided"),
            ("from", "began then or later; a time as in the API"),
            ("to", "began before"),
            ("after", "the UUID of the last row of the page before"),
            ("limit", "at most so many rows, 1 to 1000; 100 without it"),
        ],
        "rows as the API shows them, the latest first; next: the UUID for after, if there are more",
        "sessions of the history",
    ),
    search("history.get", get, &[("id", "a UUID")], "the row", "one session, live or over"),
];

/// Rows of one answer.
const MOST: u32 = 1_000;

/// Rows of one answer if nobody says how many.
const USUAL: u32 = 100;

#[derive(Deserialize)]
struct Query {
    user: Option<String>,
    dest: Option<String>,
    port: Option<u16>,
    status: Option<String>,
    rule: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<Uuid>,
    limit: Option<u32>,
}

pub(super) fn query(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let query: Query = read(p)?;
    let limit = query.limit.unwrap_or(USUAL).clamp(1, MOST);
    let operation = Operation::History(Box::new(query.filter()?), limit);
    let answer = desk.office.perform(&asker.caller, operation).map_err(|no| refusal(&no))?;
    let mut rows = serde_json::to_value(&answer).expect("an answer can be written");
    let rows = rows.as_array_mut().map(std::mem::take).unwrap_or_default();
    let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row["session_id"].clone());
    Ok(json!({ "rows": rows.into_iter().map(|row| shown(row, asker)).collect::<Vec<_>>(), "next": next }))
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

impl Query {
    fn filter(self) -> Result<Filter, Refusal> {
        let Self { user, dest, port, status, rule, from, to, after, limit: _ } = self;
        let wrong = |key: &str, why: &str| Refusal::new(Code::BadRequest, format!("{key}: {why}"));
        let time = |key: &str, text: Option<String>| {
            text.map(|text| moment(&text).map(Timestamp::as_microsecond).map_err(|why| wrong(key, &why))).transpose()
        };
        Ok(Filter {
            user,
            since: time("from", from)?,
            until: time("to", to)?,
            destination: dest
                .map(|dest| dest.parse().map_err(|_| wrong("dest", "an address, a network, a name or *.name")))
                .transpose()?,
            port,
            status: status
                .map(|word| word.parse())
                .transpose()
                .map_err(|error: NoSuchStatus| wrong("status", &error.to_string()))?,
            rule,
            after,
        })
    }
}

fn shown(mut row: Value, asker: &Asker) -> Value {
    if asker.is_masked {
        mask(&mut row);
    }
    row
}
