//! Sessions that were, asked about in the filter language.

use rig::admin::Conversation;
use rig::target::tunnel;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{OPERATE, READ, root, somebody, start};

const HISTORY: &str = "[sessions]\nenabled = true\n";

fn found(conversation: &mut Conversation, filter: &str) -> Vec<Value> {
    conversation.ask("history.query", json!({ "filter": filter }))["rows"].as_array().expect("rows").clone()
}

#[test]
fn the_history_answers_in_the_language_of_filters() {
    let service = start(HISTORY);
    let ports: Vec<u16> =
        (0..3).map(|_| tunnel(service.addr())).map(|(_client, target)| target.local().port()).collect();
    let mut reader = somebody(&service, 4321, &[READ]);
    assert!(eventually(PATIENCE, || found(&mut reader, "not status=active").len() == 3));
    let one = format!("port={} dst in 127.0.0.0/8 user~anon* start>-1h and not listener=other", ports[1]);
    assert_eq!(found(&mut reader, &one)[0]["dest_port"], ports[1]);
    assert_eq!(found(&mut reader, "port=1 or claimed=eve").len(), 0);
    let (code, refusal) = reader.refused("history.query", json!({ "filter": "usr=alice" }));
    assert_eq!((code.as_str(), &refusal["data"]["col"]), ("bad_request", &json!(1)), "{refusal}");
    for p in [json!({ "sort": ["shoe", "asc"] }), json!({ "from": "yesterday" })] {
        assert_eq!(reader.refused("history.query", p).0, "bad_request");
    }

    let mut seen = Vec::new();
    let mut p = json!({ "limit": 2, "sort": ["bytes", "asc"] });
    loop {
        let page = reader.ask("history.query", p.clone());
        seen.extend(page["rows"].as_array().expect("rows").iter().map(|row| row["dest_port"].clone()));
        p["after"] = page["next"].clone();
        if p["after"].is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 3, "each once: {seen:?}");
    let numbers = reader.ask("history.agg", json!({ "filter": "proto=tcp", "by": "destination", "bucket_s": 86_400 }));
    assert_eq!((&numbers["total"]["sessions"], &numbers["total"]["destinations"]), (&json!(3), &json!(1)));
    assert_eq!((&numbers["groups"][0]["of"], &numbers["groups"][0]["sessions"]), (&json!("127.0.0.1"), &json!(3)));
    assert_eq!(reader.refused("history.agg", json!({ "bucket_s": 0 })).0, "bad_request");
}

#[test]
fn whoever_takes_the_history_away_is_written_down() {
    let service = start(HISTORY);
    drop(tunnel(service.addr()));
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    assert!(eventually(PATIENCE, || found(&mut operator, "status!=active").len() == 1));
    let (answer, parts) = operator.answers_to("history.export", json!({ "filter": "user=anonymous" }));
    assert_eq!((&answer["ok"]["rows"], parts.len()), (&json!(1), 1), "{answer}");
    assert_eq!(parts[0]["rows"][0]["user"], "anonymous");
    let records = root(&service).ask("audit.tail", json!({ "n": 1 }))["records"][0].clone();
    assert_eq!(
        (&records["op"], &records["phase"], &records["result"]),
        (&json!("history.export"), &json!("done"), &json!("1 rows"))
    );
    assert_eq!(records["target"]["filter"], "user=anonymous");
    assert_eq!(somebody(&service, 4322, &[READ]).refused("history.export", json!({})).0, "denied");
}

#[test]
fn nobody_finds_an_address_that_may_not_be_seen() {
    let masked = start(&["mask_for_read = true\n", HISTORY].concat());
    drop(tunnel(masked.addr()));
    let mut reader = somebody(&masked, 4321, &[READ]);
    assert!(eventually(PATIENCE, || found(&mut reader, "").len() == 1));
    assert_eq!(found(&mut reader, "")[0]["source_ip"], "127.0.x.x");
    for filter in ["src=127.0.0.1", "src in 127.0.0.0/8", "src~127*"] {
        assert_eq!(found(&mut reader, filter).len(), 0, "{filter}");
    }
    let mut operator = somebody(&masked, 4322, &[READ, OPERATE]);
    assert_eq!(found(&mut operator, "src=127.0.0.1").len(), 1);
}
