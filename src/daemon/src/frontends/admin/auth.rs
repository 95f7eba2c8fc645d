//! Operations on logins, and on those who guess.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use filter::{Filter, Row, Value as Asked};
use serde::Deserialize;
use serde_json::{Value, json};
use socks::Password;
use wire::admin::{Code, Refusal};
use zeroize::Zeroizing;

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk, refusal};
use super::lanes::Lane;
use super::ops::{EVERY, IDEM, Op, look, order, oversee, read, watch};
use super::sessions::filter_of;
use super::subscription::Source;
use crate::frontends::office::Operation;
use crate::frontends::office::forgiveness::Forgive;
use crate::frontends::office::gatehouse::trial::Trial;
use crate::frontends::office::sight::{masked, now, seconds};
use crate::state::logins::{Login, Outcome};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "auth.status",
        status,
        &[],
        "listeners: name and ways (method, service, first: before the client says anything); services: name, state (ok or missing), file, changed, used_by; helpers: count, free, waiting, troubles, or nothing; methods: how long checks took lately; cache: how often a password was asked about and known; users; results of the last five minutes: of (how many), why (how many for each reason); banned; runs_as",
        "how clients log in, and how that goes",
    ),
    watch(
        "auth.sub",
        subscribe,
        &[
            ("filter", "which logins; all without it"),
            ("failures_only", "true leaves those out that went well"),
            ("backlog", "at most so many of the last ones of these at first, 0 to 1000; 100 without it"),
            EVERY,
        ],
        "sub, logins: n, t, result, user, src, listener, method, why, ms, session, the oldest first; pushes auth, a login each, and gap (lost)",
        "the logins as they are tried",
    ),
    oversee(
        "auth.test",
        test,
        &[
            ("user", "the name"),
            ("secret", "the password; it is kept nowhere and written down nowhere"),
            ("src", "as if from this address; from a Unix socket without it"),
            ("listener", "by whose methods; those of the first one that asks for names without it"),
        ],
        "result (ok, fail or error), method, groups, why, remark, ms; banned and name_locked: what a client from there would meet besides; listener",
        "tries a login by the backends that clients meet, on nobody's account; at most 10 in a minute",
    )
    .on(Lane::Trials),
    order(
        "auth.unban",
        unban,
        &[("src", "any address of the source"), ("reason", "for the audit log"), IDEM],
        "source, forgiven: whether it owed anything, audit",
        "lets a source come again",
    ),
];

/// Logins that are told of the time before.
const BACKLOG: usize = 100;

/// The longest name and password (RFC 1929 §2).
const LONGEST: usize = 255;

pub(super) fn status(desk: &Desk, _: &Asker, _: Parameters) -> Result<Value, Refusal> {
    Ok(desk.office.gate())
}

#[derive(Deserialize)]
struct Subscribe {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    failures_only: bool,
    backlog: Option<usize>,
    every_ms: Option<u64>,
}

pub(super) fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { filter, failures_only, backlog, every_ms } = read(p)?;
    let filter = filter_of(&filter, filter::LOGINS)?;
    let before = conversation.desk.office.world.logins.behind(0).logins;
    let seen = before.last().map_or(0, |login| login.number);
    let watched = Watched { filter, failures_only, seen };
    let mut logins = watched.told(&before, conversation.asker.is_masked);
    let last = logins.split_off(logins.len().saturating_sub(backlog.unwrap_or(BACKLOG)));
    let sub = conversation.follow(watched, every_ms)?;
    Ok(json!({ "sub": sub, "logins": last }))
}

/// Which logins, and up to which they have been told.
#[derive(Debug)]
struct Watched {
    filter: Filter,
    failures_only: bool,
    seen: u64,
}

impl Watched {
    /// Those that are wanted.
    fn told(&self, logins: &[Arc<Login>], is_masked: bool) -> Vec<Value> {
        let is_wanted = |login: &&Arc<Login>| {
            let tried = Tried { login, is_masked };
            !(self.failures_only && login.result == Outcome::Accepted) && self.filter.admits(&tried, now())
        };
        logins.iter().filter(is_wanted).map(|login| told(login, is_masked)).collect()
    }
}

impl Source for Watched {
    fn news(&mut self, desk: &Desk, asker: &Asker) -> Vec<(&'static str, Value)> {
        let unseen = desk.office.world.logins.behind(self.seen);
        self.seen = unseen.logins.last().map_or(self.seen, |login| login.number);
        let gap = (unseen.lost > 0).then(|| ("gap", json!({ "lost": unseen.lost })));
        let logins = self.told(&unseen.logins, asker.is_masked).into_iter().map(|login| ("auth", login));
        gap.into_iter().chain(logins).collect()
    }
}

/// A login as filters see it.
struct Tried<'a> {
    login: &'a Login,
    is_masked: bool,
}

impl Row for Tried<'_> {
    fn value(&self, field: &str) -> Option<Asked<'_>> {
        let text = |text: String| Asked::Text(Cow::Owned(text));
        let Login { result, user, source, listener, method, why, took, .. } = self.login;
        match field {
            "result" => Some(text(result.word().to_owned())),
            "user" => user.clone().map(text),
            // Neither by looking nor by asking.
            "src" => source.filter(|_| !self.is_masked).map(Asked::Address),
            "method" => method.map(|method| text(method.to_string())),
            "listener" => Some(text(listener.to_string())),
            "why" => why.map(|why| text(why.to_owned())),
            "took" => Some(Asked::Number(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))),
            _ => None,
        }
    }
}

fn told(login: &Login, is_masked: bool) -> Value {
    let Login { number, at, result, user, source, listener, method, why, took, session } = login;
    let source = source.map(|source| if is_masked { masked(source) } else { source.to_string() });
    json!({
        "n": number, "t": seconds(*at), "result": result.word(), "user": user, "src": source, "listener": &**listener,
        "method": method.map(|method| method.to_string()), "why": why, "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "session": session.to_string(),
    })
}

#[derive(Deserialize)]
struct Test {
    user: String,
    src: Option<IpAddr>,
    listener: Option<String>,
}

pub(super) fn test(
    desk: &Desk,
    asker: &Asker,
    mut p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Some(Value::String(secret)) = p.remove("secret") else {
        return Err(Refusal::new(Code::BadRequest, "secret: the password is missing"));
    };
    let secret = Zeroizing::new(secret);
    let Test { user, src, listener } = read(p)?;
    if user.is_empty() || user.len() > LONGEST || secret.len() > LONGEST {
        return Err(Refusal::new(Code::BadRequest, format!("names and passwords have at most {LONGEST} bytes")));
    }
    let trial = Trial { user, password: Password::from(secret.as_bytes()), source: src, listener };
    desk.office.try_login(&asker.caller, trial).map_err(|no| refusal(&no))
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
