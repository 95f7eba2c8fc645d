//! Who may do what: groups of the system decide, as the kernel knows them of the process that asks.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rig::admin::Conversation;
use serde_json::json;

use crate::{ADMIN, OPERATE, READ, program, root, socket, somebody, start};

#[test]
fn the_socket_belongs_to_the_readers_and_nobody_else_gets_in() {
    let service = start("");
    let found = fs::metadata(socket(&service)).expect("the socket is there");
    assert_eq!((found.mode() & 0o777, found.uid(), found.gid()), (0o660, 0, READ));
    let mut stranger = Conversation::of_user(&socket(&service), 4321, &[ADMIN]);
    assert_eq!(stranger.hear(), None, "connect(2) fails");
}

#[test]
fn somebody_in_no_group_is_told_so_and_it_is_written_down() {
    let service = start("");
    fs::set_permissions(socket(&service), fs::Permissions::from_mode(0o666)).expect("the socket is ours");
    let mut stranger = Conversation::of_user(&socket(&service), 4321, &[]);
    let told = stranger.hear().expect("a last word");
    assert_eq!((&told["id"], &told["err"]["code"]), (&json!(null), &json!("denied")));
    assert_eq!(stranger.hear(), None);
    let records = root(&service).ask("audit.tail", json!({}));
    let record = &records["records"][0];
    assert_eq!(
        (&record["phase"], &record["op"], &record["who"]["uid"]),
        (&json!("denied"), &json!("connect"), &json!(4321))
    );
}

/// Operations that more than looking is needed for, as they were agreed on; of the rest, those of `meta` and `hello` need no role.
const OF_OPERATORS: [&str; 12] = [
    "sessions.kill",
    "history.export",
    "acl.whatif",
    "acl.tests.run",
    "auth.unban",
    "reload.run",
    "limits.grant",
    "limits.override",
    "limits.reset",
    "logs.get",
    "logs.sub",
    "logs.level",
];
const OF_ADMINS: [&str; 22] = [
    "users.passwd",
    "users.add",
    "auth.test",
    "acl.tests.put",
    "txn.validate",
    "txn.draft.open",
    "txn.draft.op",
    "txn.draft.put",
    "txn.draft.undo",
    "txn.draft.redo",
    "txn.draft.discard",
    "txn.merge",
    "txn.merge.pick",
    "txn.apply",
    "txn.quick",
    "txn.confirm",
    "txn.rollback",
    "audit.tail",
    "audit.query",
    "audit.sub",
    "audit.verify",
    "support.bundle",
];

#[test]
fn every_operation_is_open_to_exactly_those_whose_role_suffices() {
    let service = start("");
    let ops = root(&service).ask("meta.ops", json!({}));
    let ops = ops["ops"].as_array().expect("a list").clone();
    let roles = ["read", "operate", "admin"];
    for op in &ops {
        let name = op["op"].as_str().expect("a name");
        let agreed = match name {
            _ if OF_OPERATORS.contains(&name) => json!("operate"),
            _ if OF_ADMINS.contains(&name) => json!("admin"),
            _ if name == "hello" || name.starts_with("meta.") => json!(null),
            _ => json!("read"),
        };
        assert_eq!(op["role"], agreed, "{name}");
    }
    let is_there = |name: &&&str| ops.iter().any(|op| op["op"] == ***name);
    assert_eq!(OF_OPERATORS.iter().chain(&OF_ADMINS).find(|name| !is_there(name)), None);
    for (place, role) in roles.iter().enumerate() {
        let groups = [&[READ][..], &[READ, OPERATE], &[READ, ADMIN]][place];
        let mut somebody = Conversation::of_user(&socket(&service), 4400 + u32::try_from(place).expect("few"), groups);
        let welcome = somebody.greet();
        assert_eq!((&welcome["role"], &welcome["max_role"]), (&json!(role), &json!(role)));
        for op in &ops {
            let (name, needed) = (op["op"].as_str().expect("a name"), op["role"].as_str().unwrap_or("read"));
            let is_enough = roles.iter().position(|role| *role == needed) <= Some(place);
            // Nothing that is missing from the parameters is reached before the role is judged.
            let answer = somebody.answer_to(name, json!({}));
            assert_eq!(answer["err"]["code"] != "denied", is_enough, "{role} {name}: {answer}");
        }
    }
    assert!(ops.len() > 20, "{}", ops.len());
}

#[test]
fn the_read_only_socket_gives_root_no_more_than_looking() {
    let service = start("");
    let mut reader = Conversation::begin(&service.directory().join("read.sock"));
    let welcome = reader.greet();
    assert_eq!((&welcome["role"], &welcome["max_role"]), (&json!("read"), &json!("read")));
    assert_eq!(reader.refused("sessions.kill", json!({ "filter": "" })).0, "denied");
    assert!(reader.ask("status", json!({}))["sessions"].is_u64());
}

#[test]
fn a_role_can_be_lowered_and_not_raised() {
    let service = start("");
    let mut admin = Conversation::begin(&socket(&service));
    let welcome = admin.ask("hello", json!({ "proto": 1, "want": "operate" }));
    assert_eq!((&welcome["role"], &welcome["max_role"]), (&json!("operate"), &json!("admin")));
    assert_eq!(admin.refused("audit.tail", json!({})).0, "denied");
    assert_eq!(admin.refused("meta.role", json!({ "role": "admin" })).0, "denied");
    assert_eq!(admin.ask("meta.role", json!({ "role": "read" }))["role"], "read");
    assert_eq!(admin.ask("hello", json!({ "proto": 1, "want": "admin" }))["role"], "read");
}

#[test]
fn the_kernel_says_who_somebody_is() {
    let service = start("");
    let mut reader = Conversation::of_user(&socket(&service), 1, &[READ]);
    let you = reader.greet()["you"].clone();
    assert_eq!((&you["uid"], &you["user"], &you["groups"]), (&json!(1), &json!("daemon"), &json!(["adm"])));
    let mut strange = Conversation::of_user(&socket(&service), 65534, &[READ, ADMIN]);
    assert_eq!(strange.hear().expect("a last word")["err"]["code"], "denied");
}

#[test]
fn whoever_may_only_look_sees_networks_where_the_operator_wants_that() {
    let service = start("mask_for_read = true\n");
    let (_client, _target) = rig::target::tunnel(service.addr());
    let rows = |conversation: &mut Conversation| {
        let opened = conversation.ask("view.open", json!({ "of": "sessions", "cols": ["src", "uuid"] }));
        opened["rows"].as_array().expect("rows").clone()
    };
    let mut reader = somebody(&service, 4321, &[READ]);
    let shown = rows(&mut reader);
    assert_eq!(shown[0][1], "127.0.x.x", "{shown:?}");
    let one = reader.ask("sessions.get", json!({ "id": shown[0][2] }));
    assert_eq!((&one["src"], &one["live"]["source_ip"]), (&json!("127.0.x.x"), &json!("127.0.x.x")));
    let found = reader.ask("view.open", json!({ "of": "sessions", "filter": "src=127.0.0.1" }));
    assert_eq!(found["matched"], 0, "asking finds no more than looking");
    let shown = rows(&mut somebody(&service, 4322, &[READ, OPERATE]));
    assert!(shown[0][1].as_str().is_some_and(|source| source.starts_with("127.0.0.1:")), "{shown:?}");
}

#[test]
fn classes_of_sources_that_look_the_same_are_told_apart() {
    let service = start("mask_for_read = true\n[limits]\nbandwidth_limit_mbps = 800\n");
    let target = rig::target::Target::listen();
    let _clients = ["127.0.3.1", "127.0.3.2"].map(|source| {
        let mut client = rig::wire::Wire::connect_from(source.parse().expect("an address"), service.addr());
        client.greet();
        assert_eq!(client.ask(rig::socks5::CONNECT, target.addr()).code, rig::socks5::rep::SUCCEEDED);
        client
    });
    let mut reader = somebody(&service, 4321, &[READ]);
    let asked = json!({ "of": "limits", "filter": "kind=source", "cols": ["name", "parent"] });
    let opened = reader.ask("view.open", asked.clone());
    let rows = opened["rows"].as_array().expect("rows");
    let ids: std::collections::HashSet<_> = rows.iter().map(|row| row[0].as_str().expect("an id")).collect();
    assert_eq!((rows.len(), ids.len()), (2, 2), "{opened}");
    assert!(rows.iter().all(|row| row[1] == "127.0.x.x") && !opened.to_string().contains("127.0.3"), "{opened}");
    let opened = root(&service).ask("view.open", asked);
    assert!(opened["rows"].to_string().contains("127.0.3.1"), "{opened}");
}

#[test]
fn a_daemon_of_somebody_else_obeys_them() {
    let launch = rig::service::Launch::of(program());
    let config = format!("{}[admin]\nsocket = \"{{dir}}/admin.sock\"\n", crate::LOOPBACK);
    let service = launch.config(&config).as_user(7331).start();
    let mut owner = Conversation::of_user(&socket(&service), 7331, &[]);
    assert_eq!(owner.greet()["role"], "admin");
}
