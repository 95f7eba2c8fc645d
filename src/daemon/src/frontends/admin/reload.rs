//! Reloads, ordered and remembered.

use serde::Deserialize;
use serde_json::{Value, json};
use wire::Extent;
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::ops::{IDEM, Op, look, order, read};
use crate::frontends::office::Operation;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    order(
        "reload.run",
        run,
        &[("what", "all or acl, the rules alone; all without it"), IDEM],
        "the reload as GET /api/admin/reload shows it; if anything failed, the answer is invalid with it in data.reload",
        "reads the operator's files anew, and waits for what comes of it",
    ),
    look(
        "reload.history",
        history,
        &[("n", "how many, 1 to 32; 10 without it")],
        "reloads, the latest first",
        "the reloads of this worker",
    ),
];

#[derive(Deserialize)]
struct Run {
    what: Option<String>,
}

pub(super) fn run(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Run { what } = read(p)?;
    let extent = match what.as_deref() {
        None | Some("all") => Extent::Everything,
        Some("acl") => Extent::Rules,
        Some(_) => return Err(Refusal::new(Code::BadRequest, "what: it is all or acl")),
    };
    let answer = desk.office.perform(&asker.caller, Operation::Reload(extent)).map_err(|no| refusal(&no))?;
    Ok(serde_json::to_value(answer).expect("an answer can be written"))
}

#[derive(Deserialize)]
struct History {
    n: Option<usize>,
}

pub(super) fn history(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let History { n } = read(p)?;
    Ok(json!({ "reloads": desk.office.reloads(n.unwrap_or(10).clamp(1, 32)) }))
}
