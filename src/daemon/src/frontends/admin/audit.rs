//! Who did what.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::{Op, oversee, read};
use crate::engine::audit::Audit;

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
        "audit.verify",
        verify,
        &[],
        "records, ok, broken: the first line that does not fit, and why",
        "goes through the audit log's chain",
    ),
];

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
