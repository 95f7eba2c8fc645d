//! The daemon's own log over the admin socket: the lines that it writes, once more.

use rig::target::tunnel;
use serde_json::{Value, json};

use crate::{OPERATE, READ, next, root, somebody, start};

#[test]
fn what_the_log_says_is_told_as_it_is_written_and_can_be_asked_for_later() {
    let service = start("");
    let mut root = root(&service);
    let subscribed = root.ask("logs.sub", json!({ "target": "session", "backlog": 10 }));
    let (client, target) = tunnel(service.addr());
    let port = client.local().port().to_string();
    drop((client, target));
    let line = next(&mut root, "log");
    assert_eq!(
        (&line["level"], &line["target"], &line["msg"]),
        (&json!("info"), &json!("session"), &json!("session closed"))
    );
    let source = line["fields"]["client"].as_str().expect("an address").to_owned();
    assert!(source.ends_with(&port), "{line}");
    let got = root.ask("logs.get", json!({ "filter": source.to_uppercase(), "n": 5 }));
    assert_eq!(got["lines"], json!([line]));
    assert_eq!(root.ask("logs.get", json!({ "filter": source, "before": line["n"] }))["lines"], json!([]));
    assert_eq!(subscribed["lines"], json!([]));
    let first = root.ask("logs.get", json!({ "n": 1000, "level": "info" }));
    let numbers: Vec<u64> =
        first["lines"].as_array().expect("lines").iter().filter_map(|line| line["n"].as_u64()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.len() > 2, "{first}");
    assert_eq!(first["kept"]["lost"], 0);
}

#[test]
fn a_room_is_louder_for_a_while_by_order_which_is_written_down_and_goes_back_by_itself() {
    let service = start("");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    let order = json!({ "target": "session", "level": "warn", "ttl_s": 1, "reason": "too much", "idem": "quiet" });
    let _sub = operator.ask("logs.sub", json!({ "target": "daemon", "filter": "configured again" }));
    let changed = operator.ask("logs.level", order);
    assert_eq!((&changed["level"], &changed["changed"]), (&json!("warn"), &json!(true)), "{changed}");
    let back = next(&mut operator, "log");
    assert_eq!(
        (&back["msg"], &back["fields"]["of"]),
        (&json!("the log's level is what is configured again"), &json!("session"))
    );
    let records = root(&service).ask("audit.tail", json!({ "n": 2 }));
    let phases: Vec<&Value> =
        records["records"].as_array().expect("records").iter().map(|record| &record["phase"]).collect();
    assert_eq!(phases, ["intent", "done"], "{records}");
    assert_eq!(
        (&records["records"][0]["op"], &records["records"][0]["comment"]),
        (&json!("logs.level"), &json!("too much"))
    );
}

#[test]
fn what_is_changed_for_a_while_is_heard_and_can_be_taken_back() {
    let service = start("[logging]\nlevel = \"error\"\n");
    let mut root = root(&service);
    let _sub = root.ask("logs.sub", json!({ "target": "session" }));
    let _changed = root.ask("logs.level", json!({ "target": "session", "level": "info" }));
    drop(tunnel(service.addr()));
    assert_eq!(next(&mut root, "log")["msg"], "session closed");
    assert_eq!(root.ask("logs.level", json!({ "target": "session" }))["changed"], true);
    assert_eq!(root.ask("logs.level", json!({ "target": "session" }))["changed"], false);
    for bad in [
        json!({ "target": "hyper", "level": "info" }),
        json!({ "target": "session", "level": "loud" }),
        json!({ "target": "session", "level": "info", "ttl_s": 100_000 }),
    ] {
        assert_eq!(root.refused("logs.level", bad).0, "bad_request");
    }
}

#[test]
fn lines_are_for_operators_who_see_whole_addresses() {
    let service = start("mask_for_read = true\n");
    let mut reader = somebody(&service, 4321, &[READ]);
    for op in ["logs.get", "logs.sub"] {
        assert_eq!(reader.refused(op, json!({})).0, "denied");
    }
    let mut operator = somebody(&service, 4322, &[READ, OPERATE]);
    let _sub = operator.ask("logs.sub", json!({ "target": "session" }));
    drop(tunnel(service.addr()));
    let line = next(&mut operator, "log");
    assert!(line["fields"]["client"].as_str().is_some_and(|client| client.starts_with("127.0.0.1:")), "{line}");
}
