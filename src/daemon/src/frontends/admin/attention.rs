//! What to look at, who else is here, and who has the most.

use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{EVERY, Often, Op, Takes, look, read, watch};
use super::subscription::Source;
use super::watch;
use crate::frontends::office::top::{By, Measure};

const RANKING: &[Takes] = &[
    ("by", "user, dst or denied"),
    ("key", "rate, sessions or bytes: what comes first; rate without it, and of denied always how often"),
    ("n", "how many, 1 to 100; 10 without it"),
];

const RANKING_AGAIN: &[Takes] = &[RANKING[0], RANKING[1], RANKING[2], EVERY];

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "attention.get",
        items,
        &[],
        "items: sev (info, warn, crit), key, text, screen, filter?, since; the worst first",
        "what an operator should look at",
    ),
    watch(
        "attention.sub",
        follow_items,
        &[EVERY],
        "sub, items; pushes attention, the whole list, when it changes",
        "the same when it changes",
    ),
    watch(
        "presence.sub",
        follow_clients,
        &[EVERY],
        "sub, clients: user, login, tty, role, client, comment, idle_s; pushes presence, the whole list, when it changes",
        "whose conversations are open",
    ),
    look(
        "top.get",
        ranking,
        RANKING,
        "by, rows: [name, sessions, rate, bytes], or of denied [user, destination, rule, how often in an hour]",
        "who or what has the most now",
    ),
    watch("top.sub", follow_ranking, RANKING_AGAIN, "sub, by, rows; pushes top", "the same again and again"),
];

const MOST: usize = 100;

/// As many without a word of it.
const USUAL: usize = 10;

/// How often a ranking is worked out, if nobody says it: it goes through all sessions.
const EVERY_MS: u64 = 2_000;

#[derive(Debug, Clone, Copy, Deserialize)]
struct Ranking {
    by: By,
    #[serde(default)]
    key: Measure,
    n: Option<usize>,
    every_ms: Option<u64>,
}

#[expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]
fn items(desk: &Desk, asker: &Asker, _: Parameters) -> Result<Value, Refusal> {
    Ok(seen_items(desk, asker))
}

fn follow_items(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Often { every_ms } = read(p)?;
    watch::begin(conversation, "attention", seen_items, every_ms)
}

fn seen_items(desk: &Desk, _: &Asker) -> Value {
    json!({ "items": desk.office.attention(Timestamp::now()) })
}

fn follow_clients(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Often { every_ms } = read(p)?;
    watch::begin(conversation, "presence", seen_clients, every_ms)
}

fn seen_clients(desk: &Desk, _: &Asker) -> Value {
    json!({ "clients": desk.presence.shown(Instant::now()) })
}

fn ranking(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    Ok(read::<Ranking>(p)?.seen(desk))
}

fn follow_ranking(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let ranking: Ranking = read(p)?;
    let mut answer = ranking.seen(&conversation.desk);
    let every_ms = ranking.every_ms.or(Some(EVERY_MS));
    answer["sub"] = json!(conversation.follow(ranking, every_ms)?);
    Ok(answer)
}

impl Ranking {
    fn seen(&self, desk: &Desk) -> Value {
        let rows = desk.office.top(self.by, self.key, self.n.unwrap_or(USUAL).clamp(1, MOST));
        json!({ "by": self.by.word(), "rows": rows })
    }
}

impl Source for Ranking {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        vec![("top", self.seen(desk))]
    }
}
