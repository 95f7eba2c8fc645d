//! docs/admin-protocol.md says what the daemon does: every operation, and a conversation word for word.

use std::fmt::Write;
use std::fs;

use rig::admin::Conversation;
use rig::target::tunnel;
use serde_json::Value;

use crate::{id_of, root, socket, start};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/admin-protocol.md");

#[test]
fn the_page_has_every_operation_as_the_daemon_lists_it() {
    let service = start("");
    let ops = root(&service).ask("meta.ops", serde_json::json!({}));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut table = "| operation | role | does | parameters | answers |\n|---|---|---|---|---|\n".to_owned();
    for op in ops["ops"].as_array().expect("a list") {
        let takes = op["p"].as_array().expect("a list").iter();
        let takes: Vec<String> = takes.map(|p| format!("`{}`: {}", text(&p["name"]), text(&p["about"]))).collect();
        let takes = if takes.is_empty() { "none".to_owned() } else { takes.join("; ") };
        let role = op["role"].as_str().unwrap_or("any");
        writeln!(table, "| `{}` | {role} | {} | {takes} | {} |", text(&op["op"]), text(&op["about"]), text(&op["ok"]))
            .expect("a string takes everything");
    }
    let page = fs::read_to_string(PAGE).expect("the page is there");
    assert!(page.contains(&table), "the page should have this table:\n{table}");
}

#[test]
fn the_conversation_of_the_page_takes_place() {
    let service = start("");
    let (client, _target) = tunnel(service.addr());
    let _it_is_in = id_of(&mut root(&service), &client);
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let lines = page.split("```rap\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a conversation");
    let mut conversation = Conversation::begin(&socket(&service));
    let mut exchanged = 0;
    for line in lines.lines() {
        match line.split_at(3) {
            ("C: ", said) => conversation.write(format!("{said}\n").as_bytes()),
            (_, expected) => {
                let said = answer(&mut conversation);
                let expected: Value = serde_json::from_str(expected).expect("the page has JSON");
                assert_like(&expected, &said, &format!("{expected} and not {said}"));
                exchanged += 1;
            }
        }
    }
    assert!(exchanged > 15, "{exchanged}");
}

fn answer(conversation: &mut Conversation) -> Value {
    loop {
        let message = conversation.hear().expect("an answer");
        if message.get("sub").is_none() {
            return message;
        }
    }
}

/// What the page shows is there, of the same kind; numbers of requests, codes and words are the same.
fn assert_like(expected: &Value, said: &Value, context: &str) {
    match (expected, said) {
        (Value::Object(expected), Value::Object(said)) => {
            for (key, value) in expected {
                let found = said.get(key).unwrap_or_else(|| panic!("{key} is missing: {context}"));
                if ["id", "code", "state", "phase", "op", "role"].contains(&key.as_str()) && !value.is_object() {
                    assert!(value == found || key == "id" && found.is_string(), "{key}: {context}");
                }
                assert_like(value, found, context);
            }
        }
        (Value::Array(expected), Value::Array(said)) => {
            if let (Some(expected), Some(said)) = (expected.first(), said.first()) {
                assert_like(expected, said, context);
            }
            assert!(expected.is_empty() || !said.is_empty(), "{context}");
        }
        _ => assert_eq!(std::mem::discriminant(expected), std::mem::discriminant(said), "{context}"),
    }
}
