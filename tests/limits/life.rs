//! How long sessions last, by user and group.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use rig::service::Service;
use rig::socks5::{UDP_ASSOCIATE, rep};
use rig::users::Users;
use rig::wire::{End, Wire};

use crate::{PASSWORD, apply, assert_passes, relay_of, start};

/// Everybody may be silent for an hour, except who is said not to.
const PATIENT: &str = "[limits]\nconnection_timeout_secs = 3600\n[timeouts]\nudp_idle_secs = 3600\n";

fn users(lines: fn(&str) -> &'static str) -> Users {
    Users::crowd_with(["alice", "bob", "carol"].map(str::to_owned), PASSWORD, lines)
}

fn with(users: &Users, config: &str) -> String {
    [PATIENT, &users.settings(&["userpass"]), config].concat()
}

fn ending(service: &Service, client: &Wire) -> String {
    service.session_of(client.local()).text("ending").to_owned()
}

#[test]
fn silence_is_too_long_for_one_user_and_not_for_another() {
    let users = users(|name| match name {
        "bob" => "connection_timeout_secs = 1\n",
        "carol" => "groups = [\"guests\"]\n",
        _ => "",
    });
    let service = start(&with(&users, "[[limits.groups]]\nname = \"guests\"\nconnection_timeout_secs = 1\n"));
    let mut alice = relay_of(&service, "alice").unwrap();
    for user in ["bob", "carol"] {
        let (client, _target) = relay_of(&service, user).unwrap();
        assert_eq!(ending(&service, &client), "idle", "{user}");
    }
    assert_passes(&mut alice);
}

#[test]
fn a_group_has_its_own_age_and_a_user_may_be_spared() {
    let users = users(|name| match name {
        "bob" => "groups = [\"guests\"]\n",
        "carol" => "groups = [\"guests\"]\nmax_age_secs = 0\n",
        _ => "",
    });
    let service = start(&with(&users, "[[limits.groups]]\nname = \"guests\"\nmax_age_secs = 1\n"));
    let (mut alice, mut carol) = (relay_of(&service, "alice").unwrap(), relay_of(&service, "carol").unwrap());
    let (bob, _target) = relay_of(&service, "bob").unwrap();
    assert_eq!(ending(&service, &bob), "max_age");
    assert_passes(&mut alice);
    assert_passes(&mut carol);
}

#[test]
fn a_half_closed_session_lingers_as_its_user_may() {
    let users = users(|name| if name == "bob" { "half_closed_secs = 1\n" } else { "" });
    let service = start(&with(&users, ""));
    let half_closed = |user| {
        let (client, mut target) = relay_of(&service, user).unwrap();
        client.finish();
        assert_eq!(target.end(), End::Closed);
        (client, target)
    };
    let (mut alice, mut target) = half_closed("alice");
    let (bob, _target) = half_closed("bob");
    assert_eq!(ending(&service, &bob), "half_closed");
    target.send(b"late");
    assert_eq!(&alice.receive::<4>(), b"late");
}

#[test]
fn a_silent_association_ends_as_its_user_may() {
    let users = users(|name| if name == "bob" { "udp_idle_secs = 1\n" } else { "" });
    let service = start(&with(&users, ""));
    let associated = |user: &str| {
        let mut client = Wire::connect(service.addr());
        assert_eq!(client.log_in(user.as_bytes(), PASSWORD), [1, 0]);
        let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
        assert_eq!(client.ask(UDP_ASSOCIATE, any).code, rep::SUCCEEDED);
        client
    };
    let (alice, bob) = (associated("alice"), associated("bob"));
    assert_eq!(ending(&service, &bob), "udp_idle");
    assert!(alice.is_silent_for(Duration::from_millis(100)), "the other one is still there");
}

#[test]
fn a_reload_changes_how_long_those_last_who_come_now() {
    let users = users(|name| if name == "bob" { "groups = [\"guests\"]\n" } else { "" });
    let service = start(&with(&users, ""));
    let mut before = relay_of(&service, "bob").unwrap();
    apply(&service, &with(&users, "[[limits.groups]]\nname = \"guests\"\nmax_age_secs = 1\n"));
    let (after, _target) = relay_of(&service, "bob").unwrap();
    assert_eq!(ending(&service, &after), "max_age");
    thread::sleep(Duration::from_millis(1_100));
    assert_passes(&mut before);
}
