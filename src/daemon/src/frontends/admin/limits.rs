//! Operations on quotas, and on what operators let somebody have for a while.

use serde::Deserialize;
use serde_json::Value;
use wire::admin::Refusal;

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::read;
use crate::frontends::office::Operation;

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
