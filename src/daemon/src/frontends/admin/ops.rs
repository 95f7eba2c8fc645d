//! What an operation is, how it is found, and how one that takes long is carried out.

use std::time::Instant;

use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::admin::{Code, Refusal, Role};

use super::catalogue::OPS;
use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};

/// A parameter and what it means.
pub(super) type Takes = (&'static str, &'static str);

/// Works on the conversation itself.
pub(super) type Meta = fn(&mut Conversation, Parameters) -> Result<Value, Refusal>;

/// Answers at once.
pub(super) type Quick = fn(&Desk, &Asker, Parameters) -> Result<Value, Refusal>;

/// May take long, and may answer in parts; a part that nobody takes any more returns false.
pub(super) type Slow = fn(&Desk, &Asker, Parameters, &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal>;

#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Meta(Meta),
    Quick(Quick),
    Slow(Slow),
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

/// Short forms for people at a terminal.
const ALIASES: [(&str, &str); 2] = [("status", "status.get"), ("ping", "meta.ping")];

pub(super) fn find(name: &str) -> Option<&'static Op> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, full)| full);
    OPS.iter().find(|op| op.name == name)
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
    act: Slow,
    p: Parameters,
    part: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let is_order = op.role > Some(Role::Read) && op.wants_hello;
    let name = p.get("idem").and_then(Value::as_str).filter(|_| is_order).map(str::to_owned);
    let Some(name) = name.map(|name| (asker.you.uid, name)) else {
        return act(desk, asker, p, part);
    };
    if let Err(known) = desk.outcomes.begin(name.clone(), Instant::now()) {
        return known;
    }
    let outcome = act(desk, asker, p, part);
    desk.outcomes.end(name, &outcome, Instant::now());
    outcome
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::IDEM;
    use super::*;

    #[test]
    fn no_operation_stands_there_twice_and_every_alias_leads_to_one() {
        let mut names: Vec<_> = OPS.iter().map(|op| op.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert!(ALIASES.iter().all(|(alias, _)| find(alias).is_some()));
    }

    #[test]
    fn whatever_changes_something_takes_more_than_looking_and_a_hello() {
        for op in OPS.iter().filter(|op| op.takes.contains(&IDEM)) {
            assert!(op.role >= Some(Role::Operate) && op.wants_hello, "{}", op.name);
        }
    }
}
