//! Logins, and who is turned away because they guessed.

use rig::admin::Conversation;
use rig::service::Service;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{OPERATE, READ, root, somebody, start};

/// Whoever fails once is turned away for an hour.
const STRICT: &str = "[penalties]\nexempt = []\nauthfail_secs = 3600\nmax_secs = 3600\nfailure_delay_ms = 0\n";

/// A daemon that turns 127.0.0.1 away.
fn guessed_at(users: &Users, config: &str) -> Service {
    let service = start(&[config, STRICT, &users.settings(&["userpass"])].concat());
    assert_ne!(Wire::connect(service.addr()).log_in(b"alice", b"wrong")[1], 0);
    let mut conversation = root(&service);
    assert!(eventually(PATIENCE, || bans(&mut conversation)["matched"] == 1));
    service
}

/// A view of the bans as it is now.
fn bans(conversation: &mut Conversation) -> Value {
    let opened = conversation.ask("view.open", json!({ "of": "bans" }));
    conversation.ask("view.close", json!({ "sub": opened["sub"] }));
    opened
}

#[test]
fn an_operator_lets_a_source_come_again() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = guessed_at(&users, "");
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    let view =
        operator.ask("view.open", json!({ "of": "bans", "cols": ["left"], "filter": "src in 127.0.0.0/8 left>50m" }));
    assert_eq!((&view["matched"], &view["rows"][0][0]), (&json!(1), &json!("127.0.0.1")));
    assert!(view["rows"][0][1].as_u64().is_some_and(|left| left > 3_000), "{view}");
    let ids = operator.ask("view.ids", json!({ "sub": view["sub"] }));
    assert_eq!(ids, json!({ "ids": ["127.0.0.1"], "matched": 1, "truncated": false }));

    let forgiven = operator.ask("auth.unban", json!({ "src": "127.0.0.1", "reason": "the printer" }));
    assert_eq!((&forgiven["source"], &forgiven["forgiven"]), (&json!("127.0.0.1"), &json!(true)));
    let gone =
        std::iter::repeat_with(|| operator.push()).map(|push| push["d"]["gone"].clone()).find(|gone| !gone.is_null());
    assert_eq!(gone, Some(json!([["127.0.0.1", "over"]])));
    assert_eq!(bans(&mut operator)["matched"], 0);
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", b"wonderland")[1], 0, "he may try again");
    let records = root(&service).ask("audit.tail", json!({}));
    assert_eq!(
        (&records["records"][1]["op"], &records["records"][1]["comment"]),
        (&json!("auth.unban"), &json!("the printer"))
    );
    assert_eq!(operator.refused("auth.unban", json!({ "src": "printer" })).0, "bad_request");
}

#[test]
fn whoever_may_see_no_addresses_sees_only_networks_that_guessed() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = guessed_at(&users, "mask_for_read = true\n");
    let mut reader = somebody(&service, 4321, &[READ]);
    let view = bans(&mut reader);
    assert_eq!((&view["rows"][0][1], &view["agg"]["turned_away"]), (&json!("127.0.x.x"), &json!(0)), "{view}");
    assert!(!view.to_string().contains("127.0.0.1"), "{view}");
    let asked = reader.ask("view.open", json!({ "of": "bans", "filter": "src=127.0.0.1" }));
    assert_eq!(asked["matched"], 0, "asking finds no more than looking");
}
