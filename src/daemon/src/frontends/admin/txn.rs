//! Operations on the operator's files before they count: drafts, what they would change, and their way into force and back.

use serde::Deserialize;
use serde_json::{Value, json};
use wire::admin::{Code, Refusal, Role};

use super::aside::Aside;
use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk, refusal};
use super::lanes::Lane;
use super::ops::{Act, EVERY, IDEM, Op, Takes, order, read, watch};
use super::subscription::Source;
use crate::frontends::office::Operation;
use crate::frontends::office::policy::{Order, Store, WhatIf};

const WHICH: Takes = ("store", "acl, users or config; acl is meant without it");
const DRAFT: Takes = ("draft", "the number of a draft");
const SUBJECT: Takes = (
    "draft, text, gen or file",
    "which text is meant: a draft, a text, an earlier generation, or with file true what the file says that is not in force",
);

/// What can be changed in each store, all of it or nothing.
const OPS_OF_STORES: &str = "acl: rule.add {owner,rule,before?}, rule.set {ref,rule}, rule.del {ref}, rule.move {ref,before?}, owner.add {owner,groups?}, owner.set {owner,groups?}, owner.del {owner}, global.set {default_policy}; users: user.add {name,user}, user.set {name,set}, user.del, user.enable, user.disable {name}, group.add {name,members}, group.del {name}, group.rename {name,to}, member.add, member.del {group,name}; config: set {key,value}, unset {key}; users and config: limit.set {target,limits}, limit.del {target}; all or none";

/// What can be changed in the tests.
const OPS_OF_TESTS: &str = "all that the tests are to be, or changes: test.add {test}, test.set {test,set}, test.del {test}; tests are known by their numbers, from 1";

/// The parameter of whoever wants rules although they fail tests.
const DESPITE: Takes =
    ("despite_tests", "true: of acl, saved tests that it fails are switched off instead of holding it up");

/// Where a text is put.
const RUN_TIME: Takes = (
    "run_time",
    "true: of acl and users, in force until files are read again, by a reload or a start; the file stays as it is",
);
const EXPECT_FILE: Takes = (
    "expect_file",
    "the sha of what the file says, if that is not in force and may be overwritten; it is kept as a rejected generation. Without it, or if the file says something else, the answer is conflict with data.kind file_drift",
);

/// With what a draft is merged.
const WITH_FILE: Takes = ("file", "true: with what the file says that is not in force, instead of what is in force");

/// What is said of a file that is written.
const OF_FILE: &str = "as txn.draft.get; file, writable and why as txn.get has them";

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    row(
        Role::Read,
        "txn.get",
        &[WHICH],
        "store, gen, sha, text (of users only for admin, with veils over the hashes), confirm; file: path, sha, state (same, changed or invalid), error; writable: false where the daemon cannot write the file, and why",
        "a text in force as it is written, and what waits to be confirmed",
    ),
    row(
        Role::Read,
        "txn.history",
        &[WHICH],
        "gen, sha, t, by, source, comment and state (current, past, rolled_back, or rejected for what stood in the file and was overwritten) of each, the latest first",
        "the texts that were in force, the last 50",
    ),
    row(Role::Read, "txn.generation", &[WHICH, ("gen", "which one")], "generation, text", "what an earlier text said"),
    row(
        Role::Read,
        "txn.drafts",
        &[WHICH],
        "draft, base, rev, by, undo, redo, text of each",
        "what is being written, by whom",
    ),
    row(Role::Read, "txn.draft.get", &[WHICH, DRAFT], "draft, base, rev, by, undo, redo, text", "one draft"),
    watch(
        "txn.sub",
        subscribe,
        &[WHICH, EVERY],
        "sub, state; pushes policy whenever it changes: current (gen, sha, t, by, source, comment), confirm (gen, sha, back_to, until, by), drafts (draft, by, tty, base, rev, idle_s)",
        "which text is in force, what waits to be confirmed, and who is writing others",
    ),
    row(
        Role::Read,
        "acl.remarks",
        &[],
        "ok, diag, counts and tests as txn.validate has them",
        "what is to be said about the rules in force",
    ),
    Op { role: Some(Role::Admin), ..VALIDATE },
    row(
        Role::Read,
        "txn.diff",
        &[WHICH, SUBJECT],
        "items: owner, ref, kind (add, del, chg, mov), before, after; text as diff(1) writes it",
        "how a text differs from the one in force",
    ),
    order(
        "acl.whatif",
        what_if,
        &[
            SUBJECT,
            ("hours", "also judges what was asked for in so many hours, if a history is kept"),
            ("mine", "addresses of the operator, whose own sessions are counted apart"),
        ],
        "parts with done and of; live and past: evaluated, same, other_rule, now_denied, now_allowed, by_user, sample, mine, mine_denied; digest: for view.open and txn.apply; listed_all: whether every such session can be looked at; ms",
        "what a text would change for those who are in and for those who were",
    )
    .on(Lane::Looking),
    row(
        Role::Read,
        "acl.tests.get",
        &[],
        "sha, text, tests: test (its number), line, enabled, description, user, destination, port, …, expect, rule",
        "the saved tests of the rules, of the file beside them",
    ),
    row(
        Role::Operate,
        "acl.tests.run",
        &[("draft, text or gen", "which rules; those in force without it")],
        "sha and tests as acl.tests.get has them, with got, by, pass, fault; failed: how many of those that are not switched off",
        "what rules say to every saved test",
    ),
    row(
        Role::Admin,
        "acl.tests.put",
        &[
            ("text or ops", OPS_OF_TESTS),
            ("sha", "of the text that was shown; the answer is conflict if it is another by now; needed where a test is meant by its number"),
            ("comment", "why"),
            IDEM,
        ],
        "sha, count, audit",
        "writes other tests, which the rules in force have to pass unless they are switched off",
    ),
    row(
        Role::Admin,
        "txn.draft.open",
        &[
            WHICH,
            ("text", "what it says; what is in force without it"),
            ("base", "the generation on which the text builds; the one in force without it"),
        ],
        OF_FILE,
        "begins a draft; one that nobody touches for half an hour is gone",
    ),
    row(
        Role::Admin,
        "txn.draft.op",
        &[WHICH, DRAFT, ("ops", OPS_OF_STORES)],
        "as txn.draft.get",
        "changes a draft and leaves every comment",
    ),
    row(
        Role::Admin,
        "txn.draft.put",
        &[WHICH, DRAFT, ("text", "what it says from now on")],
        "as txn.draft.get",
        "replaces the text of a draft",
    ),
    row(Role::Admin, "txn.draft.undo", &[WHICH, DRAFT], "as txn.draft.get", "takes the last change back"),
    row(Role::Admin, "txn.draft.redo", &[WHICH, DRAFT], "as txn.draft.get", "makes it again"),
    row(Role::Admin, "txn.draft.discard", &[WHICH, DRAFT], "nothing", "forgets a draft"),
    row(
        Role::Admin,
        "txn.merge",
        &[WHICH, DRAFT, WITH_FILE],
        "onto, file, items: owner, ref, state clean with kept or conflict with keys, base, mine, theirs",
        "what became of a draft's base while it was written",
    ),
    row(
        Role::Admin,
        "txn.merge.pick",
        &[WHICH, DRAFT, WITH_FILE, ("picks", "for the index of each conflict mine, theirs, both or {rule:…}")],
        "as txn.draft.get; file_sha where a file was merged, which txn.apply then takes as expect_file",
        "puts a draft on the text in force, or joins it with what the file says",
    ),
    row(
        Role::Admin,
        "txn.apply",
        &[
            WHICH,
            SUBJECT,
            ("base", "the generation on which the text builds; a draft knows its own"),
            ("existing", "keep, or end_denied for the sessions that it denies"),
            ("confirm_s", "what was before comes back after so many seconds unless somebody confirms"),
            ("expect_denied", "of acl: as many live sessions must be denied, or the answer is conflict"),
            ("expect_whatif", "of acl: the digest of acl.whatif; the answer is conflict if other live sessions are affected by now"),
            DESPITE,
            RUN_TIME,
            EXPECT_FILE,
            ("comment", "why; it is kept with the generation"),
            IDEM,
        ],
        "gen, sha, ended, confirm, audit; tests_off: numbers of the tests that were switched off; of config needs_restart, the keys that wait for a start",
        "writes the file and puts it in force, whole or not at all",
    ),
    row(
        Role::Admin,
        "txn.quick",
        &[
            WHICH,
            ("ops", OPS_OF_STORES),
            (
                "base, existing, confirm_s, despite_tests, run_time, expect_file, comment",
                "as txn.apply has them; without base whatever is in force is changed",
            ),
            IDEM,
        ],
        "as txn.apply",
        "the same without a draft, for one small change",
    ),
    row(
        Role::Admin,
        "txn.confirm",
        &[WHICH, ("gen", "what waits to be confirmed"), IDEM],
        "gen",
        "keeps what was applied",
    ),
    row(
        Role::Admin,
        "txn.rollback",
        &[WHICH, ("to", "the generation that comes back, as a new one"), DESPITE, RUN_TIME, EXPECT_FILE, ("comment", "why"), IDEM],
        "gen, audit",
        "brings an earlier text back",
    ),
];

/// Looks at a text, which changes nothing; but only whoever may write one has any.
const VALIDATE: Op = row(
    Role::Read,
    "txn.validate",
    &[WHICH, SUBJECT],
    "ok, diag: sev, line, col, path, msg, hint; counts: users, groups, rules; tests: count, failed, off; needs_restart: keys",
    "whether a text could be in force, and what is to be said about it",
);

/// What the office knows by the same name.
const fn row(role: Role, name: &'static str, takes: &'static [Takes], gives: &'static str, about: &'static str) -> Op {
    let wants_hello = !matches!(role, Role::Read);
    let act = Act::Named(if wants_hello { Lane::Orders } else { Lane::Looking }, ask);
    Op { name, role: Some(role), since: "0.1.0", about, takes, gives, wants_hello, act }
}

/// Asks the office.
fn ask(op: &'static str, desk: &Desk, asker: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let store = p.get("store").map(Store::deserialize).transpose();
    let store = store.map_err(|error| Refusal::new(Code::BadRequest, format!("store: {error}")))?.unwrap_or_default();
    let order = [("op".to_owned(), op.into()), ("p".to_owned(), p.into())].into_iter().collect();
    let order = serde_json::from_value::<Order>(Value::Object(order));
    let order = order.map_err(|error| Refusal::new(Code::BadRequest, format!("p: {error}")))?;
    desk.perform(asker, Operation::Policy(store, Box::new(order)))
}

/// Says how far it is, and stops when nobody waits any more.
fn what_if(desk: &Desk, asker: &Asker, p: Parameters, part: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    if p.get("store").is_some_and(|store| store != Store::Acl.word()) {
        return Err(Refusal::new(Code::BadRequest, "store: what would change can be asked of acl alone"));
    }
    let question: WhatIf = read(p)?;
    let mut progress = |done, of| !asker.withdrawn.is_withdrawn() && part(json!({ "done": done, "of": of }));
    desk.office.what_if(&asker.caller, &question, &mut progress).map_err(|no| refusal(&no))
}

#[derive(Deserialize)]
struct Subscribe {
    #[serde(default)]
    store: Store,
    every_ms: Option<u64>,
}

fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { store, every_ms } = read(p)?;
    let told = conversation.desk.office.policy_state(store).map_err(|no| refusal(&no))?;
    let watched = Watched { store, told: told.clone(), aside: Aside::default() };
    let sub = conversation.follow(watched, every_ms)?;
    Ok(json!({ "sub": sub, "state": told }))
}

/// The state as it was last told.
#[derive(Debug)]
struct Watched {
    store: Store,
    told: Value,
    aside: Aside<()>,
}

impl Source for Watched {
    fn news(&mut self, desk: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        // Without a text that is written somewhere there is no state, and no news.
        let Ok(state) = desk.office.policy_state_at_hand(self.store) else { return Vec::new() };
        let (_noted, store) = (self.aside.found(), self.store);
        let Some(state) = state else {
            // One who notes a text writes files, and waits for whoever is applying another: not on this thread.
            self.aside.begin(desk, move |office| drop(office.policy_state(store)));
            return Vec::new();
        };
        if state == self.told {
            return Vec::new();
        }
        self.told = state.clone();
        vec![("policy", state)]
    }
}
