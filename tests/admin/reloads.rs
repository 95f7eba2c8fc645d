//! Operators reload, and hear of every fault where it is.

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::service::Service;
use rig::wait::{PATIENCE, eventually};
use serde_json::json;

use crate::policy::OPEN;
use crate::{LOOPBACK, OPERATE, READ, root, ruled, settings, somebody, start};

fn rewrite(service: &Service, more: &str) {
    service.rewrite(&[LOOPBACK, &settings(), more].concat());
}

#[test]
fn an_operator_reloads_and_is_told_what_changed_or_what_is_wrong() {
    let service = start("[server]\nwatch_files = false\n");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    rewrite(&service, "[server]\nwatch_files = false\n[limits]\nmax_connections_per_user = 7\n");
    let reload = operator.ask("reload.run", json!({ "idem": "first" }));
    let component = &reload["components"][0];
    assert_eq!((&reload["success"], &component["result"]), (&json!(true), &json!("applied")));
    assert_eq!(component["changes"], json!(["limits.max_connections_per_user"]));

    rewrite(&service, "[limits]\nmax_connections_per_user = \"many\"\n");
    let (code, refusal) = operator.refused("reload.run", json!({}));
    let problem = &refusal["data"]["reload"]["components"][0]["problems"][0];
    assert_eq!((code.as_str(), problem["line"].is_u64()), ("invalid", true), "{refusal}");
    let reloads = operator.ask("reload.history", json!({}))["reloads"].clone();
    let successes: Vec<_> =
        reloads.as_array().expect("a list").iter().map(|reload| reload["success"].clone()).collect();
    assert_eq!(successes, [json!(false), json!(true)]);
    assert_eq!(operator.refused("reload.run", json!({ "what": "moon" })).0, "bad_request");
    let records = root(&service).ask("audit.tail", json!({}));
    let phases: Vec<_> =
        records["records"].as_array().expect("a list").iter().map(|record| record["phase"].clone()).collect();
    assert_eq!(phases, ["intent", "done", "intent", "failed"]);
}

#[test]
fn whoever_looks_is_told_of_every_reload_and_of_what_holds_since() {
    let service = start("[server]\nwatch_files = false\n[limits]\nmax_connections_per_user = 5\n");
    let mut reader = somebody(&service, 4322, &[READ]);
    let setting = |reader: &mut Conversation, key: &str| {
        let settings = reader.ask("config.effective", json!({}))["settings"].clone();
        let found = settings.as_array().expect("a list").iter().find(|setting| setting["key"] == key).cloned();
        found.unwrap_or_else(|| panic!("{key} is not in {settings}"))
    };
    let before = setting(&mut reader, "limits.max_connections_per_user");
    assert_eq!((&before["value"], &before["from"], &before["reload"]), (&json!("5"), &json!("file"), &json!("live")));
    assert!(before["place"].as_str().is_some_and(|place| place.contains("toml:")), "{before}");
    assert_eq!(setting(&mut reader, "timeouts.handshake_secs")["from"], "default");

    let sub = reader.ask("reload.sub", json!({ "every_ms": 200 }))["sub"].clone();
    rewrite(&service, "[server]\nwatch_files = false\nsandbox = false\n[limits]\nmax_connections_per_user = 7\n");
    let reload = somebody(&service, 4321, &[READ, OPERATE]).ask("reload.run", json!({}));
    let push = loop {
        // That the file has changed may have been seen before the reload.
        let push = reader.push();
        if push["ev"] != "drift" {
            break push;
        }
    };
    assert_eq!((&push["ev"], &push["sub"], &push["d"]["generation"]), (&json!("reload"), &sub, &reload["generation"]));
    assert_eq!(setting(&mut reader, "limits.max_connections_per_user")["value"], "7");
    let sandbox = setting(&mut reader, "server.sandbox");
    assert_eq!(
        (&sandbox["value"], &sandbox["waiting"], &sandbox["reload"]),
        (&json!("true"), &json!("false"), &json!("restart")),
        "it waits for a start"
    );
}

/// The component of this name.
fn component(told: &serde_json::Value, name: &str) -> serde_json::Value {
    let components = told["components"].as_array().expect("a list");
    let found = components.iter().find(|component| component["component"] == name).cloned();
    found.unwrap_or_else(|| panic!("{name} is not in {told}"))
}

#[test]
fn a_rehearsal_says_what_a_reload_would_do_and_nothing_comes_of_it() {
    let service = start("[server]\nwatch_files = false\n");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    rewrite(&service, "[server]\nwatch_files = false\nsandbox = false\n[limits]\nmax_connections_per_user = 7\n");
    let told = operator.ask("reload.run", json!({ "dry": true }));
    assert_eq!((&told["dry"], &told["success"]), (&json!(true), &json!(true)), "{told}");
    let configuration = component(&told, "configuration");
    assert_eq!(configuration["result"], "applied", "{told}");
    assert_eq!(configuration["needs_restart"], json!(["server.sandbox"]), "{told}");
    assert_eq!(configuration["changes"], json!(["limits.max_connections_per_user"]), "{told}");

    assert_eq!(operator.ask("reload.history", json!({}))["reloads"], json!([]), "nothing was reloaded");
    let mut reader = somebody(&service, 4322, &[READ]);
    let drift = component(&reader.ask("config.drift", json!({})), "configuration");
    assert_eq!((&drift["state"], &drift["gen"], &drift["store"]), (&json!("changed"), &json!(1), &json!("config")));
    assert!(drift["sha"].is_string() && drift["file_sha"].is_string() && drift["sha"] != drift["file_sha"], "{drift}");
    assert!(drift["mtime"].is_f64(), "{drift}");
    assert_eq!(reader.ask("status.get", json!({}))["drift"], json!(["configuration"]));
    let difference = reader.ask("txn.diff", json!({ "store": "config", "file": true }));
    let text = difference["text"].as_str().expect("a text");
    assert!(text.contains("+max_connections_per_user = 7"), "{difference}");

    rewrite(&service, "[limits]\nmax_connections_per_user = \"many\"\n");
    let told = operator.ask("reload.run", json!({ "dry": true }));
    assert_eq!(told["success"], false, "{told}");
    let drift = component(&reader.ask("config.drift", json!({})), "configuration");
    assert_eq!((&drift["state"], drift["problems"][0]["line"].is_u64()), (&json!("invalid"), true), "{drift}");
    let items = reader.ask("attention.get", json!({}))["items"].clone();
    let item = items.as_array().expect("items").iter().find(|item| item["key"] == "drift/configuration").cloned();
    assert_eq!(item.map(|item| item["sev"].clone()), Some(json!("crit")), "{items}");
    let difference = reader.ask("txn.diff", json!({ "store": "config", "file": true }));
    assert!(difference["text"].as_str().is_some_and(|text| text.contains("\"many\"")), "{difference}");
    assert_eq!(reader.refused("reload.run", json!({ "dry": true })).0, "denied");
    let records = root(&service).ask("audit.tail", json!({}))["records"].clone();
    assert!(
        records
            .as_array()
            .expect("a list")
            .iter()
            .all(|record| record["op"] != "reload.run" || record["phase"] == "denied"),
        "{records}"
    );
}

#[test]
fn files_that_change_without_a_reload_are_noticed_until_they_say_again_what_is_in_force() {
    let service = start("[server]\nwatch_files = false\n");
    let mut reader = somebody(&service, 4322, &[READ]);
    assert_eq!(reader.ask("status.get", json!({}))["badges"], json!([]));
    let sub = reader.ask("reload.sub", json!({ "every_ms": 200 }))["sub"].clone();
    let mut told = || {
        let push = reader.push();
        assert_eq!((&push["ev"], &push["sub"]), (&json!("drift"), &sub), "{push}");
        push["d"]["components"].clone()
    };
    rewrite(&service, "[server]\nwatch_files = false\n[limits]\nmax_connections_per_user = 7\n");
    assert_eq!(told(), json!(["configuration"]));
    rewrite(&service, "[server]\nwatch_files = false\n");
    assert_eq!(told(), json!([]));
    assert_eq!(reader.refused("txn.diff", json!({ "store": "config", "file": true })).0, "not_found");
}

#[test]
fn a_reload_that_no_operator_ordered_is_on_record_and_what_it_brought_can_come_back() {
    const OTHER: &str = "[global]\ndefault_policy = \"deny\"\n";
    let (rules, service) = ruled(OPEN);
    let reload = || service.process.signal(Signal::SIGHUP);
    rules.rewrite(OTHER);
    reload();
    let mut operator = root(&service);
    let records = |operator: &mut Conversation| {
        let records = operator.ask("audit.query", json!({ "filter": "op=reload.run" }))["records"].clone();
        records.as_array().expect("records").clone()
    };
    assert!(eventually(PATIENCE, || records(&mut operator).len() == 1));
    let record = records(&mut operator)[0].clone();
    assert_eq!((&record["who"], &record["phase"]), (&json!({ "trigger": "sighup" }), &json!("done")), "{record}");
    assert_eq!((&record["target"], &record["changes"]), (&json!("everything"), &json!(["acl gen 2"])), "{record}");

    rules.rewrite("[global]\ndefault_policy = \"perhaps\"\n");
    reload();
    assert!(eventually(PATIENCE, || records(&mut operator).len() == 2));
    let failed = records(&mut operator)[1].clone();
    assert_eq!(
        (&failed["phase"], failed["result"].as_str().is_some_and(|it| it.contains(":2:18:"))),
        (&json!("failed"), true),
        "{failed}"
    );
    rules.rewrite(OTHER);

    operator.ask("txn.rollback", json!({ "to": 1 }));
    assert_eq!(std::fs::read_to_string(rules.path()).expect("it is there"), OPEN, "nobody had asked for it before");
    let generations = operator.ask("txn.history", json!({}));
    let told: Vec<_> = generations.as_array().expect("a list").iter().map(|it| (&it["gen"], &it["source"])).collect();
    let [rollback, file] = [json!("rollback"), json!("file")];
    assert_eq!(told, [(&json!(3), &rollback), (&json!(2), &file), (&json!(1), &file)]);
    assert_eq!(operator.ask("audit.verify", json!({}))["ok"], true);
}

#[test]
fn a_file_that_was_noticed_is_on_record_too() {
    let service = start("");
    rewrite(&service, "[limits]\nmax_connections_per_user = 7\n");
    let mut operator = root(&service);
    let found = |operator: &mut Conversation| {
        operator.ask("audit.query", json!({ "filter": "trigger=file" }))["records"][0]["changes"].clone()
    };
    assert!(eventually(PATIENCE, || found(&mut operator) == json!(["config gen 2"])), "{}", found(&mut operator));
}
