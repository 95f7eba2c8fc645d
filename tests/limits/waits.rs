//! Whoever waits for bandwidth hears at once what concerns him: an order to end, a drain, another rate.
//!
//! So many share so little that the next turn of each would come in a minute and a half.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::api::Api;
use rig::service::Service;
use rig::target::Endless;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually, found};
use serde_json::json;

use crate::stream::{Stream, greeted, logged_in};
use crate::{PASSWORD, apply, start};

/// A kilobyte a second for all.
const LITTLE: &str = "[limits]\nbandwidth_limit_mbps = 0.008\n";

/// Turns are of 4 KiB.
const CROWD: usize = 24;

/// Far less than a turn takes to come, and enough for a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Streams that have had what there was, and wait.
fn waiting(service: &Service, source: &Endless) -> Vec<Stream> {
    let streams: Vec<_> = (0..CROWD).map(|_| Stream::download(greeted(service), source)).collect();
    assert!(eventually(PATIENCE, || streams.iter().any(|stream| stream.moved() > 0)));
    streams
}

#[test]
fn it_is_told_who_is_held_back_for_how_long_and_by_what() {
    let users = Users::crowd(["alice".to_owned(), "bob".to_owned()], PASSWORD);
    let rates = "[limits]\nbandwidth_limit_mbps = 12\nbandwidth_per_session_mbps = 8\n";
    let admin = "[admin]\nsocket = \"{dir}/admin.sock\"\n";
    let service = start(&[&users.settings(&["userpass"]), admin, rates].concat());
    let source = Endless::listen();
    let enter = |name: &str| Stream::download(logged_in(&service, name), &source);
    let _alice = enter("alice");
    let mut reader = Conversation::begin(&service.directory().join("admin.sock"));
    reader.greet();
    let mut is = |name: &str, held_by: &str, waiting: u64| {
        let class = reader.ask("limits.get", json!({ "name": name }))["class"].clone();
        let is_long = class["throttled_pct"].as_u64() > Some(50) && class["wait_p95_ms"].as_u64() > Some(3);
        (is_long || name == "session") && class["held_by"] == held_by && class["waiting"].as_u64() >= Some(waiting)
    };
    // Alone, a session is slower than all may be.
    assert!(eventually(PATIENCE, || is("user/alice", "below", 1) && is("session", "own", 1)));
    assert!(eventually(PATIENCE, || is("global", "below", 1)));
    // Three of them are not.
    let _others = [enter("bob"), enter("bob")];
    assert!(eventually(PATIENCE, || is("user/alice", "siblings", 0) && is("global", "own", 0)));
}

#[test]
fn an_order_to_end_is_heard() {
    let api = Api::reserve(std::path::Path::new(env!("CARGO_BIN_EXE_rustsocks")));
    let service = start(&[LITTLE, &api.settings()].concat());
    let source = Endless::listen();
    let streams = waiting(&service, &source);
    let began = Instant::now();
    for stream in &streams {
        let is_it = |session: &serde_json::Value| session["source_port"] == stream.client().port();
        let live = || api.read("/api/sessions/active?limit=1000").as_array().cloned().unwrap_or_default();
        let session = found(PATIENCE, || live().into_iter().find(is_it)).expect("the session is shown");
        let id = session["session_id"].as_str().expect("a text");
        assert_eq!(api.ask("operate", "DELETE", &format!("/api/sessions/{id}"), None).status, 200);
        assert_eq!(service.session_of(stream.client()).text("ending"), "killed");
    }
    assert!(began.elapsed() < AT_ONCE, "it took {:?}", began.elapsed());
}

#[test]
fn a_drain_is_heard_when_its_time_is_over() {
    for seconds in [0, 2] {
        let mut service = start(&format!("drain_secs = {seconds}\n{LITTLE}"));
        let source = Endless::listen();
        let streams = waiting(&service, &source);
        let began = Instant::now();
        service.process.signal(Signal::SIGTERM);
        assert!(service.process.exit_within(AT_ONCE).is_some(), "it took {:?}", began.elapsed());
        assert_eq!(service.endings("stopped"), streams.len());
    }
}

#[test]
fn another_rate_is_heard() {
    for (limits, what) in [("[limits]\nbandwidth_limit_mbps = 80\n", "raised"), ("", "lifted")] {
        let service = start(LITTLE);
        let source = Endless::listen();
        let streams = waiting(&service, &source);
        let before: Vec<u64> = streams.iter().map(Stream::moved).collect();
        let began = Instant::now();
        apply(&service, limits);
        let flows = || streams.iter().zip(&before).all(|(stream, before)| stream.moved() > before + 100_000);
        assert!(eventually(AT_ONCE, flows), "whoever waited goes on when the rate is {what}");
        assert!(began.elapsed() < AT_ONCE, "it took {:?}", began.elapsed());
    }
}

#[test]
fn the_end_of_a_life_is_heard() {
    let service = start(&[LITTLE, "[timeouts]\nmax_age_secs = 3\n"].concat());
    let source = Endless::listen();
    let streams = waiting(&service, &source);
    let began = Instant::now();
    for stream in &streams {
        assert_eq!(service.session_of(stream.client()).text("ending"), "max_age");
    }
    assert!(began.elapsed() < AT_ONCE, "it took {:?}", began.elapsed());
}
