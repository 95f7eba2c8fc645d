//! Operations on live sessions.

use filter::{Field, Filter};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Kill, Refusal, Role};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk, refusal};
use super::logs::told;
use super::ops::{EVERY, IDEM, Op, look, order, read, search, watch};
use super::subscription::Source;
use crate::frontends::office::Operation;
use crate::frontends::office::several::{Known, Several, Whom};
use crate::frontends::office::sight::{Sight, masked, now, seconds};
use crate::state::history::record::reason;
use crate::state::session::comings::{Unseen, Watching};

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
        "matched, sample, users: of how many, user: the only one, enabled: whether the users file lets that one in, if each of them came by it, destinations: how many, oldest, bytes, killed, gone, audit",
        "ends sessions",
    ),
    search(
        "sessions.export",
        export,
        &[("filter", "which sessions; all without it")],
        "parts with rows of 500 objects, then rows: how many",
        "every live session with every column",
    ),
    watch(
        "sessions.sub",
        subscribe,
        &[("filter", "which sessions; all without it"), EVERY],
        "sub; pushes came, once a session has asked for something, and went (n, t, every column of the view; went: reason), and gap (lost)",
        "sessions as they come and go, also those that are over before anybody looks at a view",
    ),
    look(
        "sessions.stats",
        stats,
        &[],
        "since, until, active_sessions, total_sessions, total_bytes, total_bytes_sent, total_bytes_received, tcp, udp: bytes_sent and bytes_received of each, top_users, top_destinations, acl_stats: allowed and blocked; as GET /stats",
        "what happens now and what happened today",
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
        row["log"] = lines.iter().map(|line| told(line)).collect();
    }
    Ok(row)
}

pub(super) fn stats(desk: &Desk, asker: &Asker, _: Parameters) -> Result<Value, Refusal> {
    let answer = desk.office.perform(&asker.caller, Operation::Statistics).map_err(|no| refusal(&no))?;
    Ok(serde_json::to_value(&answer).expect("an answer can be written"))
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
    let (mut sights, now) = (desk.office.sights(&desk.office.light(asker.is_masked)), now());
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

#[derive(Deserialize)]
struct Subscribe {
    filter: Option<String>,
    every_ms: Option<u64>,
}

pub(super) fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { filter, every_ms } = read(p)?;
    let filter = filter_of(filter.as_deref().unwrap_or_default(), filter::SESSIONS)?;
    let watching = conversation.desk.office.world.roster.comings().watch();
    let sub = conversation.follow(Watched { filter, watching }, every_ms)?;
    Ok(json!({ "sub": sub }))
}

/// Which sessions, and up to which they have been told.
#[derive(Debug)]
struct Watched {
    filter: Filter,
    watching: Watching,
}

impl Source for Watched {
    fn news(&mut self, desk: &Desk, asker: &Asker) -> Vec<(&'static str, Value)> {
        let Unseen { comings, lost } = self.watching.unseen();
        let gap = (lost > 0).then(|| ("gap", json!({ "lost": lost })));
        let (sights, now) =
            (desk.office.sights_of(comings.iter().map(|coming| &coming.session), asker.is_masked), now());
        let told =
            comings.iter().zip(sights).filter(|(_, sight)| self.filter.admits(sight, now)).map(|(coming, sight)| {
                let mut row = sight.object();
                (row["n"], row["t"]) = (coming.number.into(), seconds(coming.at).into());
                let Some(ending) = coming.went else { return ("came", row) };
                row["reason"] = reason(ending).into();
                ("went", row)
            });
        gap.into_iter().chain(told).collect()
    }
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
