//! Whose rules hold for whom.

use std::net::SocketAddr;

use rig::daemon::Daemon;
use rig::rules::Rules;
use rig::socks4::{self, GRANTED, REJECTED};
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Target;
use rig::users::Users;
use rig::wire::Wire;

use crate::ruled;

/// alice may reach `one`, whoever is of the staff may reach `two`, and nobody may reach anything unproven but `three`.
fn rules(one: SocketAddr, two: SocketAddr, three: SocketAddr) -> Rules {
    Rules::of(&format!(
        r#"
[global]
default_policy = "deny"

[[users]]
username = "alice"
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.1"]
  ports = ["{}"]

[[users]]
username = "bob"
groups = ["staff"]

[[users]]
username = "anonymous"
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.1"]
  ports = ["{}"]

[[groups]]
name = "staff"
  [[groups.rules]]
  action = "allow"
  destinations = ["127.0.0.1"]
  ports = ["{}"]
"#,
        one.port(),
        three.port(),
        two.port(),
    ))
}

#[test]
fn a_user_has_its_own_rules_and_those_of_its_groups_of_either_file() {
    let [one, two, three] = targets();
    let users = Users::with_groups(&[("alice", b"a", &[]), ("bob", b"b", &[]), ("carol", b"c", &["staff"])]);
    let daemon = ruled(&rules(one, two, three), &users.settings(&["userpass"]));
    let ask = |name: &str, password: &str, to| {
        let mut client = Wire::connect(daemon.addr());
        assert_eq!(client.log_in(name.as_bytes(), password.as_bytes()), [1, 0]);
        client.ask(CONNECT, to).code
    };
    for (name, password, open) in [("alice", "a", one), ("bob", "b", two), ("carol", "c", two)] {
        for target in [one, two, three] {
            let expected = if target == open { rep::SUCCEEDED } else { rep::NOT_ALLOWED };
            assert_eq!(ask(name, password, target), expected, "{name} to {target}");
        }
    }
}

/// A user id of SOCKS4 is only claimed: it opens nothing that is not open to everyone.
#[test]
fn a_socks4_user_id_is_nobody() {
    let [one, two, three] = targets();
    let daemon = ruled(&rules(one, two, three), "");
    for (target, expected) in [(one, REJECTED), (two, REJECTED), (three, GRANTED)] {
        let mut client = Wire::connect(daemon.addr());
        client.send(&socks4::request(socks4::CONNECT, v4(target), b"alice"));
        assert_eq!(client.socks4_reply().code, expected, "{target}");
    }
    assert_eq!(anonymous(&daemon, one), rep::NOT_ALLOWED);
    assert_eq!(anonymous(&daemon, three), rep::SUCCEEDED);
}

fn anonymous(daemon: &Daemon, to: SocketAddr) -> u8 {
    greeted(daemon.addr()).ask(CONNECT, to).code
}

fn v4(address: SocketAddr) -> std::net::SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("{address} is not an IPv4 address"),
    }
}

fn targets() -> [SocketAddr; 3] {
    [(); 3].map(|()| Target::listen().serve(rig::target::echo))
}
