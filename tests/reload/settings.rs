//! Settings that change while clients are in: who comes now is served by the new ones, who is in keeps the old ones.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rig::dns::{Dns, Zone};
use rig::process::descriptors;
use rig::service::Service;
use rig::session_log::Line;
use rig::socks5::{CONNECT, UDP_ASSOCIATE, greeted, rep};
use rig::target::{Target, tunnel};
use rig::usage::threads;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{SIGNAL_ONLY, assert_passes, of, start, words};

#[test]
fn a_command_that_is_switched_off_is_refused_and_the_relays_go_on() {
    let service = start(SIGNAL_ONLY);
    let mut relay = tunnel(service.addr());
    let line = apply(&service, "[commands]\nconnect = false\n");
    assert_eq!((line.text("changes"), line.text("trigger")), ("commands.connect", "sighup"));
    assert_eq!(connect(&service), rep::COMMAND);
    assert_passes(&mut relay);
    apply(&service, "");
    assert_eq!(connect(&service), rep::SUCCEEDED);
    assert_passes(&mut relay);
}

#[test]
fn another_idle_time_holds_for_those_who_come_now() {
    let service = start(SIGNAL_ONLY);
    let mut before = tunnel(service.addr());
    apply(&service, "[limits]\nconnection_timeout_secs = 1\n[timeouts]\nhandshake_secs = 1\n");
    let (after, _target) = tunnel(service.addr());
    let silent = Wire::connect(service.addr());
    assert_eq!(service.session_of(after.local()).text("ending"), "idle");
    assert_eq!(service.session_of(silent.local()).text("ending"), "handshake_timeout");
    assert_passes(&mut before);
}

#[test]
fn the_guard_closes_and_opens() {
    let service = start(SIGNAL_ONLY);
    let mut relay = tunnel(service.addr());
    service.rewrite(SIGNAL_ONLY);
    assert_eq!(service.reload().text("changes"), "guard.allow");
    assert_eq!(connect(&service), rep::NOT_ALLOWED);
    assert_passes(&mut relay);
    apply(&service, "");
    assert_eq!(connect(&service), rep::SUCCEEDED);
}

#[test]
fn more_and_fewer_may_be_in_at_once() {
    let service = start(&[SIGNAL_ONLY, "[limits]\nmax_connections = 1\n"].concat());
    let mut first = tunnel(service.addr());
    assert_ne!(connect(&service), rep::SUCCEEDED);
    apply(&service, "[limits]\nmax_connections = 2\n");
    let mut second = tunnel(service.addr());
    assert_ne!(connect(&service), rep::SUCCEEDED);
    apply(&service, "[limits]\nmax_connections = 1\n");
    assert_passes(&mut first);
    assert_passes(&mut second);
    drop(second.1);
    let client = second.0.leave();
    assert_eq!(service.session_of(client).text("listener"), service.addr().to_string());
    assert_ne!(connect(&service), rep::SUCCEEDED);
}

#[test]
fn fewer_handshakes_may_be_open_at_once() {
    // With one thread, connections are accepted in the order in which they came.
    let service = start("[server]\nworker_threads = 1\nwatch_files = false\n");
    service.rewrite(&of("[server]\nworker_threads = 1\nwatch_files = false\n[limits]\nmax_handshakes = 2\n"));
    assert_eq!(words(&service.reload()).0, "applied");
    let waiting: Vec<Wire> = (0..3).map(|_| Wire::connect(service.addr())).collect();
    let client = waiting[0].local().to_string();
    let is_shed = |line: &Line| line.text("ending") == "handshake_shed";
    let shed = service.log.session(is_shed, PATIENCE).expect("one too many");
    assert_eq!(shed.text("client"), client);
}

#[test]
fn the_way_out_and_what_clients_are_told_change() {
    let service = start(SIGNAL_ONLY);
    let seen = |service: &Service| {
        let (_client, target) = tunnel(service.addr());
        target.peer().ip()
    };
    let told = |service: &Service| {
        let mut client = greeted(service.addr());
        let any: SocketAddr = "0.0.0.0:0".parse().expect("an address");
        client.ask(UDP_ASSOCIATE, any).bound.address().ip()
    };
    assert_eq!((seen(&service), told(&service)), (ip("127.0.0.1"), ip("127.0.0.1")));
    apply(&service, "[outbound]\naddress_v4 = \"127.0.0.77\"\n[udp]\nadvertised_address_v4 = \"192.0.2.9\"\n");
    assert_eq!((seen(&service), told(&service)), (ip("127.0.0.77"), ip("192.0.2.9")));
}

#[test]
fn what_is_known_of_names_outlives_a_reload_unless_they_are_resolved_in_another_way() {
    let dns = Dns::serve(Zone::default().at("known.test", Ipv4Addr::LOCALHOST));
    let config = [SIGNAL_ONLY, &dns.settings(), "min_ttl_secs = 3600\n"].concat();
    let service = start(&config);
    let target = Target::listen();
    let goes = || greeted(service.addr()).ask(CONNECT, ("known.test", target.addr().port())).code == rep::SUCCEEDED;
    assert!(goes());
    let asked = dns.asked_for("known.test");
    service.rewrite(&of(&[&config, "[outbound]\nkeepalive_secs = 30\n"].concat()));
    assert_eq!(words(&service.reload()).0, "applied");
    assert!(goes());
    assert_eq!(dns.asked_for("known.test"), asked, "it is still known");
    service.rewrite(&of(&[&config, "max_ttl_secs = 7200\n"].concat()));
    assert_eq!(service.reload().text("changes"), "outbound.keepalive_secs | dns.max_ttl_secs");
    assert!(goes());
    assert!(dns.asked_for("known.test") > asked, "it is asked for anew");
}

#[test]
fn the_log_becomes_louder_and_quieter() {
    let service = start(SIGNAL_ONLY);
    let worker = service.worker_pid();
    // The history opens files of its own with the first session, which are no connections.
    let _ = connect(&service);
    service.wait_for_history();
    let leave_early = || {
        let client = greeted(service.addr());
        let open = descriptors(worker);
        let left = client.leave().to_string();
        assert!(eventually(PATIENCE, || descriptors(worker) < open), "its connection is closed");
        left
    };
    let is_written = |client: &str| service.log.sessions().iter().any(|line| line.text("client") == client);
    let unwritten = leave_early();
    apply(&service, "[logging]\nlevel = \"debug\"\n");
    let client = leave_early();
    assert!(eventually(PATIENCE, || is_written(&client)), "at debug level, also those who asked for nothing");
    assert!(!is_written(&unwritten));
    // Below "warn" there is nothing of a good reload either, so that its effect tells of it.
    service.rewrite(&of(&[SIGNAL_ONLY, "[logging]\nlevel = \"warn\"\n[commands]\nconnect = false\n"].concat()));
    service.process.signal(nix::sys::signal::Signal::SIGHUP);
    assert!(eventually(PATIENCE, || connect(&service) == rep::COMMAND));
    let quiet = greeted(service.addr()).leave().to_string();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!is_written(&quiet));
}

#[test]
fn what_needs_a_restart_is_named_and_the_rest_is_applied() {
    let service = start(SIGNAL_ONLY);
    let relays = |worker| threads(worker).iter().filter(|thread| thread.name.starts_with("relay-")).count();
    assert_eq!(relays(service.worker_pid()), 2);
    service.rewrite(&of("[server]\nworker_threads = 5\nwatch_files = false\n[commands]\nconnect = false\n"));
    for changes in ["commands.connect", ""] {
        let line = service.reload();
        assert_eq!((line.text("needs_restart"), line.text("changes")), ("server.worker_threads", changes));
        assert_eq!(line.text("level"), "WARN");
        // It says so as long as it is so.
        fs::write(service.config(), fs::read_to_string(service.config()).expect("it is ours") + "\n")
            .expect("it is ours");
    }
    assert_eq!(connect(&service), rep::COMMAND);
    let status = service.manager.hears("STATUS=Serving", PATIENCE).is_some()
        && eventually(PATIENCE, || {
            service.manager.heard().iter().any(|said| said.contains("needs a restart: server.worker_threads"))
        });
    assert!(status, "{:?}", service.manager.heard());
    let worker = service.worker_pid();
    rig::signals::send(worker, nix::sys::signal::Signal::SIGKILL);
    let successor = service.successor_of(worker);
    assert_eq!(relays(successor), 2, "there are as many sockets to accept on");
    assert_eq!(connect(&service), rep::COMMAND);
}

/// Puts a configuration in force.
fn apply(service: &Service, config: &str) -> Line {
    service.rewrite(&of(&[SIGNAL_ONLY, config].concat()));
    let line = service.reload();
    assert_eq!(words(&line).0, "applied", "{line:?}");
    line
}

/// What a client is told who wants to connect to a target that is there.
fn connect(service: &Service) -> u8 {
    greeted(service.addr()).ask(CONNECT, Target::listen().addr()).code
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The helpers are started with the services that the start knows, so that no worker can choose others.
#[test]
fn a_pam_service_is_not_added_while_the_service_runs() {
    let service = start(SIGNAL_ONLY);
    let pam = "[auth]\nsocks_method = \"pam.username\"\n[auth.pam]\nverify_service_files = false\n";
    service.rewrite(&of(&[SIGNAL_ONLY, pam].concat()));
    let line = service.reload();
    assert_eq!(words(&line).0, "failed");
    assert!(line.text("problems").contains("start rustsocks anew"), "{line:?}");
    assert_eq!(connect(&service), rep::SUCCEEDED);
}
