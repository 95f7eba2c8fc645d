//! Reloads, ordered and remembered, and the settings that hold since.
#![expect(clippy::unnecessary_wraps, reason = "every operation has the same form")]

use serde::Deserialize;
use serde_json::{Value, json};
use wire::Extent;
use wire::admin::{Code, Refusal};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{EVERY, IDEM, Op, look, order, read, search, watch};
use super::subscription::Source;
use crate::frontends::office::Operation;

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    order(
        "reload.run",
        run,
        &[
            (
                "what",
                "all, acl for the rules alone, users for the users file alone, or config, which is all as it names the others; all without it",
            ),
            ("dry", "true says what would come of it, and nothing does; no new address is tried"),
            IDEM,
        ],
        "the reload as GET /api/admin/reload shows it; if anything failed, the answer is invalid with it in data.reload; with dry: dry, success, components",
        "reads the operator's files anew, and waits for what comes of it",
    ),
    watch(
        "reload.sub",
        subscribe,
        &[("since", "reloads behind this generation; those from now on without it"), EVERY],
        "sub, generation: the last one; pushes reload, as reload.run answers it, and drift with the names of the components whose file says something else",
        "what comes of reloads, whoever wants them, and of files that change without one",
    ),
    search(
        "config.drift",
        drift,
        &[],
        "components, of each file: component, store?, gen and sha in force, file, mtime, file_sha, state (same, changed, invalid), since, changes, needs_restart, problems (file, line, column, message)",
        "what the operator's files say beside what is in force",
    ),
    look(
        "config.effective",
        effective,
        &[],
        "settings: key, value as TOML, from (default, file, env or flag), place, reload (live or restart), waiting: what was read and waits for a start",
        "the settings in force, and where they come from",
    ),
    look(
        "reload.history",
        history,
        &[("n", "how many, 1 to 32; 10 without it")],
        "reloads, the latest first",
        "the reloads of this worker",
    ),
];

#[derive(Deserialize)]
struct Run {
    what: Option<String>,
    #[serde(default)]
    dry: bool,
}

pub(super) fn run(
    desk: &Desk,
    asker: &Asker,
    p: Parameters,
    _: &mut dyn FnMut(Value) -> bool,
) -> Result<Value, Refusal> {
    let Run { what, dry } = read(p)?;
    let extent = match what.as_deref() {
        // Another configuration may make something else of every other file.
        None | Some("all" | "config") => Extent::Everything,
        Some("acl") => Extent::Rules,
        Some("users") => Extent::Users,
        Some(_) => return Err(Refusal::new(Code::BadRequest, "what: it is all, config, acl or users")),
    };
    desk.perform(asker, if dry { Operation::Rehearse(extent) } else { Operation::Reload(extent) })
}

fn drift(desk: &Desk, _: &Asker, _: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    Ok(desk.office.drift())
}

#[derive(Deserialize)]
struct History {
    n: Option<usize>,
}

pub(super) fn history(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let History { n } = read(p)?;
    Ok(json!({ "reloads": desk.office.reloads(n.unwrap_or(10).clamp(1, 32)) }))
}

pub(super) fn effective(desk: &Desk, _: &Asker, _: Parameters) -> Result<Value, Refusal> {
    Ok(serde_json::to_value(&**desk.office.effective.load()).expect("texts can be written"))
}

#[derive(Deserialize)]
struct Subscribe {
    since: Option<u64>,
    every_ms: Option<u64>,
}

pub(super) fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { since, every_ms } = read(p)?;
    let last = conversation.desk.office.last_generation();
    let watched = Watched { told: since.unwrap_or(last), drifting: conversation.desk.office.drifting() };
    let sub = conversation.follow(watched, every_ms)?;
    Ok(json!({ "sub": sub, "generation": last }))
}

/// Up to which generation reloads have been told, and which files said something else then.
#[derive(Debug)]
struct Watched {
    told: u64,
    drifting: Vec<&'static str>,
}

impl Source for Watched {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        let mut new = desk.office.reloads_since(self.told);
        new.reverse();
        self.told = desk.office.last_generation().max(self.told);
        let told = |reload| ("reload", serde_json::to_value(reload).expect("a reload can be written"));
        let drifting = desk.office.drifting();
        let drift = (drifting != self.drifting).then(|| ("drift", json!({ "components": drifting })));
        self.drifting = drifting;
        new.into_iter().map(told).chain(drift).collect()
    }
}
