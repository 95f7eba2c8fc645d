//! The operations: one table from which requests are carried out, `meta.ops` answers, and docs/admin-protocol.md is checked.

use wire::admin::Role;

use super::ops::{Act, Meta, Op, Quick, Slow, Takes};
use super::{history, limits, meta, people, policy, reload, sessions, status, txn, view};

pub(super) const IDEM: Takes = ("idem", "the client's own name for this order: the same one is not carried out twice");
const EVERY: Takes = ("every_ms", "how often to look, 200 to 60000; 1000 without it");

const fn meta_op(
    name: &'static str,
    act: Meta,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    Op { name, role: None, since: "0.1.0", about, takes, gives, wants_hello: false, act: Act::Meta(act) }
}

const fn look(name: &'static str, act: Quick, takes: &'static [Takes], gives: &'static str, about: &'static str) -> Op {
    let act = Act::Quick(act);
    Op { name, role: Some(Role::Read), since: "0.1.0", about, takes, gives, wants_hello: false, act }
}

const fn watch(name: &'static str, act: Meta, takes: &'static [Takes], gives: &'static str, about: &'static str) -> Op {
    let act = Act::Meta(act);
    Op { name, role: Some(Role::Read), since: "0.1.0", about, takes, gives, wants_hello: true, act }
}

const fn search(
    name: &'static str,
    act: Slow,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Slow(act);
    Op { name, role: Some(Role::Read), since: "0.1.0", about, takes, gives, wants_hello: false, act }
}

const STORE: Takes = ("store", "acl, the only one yet; that is meant without it");
const DRAFT: Takes = ("draft", "the number of a draft");
const SUBJECT: Takes = ("draft, text or gen", "which rules are meant: a draft, a text, or an earlier generation");

const fn change(
    name: &'static str,
    act: Slow,
    takes: &'static [Takes],
    gives: &'static str,
    about: &'static str,
) -> Op {
    let act = Act::Slow(act);
    Op { name, role: Some(Role::Admin), since: "0.1.0", about, takes, gives, wants_hello: true, act }
}

const fn order(name: &'static str, act: Slow, takes: &'static [Takes], gives: &'static str, about: &'static str) -> Op {
    let act = Act::Slow(act);
    Op { name, role: Some(Role::Operate), since: "0.1.0", about, takes, gives, wants_hello: true, act }
}

/// Every operation, in the order of the reference.
pub(super) const OPS: &[Op] = &[
    meta_op(
        "hello",
        meta::hello,
        &[
            ("proto", "the protocol that the client speaks: 1"),
            ("client", "its name and version, for the log"),
            ("want", "the role that it wants, if not the highest that it may have"),
            ("comment", "anything, for the log"),
        ],
        "proto, server, epoch, node, role, max_role, you, caps, limits",
        "begins a conversation; needed before subscriptions and orders",
    ),
    meta_op("meta.ping", meta::ping, &[], "nothing", "answers"),
    meta_op("meta.ops", meta::ops, &[], "ops: op, role, since, about, p, ok", "lists the operations"),
    meta_op(
        "meta.role",
        meta::role,
        &[("role", "the role from now on")],
        "role",
        "lowers the role; it cannot be raised again",
    ),
    meta_op(
        "meta.cancel",
        meta::cancel,
        &[("id", "the number of a request without an answer")],
        "cancelled",
        "takes a request back, which is then answered with cancelled",
    ),
    meta_op(
        "meta.outcome",
        meta::outcome,
        &[("idem", "the name of an order of the last 10 minutes")],
        "state: applied with ok, failed with err, running, unknown",
        "tells what came of an order whose answer was lost",
    ),
    meta_op("meta.close", meta::close, &[("sub", "the number of a subscription")], "closed", "ends any subscription"),
    look("status.get", status::get, &[], "see status", "the state of the service in numbers"),
    watch("status.sub", status::subscribe, &[EVERY], "sub; pushes status", "the same again and again"),
    look(
        "health.get",
        status::health,
        &[],
        "ok, checks: name, state, since?, measured",
        "whether all is well, check by check",
    ),
    watch(
        "view.open",
        view::open,
        &[
            ("of", "the table: sessions"),
            ("filter", "which rows; all without it"),
            ("sort", "columns to sort by, as [[\"rate\",\"desc\"],…]; the id comes last"),
            ("cols", "which columns; all without it; the id is always first"),
            ("win", "{off,len} or {anchor,before,after}; {off:0,len:100} without it, at most 1000 rows"),
            EVERY,
            ("hold", "true keeps order and membership as they are"),
        ],
        "sub, cols, total, matched, agg, off, rows, filter_error; pushes patch",
        "opens a window on a table, which is then told what changes in it",
    ),
    watch(
        "view.set",
        view::set,
        &[("sub", "the view"), ("…", "any parameter of view.open but of; what is not given stays")],
        "as view.open",
        "changes a view",
    ),
    watch("view.close", meta::close, &[("sub", "the view")], "closed", "closes a view"),
    look(
        "sessions.get",
        sessions::get,
        &[("id", "a short id or a UUID")],
        "every column of the view and live: everything that the API shows",
        "one live session",
    ),
    order(
        "sessions.kill",
        sessions::kill,
        &[
            ("ids", "short ids or UUIDs, at most 10000"),
            ("filter", "instead of ids: those that it lets in now"),
            ("expect", "how many there must be, or nothing is done and the answer is conflict"),
            ("reason", "for the audit log"),
            ("dry", "true only says what would be done"),
            IDEM,
            ("epoch", "the run of the daemon that the ids belong to"),
        ],
        "matched, sample, killed, gone, audit",
        "ends sessions",
    ),
    search(
        "sessions.export",
        sessions::export,
        &[("filter", "which sessions; all without it")],
        "parts with rows of 500 objects, then rows: how many",
        "every live session with every column",
    ),
    search(
        "history.query",
        history::query,
        &[
            ("user", "whose"),
            ("dest", "an address, a network, a name or *.name"),
            ("port", "the destination's port"),
            ("status", "active, closed, failed, rejected or interrupted"),
            ("rule", "a part of the name of the rule that decided"),
            ("from", "began then or later; a time as in the API"),
            ("to", "began before"),
            ("after", "the UUID of the last row of the page before"),
            ("limit", "at most so many rows, 1 to 1000; 100 without it"),
        ],
        "rows as the API shows them, the latest first; next: the UUID for after, if there are more",
        "sessions of the history",
    ),
    search("history.get", history::get, &[("id", "a UUID")], "the row", "one session, live or over"),
    look(
        "acl.rules",
        policy::rules,
        &[("after", "so many are left out"), ("limit", "at most so many, 1 to 1000; 1000 without it")],
        "generation, default_policy, total, rules, next",
        "the rules in force",
    ),
    look(
        "acl.explain",
        policy::explain,
        &[
            ("user", "who asks; nobody in particular without it"),
            ("dest", "where to: a name or an address"),
            ("port", "the port"),
            (
                "…",
                "groups, protocol, command, source, auth_method, addresses, pam_services, at, explain: as POST /api/acl/test has them",
            ),
        ],
        "as rustsocks acl-check --json says it",
        "what the rules in force would say",
    ),
    look(
        "acl.hits",
        policy::hits,
        &[],
        "refs: for each rule its name, hits and the time of the last",
        "how often each rule decided",
    ),
    look(
        "users.list",
        people::users,
        &[
            ("after", "the name of the last one of the page before"),
            ("limit", "at most so many, 1 to 1000; 1000 without it"),
        ],
        "total, users: name, state (enabled, disabled, or elsewhere if the users file has them not), groups, sessions, up, down; next",
        "users of the users file, and whoever else is in",
    ),
    look("users.get", people::user, &[("name", "whose")], "as users.list has it", "one user"),
    look(
        "auth.bans",
        people::bans,
        &[],
        "total, bans: src, for_s, left_s, turned_away; the one that may come again soonest first, at most 1000",
        "sources that are turned away because they guessed",
    ),
    order(
        "auth.unban",
        people::unban,
        &[("src", "any address of the source"), ("reason", "for the audit log"), IDEM],
        "source, forgiven: whether it owed anything, audit",
        "lets a source come again",
    ),
    order(
        "reload.run",
        reload::run,
        &[("what", "all or acl, the rules alone; all without it"), IDEM],
        "the reload as GET /api/admin/reload shows it; if anything failed, the answer is invalid with it in data.reload",
        "reads the operator's files anew, and waits for what comes of it",
    ),
    look(
        "reload.history",
        reload::history,
        &[("n", "how many, 1 to 32; 10 without it")],
        "reloads, the latest first",
        "the reloads of this worker",
    ),
    look(
        "txn.get",
        |desk, asker, p| txn::ask("txn.get", desk, asker, p),
        &[STORE],
        "gen, sha, text, confirm",
        "the rules in force as they are written, and what waits to be confirmed",
    ),
    look(
        "txn.history",
        |desk, asker, p| txn::ask("txn.history", desk, asker, p),
        &[STORE],
        "gen, sha, t, by, source, comment of each, the latest first",
        "the rule files that were in force, the last 50",
    ),
    look(
        "txn.generation",
        |desk, asker, p| txn::ask("txn.generation", desk, asker, p),
        &[STORE, ("gen", "which one")],
        "generation, text",
        "what an earlier rule file said",
    ),
    look(
        "txn.drafts",
        |desk, asker, p| txn::ask("txn.drafts", desk, asker, p),
        &[STORE],
        "draft, base, rev, by, undo, redo, text of each",
        "what is being written, by whom",
    ),
    look(
        "txn.draft.get",
        |desk, asker, p| txn::ask("txn.draft.get", desk, asker, p),
        &[STORE, DRAFT],
        "draft, base, rev, by, undo, redo, text",
        "one draft",
    ),
    search(
        "txn.validate",
        |desk, asker, p, _| txn::ask("txn.validate", desk, asker, p),
        &[STORE, SUBJECT],
        "ok, diag: sev, line, col, path, msg, hint; counts: users, groups, rules",
        "whether a text could be in force, and what is to be said about it",
    ),
    search(
        "txn.diff",
        |desk, asker, p, _| txn::ask("txn.diff", desk, asker, p),
        &[STORE, SUBJECT],
        "items: owner, ref, kind (add, del, chg, mov), before, after; text as diff(1) writes it",
        "how a text differs from the rules in force",
    ),
    order(
        "acl.whatif",
        |desk, asker, p, _| txn::ask("acl.whatif", desk, asker, p),
        &[
            STORE,
            SUBJECT,
            ("hours", "also judges what was asked for in so many hours, if a history is kept"),
            ("mine", "addresses of the operator, whose own sessions are counted apart"),
        ],
        "live and past: evaluated, same, other_rule, now_denied, now_allowed, by_user, sample, mine_denied; ms",
        "what a text would change for those who are in and for those who were",
    ),
    change(
        "txn.draft.open",
        |desk, asker, p, _| txn::ask("txn.draft.open", desk, asker, p),
        &[STORE, ("text", "what it says; the rules in force without it")],
        "as txn.draft.get",
        "begins a draft; one that nobody touches for half an hour is gone",
    ),
    change(
        "txn.draft.op",
        |desk, asker, p, _| txn::ask("txn.draft.op", desk, asker, p),
        &[
            STORE,
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
        |desk, asker, p, _| txn::ask("txn.draft.put", desk, asker, p),
        &[STORE, DRAFT, ("text", "what it says from now on")],
        "as txn.draft.get",
        "replaces the text of a draft",
    ),
    change(
        "txn.draft.undo",
        |desk, asker, p, _| txn::ask("txn.draft.undo", desk, asker, p),
        &[STORE, DRAFT],
        "as txn.draft.get",
        "takes the last change back",
    ),
    change(
        "txn.draft.redo",
        |desk, asker, p, _| txn::ask("txn.draft.redo", desk, asker, p),
        &[STORE, DRAFT],
        "as txn.draft.get",
        "makes it again",
    ),
    change(
        "txn.draft.discard",
        |desk, asker, p, _| txn::ask("txn.draft.discard", desk, asker, p),
        &[STORE, DRAFT],
        "nothing",
        "forgets a draft",
    ),
    change(
        "txn.merge",
        |desk, asker, p, _| txn::ask("txn.merge", desk, asker, p),
        &[STORE, DRAFT],
        "onto, items: owner, ref, state clean with kept or conflict with keys, base, mine, theirs",
        "what became of a draft's base while it was written",
    ),
    change(
        "txn.merge.pick",
        |desk, asker, p, _| txn::ask("txn.merge.pick", desk, asker, p),
        &[STORE, DRAFT, ("picks", "for the index of each conflict mine, theirs, both or {rule:…}")],
        "as txn.draft.get",
        "puts a draft on the rules in force",
    ),
    change(
        "txn.apply",
        |desk, asker, p, _| txn::ask("txn.apply", desk, asker, p),
        &[
            STORE,
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
        |desk, asker, p, _| txn::ask("txn.confirm", desk, asker, p),
        &[STORE, ("gen", "what waits to be confirmed"), IDEM],
        "gen",
        "keeps what was applied",
    ),
    change(
        "txn.rollback",
        |desk, asker, p, _| txn::ask("txn.rollback", desk, asker, p),
        &[STORE, ("to", "the generation that comes back, as a new one"), ("comment", "why"), IDEM],
        "gen, audit",
        "brings an earlier rule file back",
    ),
    look(
        "limits.quotas",
        limits::quotas,
        &[("user", "whose; everybody's without it"), ("limit", "at most so many, 1 to 1000; 1000 without it")],
        "quotas as GET /api/limits/quotas shows them, the nearest to its end first",
        "how far quotas are used up",
    ),
    look(
        "limits.concessions",
        limits::concessions,
        &[],
        "concessions as GET /api/limits/concessions shows them",
        "grants and overrides that hold now",
    ),
    order(
        "limits.grant",
        |desk, asker, p, _| limits::grant(desk, asker, p),
        &[
            ("target", "user/NAME or group/NAME"),
            ("bytes", "how many more"),
            ("quota", "of which quota; of all that the target has without it"),
            ("until", "a time as in the API"),
            ("reason", "for the audit log"),
            IDEM,
        ],
        "the grant as it is kept",
        "lets somebody have more of a quota for a while",
    ),
    order(
        "limits.override",
        |desk, asker, p, _| limits::lay_over(desk, asker, p),
        &[
            ("target", "user/NAME or group/NAME"),
            ("bandwidth_limit_mbps", "another rate, 0 for none; or"),
            ("max_connections", "another number of sessions, 0 for any; or both"),
            ("until", "a time as in the API"),
            ("reason", "for the audit log"),
            IDEM,
        ],
        "the override as it is kept",
        "lets another limit hold for a while instead of what is written",
    ),
    order(
        "limits.reset",
        |desk, asker, p, _| limits::reset(desk, asker, p),
        &[("target", "user/NAME or group/NAME"), IDEM],
        "target, voided",
        "takes grants and overrides back",
    ),
    Op {
        name: "audit.tail",
        role: Some(Role::Admin),
        since: "0.1.0",
        about: "the last records of the audit log",
        takes: &[("n", "how many, 1 to 1000; 50 without it")],
        gives: "records, the oldest first",
        wants_hello: false,
        act: Act::Slow(status::audit_tail),
    },
    Op {
        name: "audit.verify",
        role: Some(Role::Admin),
        since: "0.1.0",
        about: "goes through the audit log's chain",
        takes: &[],
        gives: "records, ok, broken: the first line that does not fit, and why",
        wants_hello: false,
        act: Act::Slow(status::audit_verify),
    },
];
