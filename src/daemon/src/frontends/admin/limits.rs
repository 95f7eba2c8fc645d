//! Operations on quotas, and on what operators let somebody have for a while.

use serde::Deserialize;
use serde_json::Value;
use wire::admin::Refusal;

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::{IDEM, Op, look, order, read};
use crate::frontends::office::Operation;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "limits.quotas",
        quotas,
        &[("user", "whose; everybody's without it"), ("limit", "at most so many, 1 to 1000; 1000 without it")],
        "quotas as GET /api/limits/quotas shows them, the nearest to its end first",
        "how far quotas are used up",
    ),
    look(
        "limits.concessions",
        concessions,
        &[],
        "concessions as GET /api/limits/concessions shows them",
        "grants and overrides that hold now",
    ),
    order(
        "limits.grant",
        |desk, asker, p, _| grant(desk, asker, p),
        &[
            ("target", "user/NAME or group/NAME"),
            ("bytes", "how many more"),
            ("quota", "of which quota; of all that the target has without it"),
            ("until", "a time as in the API"),
            ("reason", "for the audit log"),
            IDEM,
        ],
        "the grant as it is kept",
        "lets somebody have more of a quota for a while",
    ),
    order(
        "limits.override",
        |desk, asker, p, _| lay_over(desk, asker, p),
        &[
            ("target", "user/NAME or group/NAME"),
            ("bandwidth_limit_mbps", "another rate, 0 for none; or"),
            ("max_connections", "another number of sessions, 0 for any; or both"),
            ("until", "a time as in the API"),
            ("reason", "for the audit log"),
            IDEM,
        ],
        "the override as it is kept",
        "lets another limit hold for a while instead of what is written",
    ),
    order(
        "limits.reset",
        |desk, asker, p, _| reset(desk, asker, p),
        &[("target", "user/NAME or group/NAME"), IDEM],
        "target, voided",
        "takes grants and overrides back",
    ),
];

/// Rows of one answer.
const MOST: usize = 1_000;

#[derive(Deserialize)]
struct Whose {
    user: Option<String>,
    limit: Option<usize>,
}

pub(super) fn quotas(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Whose { user, limit } = read(p)?;
    desk.perform(asker, Operation::Quotas(user, limit.unwrap_or(MOST).clamp(1, MOST)))
}

pub(super) fn concessions(desk: &Desk, asker: &Asker, _: Parameters) -> Result<Value, Refusal> {
    desk.perform(asker, Operation::Concessions)
}

pub(super) fn grant(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    desk.perform(asker, Operation::Grant(Box::new(read(without_name(p))?)))
}

pub(super) fn lay_over(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    desk.perform(asker, Operation::Override(Box::new(read(without_name(p))?)))
}

pub(super) fn reset(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    desk.perform(asker, Operation::Reset(read(without_name(p))?))
}

/// What is done once by its name has its name looked at already.
fn without_name(mut p: Parameters) -> Parameters {
    p.remove("idem");
    p
}
