//! Tor's lookups (socks-extensions §2), behind a switch.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use rig::daemon::Daemon;
use rig::dns::{Answer, Dns, Zone};
use rig::socks5::{Destination, Host, RESOLVE, RESOLVE_PTR, greeted, rep};
use rig::wire::End;

use crate::start;

#[test]
fn tor_resolve() {
    let zone = Zone::default()
        .at("four.test", Ipv4Addr::new(198, 51, 100, 7))
        .at("six.test", Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7))
        .at("held.test", Ipv4Addr::new(127, 0, 0, 7))
        .with("broken.test", Answer::Failure)
        .with("7.100.51.198.in-addr.arpa", Answer::Pointer("pointed.test".to_owned()));
    let dns = Dns::serve(zone);
    let daemon = start(&["[commands]\nresolve = true\n", &dns.settings()].concat());
    let address = |text: &str| Destination::from(text.parse::<SocketAddr>().unwrap());

    check(&daemon, RESOLVE, ("four.test", 0), address("198.51.100.7:0"));
    check(&daemon, RESOLVE, ("six.test", 0), address("[2001:db8::7]:0"));
    check(&daemon, RESOLVE, ("198.51.100.9", 0), address("198.51.100.9:0"));
    let pointed = Destination { host: Host::Name(b"pointed.test".to_vec()), port: 0 };
    check(&daemon, RESOLVE_PTR, address("198.51.100.7:0"), pointed);

    for (name, code) in [
        ("nowhere.test", rep::HOST_UNREACHABLE),
        ("broken.test", rep::HOST_UNREACHABLE),
        // The same rules: what may not be reached may not be learnt either.
        ("held.test", rep::NOT_ALLOWED),
    ] {
        assert_eq!(greeted(daemon.addr()).ask(RESOLVE, (name, 0)).code, code, "{name}");
    }
}

#[test]
fn tor_commands_are_off_unless_switched_on() {
    let daemon = start("");
    for command in 0xF0..=0xF7 {
        assert_eq!(greeted(daemon.addr()).ask(command, ("name.test", 0)).code, rep::COMMAND, "{command:#04x}");
    }
}

/// One answer, then the connection closes.
fn check(daemon: &Daemon, command: u8, asked: impl Into<Destination>, answer: Destination) {
    let mut client = greeted(daemon.addr());
    let reply = client.ask(command, asked);
    assert_eq!((reply.code, reply.bound), (rep::SUCCEEDED, answer));
    assert_eq!(client.end(), End::Closed);
    assert_eq!(daemon.session_of(client.leave()).text("ending"), "served");
}
