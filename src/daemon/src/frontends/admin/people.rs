//! Operations on users, and on those who guess.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::ops::{IDEM, Op, look, order, read};
use crate::frontends::office::Operation;
use crate::frontends::office::forgiveness::Forgive;
use crate::state::penalties::source::Source;
use crate::state::session::facts::Identity;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "users.list",
        users,
        &[
            ("after", "the name of the last one of the page before"),
            ("limit", "at most so many, 1 to 1000; 1000 without it"),
        ],
        "total, users: name, state (enabled, disabled, or elsewhere if the users file has them not), groups, sessions, up, down; next",
        "users of the users file, and whoever else is in",
    ),
    look("users.get", user, &[("name", "whose")], "as users.list has it", "one user"),
    look(
        "auth.bans",
        bans,
        &[],
        "total, bans: src, for_s, left_s, turned_away; the one that may come again soonest first, at most 1000",
        "sources that are turned away because they guessed",
    ),
    order(
        "auth.unban",
        unban,
        &[("src", "any address of the source"), ("reason", "for the audit log"), IDEM],
        "source, forgiven: whether it owed anything, audit",
        "lets a source come again",
    ),
];

/// Rows of one answer.
const MOST: usize = 1_000;

/// One user, of the users file or only in sessions.
#[derive(Default)]
struct Person {
    /// Whether the users file has them, and lets them in.
    listed: Option<bool>,
    groups: Vec<String>,
    sessions: u64,
    up: u64,
    down: u64,
}

#[derive(Deserialize)]
struct List {
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) fn users(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let List { after, limit } = read(p)?;
    let limit = limit.unwrap_or(MOST).clamp(1, MOST);
    let everybody = everybody(desk);
    let mut rest = everybody.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
    let page: Vec<_> = rest.by_ref().take(limit).map(|(name, person)| person.json(name)).collect();
    let next = rest.next().and_then(|_| page.last()).map(|last| last["name"].clone());
    Ok(json!({ "total": everybody.len(), "users": page, "next": next }))
}

#[derive(Deserialize)]
struct One {
    name: String,
}

pub(super) fn user(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let One { name } = read(p)?;
    let everybody = everybody(desk);
    let found = everybody.get(&name).map(|person| person.json(&name));
    found.ok_or_else(|| {
        Refusal::new(Code::NotFound, "there is no such user, neither in the users file nor in a session")
    })
}

/// By name; those whom PAM knows as far as they are in.
fn everybody(desk: &Desk) -> BTreeMap<String, Person> {
    let (mut everybody, now) = (BTreeMap::<String, Person>::new(), Timestamp::now());
    for known in desk.office.world.regime().snapshot.users.all() {
        let groups = known.user.groups.iter().map(ToString::to_string).collect();
        let person = Person { listed: Some(known.is_usable(now)), groups, ..Person::default() };
        everybody.insert(known.user.name.to_string(), person);
    }
    desk.office.world.roster.each(|session| {
        let facts = session.facts();
        let Some(Identity::User(user)) = facts.proof.as_ref().map(|proof| &proof.identity) else { return };
        let person = everybody.entry(user.name.to_string()).or_default();
        if person.listed.is_none() {
            person.groups = user.groups.iter().map(ToString::to_string).collect();
        }
        person.sessions += 1;
        person.up += session.up.bytes();
        person.down += session.down.bytes();
    });
    everybody
}

impl Person {
    fn json(&self, name: &str) -> Value {
        let Self { listed, groups, sessions, up, down } = self;
        let state = match listed {
            Some(true) => "enabled",
            Some(false) => "disabled",
            None => "elsewhere",
        };
        json!({ "name": name, "state": state, "groups": groups, "sessions": sessions, "up": up, "down": down })
    }
}

pub(super) fn bans(desk: &Desk, asker: &Asker, _: Parameters) -> Result<Value, Refusal> {
    let bans = desk.office.world.penalties.bans(Instant::now());
    let shown = |source: Source| match source {
        Source::Network(network) if asker.is_masked => super::sessions::masked_network(network),
        Source::Network(_) | Source::Local => source.to_string(),
    };
    let rows: Vec<Value> = bans
        .iter()
        .take(MOST)
        .map(|ban| {
            json!({
                "src": shown(ban.source), "for_s": ban.since.as_secs(), "left_s": ban.left.as_secs(), "turned_away": ban.turned_away,
            })
        })
        .collect();
    Ok(json!({ "total": bans.len(), "bans": rows }))
}

#[derive(Deserialize)]
struct Unban {
    src: IpAddr,
    reason: Option<String>,
    idem: Option<String>,
}

pub(super) fn unban(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Unban { src, reason, idem } = read(p)?;
    let operation = Operation::Forgive(Box::new(Forgive { address: src, reason, idem }));
    let answer = desk.office.perform(&asker.caller, operation).map_err(|no| refusal(&no))?;
    Ok(serde_json::to_value(answer).expect("an answer can be written"))
}
