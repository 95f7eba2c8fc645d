//! The state of the service in numbers.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wire::admin::Refusal;

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{EVERY, Often, Op, look, read, watch};
use super::subscription::Source;
use crate::frontends::office::Office;
use crate::frontends::office::sight::seconds;
use crate::state::program;
use crate::state::readiness::Reason;
use crate::state::session::facts::Identity;
use crate::state::vitals::series::{Key, Resolution};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look("status.get", get, &[], "see status", "the state of the service in numbers"),
    watch("status.sub", subscribe, &[EVERY], "sub; pushes status", "the same again and again"),
];

pub(super) fn get(desk: &Desk, _: &Asker, _: Parameters) -> Result<Value, Refusal> {
    Ok(status(desk, &mut Before::default()))
}

pub(super) fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Often { every_ms } = read(p)?;
    let sub = conversation.follow(Before::default(), every_ms)?;
    Ok(json!({ "sub": sub }))
}

/// Totals at the last look, from which rates follow.
#[derive(Debug, Default)]
struct Before(Option<(Instant, Totals)>);

#[derive(Debug, Clone, Copy)]
struct Totals {
    opened: u64,
    blocked: u64,
    sent: u64,
    received: u64,
}

impl Source for Before {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        vec![("status", status(desk, self))]
    }
}

fn status(desk: &Desk, before: &mut Before) -> Value {
    let (office, now) = (&*desk.office, Instant::now());
    let (mut sessions, mut users) = (0_u64, HashSet::new());
    office.world.roster.each(|session| {
        sessions += 1;
        if let Some(proof) = &session.facts().proof {
            users.insert(match &proof.identity {
                Identity::Anonymous => None,
                Identity::User(user) => Some(std::sync::Arc::clone(&user.name)),
            });
        }
    });
    let summary = office.today.summary(&office.world.roster, 0, Timestamp::now());
    let carried = summary.carried.together();
    let is =
        Totals { opened: summary.sessions, blocked: summary.blocked, sent: carried.sent, received: carried.received };
    let was = before.0.replace((now, is));
    let regime = office.world.regime();
    let rules = &regime.snapshot.rules;
    let began = SignedDuration::try_from(desk.started.elapsed()).unwrap_or(SignedDuration::ZERO);
    let (moment, usage) = (Timestamp::now(), office.vitals.usage());
    let latest = office.vitals.series.last(Resolution::Second, 1).1;
    let measured = |key: Key| latest.last().and_then(|sample| sample.of(key)).map(tenths);
    let rate = |of: fn(&Totals) -> u64, key: Key| match was {
        // The day's totals begin anew at midnight.
        Some((then, was)) => Some(per_second(of(&is).saturating_sub(of(&was)), now.saturating_duration_since(then))),
        None => measured(key),
    };
    let check = |name: &str| office.vitals.board.checks().into_iter().find(|check| check.finding.name == name);
    json!({
        "program": {
            "version": env!("CARGO_PKG_VERSION"), "revision": program::REVISION, "pid": std::process::id(),
            "started": seconds((moment - began).as_microsecond()),
        },
        "up_s": desk.started.elapsed().as_secs(),
        "sessions": sessions,
        "sess_limit": office.world.seats.bound(),
        "users_active": users.len(),
        "users_known": regime.snapshot.users.count(),
        "new_rate": rate(|totals| totals.opened, Key::New),
        "denied_rate": rate(|totals| totals.blocked, Key::Denied),
        "up_rate": rate(|totals| totals.sent, Key::Up),
        "down_rate": rate(|totals| totals.received, Key::Down),
        "authfail_rate": measured(Key::NotLoggedIn),
        "conn_p99_ms": measured(Key::Connect),
        "fds": usage.descriptors,
        "fd_limit": usage.most_descriptors,
        "rss": usage.resident,
        "memory_limit": usage.most_memory,
        "cpu": measured(Key::Processor),
        "history": check("history").map(|check| check.finding.measured),
        "watchdog": check("watchdog").map(|check| check.finding.measured),
        "confirm": office.to_confirm(moment),
        "overrides": office.overrides(moment),
        "levels": office.changed_levels(),
        "attention": office.attention(moment),
        "clients": desk.presence.count(),
        "today": {
            "since": summary.since, "sessions": summary.sessions, "allowed": summary.allowed, "blocked": summary.blocked,
            "up": carried.sent, "down": carried.received,
        },
        "banned": office.world.penalties.turned_away_sources(),
        "acl": { "gen": regime.snapshot.generation, "rules": rules.set().policy().rule_count() },
        "drift": office.drifting(),
        "badges": badges(office, now),
        "t": seconds(moment.as_microsecond()),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown, not accounted")]
fn per_second(count: u64, passed: Duration) -> f64 {
    let rate = count as f64 / passed.as_secs_f64().max(0.001);
    (rate * 10.0).round() / 10.0
}

/// Words that nobody should overlook.
fn badges(office: &Office, now: Instant) -> Vec<&'static str> {
    let mut badges: Vec<&str> = office.readiness.reasons(now).into_iter().map(Reason::label).collect();
    if !office.drifting().is_empty() {
        badges.push("drift");
    }
    badges
}

/// To one digit behind the point.
fn tenths(value: f32) -> f64 {
    (f64::from(value) * 10.0).round() / 10.0
}
