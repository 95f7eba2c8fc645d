//! What an operation is, how it is found, and how one that takes long is carried out.

use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::admin::{Code, Refusal, Role};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::lanes::Lane;

/// A parameter and what it means.
pub(super) type Takes = (&'static str, &'static str);

/// Works on the conversation itself.
pub(super) type Meta = fn(&mut Conversation, Parameters) -> Result<Value, Refusal>;

/// Answers at once.
pub(super) type Quick = fn(&Desk, &Asker, Parameters) -> Result<Value, Refusal>;

/// May take long, and may answer in parts; a part that nobody takes any more returns false.
pub(super) type Slow = fn(&Desk, &Asker, Parameters, &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal>;

/// One act for several operations, which is told by which name it is asked for; may take long.
pub(super) type Named = fn(&'static str, &Desk, &Asker, Parameters) -> Result<Value, Refusal>;

#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Meta(Meta),
    Quick(Quick),
    Slow(Lane, Slow),
    Named(Lane, Named),
}

#[derive(Debug)]
pub(super) struct Op {
    pub(super) name: &'static str,
    /// What it takes to be allowed; nothing if everybody may who has a role at all.
    pub(super) role: Option<Role>,
    /// The version of the daemon that had it first.
    pub(super) since: &'static str,
    pub(super) about: &'static str,
    pub(super) takes: &'static [Takes],
    pub(super) gives: &'static str,
    /// Whether the client has to say first which protocol it speaks.
    pub(super) wants_hello: bool,
    pub(super) act: Act,
}

impl Op {
    /// The same on other threads than its kind is usually done on.
    pub(super) const fn on(self, lane: Lane) -> Self {
        let act = match self.act {
            Act::Slow(_, act) => Act::Slow(lane, act),
            Act::Named(_, act) => Act::Named(lane, act),
            Act::Meta(_) | Act::Quick(_) => self.act,
        };
        Self { act, ..self }
    }
}

/// The parameter of an order that is done once by its name.
pub(super) const IDEM: Takes = ("idem", "the client's own name for this order: the same one is not carried out twice");

/// The parameter of a subscription that looks again and again.
pub(super) const EVERY: Takes = ("every_ms", "how often to look, 200 to 60000; 1000 without it");

/// What such a subscription takes, if it takes nothing else.
#[derive(Deserialize)]
pub(super) struct Often {
    pub(super) every_ms: Option<u64>,
}

/// About the conversation itself; anybody may who has a role.
pub(super) const fn meta_op(
    name: &'static str,
    act: Meta,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    Op { name, role: None, since: "0.1.0", about, takes, gives, wants_hello: false, act: Act::Meta(act) }
}

/// Looks, and answers at once.
pub(super) const fn look(
    name: &'static str,
    act: Quick,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Quick(act);
    Op { name, role: Some(Role::Read), since: "0.1.0", about, takes, gives, wants_hello: false, act }
}

/// Looks again and again.
pub(super) const fn watch(
    name: &'static str,
    act: Meta,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Meta(act);
    Op { name, role: Some(Role::Read), since: "0.1.0", about, takes, gives, wants_hello: true, act }
}

/// Looks, which may take long.
pub(super) const fn search(
    name: &'static str,
    act: Slow,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Slow(Lane::Looking, act);
    Op { name, role: Some(Role::Read), since: "0.1.0", about, takes, gives, wants_hello: false, act }
}

/// Changes what the operator wrote.
pub(super) const fn change(
    name: &'static str,
    act: Slow,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Slow(Lane::Orders, act);
    Op { name, role: Some(Role::Admin), since: "0.1.0", about, takes, gives, wants_hello: true, act }
}

/// Changes what goes on.
pub(super) const fn order(
    name: &'static str,
    act: Slow,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Slow(Lane::Orders, act);
    Op { name, role: Some(Role::Operate), since: "0.1.0", about, takes, gives, wants_hello: true, act }
}

/// For those who answer for the rest.
pub(super) const fn oversee(
    name: &'static str,
    act: Slow,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Slow(Lane::Looking, act);
    Op { name, role: Some(Role::Admin), since: "0.1.0", about, takes, gives, wants_hello: false, act }
}

/// Parameters in the form that an operation wants; what it does not know it does not see.
pub(super) fn read<T: DeserializeOwned>(p: Parameters) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(p)).map_err(|error| Refusal::new(Code::BadRequest, format!("p: {error}")))
}

/// Does what takes long; an order with a name once only.
pub(super) fn carry_out(
    desk: &Desk,
    asker: &Asker,
    op: &Op,
    p: Parameters,
    part: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let mut act = |p| match op.act {
        Act::Slow(_, act) => act(desk, asker, p, part),
        Act::Named(_, act) => act(op.name, desk, asker, p),
        Act::Quick(act) => act(desk, asker, p),
        Act::Meta(_) => Err(Refusal::new(Code::BadRequest, "this works on the conversation itself")),
    };
    let is_order = op.role > Some(Role::Read) && op.wants_hello;
    let name = p.get("idem").and_then(Value::as_str).filter(|_| is_order).map(str::to_owned);
    let Some(name) = name.map(|name| (asker.you.uid, name)) else {
        return act(p);
    };
    let print = desk.outcomes.print_of(op.name, &p);
    if let Err(known) = desk.outcomes.begin(name.clone(), print, Instant::now()) {
        return known;
    }
    let outcome = act(p);
    desk.outcomes.end(&name, &outcome, Instant::now());
    outcome
}
