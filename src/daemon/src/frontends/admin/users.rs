//! Operations on users.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};
use zeroize::Zeroizing;

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::ops::{IDEM, Op, Takes, change, read, search};
use crate::frontends::office::Operation;
use crate::frontends::office::people::Person;
use crate::frontends::office::policy::{NewPassword, Secret};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    search(
        "users.list",
        users,
        &[
            ("after", "the name of the last one of the page before"),
            ("limit", "at most so many, 1 to 1000; 1000 without it"),
        ],
        "total, users: name, state (enabled, disabled, or elsewhere if the users file has them not), groups, sessions, up, down, rate, last_seen, last_src, limits of their own; day: sessions, up, down, denied, failed of the last 24 hours, if a history is kept; next",
        "users of the users file, and whoever else is in",
    ),
    search(
        "users.get",
        user,
        &[NAME],
        "as users.list has it; rules: own, groups, everybody; last_session as the history has it",
        "one user",
    ),
    search(
        "groups.list",
        groups,
        &[],
        "groups: name, members, sessions, rules",
        "the groups of the users file and of the rules",
    ),
    change(
        "users.passwd",
        |desk, asker, p, _| passwd(desk, asker, p),
        &[NAME, SECRET, GENERATE, COMMENT, IDEM],
        "name, gen, audit; secret, once, if one was made",
        "another password for a user of the users file, hashed by the daemon",
    ),
    change(
        "users.add",
        |desk, asker, p, _| add(desk, asker, p),
        &[
            NAME,
            SECRET,
            GENERATE,
            ("user", "the keys of the users file besides: groups, enabled, expires and so on"),
            COMMENT,
            IDEM,
        ],
        "as users.passwd",
        "a new user in the users file",
    ),
];

const NAME: Takes = ("name", "whose");
const SECRET: Takes = ("secret", "the password: 8 characters to 255 bytes; it is nowhere written, logged or audited");
const GENERATE: Takes = ("generate", "true makes one instead");
const COMMENT: Takes = ("comment", "why; it is kept with the generation");

/// Rows of one answer.
const MOST: usize = 1_000;

#[derive(Deserialize)]
struct List {
    after: Option<String>,
    limit: Option<usize>,
}

fn users(desk: &Desk, asker: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let List { after, limit } = read(p)?;
    let limit = limit.unwrap_or(MOST).clamp(1, MOST);
    let everybody = desk.office.everybody(asker.is_masked);
    let days = desk.office.last_days(None).map_err(|no| refusal(&no))?;
    let mut rest = everybody.values().filter(|person| after.as_ref().is_none_or(|after| person.name > *after));
    let page: Vec<_> = rest.by_ref().take(limit).map(|person| with_day(person.json(), person, days.as_ref())).collect();
    let next = rest.next().and_then(|_| page.last()).map(|last| last["name"].clone());
    Ok(json!({ "total": everybody.len(), "users": page, "next": next }))
}

fn with_day(mut shown: Value, person: &Person, days: Option<&BTreeMap<String, Value>>) -> Value {
    if let Some(days) = days {
        let nothing = || json!({ "sessions": 0, "up": 0, "down": 0, "denied": 0, "failed": 0 });
        shown["day"] = days.get(&person.name).cloned().unwrap_or_else(nothing);
    }
    shown
}

#[derive(Deserialize)]
struct One {
    name: String,
}

fn user(desk: &Desk, asker: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let One { name } = read(p)?;
    let everybody = desk.office.everybody(asker.is_masked);
    let person = everybody.get(&name).ok_or_else(|| {
        Refusal::new(Code::NotFound, "there is no such user, neither in the users file nor in a session")
    })?;
    let days = desk.office.last_days(Some(&name)).map_err(|no| refusal(&no))?;
    let mut shown = with_day(person.json(), person, days.as_ref());
    shown["rules"] = desk.office.rules_about(person);
    if let Some(mut last) = desk.office.last_session(&name).map_err(|no| refusal(&no))? {
        if asker.is_masked {
            super::sessions::mask(&mut last);
        }
        shown["last_session"] = last;
    }
    Ok(shown)
}

#[expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]
fn groups(desk: &Desk, _: &Asker, _: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    Ok(desk.office.groups())
}

/// Another password, or a user's first one.
#[derive(Deserialize)]
struct Password {
    name: String,
    secret: Option<String>,
    #[serde(default)]
    generate: bool,
    #[serde(default)]
    user: Option<::policy::Entry>,
    #[serde(default)]
    comment: String,
    idem: Option<String>,
}

fn passwd(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let order = Password { user: None, ..read(p)? };
    desk.perform(asker, Operation::Password(Box::new(order.meant()?)))
}

fn add(desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let order: Password = read(p)?;
    let user = order.user.clone().or_else(|| Some(::policy::Entry::default()));
    desk.perform(asker, Operation::Password(Box::new(Password { user, ..order }.meant()?)))
}

impl Password {
    fn meant(self) -> Result<NewPassword, Refusal> {
        let Self { name, secret, generate, user, comment, idem } = self;
        let secret = match (secret.map(Zeroizing::new), generate) {
            (Some(secret), false) => Secret::Given(secret),
            (None, true) => Secret::Made,
            (Some(_), true) | (None, false) => {
                return Err(Refusal::new(Code::BadRequest, "say secret, or generate with true, and not both"));
            }
        };
        Ok(NewPassword { name, secret, user, comment, idem })
    }
}
