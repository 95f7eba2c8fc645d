//! How much is carried in a second: by everybody, by groups, users and sessions, both ways, and how it is shared.
//!
//! Rates are looked at over seconds, so that a machine that is busy for a moment changes little.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::note::measured;
use rig::scrape::Endpoint;
use rig::service::Service;
use rig::socks5::{CONNECT, rep};
use rig::target::{Endless, Target};
use rig::udp::Association;
use rig::usage::processor_time;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{PASSWORD, apply, start};

/// Until bursts and buffers are used up.
const WARM_UP: Duration = Duration::from_millis(1_500);

/// What is measured.
const WHILE: Duration = Duration::from_secs(4);

/// A million bytes a second is so many megabits.
const MEGABYTE: f64 = 1e6;

/// A stream that moves as much as it may until it is dropped.
struct Stream {
    end: TcpStream,
    moved: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    /// Reads what a target sends without end.
    fn download(client: Wire, source: &Endless) -> Self {
        Self::of(&asked(client, source.addr()), |mut stream, moved| {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                moved.fetch_add(read as u64, Relaxed);
            }
        })
    }

    /// Sends without end, and counts what a target has got.
    fn upload(client: Wire) -> Self {
        let target = Target::listen();
        let client = asked(client, target.addr());
        let received = target.accept();
        Self::of(&client, move |mut stream, moved| {
            let mut got = received.stream().try_clone().expect("a socket can be duplicated");
            let reader = thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(read @ 1..) = got.read(&mut buffer) {
                    moved.fetch_add(read as u64, Relaxed);
                }
            });
            while stream.write_all(&[b'.'; 1 << 14]).is_ok() {}
            drop(received);
            reader.join().expect("it only reads");
        })
    }

    fn of(client: &Wire, work: impl FnOnce(TcpStream, Arc<AtomicU64>) + Send + 'static) -> Self {
        let end = client.stream().try_clone().expect("a socket can be duplicated");
        let stream = end.try_clone().expect("a socket can be duplicated");
        for timeout in [stream.set_read_timeout(None), stream.set_write_timeout(None)] {
            timeout.expect("a socket can wait for ever");
        }
        let moved = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&moved);
        Self { end, moved, thread: Some(thread::spawn(move || work(stream, counter))) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _already_over = self.end.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn asked(mut client: Wire, to: SocketAddr) -> Wire {
    assert_eq!(client.ask(CONNECT, to).code, rep::SUCCEEDED);
    client
}

fn greeted(service: &Service) -> Wire {
    rig::socks5::greeted(service.addr())
}

fn logged_in(service: &Service, user: &str) -> Wire {
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(user.as_bytes(), PASSWORD), [1, 0]);
    client
}

/// Bytes a second of each, from now on.
fn rates(streams: &[&Stream]) -> Vec<f64> {
    let look = || streams.iter().map(|stream| stream.moved.load(Relaxed)).collect::<Vec<_>>();
    let (before, began) = (look(), Instant::now());
    thread::sleep(WHILE);
    let (after, took) = (look(), began.elapsed().as_secs_f64());
    after.iter().zip(before).map(|(after, before)| precise(after - before) / took).collect()
}

fn total(streams: &[Stream]) -> f64 {
    rates(&streams.iter().collect::<Vec<_>>()).iter().sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn precise(count: u64) -> f64 {
    count as f64
}

/// No more than so much. A machine that is busy with something else may take some of it.
fn assert_kept(rates: &[f64], megabytes: &[f64]) {
    let is_kept = |(rate, megabytes): (&f64, &f64)| (megabytes * 0.4..megabytes * 1.08).contains(&(rate / MEGABYTE));
    assert!(rates.iter().zip(megabytes).all(is_kept), "{rates:?} is not {megabytes:?} MB/s");
}

/// No more than all of it, and nobody much less than his part: what one cannot take in time, because the machine is busy, others get.
fn assert_shared(rates: &[f64], megabytes: &[f64]) {
    assert_kept(&[rates.iter().sum()], &[megabytes.iter().sum()]);
    let has_part = |(rate, megabytes): (&f64, &f64)| rate / MEGABYTE > megabytes * 0.6;
    assert!(rates.iter().zip(megabytes).all(has_part), "{rates:?} is not {megabytes:?} MB/s");
}

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
    let moved = || stream.moved.load(Relaxed);
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
    let before = stream.moved.load(Relaxed);
    apply(&service, "");
    let flows = || stream.moved.load(Relaxed) > before + 50_000_000;
    assert!(eventually(PATIENCE, flows), "whoever waited goes on");
}

#[test]
fn who_waits_for_bandwidth_ends_at_once_when_he_is_told_to() {
    let service = start("drain_secs = 0\n[limits]\nbandwidth_limit_mbps = 0.008\n");
    let stream = Stream::download(greeted(&service), &Endless::listen());
    assert!(eventually(PATIENCE, || stream.moved.load(Relaxed) > 0));
    let began = Instant::now();
    let mut service = service;
    service.process.signal(Signal::SIGTERM);
    assert!(service.process.exit_within(PATIENCE).is_some());
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    assert_eq!(service.endings("stopped"), 1);
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
    let moved: u64 = streams.iter().map(|stream| stream.moved.load(Relaxed)).sum();
    assert!(allocated * 2 > moved && moved * 2 > allocated, "{allocated} allocated, {moved} moved");
    assert!(scrape.count("rustsocks_qos_allocation_wait_seconds_count") > 100);
    drop(streams);
    assert!(eventually(PATIENCE, || metrics.scrape().count("rustsocks_qos_active_users") == 0));
}
