//! Whether all is well, and what was not well lately.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{Often, Op, look, read, watch};
use super::reception::MOST;
use super::watch;
use crate::state::vitals::board::{Check, Finding, Incident, State};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "health.get",
        get,
        &[],
        "ok: nothing fails; checks: name, state (ok, warn, fail, unknown), measured, limit, key, since, effect, hint, screen",
        "whether all is well, check by check",
    ),
    watch(
        "health.sub",
        subscribe,
        &[("every_ms", "how often to look, 200 to 60000; 5000 without it")],
        "sub, ok, checks; pushes health when anything has changed",
        "the same when it changes",
    ),
    look(
        "incidents.list",
        incidents,
        &[("n", "how many, 1 to 200; 50 without it")],
        "incidents: t, name, text, sev, state (open, closed), dur_s; the latest first",
        "what was not well since this worker began, the last 200",
    ),
];

const EVERY_MS: u64 = 5_000;

fn get(desk: &Desk, asker: &Asker, _: Parameters) -> Result<Value, Refusal> {
    Ok(seen(desk, asker))
}

fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Often { every_ms } = read(p)?;
    watch::begin(conversation, "health", seen, every_ms.or(Some(EVERY_MS)))
}

#[derive(Deserialize)]
struct Incidents {
    #[serde(default = "fifty")]
    n: usize,
}

fn fifty() -> usize {
    50
}

fn incidents(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let (Incidents { n }, now) = (read(p)?, Timestamp::now());
    let told = |incident: Incident| {
        let dur = incident.duration(now).as_secs().max(0);
        let state = if incident.ended.is_some() { "closed" } else { "open" };
        let Incident { name, state: sev, text, began, ended: _ } = incident;
        json!({ "t": began, "name": name, "text": text, "sev": sev, "state": state, "dur_s": dur })
    };
    let incidents: Vec<Value> = desk.office.vitals.board.incidents(n.clamp(1, 200)).into_iter().map(told).collect();
    Ok(json!({ "incidents": incidents }))
}

/// What was found at the last look; whether new clients are welcome is asked anew, as HTTP's `/health` does.
pub(super) fn seen(desk: &Desk, _: &Asker) -> Value {
    let mut checks = desk.office.vitals.board.checks();
    let reasons = desk.office.readiness.reasons(Instant::now());
    for check in &mut checks {
        let is_so = reasons.iter().any(|reason| reason.label() == check.finding.name);
        if is_so && check.finding.state != State::Fail {
            check.finding.state = State::Fail;
            "yes".clone_into(&mut check.finding.measured);
        }
    }
    let since = Timestamp::now() - desk.started.elapsed();
    checks.push(Check { finding: conversations(desk), since: since.round(jiff::Unit::Second).unwrap_or(since) });
    let fails = checks.iter().any(|check| check.finding.state == State::Fail);
    json!({ "ok": reasons.is_empty() && !fails, "checks": checks })
}

fn conversations(desk: &Desk) -> Finding {
    let (open, waiting) = (desk.presence.count(), desk.lanes.waiting());
    let state = if open >= MOST || waiting > 0 { State::Warn } else { State::Ok };
    Finding {
        name: "admin",
        state,
        measured: format!("{open} of {MOST} conversations, {waiting} requests wait for a thread"),
        limit: Some(format!("{MOST}, and none waits")),
        key: None,
        effect: "operators wait or are turned away; traffic does not notice",
        hint: "see who is here with presence.sub, and end programs that ask without end",
        screen: "health",
    }
}
