//! A blocked network stays blocked, whatever it is called and by whatever way it is tried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rig::daemon::Daemon;
use rig::dns::{Answer, Dns, Zone};
use rig::rules::Rules;
use rig::socks5::{BIND, CONNECT, Destination, Host, RESOLVE, greeted, rep};
use rig::target::Target;
use rig::udp::{Association, address, datagrams, next};
use rig::wire::Wire;

use crate::{ALL_BUT_BLOCKED, BLOCKED, LOOPBACK, program, ruled};

/// Long enough for a connection over loopback that somebody makes.
const MOMENT: Duration = Duration::from_millis(50);

#[test]
fn a_blocked_network_is_not_reached_by_its_address_in_any_spelling() {
    let target = blocked_target();
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), "");
    let [a, b, c, d] = BLOCKED;
    let number = u32::from_be_bytes(BLOCKED);
    for host in [
        Host::Address(blocked()),
        Host::Address(Ipv4Addr::from(BLOCKED).to_ipv6_mapped().into()),
        Host::Name(format!("{a}.{b}.{c}.{d}").into()),
        Host::Name(format!("{a}.{b}.{c}.{d}.").into()),
        Host::Name(format!("[::ffff:{a}.{b}.{c}.{d}]").into()),
        Host::Name(format!("::ffff:{a}.{b}.{c}.{d}").into()),
        Host::Name(format!("{number}").into()),
        Host::Name(format!("{number:#x}").into()),
        Host::Name(format!("{a}.{}", number & 0xff_ffff).into()),
        Host::Name(format!("0{a:o}.{b}.0x{c:x}.{d}").into()),
    ] {
        let to = Destination { host, port: target.addr().port() };
        let code = greeted(daemon.addr()).ask(CONNECT, to.clone()).code;
        assert!([rep::NOT_ALLOWED, rep::HOST_UNREACHABLE].contains(&code), "{to:?}: {code}");
    }
    assert!(target.is_left_alone_for(MOMENT), "somebody came through");
}

/// Addresses that carry an IPv4 address are judged by what they carry; nothing answers there, so the code tells.
#[test]
fn a_blocked_network_is_not_reached_through_addresses_that_carry_its_own() {
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), "");
    for carrier in carriers() {
        let reply = greeted(daemon.addr()).ask(CONNECT, SocketAddr::new(carrier, 80));
        assert_eq!(reply.code, rep::NOT_ALLOWED, "{carrier}");
    }
}

#[test]
fn a_blocked_network_is_not_reached_by_a_name() {
    let (target, open) = (blocked_target(), Target::listen());
    let port = target.addr().port();
    let mut zone = Zone::default().at("plain.test", blocked());
    for (number, carrier) in carriers().into_iter().enumerate() {
        zone = zone.at(&format!("carrier{number}.test"), carrier);
    }
    let dns = Dns::serve(zone);
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), &dns.settings());
    for name in ["plain.test", "PLAIN.Test", "plain.test.", "carrier0.test", "carrier1.test", "carrier2.test"] {
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, (name, port)).code, rep::NOT_ALLOWED, "{name}");
    }
    assert!(target.is_left_alone_for(MOMENT), "somebody came through");
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, open.addr()).code, rep::SUCCEEDED);
}

/// Of the addresses of one name only those are dialled that no rule blocks, and never a name is resolved twice for one request.
#[test]
fn of_a_mixed_answer_only_the_allowed_address_is_dialled() {
    let [blocked_one, open] = Target::pair_on([blocked(), Ipv4Addr::LOCALHOST.into()]);
    let port = open.addr().port();
    let addresses = vec![blocked(), Ipv4Addr::LOCALHOST.into(), blocked()];
    let dns = Dns::serve(Zone::default().with("mixed.test", Answer::Addresses(addresses)));
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), &[&dns.settings(), "cache_entries = 0\n"].concat());
    for _ in 0..10 {
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, ("mixed.test", port)).code, rep::SUCCEEDED);
        let _peer = open.accept();
    }
    assert!(blocked_one.is_left_alone_for(MOMENT), "the blocked address was dialled");
    assert!(dns.asked_for("mixed.test") <= 20, "one question for each family and request");
}

#[test]
fn a_blocked_network_is_not_reached_by_datagrams() {
    let (held, open) = (datagrams(blocked()), datagrams(Ipv4Addr::LOCALHOST.into()));
    let dns = Dns::serve(Zone::default().at("held.test", blocked()));
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), &dns.settings());
    let association = Association::open(daemon.addr());
    let port = address(&held).port();
    let ways: [Destination; 3] = [
        address(&held).into(),
        SocketAddr::new(Ipv4Addr::from(BLOCKED).to_ipv6_mapped().into(), port).into(),
        ("held.test", port).into(),
    ];
    for round in 0..3_u8 {
        for way in &ways {
            association.send(way.clone(), &[round]);
        }
        association.send(address(&open), &[round]);
        assert_eq!(next(&open).0, [round]);
    }
    held.set_nonblocking(true).expect("a socket has this option");
    assert!(held.recv(&mut [0]).is_err(), "a datagram came to the blocked network");
    let line = daemon.session_of(association.control.leave());
    // Those to the name may still wait for it.
    assert!(
        ["6", "7", "8", "9"].map(|count| format!("dropped blocked={count}")).contains(&line.text("remark").to_owned()),
        "{line:?}"
    );
}

#[test]
fn a_blocked_network_does_not_come_in_by_bind() {
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), "[commands]\nbind = true\n");
    let mut named = greeted(daemon.addr());
    assert_eq!(named.ask(BIND, SocketAddr::new(blocked(), 0)).code, rep::NOT_ALLOWED);

    let mut client = greeted(daemon.addr());
    let awaited = client.ask(BIND, SocketAddr::from(([0, 0, 0, 0], 0))).bound.address();
    // It may be turned away before it knows that it was connected.
    drop(Wire::try_connect_from(blocked(), awaited));
    assert!(client.is_silent_for(MOMENT), "a blocked peer is not announced");
    let _peer = Wire::connect_from(Ipv4Addr::new(127, 0, 0, 9).into(), awaited);
    assert_eq!(client.reply().code, rep::SUCCEEDED);
}

#[test]
fn a_blocked_network_is_not_even_named_by_resolve() {
    let dns = Dns::serve(Zone::default().at("held.test", blocked()));
    let settings = [&dns.settings(), "[commands]\nresolve = true\n"].concat();
    let daemon = ruled(&Rules::of(ALL_BUT_BLOCKED), &settings);
    assert_eq!(greeted(daemon.addr()).ask(RESOLVE, ("held.test", 0)).code, rep::NOT_ALLOWED);
}

/// What a name meant a moment ago says nothing of what it means now.
#[test]
fn a_name_that_changes_its_mind_is_judged_each_time() {
    let [target, open] = Target::pair_on([blocked(), Ipv4Addr::LOCALHOST.into()]);
    let port = open.addr().port();
    let first = Dns::serve(Zone::default().at("moody.test", Ipv4Addr::LOCALHOST));
    let rules = Rules::of(ALL_BUT_BLOCKED);
    let daemon = ruled(&rules, &[&first.settings(), "cache_entries = 0\n"].concat());
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, ("moody.test", port)).code, rep::SUCCEEDED);
    let _peer = open.accept();
    first.changes_to(Zone::default().at("moody.test", blocked()));
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, ("moody.test", port)).code, rep::NOT_ALLOWED);
    assert!(target.is_left_alone_for(MOMENT), "somebody came through");
}

/// What the operator writes is what holds, inside too, unless the guard or the rule wants it stricter.
#[test]
fn a_name_leads_inside_only_as_far_as_the_operator_says() {
    let target = Target::listen();
    let port = target.addr().port();
    let dns = Dns::serve(Zone::default().at("inside.test", Ipv4Addr::LOCALHOST));
    let strict = "private_by_name = \"deny\"\n";
    for (guard, rule, code) in [
        ("", "", rep::SUCCEEDED),
        ("", "internal = false", rep::NOT_ALLOWED),
        (strict, "", rep::NOT_ALLOWED),
        (strict, "internal = true", rep::SUCCEEDED),
    ] {
        let rules = Rules::of(&format!(
            "[[users]]\nusername = \"*\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"*.test\"]\n{rule}\n"
        ));
        let daemon = Daemon::start(program(), &[LOOPBACK, guard, &rules.settings(), &dns.settings()].concat());
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, ("inside.test", port)).code, code, "{guard} {rule}");
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, target.addr()).code, rep::NOT_ALLOWED, "by its address");
    }
}

fn blocked() -> IpAddr {
    Ipv4Addr::from(BLOCKED).into()
}

fn blocked_target() -> Target {
    Target::listen_on(blocked())
}

/// NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-translated (RFC 2765).
fn carriers() -> [IpAddr; 3] {
    let [a, b, c, d] = BLOCKED;
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    [
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low).into(),
    ]
}
