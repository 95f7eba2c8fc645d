//! What a client asks about the conversation itself.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Hello, Limits, MOST_SUBSCRIPTIONS, PROTOCOL, Refusal, Role, Welcome};

use super::catalogue;
use super::conversation::{Conversation, Parameters};
use super::ops::{Op, Takes, meta_op, read};
use super::outcomes::Known;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    meta_op(
        "hello",
        hello,
        &[
            ("proto", "the protocol that the client speaks: 1"),
            ("client", "its name and version, for the log"),
            ("want", "the role that it wants, if not the highest that it may have"),
            ("comment", "anything, for the log"),
        ],
        "proto, server, epoch, node, role, max_role, you, caps, limits",
        "begins a conversation; needed before subscriptions and orders",
    ),
    meta_op("meta.ping", ping, &[], "nothing", "answers"),
    meta_op("meta.ops", ops, &[], "ops: op, role, since, about, p, ok", "lists the operations"),
    meta_op(
        "meta.role",
        role,
        &[("role", "the role from now on")],
        "role, closed: the subscriptions that this ends",
        "lowers the role; it cannot be raised again",
    ),
    meta_op(
        "meta.cancel",
        cancel,
        &[("id", "the number of a request without an answer")],
        "cancelled",
        "takes a request back, which is then answered with cancelled",
    ),
    meta_op(
        "meta.outcome",
        outcome,
        &[("idem", "the name of an order of the last 10 minutes")],
        "state: applied with ok, failed with err, running, unknown",
        "tells what came of an order whose answer was lost",
    ),
    meta_op("meta.close", close, &[("sub", "the number of a subscription")], "closed", "ends any subscription"),
];

/// What this daemon can do that another one might not.
const CAPS: [&str; 2] = ["views", "filters"];

pub(super) fn hello(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let hello: Hello = read(p)?;
    if hello.proto != PROTOCOL {
        let msg = format!("this daemon speaks protocol {PROTOCOL}, not {}", hello.proto);
        return Err(Refusal::new(Code::Version, msg).with(json!({ "proto": PROTOCOL })));
    }
    conversation.lower(hello.want.unwrap_or(conversation.asker.role));
    let Conversation { desk, asker, .. } = conversation;
    let welcome = Welcome {
        proto: PROTOCOL,
        server: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: desk.epoch.clone(),
        node: desk.terms.node.clone(),
        role: asker.role,
        max_role: asker.highest,
        you: asker.you.clone(),
        caps: CAPS.map(str::to_owned).into(),
        limits: Limits { req: asker.longest_request(), subs: MOST_SUBSCRIPTIONS },
    };
    tracing::debug!(
        target: "audit",
        caller = %asker.caller.name, role = asker.role.word(), client = hello.client, comment = hello.comment, "an operator's program says hello"
    );
    conversation.seat.introduce(&hello.client, hello.comment.as_deref(), conversation.asker.role);
    conversation.is_greeted = true;
    Ok(serde_json::to_value(welcome).expect("texts and numbers can be written"))
}

pub(super) fn ping(_: &mut Conversation, _: Parameters) -> Result<Value, Refusal> {
    Ok(json!({}))
}

/// Every operation, in the order of the reference.
pub(super) fn ops(_: &mut Conversation, _: Parameters) -> Result<Value, Refusal> {
    let takes = |takes: &[Takes]| -> Value {
        takes.iter().map(|(name, about)| json!({ "name": name, "about": about })).collect()
    };
    let ops = catalogue::ops().map(|op| {
        json!({
            "op": op.name, "role": op.role.map(Role::word), "since": op.since, "about": op.about, "p": takes(op.takes), "ok": op.gives,
        })
    });
    Ok(json!({ "ops": ops.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
struct Lower {
    role: Role,
}

pub(super) fn role(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Lower { role } = read(p)?;
    let own = conversation.asker.role;
    if role > own {
        return Err(Refusal::new(Code::Denied, format!("a role can be lowered, and yours is {own}")));
    }
    let closed = conversation.lower(role);
    Ok(json!({ "role": conversation.asker.role, "closed": closed }))
}

#[derive(Deserialize)]
struct Cancel {
    id: u64,
}

pub(super) fn cancel(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Cancel { id } = read(p)?;
    Ok(json!({ "cancelled": conversation.cancel(id) }))
}

#[derive(Deserialize)]
struct Outcome {
    idem: String,
}

pub(super) fn outcome(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Outcome { idem } = read(p)?;
    let name = (conversation.asker.you.uid, idem);
    Ok(match conversation.desk.outcomes.of(&name, Instant::now()) {
        Known::Running => json!({ "state": "running" }),
        Known::Applied(ok) => json!({ "state": "applied", "ok": ok }),
        Known::Failed(err) => json!({ "state": "failed", "err": err }),
        Known::Never => json!({ "state": "unknown" }),
    })
}

#[derive(Deserialize)]
struct Close {
    sub: u64,
}

pub(super) fn close(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Close { sub } = read(p)?;
    Ok(json!({ "closed": conversation.unsubscribe(sub) }))
}
