//! Bounds: of lines, requests, subscriptions, conversations and patience; and what is no request.

use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rig::admin::Conversation;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{READ, root, socket, start};

fn last_word(service: &rig::service::Service, line: &[u8]) -> Value {
    let mut conversation = Conversation::begin(&socket(service));
    conversation.write(line);
    let word = conversation.hear().expect("a last word");
    assert_eq!(conversation.hear(), None, "and then it hangs up: {word}");
    word
}

#[test]
fn what_two_readers_could_read_differently_ends_the_conversation() {
    let service = start("");
    for line in [&b"\xff\xfe\n"[..], b"{\"id\":1,\"op\":\"a\0\"}\n", b"{\"id\":1,\"id\":2,\"op\":\"status\"}\n"] {
        assert_eq!(last_word(&service, line)["err"]["code"], "bad_request");
    }
    let mut endless = b"{\"id\":1,\"op\":\"".to_vec();
    endless.resize(3 * 1024 * 1024, b'a');
    assert_eq!(last_word(&service, &endless)["err"]["code"], "too_large");
    endless.truncate(300 * 1024);
    let mut reader = Conversation::of_user(&socket(&service), 4321, &[READ]);
    reader.write(&endless);
    let word = reader.hear().expect("a last word");
    assert_eq!(word["err"]["code"], "too_large", "who changes no files sends none");
}

#[test]
fn what_is_wrong_otherwise_is_told_and_the_conversation_goes_on() {
    let service = start("");
    let mut conversation = Conversation::begin(&socket(&service));
    for line in ["hello\n", "[1]\n", "\n", "{\"id\":7}\n"] {
        conversation.write(line.as_bytes());
        assert_eq!(conversation.hear().expect("an answer")["err"]["code"], "bad_request", "{line}");
    }
    assert_eq!(conversation.refused("sessions.fly", json!({})).0, "unknown_op");
    assert_eq!(conversation.refused("hello", json!({ "proto": 99 })).0, "version");
    assert_eq!(conversation.refused("view.open", json!({ "of": "sessions" })).0, "bad_request", "no hello yet");
    assert_eq!(conversation.ask("ping", json!({ "later": [1] })), json!({}));
}

#[test]
fn one_line_from_a_shell_is_enough() {
    let service = start("");
    let script = format!(
        "echo '{{\"id\":1,\"op\":\"status\"}}' | nc -N -U '{}' | jq -e .ok.sessions",
        socket(&service).display()
    );
    let output = std::process::Command::new("sh").arg("-c").arg(script).output().expect("a shell");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
}

#[test]
fn conversations_are_bounded_for_everybody_and_root_still_gets_in() {
    let service = start("");
    let begin = |user: u32| {
        let mut conversation = Conversation::of_user(&socket(&service), user, &[READ]);
        conversation.send("ping", &json!({}));
        let word = conversation.hear().expect("a word");
        (conversation, word)
    };
    let mut held = Vec::new();
    for user in 5001..=5003 {
        for _ in 0..8 {
            let (conversation, word) = begin(user);
            assert_eq!(word["ok"], json!({}), "{word}");
            held.push(conversation);
        }
        assert_eq!(begin(user).1["err"]["code"], "busy", "eight are the most of one user");
    }
    for _ in 0..6 {
        held.push(begin(5004).0);
    }
    assert_eq!(begin(5005).1["err"]["code"], "busy", "thirty are the most of all but root");
    assert_eq!(root(&service).ask("ping", json!({})), json!({}));
}

#[test]
fn a_connection_has_so_many_subscriptions_and_may_close_them() {
    let service = start("");
    let mut conversation = root(&service);
    let first = conversation.ask("status.sub", json!({ "every_ms": 60_000 }))["sub"].clone();
    for _ in 1..16 {
        conversation.ask("status.sub", json!({ "every_ms": 60_000 }));
    }
    assert_eq!(conversation.refused("status.sub", json!({})).0, "busy");
    assert_eq!(conversation.ask("meta.close", json!({ "sub": first }))["closed"], true);
    let sub = conversation.ask("status.sub", json!({ "every_ms": 1 }))["sub"].clone();
    let pushes = [conversation.push(), conversation.push()];
    for (push, seq) in pushes.iter().zip(1..) {
        assert_eq!((&push["sub"], &push["seq"], &push["ev"]), (&sub, &json!(seq), &json!("status")));
        assert!(push["d"]["up_s"].is_u64(), "{push}");
    }
    assert!(pushes[1]["d"]["up_rate"].is_number(), "a second look knows rates: {}", pushes[1]);
}

#[test]
fn a_client_that_reads_nothing_costs_nobody_anything_and_is_given_up() {
    let service = start("");
    let mut greedy = UnixStream::connect(socket(&service)).expect("connected");
    greedy.set_write_timeout(Some(Duration::from_millis(100))).expect("a socket has timeouts");
    let lines = "{\"id\":1,\"op\":\"meta.ops\"}\n".repeat(100);
    // The daemon stops reading once its answers are not taken, and hangs up in the end.
    let is_given_up = || matches!(greedy.write(lines.as_bytes()), Err(error) if error.kind() == ErrorKind::BrokenPipe);
    assert!(eventually(PATIENCE, is_given_up));
    assert_eq!(root(&service).ask("ping", json!({})), json!({}));
}

#[test]
fn a_silent_client_is_given_up() {
    let service = start("");
    let mut silent = Conversation::begin(&socket(&service));
    assert_eq!(silent.hear(), None);
}
