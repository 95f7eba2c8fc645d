//! Operations on the rules in force.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::read;
use crate::frontends::office::{Operation, Question};

/// Rules of one answer.
const MOST: usize = 1_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: usize,
    limit: Option<usize>,
}

pub(super) fn rules(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Page { after, limit } = read(p)?;
    desk.perform(asker, Operation::Rules { after, limit: limit.unwrap_or(MOST).clamp(1, MOST) })
}

pub(super) fn explain(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let question: Question = read(p)?;
    desk.perform(asker, Operation::TestRequest(Box::new(question)))
}

pub(super) fn hits(desk: &Desk, _: &Asker, _: Parameters) -> Result<Value, Refusal> {
    let rules = std::sync::Arc::clone(&desk.office.world.regime().snapshot.rules);
    let refs = rules.set().rules().take(MOST).map(|rule| {
        let tally = rules.hits().of(rule);
        json!({ "name": rules.describe(rule), "identity": rules.set().identity(rule).to_string(), "hits": tally.count(), "last": tally.last() })
    });
    Ok(json!({ "refs": refs.collect::<Vec<_>>() }))
}
