//! Name servers that are slow, silent, broken, gone or replaced: each request is answered in time with the right code,
//! and whoever names an address notices nothing.

use std::fs;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use rig::dns::{Answer, Dns, Zone};
use rig::network;
use rig::note::measured;
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep, request};
use rig::target::{Target, echo};
use rig::usage::threads;
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::start;

/// Beyond every limit that these tests configure, with room for a busy machine.
const BOUNDED: Duration = Duration::from_secs(12);

#[test]
fn every_failure_has_its_code_its_word_and_its_time() {
    let late = Answer::Slow(Duration::from_secs(30), vec![Ipv4Addr::LOCALHOST.into()]);
    let dns = Dns::serve(
        Zone::default()
            .with("silent.test", Answer::Silence)
            .with("failing.test", Answer::Failure)
            .with("late.test", late)
            .with("empty.test", Answer::Addresses(vec![])),
    );
    let patient = start(&[&dns.settings(), "timeout_secs = 1\nattempts = 2\n"].concat());
    let hurried = start(&[&dns.settings(), "timeout_secs = 60\n[timeouts]\nconnect_secs = 2\n"].concat());
    for (service, name, code, reason) in [
        (&patient, "silent.test", rep::HOST_UNREACHABLE, "resolver_failed"),
        (&patient, "late.test", rep::HOST_UNREACHABLE, "resolver_failed"),
        (&patient, "failing.test", rep::HOST_UNREACHABLE, "resolver_failed"),
        (&patient, "empty.test", rep::HOST_UNREACHABLE, "name_not_found"),
        (&patient, "nowhere.test", rep::HOST_UNREACHABLE, "name_not_found"),
        (&hurried, "silent.test", rep::TTL_EXPIRED, "timed_out"),
        (&hurried, "late.test", rep::TTL_EXPIRED, "timed_out"),
    ] {
        check(service, name, code, reason);
    }
}

#[test]
fn a_server_that_is_not_there_fails_in_time() {
    let dns = Dns::serve(Zone::default());
    let service = start(&[&dns.settings(), "timeout_secs = 1\nattempts = 2\n"].concat());
    // Root's port, and nobody listens: the host says so (ICMP).
    fs::write(dns.resolv_conf(), "nameserver 127.55.0.1\nnameserver 127.55.0.2\n").expect("the file is ours");
    let is_read = || {
        let mut client = greeted(service.addr());
        let _ = client.ask(CONNECT, ("gone.test", 80));
        service.session_of(client.local()).text("reason") == "resolver_failed"
    };
    assert!(eventually(PATIENCE, is_read), "the new file is read");
    check(&service, "gone.test", rep::HOST_UNREACHABLE, "resolver_failed");
    fs::remove_file(dns.resolv_conf()).expect("the file is there");
    check(&service, "no-file.test", rep::HOST_UNREACHABLE, "resolver_failed");
}

#[test]
fn a_new_resolv_conf_is_followed_and_old_answers_are_forgotten() {
    let here = Target::listen();
    let there = Target::listen_on(Ipv4Addr::new(127, 0, 0, 2).into());
    let before = Dns::serve(Zone::default().at("moving.test", Ipv4Addr::LOCALHOST));
    let after = Dns::serve(Zone::default().at("moving.test", Ipv4Addr::new(127, 0, 0, 2)));
    let service = start(&before.settings());
    let answers = |target: &Target| {
        let reply = greeted(service.addr()).ask(CONNECT, ("moving.test", target.addr().port()));
        reply.code == rep::SUCCEEDED
    };
    assert!(answers(&here) && !answers(&there), "the first server's answer counts");
    let other = before.resolv_conf().with_extension("new");
    fs::copy(after.resolv_conf(), &other).expect("the directory is ours");
    fs::rename(other, before.resolv_conf()).expect("the directory is ours");
    assert!(eventually(PATIENCE, || answers(&there)), "the second server is asked");
    assert!(!answers(&here), "the first server's answer is forgotten");
}

#[test]
fn names_that_hang_hold_up_no_address_and_take_no_thread() {
    let dns = Dns::serve(Zone::default().with("silent.test", Answer::Silence));
    let service = start(&[&dns.settings(), "timeout_secs = 60\n[timeouts]\nconnect_secs = 600\n"].concat());
    unaffected_by(&service, 300, || dns.asked_for("silent.test") > 0);
}

/// getaddrinfo(3) blocks; what it blocks is a few threads, and only who asks for names waits for them.
#[test]
fn names_that_hang_in_the_system_resolver_hold_up_no_address() {
    network::alone(|| {
        let dns = Dns::serve(Zone::default().with("silent.test", Answer::Silence));
        network::ask_only(&dns);
        let service = start("[dns]\nresolver = \"system\"\nsystem_threads = 4\n[timeouts]\nconnect_secs = 600\n");
        unaffected_by(&service, 100, || dns.asked_for("silent.test") > 0);
    });
}

/// While so many requests hang in the name servers, visits to an address go on as before.
fn unaffected_by(service: &Service, hanging: usize, is_asked: impl Fn() -> bool) {
    let target = Target::listen().serve(echo);
    visit(service.addr(), target, b"before").expect("all is well");
    let worker = service.worker_pid();
    let before = threads(worker).len();
    let _waiting: Vec<Wire> = (0..hanging).map(|_| asking_for(service, "silent.test")).collect();
    assert!(eventually(PATIENCE, is_asked), "the name is asked for");
    let mut times: Vec<_> = (0..100).map(|_| visit(service.addr(), target, b"by address").expect("served")).collect();
    times.sort_unstable_by_key(|visit| visit.until_reply);
    let slowest = times[times.len() - 2].until_reply;
    measured(format!("beside {hanging} names that hang, p99 of a visit by address is {slowest:?}"));
    assert!(slowest < Duration::from_secs(1), "a visit by address took {slowest:?}");
    let now = threads(worker);
    assert!(now.len() <= before, "{before} threads became {now:?}");
}

fn asking_for(service: &Service, name: &str) -> Wire {
    let mut client = greeted(service.addr());
    client.send(&request(CONNECT, (name, 80)));
    client
}

fn check(service: &Service, name: &str, code: u8, reason: &str) {
    let mut client = greeted(service.addr());
    let asked = Instant::now();
    assert_eq!(client.ask(CONNECT, (name, 80)).code, code, "{name}");
    let taken = asked.elapsed();
    assert!(taken < BOUNDED, "{name} took {taken:?}");
    assert_eq!(service.session_of(client.local()).text("reason"), reason, "{name}");
}
