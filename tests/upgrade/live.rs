//! What goes on, and what comes, while one program takes the place of another.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;
use rig::note::measured;
use rig::port::Port;
use rig::scrape::Endpoint;
use rig::socks5::{BIND, CONNECT, greeted, rep};
use rig::target::{Target, echo, tunnel};
use rig::udp::{Association, address, datagrams, next, post};
use rig::usage::raise_own_descriptor_limit;
use rig::users::Users;
use rig::visitor::Visitors;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{Installed, LOOPBACK, all_went_well, assert_passes, is_gone, serves, upgrade, workers};

/// The gauge of sessions that carry something.
const RELAYING: &str = "rustsocks_sessions_by_stage{stage=\"relaying\"}";

const RELAYS: usize = 200;

#[test]
fn two_upgrades_under_two_hundred_relays_and_new_connections_lose_nobody() {
    raise_own_descriptor_limit();
    let installed = Installed::new();
    let service = installed.start("[server]\nworker_threads = 2\n");
    let (monitor, target) = (service.process.pid(), Target::listen().serve(echo));
    let mut relays: Vec<_> = (0..RELAYS).map(|_| tunnel(service.addr())).collect();
    let visitors: Vec<_> = (0..4).map(|_| Visitors::come(service.addr(), target)).collect();
    let first = service.worker_pid();
    let second = upgrade(&service, &installed);
    relays.iter_mut().enumerate().for_each(|(seed, relay)| assert_passes(relay, seed));
    let between = tunnel(service.addr());
    let third = upgrade(&service, &installed);
    relays.iter_mut().enumerate().for_each(|(seed, relay)| assert_passes(relay, seed + 1));
    let visits: usize = visitors.into_iter().map(all_went_well).sum();
    measured(format!("{visits} new connections beside {RELAYS} relays through two upgrades, none failed"));
    assert_eq!(workers(&service).len(), 3);
    assert_eq!(service.process.pid(), monitor);
    let is_told = || service.manager.heard().iter().any(|said| said.contains("retiring: 2 workers with 201 sessions"));
    assert!(eventually(PATIENCE, is_told), "{:?}", service.manager.heard());
    assert_eq!((service.manager.count("RELOADING=1"), service.manager.count("READY=1")), (2, 3));
    for (client, target) in relays {
        client.finish();
        target.finish();
    }
    is_gone(first);
    drop(between);
    is_gone(second);
    assert_eq!(service.worker_pid(), third);
    serves(service.addr(), target);
}

#[test]
fn an_association_and_a_pending_bind_go_on() {
    let installed = Installed::new();
    let service = installed.start("[commands]\nbind = true\n");
    let association = Association::open(service.addr());
    let peer = datagrams(Ipv4Addr::LOCALHOST.into());
    let talk = |words: &[u8]| {
        association.send(address(&peer), words);
        let (heard, from) = next(&peer);
        assert_eq!(heard, words);
        post(&peer, words, from);
        assert_eq!(association.receive(), (address(&peer), words.to_vec()));
    };
    talk(b"before");
    let mut waiting = greeted(service.addr());
    let granted = waiting.ask(BIND, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    assert_eq!(granted.code, rep::SUCCEEDED);
    let first = service.worker_pid();
    upgrade(&service, &installed);
    talk(b"after");
    let caller = Wire::connect(granted.bound.address());
    assert_eq!(waiting.reply().code, rep::SUCCEEDED);
    assert_passes(&mut (waiting, caller), 3);
    drop(association);
    is_gone(first);
}

#[test]
fn a_handshake_that_has_begun_is_finished_by_whom_it_began_with() {
    let installed = Installed::new();
    let service = installed.start("");
    let target = Target::listen();
    let mut client = greeted(service.addr());
    upgrade(&service, &installed);
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    assert_passes(&mut (client, target.accept()), 1);
}

#[test]
fn listeners_follow_the_configuration_that_the_new_program_finds() {
    let installed = Installed::new();
    let [kept, gone, new] = [(); 3].map(|()| Port::reserve(Ipv4Addr::LOCALHOST.into()));
    let listen = |ports: [&Port; 2]| {
        let tables = ports.map(|port| format!("[[listen]]\naddress = \"{}\"\n", port.addr()));
        [LOOPBACK, "[server]\nwatch_files = false\n", &tables.concat()].concat()
    };
    let service = installed.start(&listen([&kept, &gone]).replace(LOOPBACK, ""));
    let target = Target::listen().serve(echo);
    let visitors = Visitors::come(kept.addr(), target);
    service.rewrite(&listen([&new, &kept]));
    upgrade(&service, &installed);
    for port in [&kept, &new] {
        serves(port.addr(), target);
    }
    assert!(eventually(PATIENCE, || TcpStream::connect(gone.addr()).is_err()));
    all_went_well(visitors);
}

#[test]
fn a_unix_listener_is_never_away() {
    let installed = Installed::new();
    let service = installed.start("[[listen]]\naddress = \"unix:{dir}/socks\"\nmode = \"0600\"\n");
    let path = service.directory().join("socks");
    let connect = || UnixStream::connect(&path);
    let _waiting = connect().expect("connected");
    upgrade(&service, &installed);
    connect().expect("connected");
    drop(service);
}

#[test]
fn whoever_asks_for_metrics_gets_those_of_the_worker_that_serves() {
    let installed = Installed::new();
    let metrics = Endpoint::reserve();
    let service = installed.start(&metrics.settings());
    let _relay = tunnel(service.addr());
    assert!(eventually(PATIENCE, || metrics.scrape().count(RELAYING) > 0));
    upgrade(&service, &installed);
    // The one with the relay answers nobody any more, once it knows.
    assert!(eventually(PATIENCE, || metrics.scrape().count(RELAYING) == 0));
    for _ in 0..20 {
        assert_eq!(metrics.scrape().count(RELAYING), 0);
    }
}

#[test]
fn a_user_who_is_removed_is_cut_in_a_retired_worker_too() {
    let installed = Installed::new();
    let users = Users::of(&[("alice", b"one"), ("bob", b"two")]);
    let settings = ["[server]\nwatch_files = false\n[acl]\non_revoke = \"close\"\n", &users.settings(&["userpass"])];
    let service = installed.start(&settings.concat());
    let target = Target::listen();
    let session = |name: &[u8], password: &[u8]| {
        let mut client = Wire::connect(service.addr());
        assert_eq!(client.log_in(name, password), [1, 0]);
        assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
        (client, target.accept())
    };
    let (mut alice, mut bob) = (session(b"alice", b"one"), session(b"bob", b"two"));
    upgrade(&service, &installed);
    users.replace_by(&[("bob", b"two")]);
    service.process.signal(Signal::SIGHUP);
    let _either_way = (alice.0.end(), alice.1.end());
    assert_passes(&mut bob, 2);
}
