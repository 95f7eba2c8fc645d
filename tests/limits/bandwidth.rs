//! How much is carried in a second: by everybody, by groups, users and sessions, both ways, and how it is shared.
//!
//! Rates are looked at over seconds, so that a machine that is busy for a moment changes little.

use std::thread;
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::scrape::Endpoint;
use rig::target::Endless;
use rig::udp::Association;
use rig::usage::processor_time;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};

use crate::stream::{MEGABYTE, Stream, WARM_UP, assert_kept, assert_shared, greeted, logged_in, precise, rates, total};
use crate::{PASSWORD, apply, start};

#[test]
fn one_stream_and_many_carry_what_all_together_may_both_ways() {
    for (mbps, streams) in [("8", 1), ("80", 1), ("80", 16), ("400", 4)] {
        let service = start(&format!("[limits]\nbandwidth_limit_mbps = {mbps}\n"));
        let megabytes = mbps.parse::<f64>().expect("a number") / 8.0;
        let source = Endless::listen();
        let downloads: Vec<_> = (0..streams).map(|_| Stream::download(greeted(&service), &source)).collect();
        let uploads: Vec<_> = (0..streams).map(|_| Stream::upload(greeted(&service))).collect();
        thread::sleep(WARM_UP);
        let (down, up) = thread::scope(|scope| {
            let up = scope.spawn(|| total(&uploads));
            (total(&downloads), up.join().expect("it only counts"))
        });
        measured(format!("{streams} streams under {mbps} Mbit/s: down {down:.0} B/s, up {up:.0} B/s"));
        assert_kept(&[down, up], &[megabytes, megabytes]);
    }
}

#[test]
fn a_burst_passes_at_once_and_no_more() {
    let users = Users::crowd_with(["alice".to_owned()], PASSWORD, |_| "groups = [\"staff\"]\n");
    let group = "[[limits.groups]]\nname = \"staff\"\nbandwidth_limit_mbps = 0.8\nbandwidth_burst_kib = 2048\n";
    let service = start(&[&users.settings(&["userpass"]), group].concat());
    let stream = Stream::download(logged_in(&service, "alice"), &Endless::listen());
    let began = Instant::now();
    let moved = || stream.moved();
    assert!(eventually(PATIENCE, || moved() >= 2_000_000), "{} of 2 MiB", moved());
    assert!(began.elapsed() < Duration::from_secs(3), "the burst took {:?}", began.elapsed());
    thread::sleep(Duration::from_secs(2));
    let most = 2_097_152.0 + 100_000.0 * began.elapsed().as_secs_f64() + 65_536.0;
    assert!(precise(moved()) <= most, "{} where {most} may be", moved());
}

#[test]
fn users_share_one_limit_in_equal_parts_whatever_each_opens() {
    let names: Vec<String> = (0..10).map(|number| format!("user{number}")).collect();
    let users = Users::crowd(names.clone(), PASSWORD);
    let service = start(&[&users.settings(&["userpass"]), "[limits]\nbandwidth_limit_mbps = 80\n"].concat());
    let source = Endless::listen();
    let mut streams: Vec<_> = names.iter().map(|name| Stream::download(logged_in(&service, name), &source)).collect();
    // The first one tries to get more by opening more.
    streams.extend((0..9).map(|_| Stream::download(logged_in(&service, "user0"), &source)));
    thread::sleep(WARM_UP);
    let rates = rates(&streams.iter().collect::<Vec<_>>());
    let first: f64 = rates[0] + rates[10..].iter().sum::<f64>();
    assert_shared(&[&[first], &rates[1..10]].concat(), &[1.0; 10]);
}

#[test]
fn a_user_and_a_session_have_limits_of_their_own() {
    let users = Users::crowd_with(["alice", "bob"].map(str::to_owned), PASSWORD, |name| {
        if name == "bob" { "bandwidth_limit_mbps = 32\n" } else { "" }
    });
    let limits = "[limits]\nbandwidth_per_user_mbps = 16\nbandwidth_per_session_mbps = 12\n";
    let service = start(&[&users.settings(&["userpass"]), limits].concat());
    let source = Endless::listen();
    let open =
        |user, count| -> Vec<_> { (0..count).map(|_| Stream::download(logged_in(&service, user), &source)).collect() };
    let (alice, bob) = (open("alice", 3), open("bob", 2));
    thread::sleep(WARM_UP);
    let (of_bob, of_alice) = thread::scope(|scope| {
        let of_alice = scope.spawn(|| total(&alice));
        (total(&bob), of_alice.join().expect("it only counts"))
    });
    assert_kept(&[of_bob, of_alice], &[3.0, 2.0]);
}

#[test]
fn what_is_guaranteed_is_lent_and_given_back_and_priority_decides_about_the_rest() {
    let users = Users::crowd_with(["alice", "bob", "carol"].map(str::to_owned), PASSWORD, |name| match name {
        "alice" => "groups = [\"gold\"]\n",
        "bob" => "groups = [\"silver\"]\n",
        _ => "groups = [\"rest\"]\n",
    });
    let limits = "[limits]\nbandwidth_limit_mbps = 80\n\
                  [[limits.groups]]\nname = \"gold\"\nbandwidth_guaranteed_mbps = 48\n\
                  [[limits.groups]]\nname = \"silver\"\nbandwidth_priority = 5\nbandwidth_limit_mbps = 24\n\
                  [[limits.groups]]\nname = \"rest\"\nbandwidth_priority = 1\n";
    let service = start(&[&users.settings(&["userpass"]), limits].concat());
    let source = Endless::listen();
    let carol = Stream::download(logged_in(&service, "carol"), &source);
    thread::sleep(WARM_UP);
    assert_kept(&rates(&[&carol]), &[10.0]);
    let (alice, bob) = ["alice", "bob"].map(|user| Stream::download(logged_in(&service, user), &source)).into();
    thread::sleep(WARM_UP);
    assert_shared(&rates(&[&alice, &bob, &carol]), &[6.0, 3.0, 1.0]);
    drop(bob);
    thread::sleep(WARM_UP);
    assert_shared(&rates(&[&alice, &carol]), &[6.0, 4.0]);
}

#[test]
fn users_have_guarantees_and_priorities_of_their_own_or_their_groups() {
    let users = Users::crowd_with(["alice", "bob", "carol"].map(str::to_owned), PASSWORD, |name| match name {
        "alice" => "bandwidth_guaranteed_mbps = 48\n",
        "bob" => "groups = [\"staff\"]\nbandwidth_limit_mbps = 24\n",
        "carol" => "bandwidth_priority = 1\n",
        _ => "",
    });
    let limits = "[limits]\nbandwidth_limit_mbps = 80\n\
                  [[limits.groups]]\nname = \"staff\"\nbandwidth_per_user_priority = 5\n";
    let service = start(&[&users.settings(&["userpass"]), limits].concat());
    let source = Endless::listen();
    let [alice, bob, carol] =
        ["alice", "bob", "carol"].map(|user| Stream::download(logged_in(&service, user), &source));
    thread::sleep(WARM_UP);
    assert_shared(&rates(&[&alice, &bob, &carol]), &[6.0, 3.0, 1.0]);
}

#[test]
fn each_direction_has_its_number_or_both_have_one_together() {
    let service = start("[limits]\nbandwidth_limit_mbps = \"8:80\"\n");
    let source = Endless::listen();
    let (up, down) = (Stream::upload(greeted(&service)), Stream::download(greeted(&service), &source));
    thread::sleep(WARM_UP);
    assert_kept(&rates(&[&up, &down]), &[1.0, 10.0]);
    apply(&service, "[limits]\nbandwidth_limit_mbps = 40\nbandwidth_directions = \"together\"\n");
    thread::sleep(WARM_UP);
    assert_shared(&rates(&[&up, &down]), &[2.5, 2.5]);
    drop(up);
    thread::sleep(WARM_UP);
    assert_kept(&rates(&[&down]), &[5.0]);
    let session = "[limits]\nbandwidth_per_session_mbps = 16\nbandwidth_directions = \"together\"\n";
    apply(&service, session);
    let up = Stream::upload(greeted(&service));
    thread::sleep(WARM_UP);
    assert_kept(&rates(&[&up, &down]), &[2.0, 2.0]);
}

#[test]
fn another_rate_holds_at_once_for_who_is_in_and_lifting_it_wakes_who_waits() {
    let service = start("");
    let source = Endless::listen();
    let stream = Stream::download(greeted(&service), &source);
    thread::sleep(WARM_UP);
    assert!(rates(&[&stream])[0] > 20.0 * MEGABYTE, "nothing limits it yet");
    apply(&service, "[limits]\nbandwidth_limit_mbps = 16\n");
    thread::sleep(WARM_UP);
    assert_kept(&rates(&[&stream]), &[2.0]);
    // At this rate the next turn would come in seconds.
    apply(&service, "[limits]\nbandwidth_limit_mbps = 0.008\n");
    thread::sleep(WARM_UP);
    let before = stream.moved();
    apply(&service, "");
    let flows = || stream.moved() > before + 50_000_000;
    assert!(eventually(PATIENCE, flows), "whoever waited goes on");
}

#[test]
fn datagrams_beyond_the_limit_are_dropped_and_counted() {
    let service = start("[limits]\nbandwidth_limit_mbps = 8\n");
    let peer = rig::udp::datagrams(std::net::Ipv4Addr::LOCALHOST.into());
    let association = Association::open(service.addr());
    let to = peer.local_addr().expect("it is bound");
    let (began, mut got) = (Instant::now(), 0);
    peer.set_nonblocking(true).expect("a socket need not wait");
    let mut buffer = [0; 2_000];
    while began.elapsed() < Duration::from_secs(3) {
        for _ in 0..20 {
            association.send(to, &[b'.'; 1_000]);
        }
        while let Ok(read) = peer.recv(&mut buffer) {
            got += read as u64;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let (rate, client) = (precise(got) / began.elapsed().as_secs_f64(), association.control.local());
    // A fifth of a second's burst, and what the association may be ahead with, come on top.
    assert!((0.4e6..1.15e6).contains(&rate), "{rate} bytes a second of a million");
    drop(association);
    let remark = service.session_of(client).text("remark").to_owned();
    assert!(remark.contains("over_limit="), "{remark}");
}

#[test]
fn waiting_costs_little_and_is_measured() {
    let metrics = Endpoint::reserve();
    let users = Users::crowd(["alice".to_owned()], PASSWORD);
    let limits = "[limits]\nbandwidth_per_session_mbps = 0.8\n";
    let service = start(&[&users.settings(&["userpass"]), limits, &metrics.settings()].concat());
    let source = Endless::listen();
    let streams: Vec<_> = (0..20).map(|_| Stream::download(logged_in(&service, "alice"), &source)).collect();
    thread::sleep(WARM_UP);
    let worker = service.worker_pid();
    let (before, began) = (processor_time(worker), Instant::now());
    assert_kept(&[total(&streams)], &[2.0]);
    let of_a_core = processor_time(worker).saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
    measured(format!("20 sessions that wait take {:.1} % of a core", of_a_core * 100.0));
    assert!(of_a_core < 0.5, "{of_a_core}");
    let scrape = metrics.scrape();
    assert_eq!(scrape.count("rustsocks_qos_active_users"), 1);
    let allocated = scrape.count("rustsocks_qos_bandwidth_allocated_bytes_total{direction=\"received\"}");
    let moved: u64 = streams.iter().map(Stream::moved).sum();
    assert!(allocated * 2 > moved && moved * 2 > allocated, "{allocated} allocated, {moved} moved");
    assert!(scrape.count("rustsocks_qos_allocation_wait_seconds_count") > 100);
    drop(streams);
    assert!(eventually(PATIENCE, || metrics.scrape().count("rustsocks_qos_active_users") == 0));
}
