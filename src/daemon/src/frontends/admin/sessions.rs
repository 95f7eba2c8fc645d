//! Operations on live sessions.

use std::time::Instant;

use filter::{Field, Filter};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Kill, Refusal, Role};

use super::conversation::Parameters;
use super::desk::{Asker, Desk, refusal};
use super::logs::told;
use super::ops::{IDEM, Op, order, read, search};
use crate::frontends::office::Operation;
use crate::frontends::office::several::{Known, Several, Whom};
use crate::frontends::office::sight::{Sight, masked, now};

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    search(
        "sessions.get",
        get,
        &[("id", "a short id or a UUID")],
        "every column of the view; live: everything that the API shows; would: decision and by, what the rules in force say to it now; classes: those it shares bandwidth in, as limits.tree; log: the last lines that name it (for the role operate)",
        "one live session",
    ),
    order(
        "sessions.kill",
        kill,
        &[
            ("ids", "short ids or UUIDs, at most 10000"),
            ("filter", "instead of ids: those that it lets in now"),
            ("expect", "how many there must be, or nothing is done and the answer is conflict"),
            ("reason", "for the audit log"),
            ("sample", "how many of them to show, 1 to 200; 5 without it"),
            ("dry", "true only says what would be done"),
            IDEM,
            ("epoch", "the run of the daemon that the ids belong to"),
        ],
        "matched, sample, users: of how many, user: the only one, destinations: how many, oldest, bytes, killed, gone, audit",
        "ends sessions",
    ),
    search(
        "sessions.export",
        export,
        &[("filter", "which sessions; all without it")],
        "parts with rows of 500 objects, then rows: how many",
        "every live session with every column",
    ),
];

/// Ids of one order.
const MOST_IDS: usize = 10_000;

/// Rows of one part of an export.
const PART: usize = 500;

#[derive(Deserialize)]
struct One {
    id: String,
}

pub(super) fn get(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let One { id } = read(p)?;
    let known = known(&id)?;
    let sight = desk.office.sight(known, asker.is_masked);
    let sight = sight.ok_or_else(|| Refusal::new(Code::NotFound, "there is no such session"))?;
    let operation = Operation::Session(sight.session.id);
    let answer = desk.office.perform(&asker.caller, operation).map_err(|no| refusal(&no))?;
    let mut live = serde_json::to_value(&answer).expect("an answer can be written");
    if asker.is_masked {
        mask(&mut live);
    }
    let mut row = sight.object();
    row["live"] = live;
    row["would"] = desk.office.would(&sight.session);
    row["classes"] = desk.office.classes_of(&sight.session, asker.is_masked);
    if asker.role >= Role::Operate {
        let lines = desk.office.last_lines(&sight.session);
        row["log"] = lines.iter().map(|line| told(line, asker.is_masked)).collect();
    }
    Ok(row)
}

pub(super) fn kill(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let mut target = p.clone();
    target.retain(|name, _| ["ids", "filter"].contains(&name.as_str()));
    let Kill { ids, filter, expect, reason, sample, dry, idem, epoch } = read(p)?;
    if epoch.is_some_and(|epoch| epoch != desk.epoch) {
        return Err(Refusal::new(Code::Epoch, "the ids belong to another run of the daemon")
            .with(json!({ "epoch": desk.epoch })));
    }
    let whom = match (ids, filter) {
        (Some(ids), None) if ids.len() <= MOST_IDS => {
            Whom::These(ids.iter().map(|id| known(id)).collect::<Result<_, _>>()?)
        }
        (Some(_), None) => return Err(Refusal::new(Code::TooLarge, format!("at most {MOST_IDS} ids; use a filter"))),
        (None, Some(text)) => Whom::Fitting(filter_of(&text, filter::SESSIONS)?),
        (Some(_), Some(_)) | (None, None) => return Err(Refusal::new(Code::BadRequest, "give either ids or a filter")),
    };
    let several = Several { whom, target: target.into(), expect, reason, sample, is_rehearsal: dry, idem };
    let operation = Operation::EndSessions(Box::new(several));
    let answer = desk.office.perform(&asker.caller, operation).map_err(|no| refusal(&no))?;
    Ok(serde_json::to_value(&answer).expect("an answer can be written"))
}

#[derive(Deserialize)]
struct Export {
    filter: Option<String>,
}

pub(super) fn export(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    part: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Export { filter } = read(p)?;
    let filter = filter_of(filter.as_deref().unwrap_or_default(), filter::SESSIONS)?;
    let rates = desk.office.paces.rates(&desk.office.world.roster, Instant::now());
    let (mut sights, now) = (desk.office.sights(&rates, asker.is_masked), now());
    sights.retain(|sight| filter.admits(sight, now));
    sights.sort_unstable_by_key(|sight| sight.session.number);
    for rows in sights.chunks(PART) {
        let rows: Vec<Value> = rows.iter().map(Sight::object).collect();
        if !part(json!({ "rows": rows })) {
            return Err(Refusal::new(Code::Cancelled, "nobody takes it"));
        }
    }
    Ok(json!({ "rows": sights.len() }))
}

pub(super) fn filter_of(text: &str, fields: &[Field]) -> Result<Filter, Refusal> {
    Filter::parse(text, fields).map_err(|misread| {
        let data = json!({ "col": misread.column, "msg": misread.message, "hint": misread.hint });
        Refusal::new(Code::BadRequest, format!("filter: {misread}")).with(data)
    })
}

fn known(id: &str) -> Result<Known, Refusal> {
    Known::read(id).ok_or_else(|| Refusal::new(Code::BadRequest, format!("{id:?} is no id of a session")))
}

/// The same for a network.
pub(super) fn masked_network(network: ipnet::IpNet) -> String {
    masked(network.addr())
}

/// Takes the host part out of the address of whoever came.
pub(super) fn mask(row: &mut Value) {
    if let Some(address) = row["source_ip"].as_str().and_then(|address| address.parse().ok()) {
        row["source_ip"] = masked(address).into();
        row["source_port"] = Value::Null;
    }
}
