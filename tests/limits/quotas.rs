//! How much may be carried in a stretch of time: what is refused, ended or slowed down then, what is told, and what is remembered.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::api::Api;
use rig::history::{History, Shelf};
use rig::scrape::Endpoint;
use rig::service::Service;
use rig::signals::send;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually, found};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{PASSWORD, apply, assert_passes, refused, relay_of, start};

/// A hundred kilobytes a month, of which a fifth is a piece.
const QUOTA: &str = "[[limits.quotas]]\nname = \"monthly\"\ngigabytes = 0.0001\nwarn_at_percent = [50]\n";
const PIECE: usize = 20_000;

/// As much a week for all of a group together.
const TOGETHER: &str =
    "[[limits.quotas]]\nname = \"together\"\ngroup = \"staff\"\nshared = true\nperiod = \"week\"\ngigabytes = 0.0001\n";

/// Files that no rotation of the clock changes the meaning of: a month is long.
fn users() -> Users {
    let crowd = ["alice", "bob", "carol"].map(str::to_owned);
    Users::crowd_with(crowd, PASSWORD, |name| match name {
        "bob" => "groups = [\"staff\"]\n",
        "carol" => "groups = [\"staff\"]\nquotas = [\"monthly:0.00004\"]\n",
        _ => "",
    })
}

/// A session that carries so many bytes from the user, and is over.
fn carry(service: &Service, user: &str, bytes: usize) {
    let (mut client, mut target) = relay_of(service, user).expect("there is some left");
    pass(&mut client, &mut target, bytes);
    let client = client.leave();
    drop(target);
    let line = service.session_of(client);
    assert_eq!(line.number("bytes_sent"), bytes as u64, "{line:?}");
}

fn pass(client: &mut Wire, target: &mut Wire, bytes: usize) {
    client.send(&vec![b'.'; bytes]);
    assert_eq!(target.receive_all(bytes).len(), bytes);
}

fn is_refused(service: &Service, user: &str) -> bool {
    relay_of(service, user).err() == Some(refused("quota_spent"))
}

fn assert_refused(service: &Service, user: &str) {
    assert!(eventually(PATIENCE, || is_refused(service, user)), "{user} may go on");
}

fn config(users: &Users, further: &str) -> String {
    [&users.settings(&["userpass"]), QUOTA, further].concat()
}

#[test]
fn whoever_has_used_up_a_quota_is_refused_and_stays_so_until_there_is_more() {
    let (users, endpoint) = (users(), Endpoint::reserve());
    let settings = config(&users, &endpoint.settings());
    let service = start(&settings);
    let (mut client, mut target) = relay_of(&service, "alice").unwrap();
    pass(&mut client, &mut target, 3 * PIECE);
    let warning = service.event("quota nearly used up");
    assert_eq!((warning.text("quota"), warning.text("user")), ("monthly", "alice"), "{warning:?}");
    assert_eq!((warning.number("percent"), warning.number("quota_bytes")), (50, 100_000), "{warning:?}");
    pass(&mut client, &mut target, 2 * PIECE);
    assert_refused(&service, "alice");
    assert_eq!(service.event("quota used up").number("used_bytes"), 100_000);
    // Whoever is in stays, and others have their own.
    assert_passes(&mut (client, target));
    let _others = relay_of(&service, "bob").unwrap();
    let scrape = endpoint.scrape();
    for (series, value) in [
        ("rustsocks_qos_quota_events_total{event=\"warned\",quota=\"monthly\"}", 1),
        ("rustsocks_qos_quota_events_total{event=\"spent\",quota=\"monthly\"}", 1),
        ("rustsocks_qos_quota_spent{quota=\"monthly\"}", 1),
    ] {
        assert_eq!(scrape.count(series), value, "{series}");
    }
    apply(&service, &settings.replace("0.0001", "0.001"));
    assert!(eventually(PATIENCE, || relay_of(&service, "alice").is_ok()), "there is more now");
    apply(&service, &settings);
    assert_refused(&service, "alice");
}

#[test]
fn a_number_of_the_users_own_counts_and_a_shared_quota_is_used_by_all() {
    let users = users();
    let service = start(&config(&users, TOGETHER));
    carry(&service, "carol", 2 * PIECE);
    assert_refused(&service, "carol");
    carry(&service, "bob", 3 * PIECE);
    assert_refused(&service, "bob");
    carry(&service, "alice", PIECE);
    assert!(!is_refused(&service, "alice"));
}

#[test]
fn whoever_is_refused_for_a_quota_takes_no_token_of_others_from_there() {
    let users = users();
    let pace = "new_connections_per_source = \"1:4\"\n";
    let service = start(&["[limits]\n", pace, &config(&users, "")].concat());
    carry(&service, "alice", 5 * PIECE);
    let _told = service.event("quota used up");
    for _ in 0..20 {
        assert!(is_refused(&service, "alice"));
    }
    assert!(!is_refused(&service, "bob"));
    let _others = relay_of(&service, "bob").expect("there are tokens left");
}

#[test]
fn only_the_direction_that_counts_counts() {
    let users = users();
    let service = start(&config(&users, "").replace("warn_at", "counts = \"received\"\nwarn_at"));
    carry(&service, "alice", 6 * PIECE);
    let (mut client, mut target) = relay_of(&service, "alice").unwrap();
    target.send(&vec![b'.'; 5 * PIECE]);
    assert_eq!(client.receive_all(5 * PIECE).len(), 5 * PIECE);
    assert_refused(&service, "alice");
}

#[test]
fn sessions_that_are_in_are_ended_if_the_operator_wants_that() {
    let users = users();
    let service = start(&config(&users, "end_live = true\n"));
    let (mut client, mut target) = relay_of(&service, "alice").unwrap();
    let _bystander = relay_of(&service, "bob").unwrap();
    pass(&mut client, &mut target, 5 * PIECE);
    let _reset_or_end = client.end();
    assert_eq!(service.session_of(client.leave()).text("ending"), "quota_spent");
    assert_eq!(service.endings("quota_spent"), 1);
    assert_refused(&service, "alice");
}

#[test]
fn whoever_has_used_up_a_soft_quota_is_slowed_down_also_in_sessions_that_are_in() {
    let users = users();
    let soft = config(&users, "action = \"slow\"\nslow_mbps = 0.16\n");
    let service = start(&soft);
    let (mut client, mut target) = relay_of(&service, "alice").unwrap();
    pass(&mut client, &mut target, 5 * PIECE);
    let _told = service.event("quota used up");
    // 20,000 bytes a second, and a fifth of that at once.
    let took = |client: &mut Wire, target: &mut Wire, bytes| {
        let began = Instant::now();
        pass(client, target, bytes);
        began.elapsed()
    };
    assert!(eventually(PATIENCE, || took(&mut client, &mut target, PIECE) > Duration::from_millis(600)), "it is slow");
    let (mut second, mut second_target) = relay_of(&service, "alice").expect("nobody is refused");
    assert!(took(&mut second, &mut second_target, PIECE) > Duration::from_millis(600), "it is slow from the beginning");
    apply(&service, &soft.replace("0.0001", "0.1"));
    let is_fast = || took(&mut client, &mut target, 10 * PIECE) < Duration::from_secs(2);
    assert!(eventually(PATIENCE, is_fast), "it is as fast as before");
}

/// What the history says of alice: by the accounts of quotas, and by the rows of her sessions.
fn accounted(history: &History) -> (i64, i64) {
    let sum = |sql: &str| history.ask(sql).map_or(0, |rows| rows[0].number("bytes"));
    let usage = sum("SELECT sum(bytes_sent + bytes_received) AS bytes FROM usage WHERE user = 'alice'");
    (usage, sum("SELECT sum(bytes_sent + bytes_received) AS bytes FROM sessions WHERE user = 'alice'"))
}

const KILLS: usize = 20;

/// So often a session is in when everything is killed, and has a checkpoint, which takes it a second.
const WITH_CHECKPOINT: usize = 5;

#[test]
fn a_quota_is_kept_through_every_kill_to_within_a_checkpoint_and_nothing_counts_twice() {
    let (users, shelf) = (users(), Shelf::new());
    // What the last session carries makes it full.
    let full = format!("gigabytes = 0.000{:03}", KILLS * PIECE / 1_000);
    let settings = config(&users, &[&shelf.settings(), "checkpoint_secs = 1\n"].concat());
    let settings = settings.replace("gigabytes = 0.0001", &full);
    let history = shelf.history();
    for kill in 0..KILLS {
        let mut service = start(&settings);
        let _live = if kill % (KILLS / WITH_CHECKPOINT) == 0 {
            carry(&service, "alice", PIECE / 2);
            let (mut client, mut target) = relay_of(&service, "alice").expect("there is some left");
            pass(&mut client, &mut target, PIECE / 2);
            Some((client, target))
        } else {
            carry(&service, "alice", PIECE);
            None
        };
        let expected = i64::try_from((kill + 1) * PIECE).unwrap();
        let is_known = || accounted(&history).0 == expected;
        assert!(eventually(PATIENCE, is_known), "{:?} of {expected} after {kill} kills", accounted(&history));
        let mut pids = [service.process.pid(), service.worker_pid()];
        pids.rotate_left(kill % 2);
        for pid in pids {
            send(pid, Signal::SIGKILL);
        }
        assert!(service.process.exit_within(PATIENCE).is_some());
        assert_eq!(accounted(&history), (expected, expected), "after {} kills", kill + 1);
    }
    let service = start(&settings);
    assert!(is_refused(&service, "alice"), "not even the first client after a start is let in");
    let all = i64::try_from(KILLS * PIECE).unwrap();
    assert_eq!(accounted(&history), (all, all));
}

/// Ends it as an operator does, who waits until it is gone.
fn stop(mut service: Service) {
    send(service.process.pid(), Signal::SIGTERM);
    assert!(service.process.exit_within(PATIENCE).is_some(), "it does not end");
}

#[test]
fn what_waits_in_the_spool_counts_before_the_first_client_is_let_in() {
    let (users, shelf) = (users(), Shelf::new());
    let settings = config(&users, &shelf.settings());
    let service = start(&settings);
    shelf.history().while_locked(|| {
        carry(&service, "alice", 5 * PIECE);
        stop(service);
    });
    let service = start(&settings);
    assert!(is_refused(&service, "alice"), "not even the first client after a start is let in");
    assert!(!is_refused(&service, "bob"));
}

#[test]
fn a_database_that_stays_locked_holds_a_start_up_for_seconds_and_what_it_says_counts_when_it_is_known() {
    let (users, shelf) = (users(), Shelf::new());
    let settings = config(&users, &shelf.settings());
    let service = start(&settings);
    carry(&service, "bob", 5 * PIECE);
    stop(service);
    let service = start(&settings);
    let service = shelf.history().while_locked(|| {
        carry(&service, "alice", 5 * PIECE);
        stop(service);
        let service = start(&settings);
        let _told = service.event_with("does not say yet what was carried before");
        assert!(is_refused(&service, "bob"), "what can be read of it counts");
        let _let_in = relay_of(&service, "alice").expect("nobody knows what she has carried");
        service
    });
    assert_refused(&service, "alice");
}

fn order(api: &Api, what: &str, body: &Value) -> Value {
    let answer = api.ask("operate", "POST", &format!("/api/limits/{what}"), Some(body));
    assert_eq!(answer.status, 200, "{what} {body}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("it is JSON")
}

#[test]
fn a_grant_counts_until_its_end_and_a_start_knows_it() {
    let (users, shelf, api) = (users(), Shelf::new(), Api::reserve(Path::new(env!("CARGO_BIN_EXE_rustsocks"))));
    let settings = config(&users, &[shelf.settings(), api.settings()].concat());
    let granted =
        json!({"target": "user/alice", "bytes": PIECE, "quota": "monthly", "until": "2100-01-01", "reason": "x"});
    {
        let service = start(&settings);
        carry(&service, "alice", 5 * PIECE);
        assert_refused(&service, "alice");
        assert_eq!(order(&api, "grants", &granted)["kept"], true);
        assert!(eventually(PATIENCE, || relay_of(&service, "alice").is_ok()), "more was granted");
        let used = api.read("/api/limits/quotas?user=alice");
        let expected = json!({"quota": "monthly", "target": "user/alice", "used_bytes": 5 * PIECE, "quota_bytes": 6 * PIECE, "spent": false});
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(used["quotas"][0][key], *value, "{used}");
        }
        let all = i64::try_from(5 * PIECE).unwrap();
        assert!(eventually(PATIENCE, || accounted(&shelf.history()) == (all, all)));
    }
    let service = start(&settings);
    assert_eq!(api.read("/api/limits/concessions")["concessions"][0]["bytes"], PIECE);
    carry(&service, "alice", PIECE);
    assert_refused(&service, "alice");
    assert_eq!(order(&api, "reset", &json!({"target": "user/alice"})), json!({"target": "user/alice", "voided": 1}));
    assert!(api.read("/api/limits/concessions")["concessions"].as_array().is_some_and(Vec::is_empty));
    assert_refused(&service, "alice");
}

#[test]
fn an_override_holds_for_whoever_is_in_and_whoever_comes_until_it_is_taken_back() {
    let (users, api) = (users(), Api::reserve(Path::new(env!("CARGO_BIN_EXE_rustsocks"))));
    let service = start(&[&users.settings(&["userpass"]), &*api.settings()].concat());
    let (mut client, mut target) = relay_of(&service, "alice").unwrap();
    let slow =
        json!({"target": "user/alice", "bandwidth_limit_mbps": 0.16, "max_connections": 1, "until": "2100-01-01"});
    assert_eq!(order(&api, "overrides", &slow)["bandwidth_limit_mbps"], 0.16);
    let took = |client: &mut Wire, target: &mut Wire, bytes| {
        let began = Instant::now();
        pass(client, target, bytes);
        began.elapsed()
    };
    assert!(eventually(PATIENCE, || took(&mut client, &mut target, PIECE) > Duration::from_millis(600)), "it is slow");
    assert_eq!(relay_of(&service, "alice").err(), Some(refused("too_many_of_user")));
    let _others = relay_of(&service, "bob").unwrap();
    // Another one that speaks of something else leaves that as it is.
    let another = json!({"target": "user/alice", "max_connections": 2, "until": "2100-01-02"});
    assert_eq!(order(&api, "overrides", &another)["max_connections"], 2);
    let held = api.read("/api/limits/concessions")["concessions"].clone();
    let said = |at: usize| (held[at]["bandwidth_limit_mbps"].as_f64(), held[at]["max_connections"].as_u64());
    assert_eq!((said(0), said(1)), ((Some(0.16), None), (None, Some(2))), "{held}");
    let second = found(PATIENCE, || relay_of(&service, "alice").ok()).expect("there is room for another one");
    assert!(took(&mut client, &mut target, PIECE) > Duration::from_millis(600), "it is slow as before");
    drop(second);
    assert_eq!(order(&api, "reset", &json!({"target": "user/alice"}))["voided"], 2);
    let is_fast = || took(&mut client, &mut target, 10 * PIECE) < Duration::from_secs(2);
    assert!(eventually(PATIENCE, is_fast), "it is as fast as before");
    let _second = relay_of(&service, "alice").unwrap();
}

#[test]
fn what_cannot_be_granted_is_refused_with_its_reason() {
    let (users, api) = (users(), Api::reserve(Path::new(env!("CARGO_BIN_EXE_rustsocks"))));
    let further = [
        TOGETHER,
        &TOGETHER.replace("together", "guests").replace("staff", "guests").replace("shared = true\n", ""),
        &*api.settings(),
    ];
    let _service = start(&config(&users, &further.concat()));
    for (what, body, why) in [
        ("grants", json!({"target": "alice", "bytes": 1, "until": "2100-01-01"}), "user/NAME or group/NAME"),
        ("grants", json!({"target": "user/alice", "bytes": 0, "until": "2100-01-01"}), "bytes: 1 to"),
        ("grants", json!({"target": "user/alice", "bytes": 1, "until": "2000-01-01"}), "it is over already"),
        (
            "grants",
            json!({"target": "user/alice", "bytes": 1, "until": "2100-01-01", "quota": "x"}),
            "there is no quota",
        ),
        (
            "overrides",
            json!({"target": "user/alice", "until": "2100-01-01"}),
            "bandwidth_limit_mbps, max_connections or both",
        ),
        (
            "overrides",
            json!({"target": "user/alice", "bandwidth_limit_mbps": 0.001, "until": "2100-01-01"}),
            "0.008 to 1000000",
        ),
    ] {
        let answer = api.ask("operate", "POST", &format!("/api/limits/{what}"), Some(&body));
        assert!(answer.status == 400 && answer.body.contains(why), "{body}: {} {}", answer.status, answer.body);
    }
    for (target, quota, why) in [
        ("group/guests", None, "group/guests has no quota for itself: name user/NAME"),
        ("group/staff", Some("monthly"), "group/staff has together for itself, and not monthly: name user/NAME"),
        ("user/bob", Some("together"), "user/bob has monthly for itself, and not together: name group/staff"),
        (
            "user/alice",
            Some("guests"),
            "user/alice has monthly for itself, and not guests: it is for the users of another",
        ),
    ] {
        let body = json!({"target": target, "bytes": 1, "until": "2100-01-01", "quota": quota});
        let answer = api.ask("operate", "POST", "/api/limits/grants", Some(&body));
        assert!(answer.status == 400 && answer.body.contains(why), "{body}: {} {}", answer.status, answer.body);
    }
    for (target, quota) in [("group/staff", None), ("group/staff", Some("together")), ("user/bob", Some("monthly"))] {
        order(&api, "grants", &json!({"target": target, "bytes": 1, "until": "2100-01-01", "quota": quota}));
    }
    let body = json!({"target": "user/alice", "bytes": 1, "until": "2100-01-01"});
    assert_eq!(api.ask("read", "POST", "/api/limits/grants", Some(&body)).status, 403);
}
