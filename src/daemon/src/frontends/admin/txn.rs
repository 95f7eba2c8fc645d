//! Operations on rules before they count: drafts, what they would change, and their way into force and back.

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk, refusal};
use super::ops::{EVERY, IDEM, Op, Takes, change, look, order, read, search, watch};
use super::subscription::{Source, Subject};
use crate::frontends::office::Operation;
use crate::frontends::office::policy::Order;

const WHICH: Takes = ("store", "acl, the only one yet; that is meant without it");
const DRAFT: Takes = ("draft", "the number of a draft");
const SUBJECT: Takes = ("draft, text or gen", "which rules are meant: a draft, a text, or an earlier generation");

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    look(
        "txn.get",
        |desk, asker, p| ask("txn.get", desk, asker, p),
        &[WHICH],
        "gen, sha, text, confirm",
        "the rules in force as they are written, and what waits to be confirmed",
    ),
    look(
        "txn.history",
        |desk, asker, p| ask("txn.history", desk, asker, p),
        &[WHICH],
        "gen, sha, t, by, source, comment of each, the latest first",
        "the rule files that were in force, the last 50",
    ),
    look(
        "txn.generation",
        |desk, asker, p| ask("txn.generation", desk, asker, p),
        &[WHICH, ("gen", "which one")],
        "generation, text",
        "what an earlier rule file said",
    ),
    look(
        "txn.drafts",
        |desk, asker, p| ask("txn.drafts", desk, asker, p),
        &[WHICH],
        "draft, base, rev, by, undo, redo, text of each",
        "what is being written, by whom",
    ),
    look(
        "txn.draft.get",
        |desk, asker, p| ask("txn.draft.get", desk, asker, p),
        &[WHICH, DRAFT],
        "draft, base, rev, by, undo, redo, text",
        "one draft",
    ),
    watch(
        "txn.sub",
        subscribe,
        &[WHICH, EVERY],
        "sub, state; pushes policy whenever it changes: current (gen, sha, t, by, source, comment), confirm (gen, back_to, until, by), drafts (draft, by, base, rev)",
        "which rules are in force, what waits to be confirmed, and who is writing others",
    ),
    search(
        "txn.validate",
        |desk, asker, p, _| ask("txn.validate", desk, asker, p),
        &[WHICH, SUBJECT],
        "ok, diag: sev, line, col, path, msg, hint; counts: users, groups, rules",
        "whether a text could be in force, and what is to be said about it",
    ),
    search(
        "txn.diff",
        |desk, asker, p, _| ask("txn.diff", desk, asker, p),
        &[WHICH, SUBJECT],
        "items: owner, ref, kind (add, del, chg, mov), before, after; text as diff(1) writes it",
        "how a text differs from the rules in force",
    ),
    order(
        "acl.whatif",
        |desk, asker, p, _| ask("acl.whatif", desk, asker, p),
        &[
            WHICH,
            SUBJECT,
            ("hours", "also judges what was asked for in so many hours, if a history is kept"),
            ("mine", "addresses of the operator, whose own sessions are counted apart"),
        ],
        "live and past: evaluated, same, other_rule, now_denied, now_allowed, by_user, sample, mine_denied; ms",
        "what a text would change for those who are in and for those who were",
    ),
    change(
        "txn.draft.open",
        |desk, asker, p, _| ask("txn.draft.open", desk, asker, p),
        &[WHICH, ("text", "what it says; the rules in force without it")],
        "as txn.draft.get",
        "begins a draft; one that nobody touches for half an hour is gone",
    ),
    change(
        "txn.draft.op",
        |desk, asker, p, _| ask("txn.draft.op", desk, asker, p),
        &[
            WHICH,
            DRAFT,
            (
                "ops",
                "rule.add {owner,rule,before?}, rule.set {ref,rule}, rule.del {ref}, rule.move {ref,before?}, owner.add {owner,groups?}, owner.set {owner,groups?}, owner.del {owner}, global.set {default_policy}; all or none",
            ),
        ],
        "as txn.draft.get",
        "changes rules of a draft and leaves every comment",
    ),
    change(
        "txn.draft.put",
        |desk, asker, p, _| ask("txn.draft.put", desk, asker, p),
        &[WHICH, DRAFT, ("text", "what it says from now on")],
        "as txn.draft.get",
        "replaces the text of a draft",
    ),
    change(
        "txn.draft.undo",
        |desk, asker, p, _| ask("txn.draft.undo", desk, asker, p),
        &[WHICH, DRAFT],
        "as txn.draft.get",
        "takes the last change back",
    ),
    change(
        "txn.draft.redo",
        |desk, asker, p, _| ask("txn.draft.redo", desk, asker, p),
        &[WHICH, DRAFT],
        "as txn.draft.get",
        "makes it again",
    ),
    change(
        "txn.draft.discard",
        |desk, asker, p, _| ask("txn.draft.discard", desk, asker, p),
        &[WHICH, DRAFT],
        "nothing",
        "forgets a draft",
    ),
    change(
        "txn.merge",
        |desk, asker, p, _| ask("txn.merge", desk, asker, p),
        &[WHICH, DRAFT],
        "onto, items: owner, ref, state clean with kept or conflict with keys, base, mine, theirs",
        "what became of a draft's base while it was written",
    ),
    change(
        "txn.merge.pick",
        |desk, asker, p, _| ask("txn.merge.pick", desk, asker, p),
        &[WHICH, DRAFT, ("picks", "for the index of each conflict mine, theirs, both or {rule:…}")],
        "as txn.draft.get",
        "puts a draft on the rules in force",
    ),
    change(
        "txn.apply",
        |desk, asker, p, _| ask("txn.apply", desk, asker, p),
        &[
            WHICH,
            SUBJECT,
            ("base", "the generation on which the text builds; a draft knows its own"),
            ("existing", "keep, or end_denied for the sessions that it denies"),
            ("confirm_s", "the rules of before come back after so many seconds unless somebody confirms"),
            ("expect_denied", "as many live sessions must be denied, or the answer is conflict"),
            ("comment", "why; it is kept with the generation"),
            IDEM,
        ],
        "gen, sha, ended, confirm, audit",
        "writes the rule file and puts it in force, whole or not at all",
    ),
    change(
        "txn.confirm",
        |desk, asker, p, _| ask("txn.confirm", desk, asker, p),
        &[WHICH, ("gen", "what waits to be confirmed"), IDEM],
        "gen",
        "keeps what was applied",
    ),
    change(
        "txn.rollback",
        |desk, asker, p, _| ask("txn.rollback", desk, asker, p),
        &[WHICH, ("to", "the generation that comes back, as a new one"), ("comment", "why"), IDEM],
        "gen, audit",
        "brings an earlier rule file back",
    ),
];

/// The store that can be edited through this socket; a request need not name it.
const STORE: &str = "acl";

/// Asks what the office knows by the same name.
pub(super) fn ask(op: &str, desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    if let Some(store) = p.get("store").filter(|store| *store != STORE) {
        return Err(Refusal::new(Code::Unavailable, format!("store: {store} cannot be edited here, only {STORE:?}")));
    }
    let order = [("op".to_owned(), op.into()), ("p".to_owned(), p.into())].into_iter().collect();
    let order = serde_json::from_value::<Order>(Value::Object(order));
    let order = order.map_err(|error| Refusal::new(Code::BadRequest, format!("p: {error}")))?;
    desk.perform(asker, Operation::Policy(Box::new(order)))
}

#[derive(Deserialize)]
struct Subscribe {
    store: Option<String>,
    every_ms: Option<u64>,
}

fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { store, every_ms } = read(p)?;
    if let Some(other) = store.filter(|store| store != STORE) {
        return Err(Refusal::new(Code::Unavailable, format!("store: {other} is not watched here, only {STORE:?}")));
    }
    let state = conversation.desk.office.policy_state().map_err(|no| refusal(&no))?;
    let watched = Subject::Other(Box::new(Watched(state.clone())));
    let sub = conversation.subscribe(watched, every_ms)?;
    Ok(json!({ "sub": sub, "state": state }))
}

/// The state as it was last told.
#[derive(Debug)]
struct Watched(Value);

impl Source for Watched {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        // Without rules that are written somewhere there is no state, and no news.
        let Ok(state) = desk.office.policy_state() else { return Vec::new() };
        if state == self.0 {
            return Vec::new();
        }
        self.0 = state.clone();
        vec![("policy", state)]
    }
}
