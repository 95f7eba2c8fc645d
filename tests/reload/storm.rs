//! Ten reloads a second under relays and new connections: nobody notices, and nothing is left over.
//!
//! Takes ten seconds, or as many minutes as `RUSTSOCKS_SOAK_MINUTES` says.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::note::measured;
use rig::port::Port;
use rig::process::descriptors;
use rig::rules::Rules;
use rig::service::Service;
use rig::soak::{assert_no_growth, duration};
use rig::target::{Target, echo, tunnel};
use rig::usage::{own_memory, raise_own_descriptor_limit, threads};
use rig::users::Users;
use rig::visitor::Visitors;
use rig::wait::{PATIENCE, eventually};

use crate::{SIGNAL_ONLY, assert_passes, of, start};

/// The example of the original plan, to the letter.
const PLAN: &str = include_str!("../../src/core/config/tests/data/plan_acl.toml");

/// Lets the clients of these tests through to their targets.
const ALLOWED: &str = r#"
[[users]]
username = "anonymous"
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.0/8"]
"#;

const RELAYS: usize = 1000;

/// Of these, so many carry something between two reloads.
const BUSY: usize = 20;

/// Together five hundred new connections a second.
const VISITORS: u32 = 8;
const VISIT_EVERY: Duration = Duration::from_millis(16);

/// Between two reloads.
const PAUSE: Duration = Duration::from_millis(100);

#[test]
fn reloads_one_after_the_other_disturb_nobody() {
    raise_own_descriptor_limit();
    let extra = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let rules = Rules::of(&[PLAN, ALLOWED].concat());
    let [one, other] = [0, 1].map(|number| [texts(number, extra.addr()), rules.settings()].concat());
    let service = start(&one);
    let worker = service.worker_pid();
    let mut relays: Vec<_> = (0..RELAYS).map(|_| tunnel(service.addr())).collect();
    let target = Target::listen().serve(echo);
    let visitors: Vec<_> = (0..VISITORS).map(|_| Visitors::come_every(VISIT_EVERY, service.addr(), target)).collect();

    let (begin, duration) = (Instant::now(), duration(Duration::from_secs(10)));
    let mut samples = Vec::new();
    for text in [&other, &one].into_iter().cycle() {
        if begin.elapsed() >= duration {
            break;
        }
        let next = Instant::now() + PAUSE;
        service.rewrite(&of(text));
        rules.rewrite(&[PLAN, ALLOWED, &rule(samples.len())].concat());
        service.process.signal(Signal::SIGHUP);
        let busy = samples.len() * BUSY % RELAYS;
        relays[busy..busy + BUSY].iter_mut().for_each(assert_passes);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        samples.push(own_memory(worker));
    }
    let took = begin.elapsed();

    let visits: Vec<_> = visitors.into_iter().flat_map(Visitors::stop).collect();
    let failed: Vec<_> = visits.iter().filter(|visit| visit.is_err()).collect();
    assert!(failed.is_empty(), "{} of {} visits failed: {:?}", failed.len(), visits.len(), failed.first());
    relays.iter_mut().for_each(assert_passes);
    assert_eq!(service.worker_pid(), worker, "it is the same worker");
    assert_every_reload_was_good(&service, samples.len());
    measured(format!(
        "{:.1} signals and {:.0} new connections a second beside {RELAYS} relays for {took:.0?}",
        per_second(samples.len(), took),
        per_second(visits.len(), took)
    ));
    assert_no_growth(&samples);
    assert!(eventually(PATIENCE, || descriptors(worker) < 2 * RELAYS + 300), "{} descriptors", descriptors(worker));
    assert!(threads(worker).len() < 20, "{:?}", threads(worker));
}

/// Everything that can be changed at once is, among it a listener that comes and goes.
fn texts(number: usize, extra: SocketAddr) -> String {
    let listen = format!("[[listen]]\naddress = \"{extra}\"\n");
    let settings = [
        "[limits]\nmax_connections = 5000\n[dns]\ncache_entries = 100\n[outbound]\nkeepalive_secs = 30\n",
        "[limits]\nmax_connections = 6000\n[timeouts]\nconnect_secs = 9\n[logging]\nlevel = \"debug\"\n[commands]\nbind = true\n",
    ];
    [SIGNAL_ONLY, settings[number], ["", &listen][number]].concat()
}

/// A rule that no other reload has.
fn rule(number: usize) -> String {
    format!("  [[users.rules]]\n  action = \"block\"\n  destinations = [\"n{number}.example\"]\n")
}

fn per_second(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).expect("the test is over before")) / time.as_secs_f64()
}

fn assert_every_reload_was_good(service: &Service, signals: usize) {
    let is_over = || service.reloads().len() >= signals / 2;
    assert!(eventually(PATIENCE, is_over), "{} reloads after {signals} signals", service.reloads().len());
    let reloads = service.reloads();
    let generations: Vec<u64> = reloads.iter().map(|line| line.number("generation")).collect();
    assert!(generations.is_sorted_by(|one, next| one < next), "{generations:?}");
    for line in &reloads {
        assert!(["configuration", "users", "rules"].iter().all(|part| line.text(part) != "failed"), "{line:?}");
    }
    tell_times("reloads of everything", reloads.iter().map(|line| line.decimal("took_ms")).collect());
}

/// Returns the median.
fn tell_times(what: &str, mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    measured(format!("{} {what}: median {median:.2} ms, longest {longest:.2} ms", took.len()));
    median
}

/// What is promised is 10 and 100 ms; a build without optimisation on a busy machine takes many times as long.
#[test]
fn a_reload_of_rules_takes_milliseconds() {
    const PATIENCE: f64 = 50.0;
    let many: String = (0..10_000).map(rule).collect();
    for (what, text, promise) in [
        ("reloads of the plan's rules", [PLAN, ALLOWED].concat(), 10.0),
        ("reloads of 10,000 rules", [PLAN, ALLOWED, &many].concat(), 100.0),
    ] {
        let rules = Rules::of(&text);
        let service = start(&[SIGNAL_ONLY, &rules.settings()].concat());
        let reloads = (0..9).map(|number| {
            rules.rewrite(&[&text, &*rule(20_000 + number)].concat());
            let line = service.reload();
            assert_eq!(line.text("rules"), "applied");
            line.decimal("took_ms")
        });
        let median = tell_times(what, reloads.collect());
        assert!(median < PATIENCE * promise, "{what} take {median} ms");
    }
}

/// Users and listeners that change again and again, with whom a log-in goes through all the same.
#[test]
fn users_and_listeners_change_under_log_ins() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let extra = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let auth = [SIGNAL_ONLY, &users.settings(&["userpass"])].concat();
    let with_extra = format!("{auth}[[listen]]\naddress = \"{}\"\n", extra.addr());
    let service = start(&auth);
    for (round, text) in [&with_extra, &auth].into_iter().cycle().take(12).enumerate() {
        let password = format!("password {round}");
        users.replace_by(&[("alice", b"wonderland"), ("bob", password.as_bytes())]);
        service.rewrite(&of(text));
        service.process.signal(Signal::SIGHUP);
        let log_in = |name: &[u8], password: &[u8]| rig::wire::Wire::connect(service.addr()).log_in(name, password)[1];
        assert_eq!(log_in(b"alice", b"wonderland"), 0);
        assert!(eventually(PATIENCE, || log_in(b"bob", password.as_bytes()) == 0), "{password}");
    }
    assert!(service.reloads().iter().all(|line| line.text("users") == "applied"));
}
