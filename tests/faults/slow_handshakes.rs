//! Clients that dawdle before they are identified: a deadline for the whole handshake, a ceiling for all of them, and no harm to others.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::service::Service;
use rig::socks5::{CONNECT, USERPASS, greeting, login, request};
use rig::target::{Target, echo};
use rig::usage::raise_own_descriptor_limit;
use rig::users::Users;
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::start;

/// Those who say nothing at once, if nobody says otherwise.
const CROWD: usize = 4_000;

/// The sweep looks once a second, and the machine may be busy.
const LATEST: Duration = Duration::from_secs(15);

/// One byte a second is never silent for long, and never done in time.
#[test]
fn one_byte_a_second_does_not_extend_the_handshake() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = start(&[&users.settings(&["userpass"]), "[timeouts]\nhandshake_secs = 4\n"].concat());
    thread::scope(|scope| {
        scope.spawn(|| assert_cut_off(&service, Wire::connect(service.addr()), &greeting(&[0; 255])));
        scope.spawn(|| assert_cut_off(&service, asked_for_password(&service), &login(&[b'n'; 200], b"wonderland")));
        scope.spawn(|| assert_cut_off(&service, logged_in(&service), &request(CONNECT, ("name.test", 80))));
    });
}

fn asked_for_password(service: &Service) -> Wire {
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.offer(&[USERPASS]), [5, USERPASS]);
    client
}

fn logged_in(service: &Service) -> Wire {
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland"), [1, 0]);
    client
}

/// Sends a byte a second until the other side has had enough.
fn assert_cut_off(service: &Service, mut client: Wire, message: &[u8]) {
    let began = Instant::now();
    let is_cut_off = message.iter().any(|byte| {
        let _ = client.try_send(&[*byte]);
        client.hear(1, Duration::from_secs(1)).1.is_some()
    });
    let taken = began.elapsed();
    assert!(is_cut_off && taken < LATEST, "after {taken:?} it is not cut off");
    assert_eq!(service.session_of(client.local()).text("ending"), "handshake_timeout");
}

/// Thousands who say nothing: the oldest make room for the newest, and real clients notice nothing.
/// As many as `RUSTSOCKS_CROWD` says, which twenty thousand need a higher limit of descriptors for.
#[test]
fn idle_connections_beyond_the_ceiling_are_shed_and_clients_are_served() {
    const CEILING: usize = 500;
    raise_own_descriptor_limit();
    let crowd = env::var("RUSTSOCKS_CROWD").map_or(CROWD, |crowd| crowd.parse().expect("a number"));
    let service = start(&format!("[limits]\nmax_handshakes = {CEILING}\n[timeouts]\nhandshake_secs = 300\n"));
    let target = Target::listen().serve(echo);
    let mut idle: Vec<_> = (0..crowd).map(|_| Wire::connect(service.addr())).collect();
    assert!(eventually(PATIENCE, || service.endings("handshake_shed") >= crowd - CEILING), "the oldest are shed");
    let mut times: Vec<_> = (0..200).map(|_| visit(service.addr(), target, b"real").expect("it is served")).collect();
    times.sort_unstable_by_key(|visit| visit.until_reply);
    let (median, p99) = (times[times.len() / 2].until_reply, times[times.len() * 99 / 100].until_reply);
    measured(format!("beside {crowd} idle connections a client waits {median:?}, p99 {p99:?}"));
    assert!(p99 < Duration::from_secs(2), "p99 is {p99:?}");

    assert_eq!(service.session_of(idle.remove(0).local()).text("ending"), "handshake_shed");
    // Which of the last ones came last is for the threads to say that accepted them.
    let is_kept = |one: &Wire| one.is_silent_for(Duration::from_millis(50));
    assert!(idle.iter().rev().take(CEILING).any(is_kept), "none of the newest is kept");
    let shed = service.endings("handshake_shed");
    // Each visit may cost one of them their place for a moment.
    assert!((crowd - CEILING..=crowd - CEILING + times.len()).contains(&shed), "{shed} were shed");
}
