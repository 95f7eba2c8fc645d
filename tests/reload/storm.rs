//! Ten reloads a second under relays and new connections: nobody notices, and nothing is left over.
//!
//! Takes a few seconds, or as many minutes as `RUSTSOCKS_SOAK_MINUTES` says.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::note::measured;
use rig::port::Port;
use rig::process::descriptors;
use rig::service::Service;
use rig::target::{Target, echo, tunnel};
use rig::usage::{own_memory, threads};
use rig::users::Users;
use rig::visitor::Visitors;
use rig::wait::{PATIENCE, eventually};

use crate::{SIGNAL_ONLY, assert_passes, of, start};

const RELAYS: usize = 100;
const VISITORS: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// What the allocator may keep more after many reloads than after the first ones.
const GROWTH: u64 = 4 << 20;

#[test]
fn reloads_one_after_the_other_disturb_nobody() {
    let extra = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let [one, other] = [texts(0, extra.addr()), texts(1, extra.addr())];
    let service = start(&one);
    let worker = service.worker_pid();
    let mut relays: Vec<_> = (0..RELAYS).map(|_| tunnel(service.addr())).collect();
    let target = Target::listen().serve(echo);
    let visitors: Vec<_> = (0..VISITORS).map(|_| Visitors::come(service.addr(), target)).collect();

    let begin = Instant::now();
    let mut samples = Vec::new();
    for text in [&other, &one].into_iter().cycle() {
        if begin.elapsed() >= duration() {
            break;
        }
        service.rewrite(&of(text));
        service.process.signal(Signal::SIGHUP);
        assert_passes(&mut relays[samples.len() % RELAYS]);
        std::thread::sleep(PAUSE);
        samples.push(own_memory(worker));
    }

    let visits: Vec<_> = visitors.into_iter().flat_map(Visitors::stop).collect();
    let failed: Vec<_> = visits.iter().filter(|visit| visit.is_err()).collect();
    assert!(failed.is_empty(), "{} of {} visits failed: {:?}", failed.len(), visits.len(), failed.first());
    relays.iter_mut().for_each(assert_passes);
    assert_eq!(service.worker_pid(), worker, "it is the same worker");
    assert_every_reload_was_good(&service, samples.len());
    measured(format!("{} visits and {RELAYS} relays during {} signals", visits.len(), samples.len()));
    assert_no_growth(&samples);
    assert!(eventually(PATIENCE, || descriptors(worker) < 2 * RELAYS + 150), "{} descriptors", descriptors(worker));
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

fn assert_every_reload_was_good(service: &Service, signals: usize) {
    let is_over = || service.reloads().len() >= signals / 2;
    assert!(eventually(PATIENCE, is_over), "{} reloads after {signals} signals", service.reloads().len());
    let reloads = service.reloads();
    let generations: Vec<u64> = reloads.iter().map(|line| line.number("generation")).collect();
    assert!(generations.is_sorted_by(|one, next| one < next), "{generations:?}");
    for line in &reloads {
        assert_ne!(line.text("configuration"), "failed", "{line:?}");
    }
    let mut took: Vec<f64> = reloads.iter().map(|line| line.decimal("took_ms")).collect();
    took.sort_by(f64::total_cmp);
    measured(format!(
        "{} reloads, median {:.2} ms, longest {:.2} ms",
        took.len(),
        took[took.len() / 2],
        took[took.len() - 1]
    ));
}

fn assert_no_growth(samples: &[u64]) {
    let quarter = samples.len() / 4;
    let [early, late] = [1, 3].map(|number| median(&samples[number * quarter..(number + 1) * quarter]));
    measured(format!("memory: {early} bytes in the second quarter, {late} in the last"));
    assert!(late < early + GROWTH, "it has grown from {early} to {late} bytes");
}

fn median(samples: &[u64]) -> u64 {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples[samples.len() / 2]
}

fn duration() -> Duration {
    let minutes = env::var("RUSTSOCKS_SOAK_MINUTES").map(|text| text.parse::<f64>().expect("a number of minutes"));
    minutes.map_or(Duration::from_secs(6), |minutes| Duration::from_secs_f64(minutes * 60.0))
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
