//! Who comes and who goes, and what is put together for somebody who helps.

use rig::admin::Conversation;
use rig::target::tunnel;
use serde_json::{Value, json};

use crate::{ADMIN, OPERATE, READ, somebody, start};

/// What is told about the next session, with the word for it.
fn next(conversation: &mut Conversation, sub: &Value) -> (String, Value) {
    let push = conversation.push();
    assert_eq!(&push["sub"], sub);
    (push["ev"].as_str().expect("a word").to_owned(), push["d"].clone())
}

#[test]
fn whoever_comes_and_goes_is_told_although_nobody_looked_meanwhile() {
    let service = start("mask_for_read = true\n");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    let all = operator.ask("sessions.sub", json!({ "every_ms": 60_000 }))["sub"].clone();
    let mut reader = somebody(&service, 4322, &[READ]);
    let some = reader.ask("sessions.sub", json!({ "filter": "proto=udp", "every_ms": 200 }))["sub"].clone();
    let masked = reader.ask("sessions.sub", json!({ "filter": "user=anonymous", "every_ms": 200 }))["sub"].clone();
    let (client, target) = tunnel(service.addr());
    let (source, destination) = (client.local().to_string(), target.local().to_string());
    drop((client, target));
    let (word, came) = next(&mut reader, &masked);
    assert_eq!((word.as_str(), &came["src"], &came["dst"]), ("came", &json!("127.0.x.x"), &json!(destination)));
    let (word, went) = next(&mut reader, &masked);
    assert_eq!((word.as_str(), &went["id"], &went["dst"]), ("went", &came["id"], &json!(destination)));
    assert!(came["reason"].is_null() && went["reason"].is_string(), "{came} {went}");
    assert_eq!(reader.ask("meta.close", json!({ "sub": some })), json!({ "closed": true }), "nobody came by UDP");
    // Who looks once in a minute has not looked yet, and is told nothing before; a subscription that is closed keeps nothing.
    assert_eq!(operator.ask("meta.close", json!({ "sub": all })), json!({ "closed": true }));
    let again = operator.ask("sessions.sub", json!({ "every_ms": 200 }))["sub"].clone();
    let (client, target) = tunnel(service.addr());
    let (word, came) = next(&mut operator, &again);
    assert_eq!((word.as_str(), &came["src"]), ("came", &json!(client.local().to_string())));
    assert_ne!(came["src"], source.as_str());
    drop((client, target));
    assert_eq!(next(&mut operator, &again).0, "went");
    assert_eq!(operator.refused("sessions.sub", json!({ "filter": "shoe=1" })).0, "bad_request");
}

#[test]
fn a_bundle_has_what_the_daemon_says_and_addresses_only_where_they_are_wanted() {
    let service = start("mask_for_read = true\n");
    let (client, target) = tunnel(service.addr());
    drop((client, target));
    let bundle = |addresses: bool| -> Vec<(String, Value)> {
        let mut conversation = somebody(&service, 4321, &[READ, ADMIN]);
        let (answer, parts) = conversation.answers_to("support.bundle", json!({ "addresses": addresses }));
        assert_eq!(answer["ok"]["parts"], parts.len(), "{answer}");
        let part = |part: Value| (part["name"].as_str().expect("a name").to_owned(), part["answer"].clone());
        parts.into_iter().map(part).collect()
    };
    let of = |bundle: &[(String, Value)], name: &str| {
        bundle.iter().find(|(part, _)| part == name).unwrap_or_else(|| panic!("{name} is missing")).1.clone()
    };
    let cut = bundle(false);
    let text = |bundle: &[(String, Value)]| of(bundle, "settings").to_string();
    assert!(text(&cut).contains("server.bind_port") && !text(&cut).contains("127.0.0.1"), "{}", text(&cut));
    assert!(of(&cut, "audit")["records"].is_array() && of(&cut, "logs")["lines"].is_array());
    assert!(text(&bundle(true)).contains("127.0.0.1"));
    assert_eq!(somebody(&service, 4322, &[READ, OPERATE]).refused("support.bundle", json!({})).0, "denied");
}
