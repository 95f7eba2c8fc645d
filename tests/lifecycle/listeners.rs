//! Several listeners, each with its own manners, and as many threads as were asked for.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use rig::port::Port;
use rig::socks4;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::usage::threads;
use rig::users::Users;
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::launch;

#[test]
fn every_listener_serves_in_its_own_way_and_has_its_name_in_the_log() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let [v4, v6, closed] =
        [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()].map(Port::reserve);
    let config = [
        users.settings(&["none"]),
        format!("[[listen]]\naddress = \"{}\"\nname = \"old\"\nprotocols = [\"socks4\"]\n", v4.addr()),
        format!("[[listen]]\naddress = \"{}\"\n", v6.addr()),
        format!("[[listen]]\naddress = \"{}\"\nname = \"closed\"\nsocks_method = \"userpass\"\n", closed.addr()),
    ];
    let service = launch(&config.concat()).start();
    let target = Target::listen().serve(echo);

    let first = greeted(service.addr());
    let mut old = Wire::connect(v4.addr());
    old.send(&socks4::request(socks4::CONNECT, as_v4(target), b""));
    assert_eq!(old.socks4_reply().code, socks4::GRANTED);
    let mut new = greeted(v6.addr());
    assert_eq!(new.ask(CONNECT, target).code, rep::SUCCEEDED);
    let mut alice = Wire::connect(closed.addr());
    assert_eq!(alice.log_in(b"alice", b"wonderland"), [1, 0]);
    assert_eq!(alice.ask(CONNECT, target).code, rep::SUCCEEDED);
    drop(first);

    for (client, name) in [(old, "old".to_owned()), (new, v6.addr().to_string()), (alice, "closed".to_owned())] {
        let from = client.local();
        drop(client);
        assert_eq!(service.session_of(from).text("listener"), name);
    }
    let mut stranger = Wire::connect(v4.addr());
    stranger.send(&[5, 1, 0]);
    assert_eq!(stranger.rest().0, b"", "a listener for SOCKS4 alone does not speak SOCKS5");
}

#[test]
fn as_many_relay_threads_run_as_were_asked_for_and_all_serve() {
    for count in [1, 3] {
        let service = launch(&format!("[server]\nworker_threads = {count}\n")).start();
        let relays = || {
            let names = threads(service.worker_pid()).into_iter().map(|thread| thread.name);
            names.filter(|name| name.starts_with("relay-")).collect::<BTreeSet<_>>()
        };
        let expected = (0..count).map(|number| format!("relay-{number}")).collect();
        // A thread has its name only once it runs.
        assert!(eventually(PATIENCE, || relays() == expected), "{:?}", relays());
        assert_eq!(service.event("listening").number("sockets"), count, "each has a socket of its own");
        let target = Target::listen().serve(echo);
        for _ in 0..20 {
            visit(service.addr(), target, b"whoever takes it").expect("it is served");
        }
    }
}

#[test]
fn only_the_further_listeners_serve_when_the_first_is_none() {
    let port = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = directory.path().join("rustsocks.toml");
    let text = format!("[server]\nbind_address = \"none\"\n[[listen]]\naddress = \"{}\"\n", port.addr());
    std::fs::write(&config, text).expect("a temporary directory can be written");
    let ran = crate::run(&["check", "--config", &config.to_string_lossy()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.ends_with(&format!("correct; listens on {}\n", port.addr())), "{}", ran.stdout);
}

fn as_v4(target: SocketAddr) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, target.port())
}
