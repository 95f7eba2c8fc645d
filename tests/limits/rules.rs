//! What a rule says of the connections that it lets in, and what becomes of those that are in when it says something else.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rig::rules::Rules;
use rig::service::Service;
use rig::socks5::{BIND, CONNECT, RESOLVE, UDP_ASSOCIATE, rep};
use rig::target::{Endless, Target};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::{End, Wire};

use crate::stream::{Stream, WARM_UP, assert_kept, logged_in, rates};
use crate::{PASSWORD, assert_passes, loopback, refused, relay_from, relay_of, start};

/// One rule for whoever comes from 127.0.3.1, with these lines, and one without any for everybody else.
fn rules(lines: &str) -> String {
    format!(
        "[[users]]\nusername = \"*\"\n\
         [[users.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\nsources = [\"127.0.3.1\"]\npriority = 1\n{lines}\
         [[users.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\n"
    )
}

/// The same for whoever logs in.
fn rules_of_users(lines: &str) -> String {
    format!("[[users]]\nusername = \"*\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\n{lines}")
}

fn begin(rules: &Rules, config: &str) -> Service {
    start(&[&rules.settings(), config].concat())
}

/// No place in particular.
fn any() -> SocketAddr {
    "0.0.0.0:0".parse().expect("it is an address")
}

/// Gives the daemon these rules, which must be taken.
fn rewrite(service: &Service, rules: &Rules, text: &str) {
    rules.rewrite(text);
    let line = service.reload();
    assert_eq!(line.text("rules"), "applied", "{line:?}");
}

#[test]
fn a_rule_lets_so_many_in_and_a_reload_knows_who_is_in_by_it() {
    let rules_file = Rules::of(&rules(""));
    let service = begin(&rules_file, "");
    let (mut first, second) = (relay_from(&service, loopback(1)).unwrap(), relay_from(&service, loopback(1)).unwrap());
    rewrite(&service, &rules_file, &rules("max_connections = 2\n"));
    assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_rule")));
    let _by_the_other_rule = relay_from(&service, loopback(2)).unwrap();
    drop(second);
    let granted = || relay_from(&service, loopback(1)).is_ok();
    assert!(eventually(PATIENCE, granted), "a session that is over makes room");
    rewrite(&service, &rules_file, &rules("max_connections = 1\n"));
    assert_eq!(relay_from(&service, loopback(1)).err(), Some(refused("too_many_of_rule")));
    assert_passes(&mut first);
    rewrite(&service, &rules_file, &rules("max_connections = 0\n"));
    let _many: Vec<_> = (0..4).map(|_| relay_from(&service, loopback(1)).unwrap()).collect();
}

#[test]
fn whoever_is_refused_by_a_rule_has_not_reached_his_target() {
    let rules = Rules::of(&rules("max_connections = 1\n"));
    let service = begin(&rules, "");
    let _first = relay_from(&service, loopback(1)).unwrap();
    let target = Target::listen();
    let mut client = Wire::connect_from(loopback(1), service.addr());
    client.greet();
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::NOT_ALLOWED);
    let line = service.session_of(client.leave());
    assert_eq!((line.text("reason"), line.text("rule")), ("too_many_of_rule", "users/*#1"));
    assert!(target.is_left_alone_for(Duration::from_millis(100)), "the target has seen somebody");
}

#[test]
fn lookups_and_associations_are_no_connections_of_a_rule() {
    let rules = Rules::of(&rules("max_connections = 1\n"));
    let service = begin(&rules, "[commands]\nresolve = true\n");
    let _first = relay_from(&service, loopback(1)).unwrap();
    for command in [RESOLVE, UDP_ASSOCIATE] {
        let mut client = Wire::connect_from(loopback(1), service.addr());
        client.greet();
        let reply = client.ask(command, any());
        assert_eq!(reply.code, rep::SUCCEEDED, "{command}");
    }
}

#[test]
fn a_peer_whom_a_rule_has_no_room_for_does_not_end_a_bind() {
    let rules = Rules::of(&rules("max_connections = 1\n"));
    let service = begin(&rules, "[commands]\nbind = true\n");
    let first = relay_from(&service, loopback(1)).unwrap();
    let mut client = Wire::connect_from(loopback(1), service.addr());
    client.greet();
    let reply = client.ask(BIND, any());
    assert_eq!(reply.code, rep::SUCCEEDED);
    let address = reply.bound.address();
    // It may be turned away before it knows that it was in.
    match Wire::try_connect_from(loopback(1), address) {
        Ok(mut peer) => assert_eq!(peer.end(), End::Reset),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    drop(first);
    // The second reply says that somebody is in, however long a refusal takes; nobody listens after that.
    let (mut peers, mut second) = (Vec::new(), Vec::new());
    let is_let_in = || {
        peers.extend(TcpStream::connect(address));
        second.extend(client.hear(10 - second.len(), Duration::from_millis(200)).0);
        second.len() == 10
    };
    assert!(eventually(PATIENCE, is_let_in), "there is room, and nobody is let in");
    assert_eq!(second[1], rep::SUCCEEDED);
}

#[test]
fn a_rule_says_how_long_its_sessions_may_be_silent_and_last_before_users_and_groups_do() {
    for (lines, ending) in [("connection_timeout_secs = 1\n", "idle"), ("max_age_secs = 1\n", "max_age")] {
        let rules = Rules::of(&rules(lines));
        let service = begin(&rules, "");
        let mut other = relay_from(&service, loopback(2)).unwrap();
        let (client, _target) = relay_from(&service, loopback(1)).unwrap();
        let line = service.session_of(client.local());
        assert_eq!((line.text("ending"), line.text("rule")), (ending, "users/*#1"));
        assert_passes(&mut other);
    }
    let users = Users::crowd_with(["alice".to_owned()], PASSWORD, |_| "connection_timeout_secs = 1\n");
    let rules = Rules::of(&rules_of_users("connection_timeout_secs = 3600\n"));
    let service = begin(&rules, &users.settings(&["userpass"]));
    let mut alice = relay_of(&service, "alice").unwrap();
    thread::sleep(Duration::from_secs(3));
    assert_passes(&mut alice);
}

#[test]
fn what_a_rule_lets_pass_is_shared_by_the_sessions_of_each_user_and_a_reload_holds_for_who_is_in() {
    let users = Users::crowd(["alice", "bob"].map(str::to_owned), PASSWORD);
    let rules = Rules::of(&rules_of_users("bandwidth_per_user_mbps = 16\n"));
    let service = begin(&rules, &users.settings(&["userpass"]));
    let source = Endless::listen();
    let [first, second, of_bob] =
        ["alice", "alice", "bob"].map(|user| Stream::download(logged_in(&service, user), &source));
    thread::sleep(WARM_UP);
    let got = rates(&[&first, &second, &of_bob]);
    assert_kept(&[got[0] + got[1], got[2]], &[2.0, 2.0]);
    rewrite(&service, &rules, &rules_of_users("bandwidth_per_user_mbps = \"0.5:80\"\n"));
    thread::sleep(WARM_UP);
    let got = rates(&[&first, &second, &of_bob]);
    assert_kept(&[got[0] + got[1], got[2]], &[10.0, 10.0]);
}
