//! What somebody who helps wants to see: answers of other operations, without addresses.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::admin::Refusal;

use super::conversation::Parameters;
use super::desk::{Asker, Desk};
use super::ops::{Op, carry_out, oversee, read};
use super::{audit, auth, health, logs, masking, policy, reload, status};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[oversee(
    "support.bundle",
    bundle,
    &[("addresses", "true leaves addresses whole; cut to their networks without it")],
    "parts with name and answer: what the operation of that name says, or refused and code; then parts: how many",
    "what the daemon says of itself, for somebody who helps; no secret is in any of it",
)];

/// The rooms whose answers are in it.
const ROOMS: &[&[Op]] = &[status::OPS, health::OPS, auth::OPS, reload::OPS, policy::OPS, logs::OPS, audit::OPS];

/// What each part is called, and what is asked for it.
const PARTS: &[(&str, &str)] = &[
    ("status", "status.get"),
    ("health", "health.get"),
    ("incidents", "incidents.list"),
    ("logins", "auth.status"),
    ("settings", "config.effective"),
    ("files", "config.drift"),
    ("reloads", "reload.history"),
    ("hits", "acl.hits"),
    ("logs", "logs.get"),
    ("audit", "audit.tail"),
];

#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    addresses: bool,
}

pub(super) fn bundle(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    part: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Bundle { addresses } = read(p)?;
    for (name, op) in PARTS {
        let mut answer = said(desk, asker, op);
        if !addresses {
            masking::mask(&mut answer);
        }
        if !part(json!({ "name": name, "answer": answer })) {
            break;
        }
    }
    Ok(json!({ "parts": PARTS.len() }))
}

/// What the operation answers to this one.
fn said(desk: &Desk, asker: &Asker, name: &str) -> Value {
    let op = ROOMS.iter().copied().flatten().find(|op| op.name == name).expect("every part is an operation");
    match carry_out(desk, asker, op, Map::new(), &mut |_| true) {
        Ok(answer) => answer,
        Err(refusal) => json!({ "refused": refusal.msg, "code": refusal.code.word() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_an_operation_that_looks() {
        for (name, op) in PARTS {
            let found = ROOMS.iter().copied().flatten().find(|known| known.name == *op);
            assert!(found.is_some_and(|op| !op.wants_hello), "{name}: {op}");
        }
    }
}
