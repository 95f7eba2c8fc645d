//! Who did what is on the disk before it takes effect, in a chain that shows every change.

use std::fs;
use std::path::Path;
use std::process::Command;

use rig::admin::Conversation;
use rig::target::tunnel;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{id_of, root, start};

#[test]
fn what_cannot_be_written_down_is_not_done() {
    let service = start("audit_log = \"{dir}\"\n");
    let (client, _target) = tunnel(service.addr());
    let mut operator = root(&service);
    let id = id_of(&mut operator, &client);
    let (code, refusal) = operator.refused("sessions.kill", json!({ "ids": [id] }));
    assert_eq!((code.as_str(), &refusal["retry"]), ("audit_failed", &json!(true)));
    assert_eq!(id_of(&mut operator, &client), id, "it is still in");
    assert!(operator.ask("status", json!({}))["sessions"].is_u64(), "looking goes on");
}

#[test]
fn an_operator_who_can_do_without_may_say_so() {
    let service = start("audit_log = \"{dir}\"\naudit_required = false\n");
    let (client, _target) = tunnel(service.addr());
    let mut operator = root(&service);
    let id = id_of(&mut operator, &client);
    assert_eq!(operator.ask("sessions.kill", json!({ "ids": [id] }))["killed"], 1);
}

#[test]
fn the_chain_goes_on_over_a_restart_of_the_worker_and_shows_what_was_changed() {
    let service = start("");
    let log = service.directory().join("audit.jsonl");
    let kill_one = || {
        let (client, _target) = tunnel(service.addr());
        let mut operator = root(&service);
        let id = id_of(&mut operator, &client);
        assert_eq!(operator.ask("sessions.kill", json!({ "ids": [id] }))["killed"], 1);
        operator
    };
    kill_one();
    let worker = service.worker_pid();
    rig::signals::send(worker, nix::sys::signal::Signal::SIGKILL);
    let _successor = service.successor_of(worker);
    let mut operator = kill_one();
    assert_eq!(operator.ask("audit.verify", json!({})), json!({ "ok": true, "records": 4 }));
    assert_eq!(sum_of_line(&log, 1), previous_of_line(&log, 2), "with the tools of every system");

    let text = fs::read_to_string(&log).expect("the log is there");
    fs::write(&log, text.replacen("\"op\":\"sessions.kill\"", "\"op\":\"meta.ping\"", 1)).expect("root may");
    let verdict = operator.ask("audit.verify", json!({}));
    assert_eq!((&verdict["ok"], &verdict["broken"][0]), (&json!(false), &json!(2)));
}

/// As an administrator would check it.
fn sum_of_line(log: &Path, line: usize) -> String {
    let script = format!("sed -n {line}p '{}' | tr -d '\\n' | b2sum -l 256 | cut -d' ' -f1", log.display());
    let output = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
    format!("blake2b:{}", String::from_utf8_lossy(&output.stdout).trim())
}

fn previous_of_line(log: &Path, line: usize) -> String {
    let text = fs::read_to_string(log).expect("the log is there");
    let record: Value = serde_json::from_str(text.lines().nth(line - 1).expect("so many lines")).expect("JSON");
    record["prev"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_log_is_searched_and_told_as_it_is_written() {
    let service = start("");
    let mut overseer = root(&service);
    let sub = overseer.ask("audit.sub", json!({ "filter": "phase=done", "every_ms": 200 }))["sub"].clone();
    let mut operator = root(&service);
    for (src, reason) in [("192.0.2.7", "the printer"), ("192.0.2.8", "the scanner")] {
        operator.ask("auth.unban", json!({ "src": src, "reason": reason }));
    }
    let push = overseer.push();
    assert_eq!((&push["ev"], &push["sub"], &push["d"]["comment"]), (&json!("audit"), &sub, &json!("the printer")));
    let found = overseer.ask("audit.query", json!({ "filter": "op=auth.unban scanner user=root seq>1 t>-1h" }));
    assert_eq!((&found["complete"], found["records"].as_array().map(Vec::len)), (&json!(true), Some(2)), "{found}");
    let last = overseer.ask("audit.query", json!({ "n": 1 }));
    assert_eq!((&last["complete"], &last["records"][0]["phase"]), (&json!(false), &json!("done")));
    let open = overseer.ask("series.sub", json!({ "keys": ["up"] }))["sub"].clone();
    assert_eq!(overseer.ask("meta.role", json!({ "role": "operate" })), json!({ "role": "operate", "closed": [sub] }));
    assert_eq!(overseer.ask("meta.close", json!({ "sub": open }))["closed"], true);
    let mut reader = crate::somebody(&service, 4322, &[crate::READ, crate::OPERATE]);
    assert_eq!(reader.refused("audit.sub", json!({})).0, "denied");
}

#[test]
fn a_record_says_who_was_changed_and_how_and_no_secret() {
    let users = Users::of(&[("alice", b"wonderland"), ("bob", b"a good password")]);
    let service = start(&[crate::BY_HAND, &users.settings(&["userpass"])].concat());
    let mut operator = root(&service);
    let quick = |ops: Value| json!({ "store": "users", "ops": ops });
    operator.ask("txn.quick", quick(json!([{ "op": "user.disable", "name": "bob" }])));
    operator.ask("users.passwd", json!({ "name": "alice", "secret": "another good one" }));
    operator.ask("users.add", json!({ "name": "carol", "generate": true, "user": { "groups": ["staff"] } }));
    operator.ask("txn.quick", quick(json!([{ "op": "limit.set", "target": "user/alice", "limits": { "conns": 7 } }])));
    let grant = json!({ "target": "user/alice", "bandwidth_limit_mbps": 8, "until": "2099-01-01T00:00:00Z" });
    let override_id = operator.ask("limits.override", grant)["id"].as_str().expect("an id").to_owned();
    operator.ask("limits.reset", json!({ "target": "user/alice" }));
    let changes: Vec<Value> = operator.ask("audit.query", json!({ "filter": "phase=intent" }))["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| record["changes"].clone())
        .collect();
    assert_eq!(
        changes,
        [
            json!(["chg users/bob enabled=false"]),
            json!(["chg users/alice password_hash=***"]),
            json!(["add users/carol groups=[\"staff\"], name=carol, password_hash=***"]),
            json!(["chg users/alice max_connections=7"]),
            json!(["bandwidth_limit_mbps 8 until 2099-01-01T00:00:00Z"]),
            json!([format!("{override_id}: bandwidth_limit_mbps 8 until 2099-01-01T00:00:00Z")]),
        ]
    );
    let found = operator.ask("audit.query", json!({ "filter": "changes~*bob* phase=done" }));
    assert_eq!(found["records"].as_array().map(Vec::len), Some(1), "{found}");
}

#[test]
fn an_end_that_is_cut_off_while_the_daemon_runs_is_noticed() {
    let service = start("");
    let log = service.directory().join("audit.jsonl");
    let mut operator = root(&service);
    for src in ["192.0.2.7", "192.0.2.8"] {
        operator.ask("auth.unban", json!({ "src": src }));
    }
    let check = |operator: &mut Conversation| {
        let checks = operator.ask("health.get", json!({}))["checks"].clone();
        checks.as_array().expect("checks").iter().find(|check| check["name"] == "audit").expect("it is there").clone()
    };
    assert!(eventually(PATIENCE, || check(&mut operator)["state"] == "ok"));
    let text = fs::read_to_string(&log).expect("the log is there");
    let kept = text.lines().take(2).fold(String::new(), |kept, line| kept + line + "\n");
    fs::write(&log, kept).expect("root may");
    assert!(eventually(PATIENCE, || check(&mut operator)["state"] == "warn"), "{}", check(&mut operator));
    operator.ask("auth.unban", json!({ "src": "192.0.2.9" }));
    let records = operator.ask("audit.tail", json!({}))["records"].clone();
    let told: Vec<_> = records.as_array().expect("records").iter().map(|it| (&it["seq"], &it["op"])).collect();
    let [unban, cut] = [json!("auth.unban"), json!("audit.cut")];
    let numbers: Vec<Value> = [1, 2, 5, 6, 7].map(Value::from).to_vec();
    let ops = [&unban, &unban, &cut, &unban, &unban];
    assert_eq!(told, numbers.iter().zip(ops).collect::<Vec<_>>(), "{records}");
    let verdict = operator.ask("audit.verify", json!({}));
    assert_eq!((&verdict["ok"], &verdict["broken"][0]), (&json!(false), &json!(3)), "{verdict}");
    assert_eq!(check(&mut operator)["state"], "warn", "what is gone does not come back");
}
