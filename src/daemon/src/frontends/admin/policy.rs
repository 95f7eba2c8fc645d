//! Operations on the rules in force.

use std::sync::Arc;

use acl::RuleId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{Op, Takes, look, read, search, watch};
use super::subscription::Source;
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
    search(
        "acl.explain",
        explain,
        &[
            ("user", "who asks; nobody in particular without it"),
            ("dest", "where to: a name or an address"),
            ("port", "the port"),
            ("draft, text or gen", "other rules than those in force: a draft, a text, or an earlier generation"),
            ("resolve", "true: the addresses of a name are looked up now, within 5 s; nothing is looked up without it"),
            (
                "…",
                "groups, protocol, command, source, auth_method, addresses, pam_services, at, explain: as POST /api/acl/test has them",
            ),
        ],
        "as rustsocks acl-check --json says it; limits with explain and with resolve",
        "what the rules would say to somebody, those in force or others",
    ),
    look(
        "acl.hits",
        hits,
        &[OWNER],
        "refs: for each rule its name, ref, identity, hits, per_h (about so many in the last hour), last, and live: sessions that are in by it",
        "how often each rule decided",
    ),
    watch(
        "acl.hits.sub",
        watch_hits,
        &[OWNER, ("every_ms", "how often to look, 2000 to 60000; 2000 without it")],
        "sub, refs as acl.hits has them; pushes hits whenever they change",
        "how often each rule decides, again and again",
    ),
];

const OWNER: Takes = ("owner", "only rules of this one, as users/alice; all without it");

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

pub(super) fn explain(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let (subject, question): (Parameters, Parameters) =
        p.into_iter().partition(|(name, _)| ["draft", "text", "gen"].contains(&name.as_str()));
    let question: Box<Question> = Box::new(read(question)?);
    if subject.is_empty() {
        return desk.perform(asker, Operation::TestRequest(question));
    }
    desk.perform(asker, Operation::Policy(Store::Acl, Box::new(Order::Explain(read(subject)?, question))))
}

pub(super) fn hits(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Owned { owner, every_ms: _ } = read(p)?;
    Ok(json!({ "refs": refs(desk, owner.as_deref()) }))
}

#[derive(Deserialize)]
struct Owned {
    owner: Option<String>,
    every_ms: Option<u64>,
}

fn watch_hits(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Owned { owner, every_ms } = read(p)?;
    let told = refs(&conversation.desk, owner.as_deref());
    let source = Counted { owner, told: told.clone() };
    let every_ms = Some(every_ms.unwrap_or(HITS_MS).max(HITS_MS));
    let sub = conversation.follow(source, every_ms)?;
    Ok(json!({ "sub": sub, "refs": told }))
}

/// They are not told more often: each look goes through all sessions.
const HITS_MS: u64 = 2_000;

/// The hits as they were last told.
#[derive(Debug)]
struct Counted {
    owner: Option<String>,
    told: Vec<Value>,
}

impl Source for Counted {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        let now = refs(desk, self.owner.as_deref());
        if now == self.told {
            return Vec::new();
        }
        self.told.clone_from(&now);
        vec![("hits", json!({ "refs": now }))]
    }
}

/// How often each rule decided, of one owner or of all.
fn refs(desk: &Desk, owner: Option<&str>) -> Vec<Value> {
    let rules = Arc::clone(&desk.office.world.regime().snapshot.rules);
    let (live, now) = (desk.office.admitted(), Timestamp::now().as_second());
    let told = |rule| {
        let (tally, identity) = (rules.hits().of(rule), rules.set().identity(rule));
        json!({
            "name": rules.describe(rule), "ref": rules.set().label(rule), "identity": identity.to_string(),
            "hits": tally.count(), "per_h": tally.per_hour(now), "last": tally.last(),
            "live": live.get(&identity).copied().unwrap_or(0),
        })
    };
    let is_meant = |rule: &RuleId| owner.is_none_or(|owner| rules.set().owner(*rule) == owner);
    rules.set().rules().filter(is_meant).take(MOST).map(told).collect()
}
