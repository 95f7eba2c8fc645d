//! Logins, and who is turned away because they guessed.

use rig::admin::Conversation;
use rig::service::{Launch, Service};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{ADMIN, LOOPBACK, OPERATE, READ, program, root, settings, somebody, start};

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

/// It must be nowhere that anybody could read.
const CANARY: &str = "canary-7f3a91";

#[test]
fn a_login_is_tried_by_what_clients_meet_and_leaves_no_trace_but_the_record() {
    let users = Users::of(&[("alice", CANARY.as_bytes())]);
    let place = rig::place::for_everybody();
    let log = place.path().join("rustsocks.log");
    let level = "[logging]\nlevel = \"trace\"\n";
    let config = [LOOPBACK, &settings(), level, STRICT, &users.settings(&["userpass"])].concat();
    let service = Launch::of(program()).config(&config).log_at(&log).start();
    let mut admin = somebody(&service, 4321, &[READ, ADMIN]);
    let right = admin.ask("auth.test", json!({ "user": "alice", "secret": CANARY, "src": "127.0.0.1" }));
    assert_eq!(
        (&right["result"], &right["method"], &right["banned"]),
        (&json!("ok"), &json!("userpass"), &json!(false))
    );
    for (user, secret, why) in [("alice", "wrong", "wrong_password"), ("eve", CANARY, "unknown_user")] {
        let told = admin.ask("auth.test", json!({ "user": user, "secret": secret, "src": "127.0.0.1" }));
        assert_eq!((&told["result"], &told["why"]), (&json!("fail"), &json!(why)), "{told}");
    }
    assert_eq!(bans(&mut admin)["matched"], 0, "nobody pays for it");
    assert_eq!(admin.ask("auth.status", json!({}))["cache"]["asked"], 0, "and nothing is remembered");
    for _ in 0..2 {
        assert_eq!(Wire::connect(service.addr()).log_in(b"alice", CANARY.as_bytes())[1], 0);
    }
    let cache = admin.ask("auth.status", json!({}))["cache"].clone();
    assert_eq!((&cache["asked"], &cache["known"]), (&json!(2), &json!(1)), "the first client was hashed: {cache}");

    for p in [
        json!({ "user": "alice" }),
        json!({ "user": "", "secret": "x" }),
        json!({ "user": "a", "secret": "x", "listener": "moon" }),
    ] {
        assert_eq!(admin.refused("auth.test", p).0, "bad_request");
    }
    let again = json!({ "user": "alice", "secret": "wrong" });
    let refused = (0..20)
        .map(|_| admin.answer_to("auth.test", again.clone()))
        .find_map(|answer| answer["err"]["code"].as_str().map(str::to_owned));
    assert_eq!(refused.as_deref(), Some("busy"), "the socket is no place to guess");
    assert_eq!(somebody(&service, 4322, &[READ, OPERATE]).refused("auth.test", again).0, "denied");

    let records = root(&service).ask("audit.query", json!({ "filter": "op=auth.test phase=done" }));
    assert_eq!(records["records"][0]["target"]["user"], "alice");
    assert_eq!(records["records"][0]["result"], "ok");
    drop(service);
    for text in [records.to_string(), std::fs::read_to_string(&log).expect("there is a log")] {
        assert!(!text.contains(CANARY), "a password is written down");
    }
}

#[test]
fn logins_are_told_as_they_are_tried() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = start(&["mask_for_read = true\n", &users.settings(&["userpass"])].concat());
    let mut operator = somebody(&service, 4321, &[READ, OPERATE]);
    let mut reader = somebody(&service, 4322, &[READ]);
    let all = operator.ask("auth.sub", json!({ "every_ms": 200 }))["sub"].clone();
    let failures = json!({ "failures_only": true, "every_ms": 200 });
    let some = reader.ask("auth.sub", failures)["sub"].clone();
    let next = |conversation: &mut Conversation, sub: &Value| {
        let push = conversation.push();
        assert_eq!((&push["ev"], &push["sub"]), (&json!("auth"), sub));
        push["d"].clone()
    };
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", b"wonderland")[1], 0);
    let told = next(&mut operator, &all);
    assert_eq!((&told["result"], &told["user"], &told["src"]), (&json!("ok"), &json!("alice"), &json!("127.0.0.1")));
    assert_ne!(Wire::connect(service.addr()).log_in(b"alice", b"wrong")[1], 0);
    let told = next(&mut reader, &some);
    assert_eq!(
        (&told["result"], &told["why"], &told["src"]),
        (&json!("fail"), &json!("wrong_password"), &json!("127.0.x.x"))
    );
    let status = reader.ask("auth.status", json!({}));
    assert_eq!((&status["results"]["of"]["ok"], &status["results"]["of"]["fail"]), (&json!(1), &json!(1)), "{status}");
    assert_eq!(status["listeners"][0]["ways"], json!([{ "method": "userpass", "service": null, "first": false }]));
    assert_eq!((&status["users"]["count"], &status["methods"][0]["checks"]), (&json!(1), &json!(2)));
    assert_eq!(reader.refused("auth.sub", json!({ "filter": "shoe=1" })).0, "bad_request");
    // Whoever comes later has those of before at once, as many as were wanted of those that the filter means.
    let mut before = |p: Value| {
        let logins = operator.ask("auth.sub", p)["logins"].clone();
        logins.as_array().expect("logins are told").iter().map(|login| login["result"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(before(json!({})), ["ok", "fail"]);
    assert_eq!(before(json!({ "backlog": 1 })), ["fail"]);
    assert_eq!(before(json!({ "backlog": 1, "filter": "result=ok" })), ["ok"]);
    assert!(before(json!({ "backlog": 0 })).is_empty());
}
