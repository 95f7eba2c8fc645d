//! What a rule may ask besides the destination: from where, by what command, by what proof, when.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rig::rules::Rules;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::udp::{Association, address, datagrams};
use rig::users::Users;
use rig::wire::Wire;

use crate::ruled;

const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

/// Rules that let everyone reach loopback under one condition.
fn only(condition: &str) -> Rules {
    Rules::of(&format!(
        "[global]\ndefault_policy = \"deny\"\n\
         [[users]]\nusername = \"*\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"127.0.0.0/8\"]\n{condition}\n"
    ))
}

#[test]
fn a_rule_may_be_for_some_sources_only() {
    let target = Target::listen().serve(echo);
    let daemon = ruled(&only("sources = [\"127.0.0.9/32\"]"), "");
    let mut neighbour = Wire::connect_from(NEIGHBOUR, daemon.addr());
    neighbour.greet();
    assert_eq!(neighbour.ask(CONNECT, target).code, rep::SUCCEEDED);
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, target).code, rep::NOT_ALLOWED);
}

/// A client that may send no datagram at all is told so at once.
#[test]
fn a_rule_may_be_for_some_commands_or_protocols_only() {
    let target = Target::listen().serve(echo);
    for condition in ["commands = [\"connect\"]", "protocols = [\"tcp\"]"] {
        let daemon = ruled(&only(condition), "");
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, target).code, rep::SUCCEEDED);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        assert_eq!(greeted(daemon.addr()).ask(rig::socks5::UDP_ASSOCIATE, nowhere).code, rep::NOT_ALLOWED);
    }
    let daemon = ruled(&only("protocols = [\"udp\"]"), "");
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, target).code, rep::NOT_ALLOWED);
    let (association, peer) = (Association::open(daemon.addr()), datagrams(Ipv4Addr::LOCALHOST.into()));
    association.send(address(&peer), b"through");
    assert_eq!(rig::udp::next(&peer).0, b"through");
}

#[test]
fn a_rule_may_be_for_some_proofs_only() {
    let target = Target::listen().serve(echo);
    let users = Users::of(&[("alice", b"a")]);
    let daemon = ruled(&only("auth_methods = [\"userpass\"]"), &users.settings(&["userpass", "none"]));
    let mut alice = Wire::connect(daemon.addr());
    assert_eq!(alice.log_in(b"alice", b"a"), [1, 0]);
    assert_eq!(alice.ask(CONNECT, target).code, rep::SUCCEEDED);
    assert_eq!(greeted(daemon.addr()).ask(CONNECT, target).code, rep::NOT_ALLOWED);
}

#[test]
fn a_rule_holds_in_its_hours_and_until_its_end() {
    let target = Target::listen().serve(echo);
    for (condition, code) in [
        ("valid_until = 2001-01-01", rep::NOT_ALLOWED),
        ("valid_until = 2999-01-01", rep::SUCCEEDED),
        ("time = { hours = [\"00:00-24:00\"], zone = \"Pacific/Auckland\" }", rep::SUCCEEDED),
        ("time = { hours = [\"00:00-12:00\", \"12:00-24:00\"] }", rep::SUCCEEDED),
    ] {
        let daemon = ruled(&only(condition), "");
        assert_eq!(greeted(daemon.addr()).ask(CONNECT, target).code, code, "{condition}");
    }
    // Of two zones that are half a day apart one at most is before noon, and one at least.
    let codes = ["Etc/GMT-6", "Etc/GMT+6"].map(|zone| {
        let condition = format!("time = {{ hours = [\"00:00-12:00\"], zone = \"{zone}\" }}");
        let daemon = ruled(&only(&condition), "");
        greeted(daemon.addr()).ask(CONNECT, target).code
    });
    assert!(codes == [rep::SUCCEEDED, rep::NOT_ALLOWED] || codes == [rep::NOT_ALLOWED, rep::SUCCEEDED], "{codes:?}");
}

/// A shadow rule changes nothing, and the log says what it would have done.
#[test]
fn a_shadow_rule_is_reported_and_not_obeyed() {
    let target = Target::listen().serve(echo);
    let shadow =
        "[[users.rules]]\naction = \"block\"\nmode = \"shadow\"\ndescription = \"soon\"\ndestinations = [\"*\"]";
    let daemon = ruled(&only(shadow), "");
    let mut client = greeted(daemon.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    let line = daemon.session_of(client.leave());
    assert!(line.text("shadow_rule").contains("soon"), "{line:?}");
}
