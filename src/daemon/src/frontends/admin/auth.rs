//! Operations on logins, and on those who guess.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;
use wire::admin::Refusal;

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::ops::{IDEM, Op, order, read};
use crate::frontends::office::Operation;
use crate::frontends::office::forgiveness::Forgive;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[order(
    "auth.unban",
    unban,
    &[("src", "any address of the source"), ("reason", "for the audit log"), IDEM],
    "source, forgiven: whether it owed anything, audit",
    "lets a source come again",
)];

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
