//! Operations on bandwidth and quotas, and on what operators let somebody have for a while.

use filter::Filter;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{EVERY, IDEM, Often, Op, look, order, read, watch};
use super::sessions::filter_of;
use super::subscription::Source;
use crate::frontends::office::Operation;
use crate::frontends::office::classes::ClassNow;
use crate::frontends::office::limits::{Grant, Override, Reset};
use crate::frontends::office::sight::now;

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
        "limits.tree",
        tree,
        &[("filter", "which; all without it"), ("limit", "at most so many, 1 to 1000; 1000 without it")],
        "total, of those that the filter lets in; classes: name (global, group/NAME, user/NAME, a source, one of these by a rule, or session for what each has), kind, parent, ceiling_up, ceiling_down, guaranteed, burst, priority, using_up, using_down in bytes a second, pct, bytes_up, bytes_down of those who are in, sessions, most_sessions, waiting, origin (users, config, rule, override or quota), override_left_s, bucket_pct (what of its burst may pass now), throttled_pct of the last minute, wait_p95_ms, held_by (own, parent, siblings or below), refused, quota_pct; those under pressure first",
        "who has which part of the bandwidth, who waits for it and why, and who has a number of sessions or a quota",
    ),
    look(
        "limits.get",
        one,
        &[("name", "as limits.tree calls it")],
        "class as limits.tree has it; quotas and concessions, as the operations of these names have them, of a user or a group",
        "one class, and what else limits it",
    ),
    watch("limits.sub", subscribe, &[EVERY], "sub; pushes limits, as limits.tree", "the same again and again"),
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
        &[
            ("target", "user/NAME or group/NAME"),
            ("id", "only the one that limits.concessions calls so; all of the target without it"),
            IDEM,
        ],
        "target, voided: how many",
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

#[derive(Deserialize)]
struct Wanted {
    filter: Option<String>,
    limit: Option<usize>,
}

pub(super) fn tree(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Wanted { filter, limit } = read(p)?;
    let filter = filter_of(&filter.unwrap_or_default(), filter::LIMITS)?;
    Ok(classes(desk, asker, &filter, limit.unwrap_or(MOST).clamp(1, MOST)))
}

fn classes(desk: &Desk, asker: &Asker, filter: &Filter, most: usize) -> Value {
    let (mut classes, now) = (desk.office.classes(asker.is_masked), now());
    classes.retain(|class| filter.admits(class, now));
    json!({ "total": classes.len(), "classes": classes.iter().take(most).map(ClassNow::json).collect::<Vec<_>>() })
}

#[derive(Deserialize)]
struct Which {
    name: String,
}

pub(super) fn one(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Which { name } = read(p)?;
    let classes = desk.office.classes(asker.is_masked);
    let Some(class) = classes.iter().find(|class| class.name == name) else {
        return Err(Refusal::new(Code::NotFound, format!("nobody is in of {name}, or nothing limits it")));
    };
    let quotas = desk.perform(asker, Operation::Quotas(None, usize::MAX))?;
    let quotas = quotas["quotas"].as_array().into_iter().flatten();
    let of_it: Vec<_> = quotas.filter(|quota| quota["target"] == *name).collect();
    Ok(json!({ "class": class.json(), "quotas": of_it, "concessions": desk.office.conceded_to(&name) }))
}

pub(super) fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Often { every_ms } = read(p)?;
    let sub = conversation.follow(Classes, every_ms)?;
    Ok(json!({ "sub": sub }))
}

/// Tells who waits, whether or not that is new: rates always are.
#[derive(Debug)]
struct Classes;

impl Source for Classes {
    fn news(&mut self, desk: &Desk, asker: &Asker) -> Vec<(&'static str, Value)> {
        vec![("limits", classes(desk, asker, &Filter::default(), MOST))]
    }
}

pub(super) fn concessions(desk: &Desk, asker: &Asker, _: Parameters) -> Result<Value, Refusal> {
    desk.perform(asker, Operation::Concessions)
}

pub(super) fn grant(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let (p, idem) = apart(p);
    let mut order: Grant = read(p)?;
    order.idem = idem;
    desk.perform(asker, Operation::Grant(Box::new(order)))
}

pub(super) fn lay_over(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let (p, idem) = apart(p);
    let mut order: Override = read(p)?;
    order.idem = idem;
    desk.perform(asker, Operation::Override(Box::new(order)))
}

pub(super) fn reset(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let (p, idem) = apart(p);
    let mut order: Reset = read(p)?;
    order.idem = idem;
    desk.perform(asker, Operation::Reset(order))
}

/// What is ordered, and the client's own name for it.
fn apart(mut p: Parameters) -> (Parameters, Option<String>) {
    let idem = p.remove("idem").and_then(|name| name.as_str().map(str::to_owned));
    (p, idem)
}
