//! Operations on users.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::{Op, look, read};
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
