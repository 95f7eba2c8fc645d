//! How many may be in at once, and how fast they may come: by source, by user and by group.

use std::thread;
use std::time::Duration;

use rig::scrape::Endpoint;
use rig::socks5::{UDP_ASSOCIATE, rep};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{apply, assert_passes, loopback, refused, relay_from, relay_of, relay_of_from, start};

#[test]
fn a_source_has_so_many_sessions_and_others_have_their_own() {
    let service = start("[limits]\nmax_connections_per_source = 2\n");
    let mut first = relay_from(&service, loopback(1)).unwrap();
    let second = relay_from(&service, loopback(1)).unwrap();
    assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_source")));
    let _other = relay_from(&service, loopback(2)).unwrap();
    drop(second);
    let granted = || relay_from(&service, loopback(1)).is_ok();
    assert!(eventually(PATIENCE, granted), "a session that is over makes room");
    assert_passes(&mut first);
}

#[test]
fn an_association_counts_as_one_session_of_its_source() {
    let service = start("[limits]\nmax_connections_per_source = 2\n");
    let mut client = Wire::connect_from(loopback(1), service.addr());
    client.greet();
    let any: std::net::SocketAddr = "0.0.0.0:0".parse().unwrap();
    assert_eq!(client.ask(UDP_ASSOCIATE, any).code, rep::SUCCEEDED);
    let _relay = relay_from(&service, loopback(1)).unwrap();
    assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_source")));
}

#[test]
fn networks_are_sources_as_penalties_have_them() {
    let service = start("[limits]\nmax_connections_per_source = 1\n[penalties]\nipv4_prefix = 30\n");
    let _first = relay_from(&service, loopback(1)).unwrap();
    assert_eq!(relay_from(&service, loopback(2)).err(), Some(refused("too_many_of_source")));
    let _beyond = relay_from(&service, loopback(4)).unwrap();
}

#[test]
fn a_user_has_so_many_sessions_by_his_own_number_his_groups_or_everyones() {
    let crowd = ["alice", "bob", "carol"].map(str::to_owned);
    let users = Users::crowd_with(crowd, crate::PASSWORD, |name| match name {
        "bob" => "groups = [\"staff\"]\n",
        "carol" => "groups = [\"staff\"]\nmax_connections = 1\n",
        _ => "",
    });
    let limits =
        "[limits]\nmax_connections_per_user = 2\n[[limits.groups]]\nname = \"staff\"\nmax_connections_per_user = 3\n";
    let service = start(&[&users.settings(&["userpass"]), limits].concat());
    for (user, most) in [("alice", 2), ("bob", 3), ("carol", 1)] {
        let relays: Vec<_> = (0..most).map(|_| relay_of(&service, user).unwrap()).collect();
        assert_eq!(relay_of(&service, user).err(), Some(refused("too_many_of_user")), "{user}");
        drop(relays);
        assert!(eventually(PATIENCE, || relay_of(&service, user).is_ok()), "{user}");
    }
}

#[test]
fn a_group_has_so_many_sessions_whoever_found_its_users() {
    let rules = rig::rules::Rules::of(
        "[global]\ndefault_policy = \"allow\"\n[[users]]\nusername = \"carol\"\ngroups = [\"staff\"]\n",
    );
    let crowd = ["alice", "bob", "carol"].map(str::to_owned);
    let users =
        Users::crowd_with(crowd, crate::PASSWORD, |name| if name == "bob" { "groups = [\"staff\"]\n" } else { "" });
    let limits = "[[limits.groups]]\nname = \"staff\"\nmax_connections = 2\n";
    let service = start(&[&users.settings(&["userpass"]), &rules.settings(), limits].concat());
    let mut bob = relay_of(&service, "bob").unwrap();
    let _carol = relay_of(&service, "carol").unwrap();
    for user in ["bob", "carol"] {
        assert_eq!(relay_of(&service, user).err(), Some(refused("too_many_of_group")), "{user}");
    }
    let _alice = relay_of(&service, "alice").unwrap();
    assert_passes(&mut bob);
}

#[test]
fn after_a_burst_a_source_connects_at_its_pace() {
    let service = start("[limits]\nnew_connections_per_source = \"1:60\"\n");
    let granted = (0..60).filter(|_| relay_from(&service, loopback(1)).is_ok()).count();
    assert_eq!(granted, 60);
    let denied = (0..20).filter_map(|_| relay_from(&service, loopback(1)).err()).collect::<Vec<_>>();
    assert!(!denied.is_empty() && denied.iter().all(|denial| *denial == refused("too_fast_of_source")));
    assert!(relay_from(&service, loopback(2)).is_ok(), "others have a bucket of their own");
    let comes_again = || relay_from(&service, loopback(1)).is_ok();
    assert!(eventually(PATIENCE, comes_again), "a token comes every second");
}

#[test]
fn a_user_connects_at_his_pace_from_wherever_he_comes() {
    let users = Users::crowd(["alice".to_owned(), "bob".to_owned()], crate::PASSWORD);
    let service = start(&[&users.settings(&["userpass"]), "[limits]\nnew_connections_per_user = \"1:3\"\n"].concat());
    let denied = (0..20).find_map(|_| relay_of(&service, "alice").err());
    assert_eq!(denied, Some(refused("too_fast_of_user")));
    assert!(relay_of(&service, "bob").is_ok());
}

#[test]
fn a_reload_raises_lowers_and_lifts_limits_and_knows_who_is_in() {
    let service = start("");
    let mut relays: Vec<_> = (0..3).map(|_| relay_from(&service, loopback(1)).unwrap()).collect();
    apply(&service, "[limits]\nmax_connections_per_source = 4\n");
    relays.push(relay_from(&service, loopback(1)).unwrap());
    assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_source")));
    apply(&service, "[limits]\nmax_connections_per_source = 1\n");
    assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_source")));
    relays.iter_mut().for_each(assert_passes);
    apply(&service, "[limits]\nmax_connections_per_source = 5\n");
    relays.push(relay_from(&service, loopback(1)).unwrap());
    apply(&service, "[limits]\nnew_connections_per_source = \"1:1\"\n");
    let denied = (0..20).find_map(|_| relay_from(&service, loopback(1)).err());
    assert_eq!(denied, Some(refused("too_fast_of_source")));
    apply(&service, "");
    assert!((0..10).all(|_| relay_from(&service, loopback(1)).is_ok()));
    relays.iter_mut().for_each(assert_passes);
}

#[test]
fn a_user_comes_from_so_many_sources_by_his_own_number_his_groups_or_everyones() {
    let crowd = ["alice", "bob", "carol", "dora"].map(str::to_owned);
    let users = Users::crowd_with(crowd, crate::PASSWORD, |name| match name {
        "bob" => "groups = [\"staff\"]\n",
        "carol" => "groups = [\"staff\"]\nmax_sources = 1\n",
        "dora" => "max_sources = 0\n",
        _ => "",
    });
    let limits = "[limits]\nmax_sources_per_user = 2\n[[limits.groups]]\nname = \"staff\"\nmax_sources_per_user = 3\n";
    let service = start(&[&users.settings(&["userpass"]), limits].concat());
    for (user, most) in [("alice", 2), ("bob", 3), ("carol", 1)] {
        let mut relays: Vec<_> =
            (1..=most).map(|last| relay_of_from(&service, user, loopback(last)).unwrap()).collect();
        let elsewhere = || relay_of_from(&service, user, loopback(9));
        assert_eq!(elsewhere().err(), Some(refused("too_many_sources_of_user")), "{user}");
        let again = relay_of_from(&service, user, loopback(1)).unwrap();
        drop(relays.remove(0));
        assert_eq!(elsewhere().err(), Some(refused("too_many_sources_of_user")), "{user} is still there");
        drop(again);
        assert!(eventually(PATIENCE, || elsewhere().is_ok()), "{user}");
    }
    let _dora: Vec<_> = (1..9).map(|last| relay_of_from(&service, "dora", loopback(last)).unwrap()).collect();
}

#[test]
fn a_reload_knows_which_sources_a_user_is_in_from() {
    let users = Users::crowd(["alice".to_owned()], crate::PASSWORD);
    let with = |limits: &str| [&users.settings(&["userpass"]), limits].concat();
    let service = start(&with(""));
    let mut relays: Vec<_> = (1..4).map(|last| relay_of_from(&service, "alice", loopback(last)).unwrap()).collect();
    apply(&service, &with("[limits]\nmax_sources_per_user = 1\n"));
    relays.push(relay_of_from(&service, "alice", loopback(3)).unwrap());
    let elsewhere = relay_of_from(&service, "alice", loopback(4));
    assert_eq!(elsewhere.err(), Some(refused("too_many_sources_of_user")));
    relays.iter_mut().for_each(assert_passes);
    apply(&service, &with("[limits]\nmax_sources_per_user = 4\n"));
    assert!(relay_of_from(&service, "alice", loopback(4)).is_ok());
}

#[test]
fn refusals_are_counted_by_reason() {
    let metrics = Endpoint::reserve();
    let service = start(&["[limits]\nmax_connections_per_source = 1\n", &metrics.settings()].concat());
    let _relay = relay_from(&service, loopback(1)).unwrap();
    for _ in 0..3 {
        assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_source")));
    }
    let counted = || metrics.scrape().count("rustsocks_refusals_total{reason=\"too_many_of_source\"}") == 3;
    assert!(eventually(PATIENCE, counted));
}

/// The same place is asked for by many at once: exactly as many get it as there are.
#[test]
fn of_many_who_come_at_once_as_many_are_let_in_as_may_be() {
    const MOST: usize = 7;
    let service = start(&format!("[limits]\nmax_connections_per_source = {MOST}\n"));
    let come = || (0..10).filter_map(|_| relay_from(&service, loopback(1)).ok()).collect::<Vec<_>>();
    let relays = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(come)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(relays.len(), MOST);
    drop(relays);
    let everybody = || {
        let relays: Vec<_> = (0..MOST).map_while(|_| relay_from(&service, loopback(1)).ok()).collect();
        relays.len() == MOST
    };
    assert!(eventually(PATIENCE + Duration::from_secs(10), everybody), "no place is lost");
}
