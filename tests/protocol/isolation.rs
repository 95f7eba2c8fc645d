//! Users apart from each other.

use rig::daemon::Daemon;
use rig::socks5::{CONNECT, rep};
use rig::target::Target;
use rig::users::Users;
use rig::wire::{End, Wire};

use crate::{LOOPBACK, start};

/// Two users, one after the other and at the same time, never share a connection to a target.
#[test]
fn isolation_by_user() {
    let users = Users::of(&[("alice", b"wonderland"), ("bob", b"builder")]);
    let daemon = start(&[LOOPBACK, &users.settings(&["userpass"])].concat());
    let target = Target::listen();
    let (mut alice, mut of_alice) = connected(&daemon, &target, b"alice", b"wonderland");
    let (mut bob, mut of_bob) = connected(&daemon, &target, b"bob", b"builder");
    alice.send(b"alice");
    bob.send(b"bob");
    assert_eq!((&of_alice.receive(), &of_bob.receive()), (b"alice", b"bob"));

    drop(alice);
    assert_eq!(of_alice.end(), End::Closed, "the connection ends with its user's session");
    let (mut later, mut of_later) = connected(&daemon, &target, b"bob", b"builder");
    of_later.send(b"new");
    assert_eq!(&later.receive(), b"new");
}

fn connected(daemon: &Daemon, target: &Target, name: &[u8], password: &[u8]) -> (Wire, Wire) {
    let mut client = Wire::connect(daemon.addr());
    assert_eq!(client.log_in(name, password), [1, 0]);
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    (client, target.accept())
}
