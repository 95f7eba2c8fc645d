//! The users file and the configuration are written through the socket like rules: drafts, edits, validation, a way into force and back.
#![expect(clippy::needless_pass_by_value, reason = "tests write parameters where they use them")]

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::service::Service;
use rig::signals::send;
use rig::socks5::{CONNECT, rep};
use rig::target::Target;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{BY_HAND, OPERATE, READ, root, somebody, start};

fn scene() -> (Users, Service) {
    let users = Users::crowd_with(["alice".to_owned(), "bob".to_owned()], b"a good password", |name| {
        if name == "alice" { "groups = [\"staff\"] # since 2024\n\n# the next one\n" } else { "" }
    });
    let service = start(&[BY_HAND, &users.settings(&["userpass", "none"])].concat());
    (users, service)
}

fn configuration(service: &Service) -> PathBuf {
    service.directory().join("rustsocks.toml")
}

fn quick(store: &str, ops: Value) -> Value {
    json!({ "store": store, "ops": ops })
}

fn state_of(operator: &mut Conversation, user: &str) -> Value {
    operator.ask("users.get", json!({ "name": user }))["state"].clone()
}

#[test]
fn a_user_is_changed_in_a_draft_and_every_comment_stays() {
    let (users, service) = scene();
    let mut operator = root(&service);
    let before = users.text();
    let shown = operator.ask("txn.get", json!({ "store": "users" }));
    let text = shown["text"].as_str().expect("root may see it");
    assert!(!text.contains("$argon2id") && text.contains("argon2id m=8 t=1 p=1 #"), "{text}");
    let draft = operator.ask("txn.draft.open", json!({ "store": "users" }))["draft"].clone();
    let ops = json!([
        { "op": "user.disable", "name": "bob" },
        { "op": "member.add", "group": "night", "name": "alice" },
        { "op": "limit.set", "target": "user/alice", "limits": { "rate_mbps": 2.5, "conns": 7 } },
    ]);
    operator.ask("txn.draft.op", json!({ "store": "users", "draft": draft, "ops": ops }));
    let valid = operator.ask("txn.validate", json!({ "store": "users", "draft": draft }));
    assert_eq!(valid["counts"], json!({ "users": 2, "disabled": 1, "groups": 2 }), "{valid}");
    let difference = operator.ask("txn.diff", json!({ "store": "users", "draft": draft }));
    assert_eq!(difference["items"][0]["after"]["max_connections"], 7, "{difference}");
    assert_eq!(users.text(), before, "nothing counts yet");
    let applied = operator.ask("txn.apply", json!({ "store": "users", "draft": draft, "comment": "leaves" }));
    assert_eq!(applied["gen"], 2, "{applied}");
    assert_eq!(state_of(&mut operator, "bob"), "disabled");
    let after = users.text();
    assert!(after.contains("[\"staff\", \"night\"] # since 2024") && after.contains("# the next one"), "{after}");
    assert!(after.contains("bandwidth_limit_mbps = 2.5") && after.contains("$argon2id$"), "{after}");
    assert_eq!(operator.ask("txn.rollback", json!({ "store": "users", "to": 1 }))["gen"], 3);
    assert_eq!((users.text(), state_of(&mut operator, "bob")), (before, json!("enabled")));
}

#[test]
fn a_text_whose_hashes_are_veiled_comes_back_with_them() {
    let (users, service) = scene();
    let mut operator = root(&service);
    let before = users.text();
    let shown = operator.ask("txn.get", json!({ "store": "users" }))["text"].as_str().expect("a text").to_owned();
    let edited = shown.replace("name = \"bob\"", "name = \"bert\"");
    operator.ask("txn.apply", json!({ "store": "users", "text": edited, "base": 1 }));
    assert_eq!(users.text(), before.replace("name = \"bob\"", "name = \"bert\""));
    let wrong = shown.replace("argon2id m=8 t=1 p=1 #", "argon2id m=8 t=1 p=1 #0");
    let valid = operator.ask("txn.validate", json!({ "store": "users", "text": wrong }));
    assert_eq!((&valid["ok"], valid["diag"].as_array().map(Vec::len)), (&json!(false), Some(2)), "{valid}");
}

#[test]
fn a_password_is_hashed_by_the_daemon_and_nowhere_else() {
    const CANARY: &str = "canary-9f3a-secret";
    let (users, service) = scene();
    let mut operator = root(&service);
    for secret in ["short", "alice"] {
        let (code, _) = operator.refused("users.passwd", json!({ "name": "alice", "secret": secret }));
        assert_eq!(code, "bad_request");
    }
    let done = operator.ask("users.passwd", json!({ "name": "alice", "secret": CANARY, "idem": "one" }));
    assert_eq!(done["gen"], 2, "{done}");
    let made = operator.ask("users.add", json!({ "name": "carol", "generate": true, "user": { "groups": ["staff"] } }));
    let secret = made["secret"].as_str().expect("it is told once").to_owned();
    for (user, password, is_let_in) in
        [("alice", CANARY, true), ("alice", "a good password", false), ("carol", &secret, true)]
    {
        assert_eq!(lets_in(&service, user, password), is_let_in, "{user}");
    }
    let (code, _) = operator.refused("users.passwd", json!({ "name": "nobody", "secret": CANARY }));
    assert_eq!(code, "bad_request");
    let (code, _) = operator.refused("users.add", json!({ "name": "carol", "secret": CANARY }));
    assert_eq!(code, "bad_request");
    let shown = [
        operator.ask("txn.get", json!({ "store": "users" })),
        operator.ask("txn.history", json!({ "store": "users" })),
        operator.ask("audit.tail", json!({ "n": 100 })),
        operator.ask("meta.outcome", json!({ "idem": "one" })),
    ];
    let everything = format!("{shown:?}{}{}", service.event_with("serving"), users.text());
    for hidden in [CANARY, &secret] {
        assert!(!everything.contains(hidden), "it is written somewhere");
    }
    assert!(!format!("{shown:?}").contains("$argon2id"));
    let difference = operator.ask("txn.diff", json!({ "store": "users", "gen": 1 }));
    let item = &difference["items"][0];
    assert_eq!((&item["owner"], &item["after"]["password_hash"]), (&json!("users/alice"), &json!("password changed")));
}

#[test]
fn whose_sessions_are_to_end_is_told_with_whether_the_users_file_lets_that_one_in() {
    let (_users, service) = scene();
    let (mut operator, mut bob, target) = (root(&service), Wire::connect(service.addr()), Target::listen());
    assert_eq!(bob.log_in(b"bob", b"a good password"), [1, 0]);
    assert_eq!(bob.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    let rehearsal = json!({ "filter": "user=bob", "dry": true });
    let mut told = || operator.ask("sessions.kill", rehearsal.clone());
    assert!(eventually(PATIENCE, || told()["matched"] == 1));
    assert_eq!((&told()["user"], &told()["enabled"]), (&json!("bob"), &json!(true)));
    operator.ask("txn.quick", quick("users", json!([{ "op": "user.disable", "name": "bob" }])));
    assert_eq!(operator.ask("sessions.kill", rehearsal)["enabled"], false);
}

#[test]
fn each_direction_has_its_own_rate_where_it_is_written_so() {
    let (users, service) = scene();
    let mut operator = root(&service);
    let ops = |rate: &str| json!([{ "op": "limit.set", "target": "user/bob", "limits": { "rate_mbps": rate } }]);
    operator.ask("txn.quick", quick("users", ops("2:8")));
    assert!(users.text().contains("bandwidth_limit_mbps = \"2:8\""), "{}", users.text());
    let limits = operator.ask("users.get", json!({ "name": "bob" }))["limits"].clone();
    assert_eq!((&limits["up_bps"], &limits["down_bps"]), (&json!(2_000_000), &json!(8_000_000)));
    let (code, refusal) = operator.refused("txn.quick", quick("users", ops("2:fast")));
    assert_eq!(code, "invalid");
    assert!(refusal["msg"].as_str().expect("words").contains("must be up:down"), "{refusal}");
}

fn lets_in(service: &Service, user: &str, password: &str) -> bool {
    let mut wire = Wire::connect(service.addr());
    wire.log_in(user.as_bytes(), password.as_bytes()) == [1, 0]
}

#[test]
fn the_configuration_is_changed_key_by_key_and_says_what_waits_for_a_start() {
    let (_users, service) = scene();
    let mut operator = root(&service);
    let file = configuration(&service);
    let before = fs::read_to_string(&file).expect("it is there");
    let ops = json!([
        { "op": "set", "key": "limits.max_connections_per_user", "value": 9 },
        { "op": "limit.set", "target": "group/staff", "limits": { "rate_mbps": 10 } },
    ]);
    let applied = operator.ask("txn.quick", quick("config", ops));
    assert_eq!((&applied["gen"], &applied["needs_restart"]), (&json!(2), &json!([])), "{applied}");
    let after = fs::read_to_string(&file).expect("it is there");
    assert!(after.contains("max_connections_per_user = 9") && after.contains("[[limits.groups]]"), "{after}");
    let waits = json!([{ "op": "set", "key": "server.worker_threads", "value": 1 }]);
    let applied = operator.ask("txn.quick", quick("config", waits));
    assert_eq!(applied["needs_restart"], json!(["server.worker_threads"]), "{applied}");
    let wrong = json!([{ "op": "set", "key": "limits.max_conections", "value": 9 }, { "op": "set", "key": "udp.no", "value": 1 }]);
    let (code, refusal) = operator.refused("txn.quick", quick("config", wrong));
    assert_eq!(code, "invalid", "{refusal}");
    assert!(refusal["msg"].as_str().expect("words").contains("max_conections"), "{refusal}");
    assert_eq!(operator.ask("txn.rollback", json!({ "store": "config", "to": 1 }))["gen"], 4);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), before);
}

#[test]
fn who_gives_orders_and_which_files_are_opened_is_not_changed_over_the_socket() {
    let (_users, service) = scene();
    let mut operator = root(&service);
    let file = configuration(&service);
    let before = fs::read_to_string(&file).expect("it is there");
    for (key, value) in [
        ("admin.admin_groups", json!(["users"])),
        ("server.sandbox", json!(false)),
        ("logging.file", json!("/etc/cron.d/log")),
        ("dns.hosts_file", json!("/etc/shadow")),
    ] {
        let set = json!([{ "op": "set", "key": key, "value": value }]);
        let (code, refusal) = operator.refused("txn.quick", quick("config", set));
        assert_eq!(code, "invalid", "{refusal}");
        assert!(refusal["msg"].as_str().expect("words").contains(&format!("{key}: ")), "{refusal}");
    }
    assert_eq!(fs::read_to_string(&file).expect("it is there"), before);
}

#[test]
fn a_configuration_that_this_host_cannot_serve_leaves_the_file_as_it_was() {
    let (_users, service) = scene();
    let mut operator = root(&service);
    let file = configuration(&service);
    let before = fs::read_to_string(&file).expect("it is there");
    let taken = Target::listen();
    let text = format!("{before}\n[[listen]]\naddress = \"{}\"\n", taken.addr());
    let (code, refusal) = operator.refused("txn.apply", json!({ "store": "config", "text": text, "base": 1 }));
    assert_eq!(code, "invalid", "{refusal}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), before);
    assert_eq!(operator.ask("txn.get", json!({ "store": "config" }))["gen"], 1);
}

#[test]
fn two_who_write_at_once_are_merged_table_by_table() {
    let (users, service) = scene();
    let mut operator = root(&service);
    let draft = operator.ask("txn.draft.open", json!({ "store": "users" }))["draft"].clone();
    let limit = json!([{ "op": "limit.set", "target": "user/bob", "limits": { "conns": 3 } }]);
    operator.ask("txn.draft.op", json!({ "store": "users", "draft": draft, "ops": limit }));
    operator.ask("txn.quick", quick("users", json!([{ "op": "user.disable", "name": "bob" }])));
    let (code, _) = operator.refused("txn.apply", json!({ "store": "users", "draft": draft }));
    assert_eq!(code, "conflict");
    let merge = operator.ask("txn.merge", json!({ "store": "users", "draft": draft }));
    assert_eq!((&merge["items"][0]["state"], &merge["items"][0]["kept"]), (&json!("clean"), &json!("both")), "{merge}");
    operator.ask("txn.merge.pick", json!({ "store": "users", "draft": draft }));
    operator.ask("txn.apply", json!({ "store": "users", "draft": draft }));
    assert!(
        users.text().contains("enabled = false") && users.text().contains("max_connections = 3"),
        "{}",
        users.text()
    );
}

#[test]
fn users_that_nobody_confirms_are_as_they_were_even_if_the_worker_dies() {
    let (users, service) = scene();
    let mut operator = root(&service);
    let before = users.text();
    let mut order = quick("users", json!([{ "op": "user.del", "name": "bob" }]));
    // Long enough for the worker to die before, on a machine that is busy too.
    order["confirm_s"] = json!(8);
    assert_eq!(operator.ask("txn.quick", order)["confirm"]["back_to"], 1);
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _next = service.successor_of(worker);
    assert!(eventually(2 * PATIENCE, || users.text() == before), "nobody has confirmed");
    // The file is written before the worker has read it.
    let mut operator = root(&service);
    let mut source = || operator.ask("txn.history", json!({ "store": "users" }))[0]["source"].clone();
    assert!(eventually(PATIENCE, || source() == "rollback"), "{}", source());
}

#[test]
fn what_is_written_of_users_is_for_those_who_may_write_it() {
    let (_users, service) = scene();
    let nothing = json!({ "store": "users" });
    for groups in [&[READ][..], &[READ, OPERATE]] {
        let mut other = somebody(&service, 4321, groups);
        assert_eq!(other.ask("txn.get", nothing.clone())["text"], Value::Null);
        for (op, p) in [
            ("txn.generation", json!({ "store": "users", "gen": 1 })),
            ("txn.drafts", nothing.clone()),
            ("txn.diff", json!({ "store": "users", "text": "" })),
            ("txn.validate", json!({ "store": "users", "text": "" })),
            ("txn.quick", quick("users", json!([]))),
            ("txn.draft.open", nothing.clone()),
            ("users.passwd", json!({ "name": "alice", "generate": true })),
            ("users.add", json!({ "name": "eve", "generate": true })),
        ] {
            assert_eq!(other.refused(op, p).0, "denied", "{op}");
        }
    }
}
