//! Operations on the rules in force.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::{Op, look, read};
use crate::frontends::office::policy::{Order, Store};
use crate::frontends::office::{Operation, Question};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "acl.rules",
        rules,
        &[("after", "so many are left out"), ("limit", "at most so many, 1 to 1000; 1000 without it")],
        "generation, default_policy, total, rules, next",
        "the rules in force",
    ),
    look(
        "acl.explain",
        explain,
        &[
            ("user", "who asks; nobody in particular without it"),
            ("dest", "where to: a name or an address"),
            ("port", "the port"),
            ("draft, text or gen", "other rules than those in force: a draft, a text, or an earlier generation"),
            (
                "…",
                "groups, protocol, command, source, auth_method, addresses, pam_services, at, explain: as POST /api/acl/test has them",
            ),
        ],
        "as rustsocks acl-check --json says it",
        "what the rules would say to somebody, those in force or others",
    ),
    look(
        "acl.hits",
        hits,
        &[],
        "refs: for each rule its name, hits and the time of the last",
        "how often each rule decided",
    ),
];

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
    let (subject, question): (Parameters, Parameters) =
        p.into_iter().partition(|(name, _)| ["draft", "text", "gen"].contains(&name.as_str()));
    let question: Box<Question> = Box::new(read(question)?);
    if subject.is_empty() {
        return desk.perform(asker, Operation::TestRequest(question));
    }
    desk.perform(asker, Operation::Policy(Store::Acl, Box::new(Order::Explain(read(subject)?, question))))
}

pub(super) fn hits(desk: &Desk, _: &Asker, _: Parameters) -> Result<Value, Refusal> {
    let rules = std::sync::Arc::clone(&desk.office.world.regime().snapshot.rules);
    let refs = rules.set().rules().take(MOST).map(|rule| {
        let tally = rules.hits().of(rule);
        json!({ "name": rules.describe(rule), "identity": rules.set().identity(rule).to_string(), "hits": tally.count(), "last": tally.last() })
    });
    Ok(json!({ "refs": refs.collect::<Vec<_>>() }))
}
