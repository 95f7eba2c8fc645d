//! Operations on users.

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};
use zeroize::Zeroizing;

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::ops::{IDEM, Op, Takes, change, read, search};
use super::sessions::filter_of;
use crate::frontends::office::Operation;
use crate::frontends::office::people::{PastOfUser, Person, told};
use crate::frontends::office::policy::{NewPassword, Secret};
use crate::frontends::office::sight::{now, seconds};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    search(
        "users.list",
        users,
        &[
            ("filter", "which; all without it"),
            ("after", "the name of the last one of the page before"),
            ("limit", "at most so many, 1 to 1000; 1000 without it"),
        ],
        "total, of those that the filter lets in; users: name, state (enabled, disabled, elsewhere if the users file has them not, unknown if nobody ever got in by that name), from (file or pam), groups, sessions, up, down, rate, last_seen, last_src, limits of their own; day: sessions, up, down, denied, failed, and fails: logins that were refused, of the last 24 hours, if a history is kept; next",
        "users of the users file, whoever else is in, and names that only failed in the last 24 hours",
    ),
    search(
        "users.get",
        user,
        &[NAME],
        "as users.list has it; written: what the users file says of password (kept_as, memory_kib, passes) and expires; rules: own, groups, everybody; concessions: as limits.concessions has them, of this user and of no group; first_seen, last_session as the history has them",
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
    filter: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

fn users(desk: &Desk, asker: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let List { filter, after, limit } = read(p)?;
    let (filter, now) = (filter_of(&filter.unwrap_or_default(), filter::USERS)?, now());
    let limit = limit.unwrap_or(MOST).clamp(1, MOST);
    let days = desk.office.last_days().map_err(|no| refusal(&no))?;
    let everybody = desk.office.everybody(asker.is_masked, days.as_ref());
    let meant: Vec<&Person> =
        everybody.numbered().map(|(_, person)| &**person).filter(|person| filter.admits(*person, now)).collect();
    let mut rest = meant.iter().filter(|person| after.as_ref().is_none_or(|after| *person.name > **after));
    let page: Vec<_> = rest.by_ref().take(limit).map(|person| with_day(person)).collect();
    let next = rest.next().and_then(|_| page.last()).map(|last| last["name"].clone());
    Ok(json!({ "total": meant.len(), "users": page, "next": next }))
}

fn with_day(person: &Person) -> Value {
    let mut shown = person.json();
    if let Some(day) = &person.day {
        shown["day"] = told(day);
    }
    shown
}

#[derive(Deserialize)]
struct One {
    name: String,
}

fn user(desk: &Desk, asker: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let One { name } = read(p)?;
    if desk.office.is_due_to_look_back() {
        desk.office.will_look_back();
        desk.office.look_back();
    }
    let lately = desk.office.days();
    let everybody = desk.office.everybody(asker.is_masked, lately.as_ref());
    let person = everybody.find(&name).ok_or_else(|| {
        Refusal::new(Code::NotFound, "there is no such user, neither in the users file nor in a session")
    })?;
    let mut shown = person.json();
    shown["written"] = json!(desk.office.written_of(&name));
    shown["rules"] = desk.office.rules_about(person);
    shown["concessions"] = json!(desk.office.conceded_to(&format!("user/{name}")));
    let Some(PastOfUser { day, first, last }) = desk.office.past_of(&name).map_err(|no| refusal(&no))? else {
        return Ok(shown);
    };
    shown["day"] = told(&day);
    // Who failed under a name stands in no index: that is known once everybody's day is.
    shown["day"]["fails"] = json!(person.day.as_ref().map(|day| day.fails));
    shown["first_seen"] = json!(first.map(|first| seconds(first.as_microsecond())));
    if let Some(mut last) = last {
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
