//! Who did what.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;

use filter::{Filter, Row, Value as Asked};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal, Role};

use super::aside::Aside;
use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{EVERY, Op, oversee, read, watch};
use super::outbox::GAP;
use super::sessions::filter_of;
use super::subscription::Source;
use crate::engine::audit::Audit;
use crate::frontends::office::Office;
use crate::frontends::office::sight::now;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    oversee(
        "audit.tail",
        tail,
        &[("n", "how many, 1 to 1000; 50 without it")],
        "records, the oldest first",
        "the last records of the audit log",
    ),
    oversee(
        "audit.query",
        query,
        &[("filter", "which; all without it"), ("n", "at most so many, 1 to 1000; 100 without it")],
        "records, the oldest first; complete: whether there are no others",
        "the last records of the whole audit log that a filter lets through",
    ),
    Op { role: Some(Role::Admin), ..SUBSCRIBE },
    oversee(
        "audit.verify",
        verify,
        &[],
        "records, ok, broken: the first line that does not fit, and why",
        "goes through the audit log's chain",
    ),
];

/// A look again and again, as everybody may who looks; but this is not for everybody.
const SUBSCRIBE: Op = watch(
    "audit.sub",
    subscribe,
    &[("filter", "which; all without it"), EVERY],
    "sub; pushes audit, a record each, and gap with lost: so many records, of which some may have been wanted",
    "the records of the audit log as they are written",
);

/// Records that are read at one look.
const MOST_NEW: usize = 1_000;

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    filter: String,
    #[serde(default = "hundred")]
    n: usize,
}

fn hundred() -> usize {
    100
}

fn query(desk: &Desk, asker: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let Query { filter, n } = read(p)?;
    let (filter, now) = (filter_of(&filter, filter::AUDIT)?, now());
    let (mut records, most) = (VecDeque::new(), n.clamp(1, 1_000));
    // One more than is wanted would be another.
    let mut complete = true;
    let keep = |record: Value| {
        if filter.admits(&Record(&record), now) {
            complete = records.len() < most;
            if complete {
                records.push_front(record);
            }
        }
        complete && !asker.withdrawn.is_withdrawn()
    };
    audit(desk)?.each_back(keep).map_err(|error| unreadable(&error))?;
    Ok(json!({ "records": records, "complete": complete }))
}

#[derive(Deserialize)]
struct Subscribe {
    #[serde(default)]
    filter: String,
    every_ms: Option<u64>,
}

fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { filter, every_ms } = read(p)?;
    let filter = filter_of(&filter, filter::AUDIT)?;
    let told = audit(&conversation.desk)?.last_number().map_err(|error| unreadable(&error))?;
    let watched = Watched { filter, length: 0, told, aside: Aside::default() };
    let sub = conversation.follow(watched, every_ms)?;
    Ok(json!({ "sub": sub }))
}

/// Which records, how long the file was, and up to which they have been told.
#[derive(Debug)]
struct Watched {
    filter: Filter,
    length: u64,
    told: u64,
    aside: Aside<Vec<Value>>,
}

impl Source for Watched {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        let news = self.aside.found().map(|records| self.tell(records)).unwrap_or_default();
        let Ok(audit) = audit(desk) else { return news };
        let length = std::fs::metadata(audit.path()).map_or(0, |found| found.len());
        if length != self.length && self.aside.begin(desk, last_records) {
            self.length = length;
        }
        news
    }
}

/// What cannot be read now can be read at the next look, or verify says why not.
fn last_records(office: &Office) -> Vec<Value> {
    office.record.as_ref().and_then(|record| record.audit.tail(MOST_NEW).ok()).unwrap_or_default()
}

impl Watched {
    /// Records that came since the last time and are not among these are a gap.
    fn tell(&mut self, mut records: Vec<Value>) -> Vec<(&'static str, Value)> {
        records.retain(|record| number(record) > self.told);
        let first = records.first().map_or(self.told, number);
        let lost = first.saturating_sub(self.told.saturating_add(1));
        self.told = records.last().map_or(self.told, number);
        let now = now();
        let gap = (lost > 0).then(|| (GAP, json!({ "lost": lost })));
        let wanted = records.into_iter().filter(|record| self.filter.admits(&Record(record), now));
        gap.into_iter().chain(wanted.map(|record| ("audit", record))).collect()
    }
}

fn number(record: &Value) -> u64 {
    record["seq"].as_u64().unwrap_or(0)
}

/// A record as filters see it.
struct Record<'a>(&'a Value);

impl Row for Record<'_> {
    fn value(&self, field: &str) -> Option<Asked<'_>> {
        let found = match field {
            "user" | "login" | "token" | "trigger" => &self.0["who"][field],
            "t" => {
                let time: Timestamp = self.0["t"].as_str()?.parse().ok()?;
                return Some(Asked::Time(time.as_microsecond()));
            }
            other => &self.0[other],
        };
        match found {
            Value::Null => None,
            Value::Number(number) => number.as_u64().map(Asked::Number),
            Value::String(text) => Some(Asked::Text(Cow::Borrowed(text))),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(Asked::Text(Cow::Owned(found.to_string()))),
        }
    }
}

#[derive(Deserialize)]
struct Tail {
    #[serde(default = "fifty")]
    n: usize,
}

fn fifty() -> usize {
    50
}

fn tail(desk: &Desk, _: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let Tail { n } = read(p)?;
    let records = audit(desk)?.tail(n.clamp(1, 1_000)).map_err(|error| unreadable(&error))?;
    Ok(json!({ "records": records }))
}

fn verify(desk: &Desk, _: &Asker, _: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let verdict = audit(desk)?.verify().map_err(|error| unreadable(&error))?;
    Ok(serde_json::to_value(verdict).expect("numbers and words can be written"))
}

fn audit(desk: &Desk) -> Result<&Audit, Refusal> {
    let record = desk.office.record.as_ref();
    record.map(|record| &record.audit).ok_or_else(|| Refusal::new(Code::Unavailable, "there is no audit log"))
}

fn unreadable(error: &io::Error) -> Refusal {
    Refusal::new(Code::Unavailable, format!("the audit log cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_are_missing_between_two_looks_are_a_gap() {
        let filter = filter_of("op=b", filter::AUDIT).unwrap();
        let mut watched = Watched { filter, length: 0, told: 2, aside: Aside::default() };
        let record = |seq: u64, op: &str| json!({ "seq": seq, "op": op });
        let told = watched.tell(vec![record(2, "b"), record(3, "a"), record(4, "b")]);
        assert_eq!(told, [("audit", record(4, "b"))]);
        let told = watched.tell(vec![record(7, "a"), record(8, "b")]);
        assert_eq!(told, [(GAP, json!({ "lost": 2 })), ("audit", record(8, "b"))]);
        assert_eq!(watched.tell(Vec::new()), []);
        assert_eq!(watched.told, 8);
    }
}
