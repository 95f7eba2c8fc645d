//! What the daemon says of itself: rates, checks, what to look at, and who is there.

use std::net::SocketAddr;

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::rules::Rules;
use rig::signals::send;
use rig::socks5::greeted;
use rig::target::tunnel;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{READ, next, root, socket, somebody, start};

/// The check of this name, as it stands.
fn check(conversation: &mut Conversation, name: &str) -> Value {
    let health = conversation.ask("health.get", json!({}));
    let checks = health["checks"].as_array().expect("checks").clone();
    checks.into_iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}: {health}"))
}

/// The item of this key, if it is among them: a busy machine may have others too.
fn item(items: &Value, key: &str) -> Option<Value> {
    items.as_array().expect("items").iter().find(|item| item["key"] == key).cloned()
}

#[test]
fn what_sessions_carry_is_in_the_series_and_is_told_each_second() {
    let service = start("");
    let mut root = root(&service);
    // What came before the first look counts in no second.
    let is_measured = || {
        let series = root.ask("series.get", json!({ "keys": ["rss"] }));
        series["data"]["rss"].as_array().expect("values").iter().any(Value::is_number)
    };
    assert!(eventually(PATIENCE, is_measured));
    let (mut client, mut target) = tunnel(service.addr());
    client.send(&vec![7; 100_000]);
    let _carried = target.receive_all(100_000);
    let carried =
        |series: &Value| series["data"]["up"].as_array().expect("values").iter().filter_map(Value::as_f64).sum::<f64>();
    let keys = json!({ "keys": ["up", "sessions", "rss", "authfail", "conn_p99"] });
    let is_there = || carried(&root.ask("series.get", keys.clone())) > 1_000.0;
    assert!(eventually(PATIENCE, is_there), "{}", root.ask("series.get", keys));
    let series = root.ask("series.get", keys);
    assert_eq!(series["res"], 1);
    assert!(
        series["data"]["rss"].as_array().expect("values").iter().any(|value| value.as_f64() > Some(1e6)),
        "{series}"
    );
    assert!(series["data"]["conn_p99"].as_array().expect("values").iter().any(Value::is_number), "{series}");
    let _sub = root.ask("series.sub", json!({ "keys": ["sessions", "cpu"] }));
    let (first, second) = (next(&mut root, "series"), next(&mut root, "series"));
    assert_eq!(second["t"].as_i64(), first["t"].as_i64().map(|t| t + 1));
    assert_eq!(second["v"].as_array().map(Vec::len), Some(2));
    assert_eq!(root.refused("series.get", json!({ "keys": ["moon"] })).0, "bad_request");
    assert_eq!(root.refused("series.get", json!({ "keys": [], "res": 7 })).0, "bad_request");
}

#[test]
fn the_status_has_what_the_process_uses() {
    let service = start("");
    let mut root = root(&service);
    let is_measured = || root.ask("status.get", json!({}))["rss"].as_u64() > Some(1_000_000);
    assert!(eventually(PATIENCE, is_measured));
    let status = root.ask("status.get", json!({}));
    for key in ["fds", "fd_limit", "rss", "users_known", "overrides", "clients"] {
        assert!(status[key].is_u64(), "{key}: {status}");
    }
    assert!(status["fds"].as_u64() > Some(10) && status["fd_limit"].as_u64() > status["fds"].as_u64(), "{status}");
    assert_eq!((&status["badges"], &status["confirm"], &status["clients"]), (&json!([]), &Value::Null, &json!(1)));
    let _changed = root.ask("logs.level", json!({ "target": "auth", "level": "debug" }));
    let status = root.ask("status", json!({}));
    assert_eq!((&status["overrides"], &status["levels"][0]["target"]), (&json!(1), &json!("auth")));
    assert!(item(&status["attention"], "log_level/auth").is_some(), "{status}");
}

#[test]
fn a_reload_that_failed_is_a_check_an_incident_and_something_to_look_at_until_it_is_mended() {
    let rules = Rules::of("");
    let service = start(&format!("{}[server]\nwatch_files = false\n", rules.settings()));
    let mut root = root(&service);
    assert!(eventually(PATIENCE, || root.ask("health.get", json!({}))["checks"].as_array().map(Vec::len) > Some(10)));
    let health = root.ask("health.get", json!({}));
    assert_eq!(health["ok"], true, "{health}");
    for check in health["checks"].as_array().expect("checks") {
        assert!(check["measured"].is_string() && check["effect"].is_string() && check["since"].is_string(), "{check}");
    }
    let _sub = root.ask("health.sub", json!({ "every_ms": 200 }));
    let _sub = root.ask("attention.sub", json!({ "every_ms": 200 }));
    rules.rewrite("[[users]]\nusername = 7\n");
    let (_code, _refusal) = root.refused("reload.run", json!({}));
    let failed = loop {
        if let Some(item) = item(&next(&mut root, "attention")["items"], "check/reload") {
            break item;
        }
    };
    assert_eq!((&failed["sev"], &failed["screen"]), (&json!("warn"), &json!("config")));
    let failed = check(&mut root, "reload");
    assert_eq!(failed["state"], "warn", "{failed}");
    assert_eq!(root.ask("health.get", json!({}))["ok"], true, "new clients are welcome all the same");
    assert_eq!(root.ask("status.get", json!({}))["badges"], json!(["drift"]));
    rules.rewrite("");
    let _reload = root.ask("reload.run", json!({}));
    assert!(eventually(PATIENCE, || check(&mut root, "reload")["state"] == "ok"));
    let incidents = root.ask("incidents.list", json!({ "n": 200 }));
    let ours: Vec<&Value> =
        incidents["incidents"].as_array().expect("incidents").iter().filter(|one| one["name"] == "reload").collect();
    assert_eq!((ours.len(), &ours[0]["state"], &ours[0]["sev"]), (1, &json!("closed"), &json!("warn")), "{incidents}");
}

#[test]
fn who_and_what_has_the_most_is_told_and_what_was_denied() {
    let rules = Rules::of(
        "[global]\ndefault_policy = \"allow\"\n[[users]]\nusername = \"anonymous\"\n[[users.rules]]\naction = \"block\"\ndestinations = [\"192.0.2.0/24\"]\nports = [\"*\"]\n",
    );
    let service = start(&rules.settings());
    let mut root = root(&service);
    let (_client, target) = tunnel(service.addr());
    let top =
        |root: &mut Conversation, by: &str| root.ask("top.get", json!({ "by": by, "key": "sessions" }))["rows"].clone();
    assert_eq!(top(&mut root, "user")[0][0], "anonymous");
    assert_eq!(top(&mut root, "dst")[0], json!([target.local().to_string(), 1, 0, 0]));
    assert_eq!(top(&mut root, "denied"), json!([]));
    let _sub = root.ask("top.sub", json!({ "by": "denied", "every_ms": 200 }));
    let forbidden: SocketAddr = "192.0.2.1:22".parse().expect("an address");
    let _refused = greeted(service.addr()).ask(1, forbidden);
    loop {
        let news = next(&mut root, "top");
        if let Some(row) = news["rows"].get(0) {
            assert_eq!((&row[1], &row[3]), (&json!("192.0.2.1:22"), &json!(1)), "{news}");
            break;
        }
    }
    assert_eq!(root.refused("top.get", json!({ "by": "moon" })).0, "bad_request");
}

#[test]
fn whose_conversations_are_open_is_told_when_somebody_comes_and_goes() {
    let service = start("");
    let mut root = root(&service);
    let present = root.ask("presence.sub", json!({ "every_ms": 200 }));
    assert_eq!((&present["clients"][0]["user"], &present["clients"][0]["client"]), (&json!("root"), &json!("tests")));
    let reader = somebody(&service, 4321, &[READ]);
    loop {
        let clients = next(&mut root, "presence")["clients"].clone();
        if clients[1]["role"] == "read" && clients[1]["client"] == "tests" {
            break;
        }
    }
    drop(reader);
    while next(&mut root, "presence")["clients"].as_array().map(Vec::len) != Some(1) {}
    let mut strangers = Conversation::begin(&socket(&service));
    assert_eq!(strangers.refused("presence.sub", json!({})).0, "bad_request", "hello comes first");
}

#[test]
fn a_worker_that_died_is_a_check_and_an_incident() {
    let service = start("");
    let first = check_that_is(&mut root(&service), "worker", "ok");
    assert_eq!(first["measured"], "it replaces none that died");
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _ = service.successor_of(worker);
    let mut root = root(&service);
    let second = check_that_is(&mut root, "worker", "warn");
    assert!(second["measured"].as_str().expect("words").starts_with("replaced once, at 20"), "{second}");
    let incidents = root.ask("incidents.list", json!({}));
    assert!(incidents["incidents"].as_array().expect("a list").iter().any(|it| it["name"] == "worker"), "{incidents}");
}

/// Once it has been looked at, and is so.
fn check_that_is(conversation: &mut Conversation, name: &str, state: &str) -> Value {
    let is_so = |conversation: &mut Conversation| {
        let health = conversation.ask("health.get", json!({}));
        health["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .any(|check| check["name"] == name && check["state"] == state)
    };
    assert!(eventually(PATIENCE, || is_so(conversation)));
    check(conversation, name)
}
