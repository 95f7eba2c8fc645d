//! What becomes of sessions that later rules and users would not have let begin.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rig::dns::{Answer, Dns, Zone};
use rig::rules::Rules;
use rig::service::Service;
use rig::session_log::Line;
use rig::socks5::{BIND, CONNECT, greeted, rep, request};
use rig::target::Target;
use rig::udp::{self, Association};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use rusqlite::Connection;

use crate::{SIGNAL_ONLY, assert_passes, of, start};

const OPEN: &str = "[global]\ndefault_policy = \"allow\"\n";

/// Nobody may go to [`HELD`] any more.
const NARROWER: &str = r#"
[global]
default_policy = "allow"
[[users]]
username = "*"
  [[users.rules]]
  action = "block"
  description = "held"
  destinations = ["127.0.0.66"]
"#;

const HELD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
const FREE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

/// For what should not happen.
const MOMENT: Duration = Duration::from_millis(100);

const CLOSE: &str = "on_revoke = \"close\"\n[commands]\nbind = true\n";

/// One session of each command to one address.
struct Scene {
    connect: (Wire, Wire),
    bind: (Wire, Wire),
    association: (Association, UdpSocket),
}

impl Scene {
    fn begin(proxy: SocketAddr, ip: IpAddr) -> Self {
        let target = Target::listen_on(ip);
        let mut client = greeted(proxy);
        assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
        let connect = (client, target.accept());

        let mut client = greeted(proxy);
        let awaited = client.ask(BIND, SocketAddr::from(([0, 0, 0, 0], 0))).bound.address();
        let peer = Wire::connect_from(ip, awaited);
        assert_eq!(client.reply().code, rep::SUCCEEDED);

        let scene = Self { connect, bind: (client, peer), association: (Association::open(proxy), udp::datagrams(ip)) };
        scene.assert_datagrams_pass();
        scene
    }

    fn assert_all_pass(&mut self) {
        assert_passes(&mut self.connect);
        assert_passes(&mut self.bind);
        self.assert_datagrams_pass();
    }

    fn assert_datagrams_pass(&self) {
        let (association, peer) = &self.association;
        association.send(udp::address(peer), b"there");
        assert_eq!(udp::next(peer).0, b"there");
    }
}

#[test]
fn sessions_of_every_command_go_on_unless_the_operator_wants_them_closed() {
    let rules = Rules::of(OPEN);
    let service = start(&[SIGNAL_ONLY, &rules.settings(), "[commands]\nbind = true\n"].concat());
    let mut held = Scene::begin(service.addr(), HELD);
    rules.rewrite(NARROWER);
    let line = service.reload();
    assert_eq!((line.text("rules"), revoked(&line)), ("applied", 0));
    held.assert_all_pass();
    assert_eq!(greeted(service.addr()).ask(CONNECT, Target::listen_on(HELD).addr()).code, rep::NOT_ALLOWED);
}

#[test]
fn exactly_those_close_that_the_new_rules_refuse() {
    let rules = Rules::of(OPEN);
    let service = start(&[SIGNAL_ONLY, &rules.settings(), CLOSE].concat());
    let (mut held, mut free) = (Scene::begin(service.addr(), HELD), Scene::begin(service.addr(), FREE));
    rules.rewrite(NARROWER);
    let line = service.reload();
    assert_eq!((line.text("rules"), revoked(&line)), ("applied", 2));

    for (client, peer) in [&mut held.connect, &mut held.bind] {
        let _both_ends = (client.end(), peer.end());
        assert_revoked(&service, client, "revoked by users/*#1: held");
    }
    // An association may go elsewhere; it ends where it may not.
    let (association, peer) = &mut held.association;
    association.send(udp::address(peer), b"refused");
    let _end = association.control.end();
    assert_revoked(&service, &association.control, "revoked by users/*#1: held; dropped blocked=1");
    assert!(udp::is_silent_for(peer, MOMENT));

    free.assert_all_pass();
    rules.rewrite(&NARROWER.replace("held", "anything else"));
    assert_eq!(revoked(&service.reload()), 0);
    free.assert_all_pass();
}

/// Answers are judged like questions.
#[test]
fn an_association_ends_when_a_peer_answers_that_is_refused_now() {
    let rules = Rules::of(OPEN);
    let service = start(&[SIGNAL_ONLY, &rules.settings(), CLOSE].concat());
    let (mut association, peer) = Scene::begin(service.addr(), HELD).association;
    let outside = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), service_side(&association, &peer).port());
    rules.rewrite(NARROWER);
    assert_eq!(service.reload().text("rules"), "applied");
    udp::post(&peer, b"answer", outside);
    let _end = association.control.end();
    assert_revoked(&service, &association.control, "revoked by users/*#1: held; dropped blocked=1");
    assert!(udp::is_silent_for(&association.socket, MOMENT));
}

/// Who is removed, disabled or has come to the end of his time is no user any more; who has another password is.
#[test]
fn sessions_of_users_who_are_gone_close() {
    let users = Users::of(&["alice", "bob", "carol", "dave"].map(|name| (name, &b"wonderland"[..])));
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"]), "[acl]\non_revoke = \"close\"\n"].concat());
    let mut sessions = ["alice", "bob", "carol", "dave"].map(|name| relay_of(&service, name));
    users.replace_by(&[("alice", b"looking-glass"), ("bob", b"wonderland"), ("carol", b"wonderland")]);
    let text = std::fs::read_to_string(users.path()).expect("the file is ours");
    let text = text.replacen("name = \"bob\"", "enabled = false\nname = \"bob\"", 1);
    let text = text.replacen("name = \"carol\"", "expires = 2020-01-01\nname = \"carol\"", 1);
    rig::place::write_secret(&users.path(), &text);
    let line = service.reload();
    assert_eq!((line.text("users"), revoked(&line)), ("applied", 3));
    let [alice, gone @ ..] = &mut sessions;
    for (client, peer) in gone {
        let _both_ends = (client.end(), peer.end());
        assert_revoked(&service, client, "revoked by the users: this one may not log in any more");
    }
    assert_passes(alice);
}

/// A date passes without a reload.
#[test]
fn sessions_of_a_user_close_when_his_time_is_over() {
    let users = Users::of(&["alice", "bob"].map(|name| (name, &b"wonderland"[..])));
    let service = start(&[SIGNAL_ONLY, &users.settings(&["userpass"]), "[acl]\non_revoke = \"close\"\n"].concat());
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| relay_of(&service, name));
    let clock = Connection::open_in_memory().expect("there is memory");
    let sql = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+3 seconds')";
    let end: String = clock.query_row(sql, [], |row| row.get(0)).expect("it is a moment");
    let text = std::fs::read_to_string(users.path()).expect("the file is ours");
    let text = text.replacen("name = \"bob\"", &format!("expires = {end}\nname = \"bob\""), 1);
    rig::place::write_secret(&users.path(), &text);
    assert_eq!(service.reload().text("users"), "applied");
    let _both_ends = (bob.0.end(), bob.1.end());
    assert_revoked(&service, &bob.0, "revoked by the users: this one may not log in any more");
    assert_passes(&mut alice);
}

/// A reload of something else asks nobody anew, and the guard counts like a rule.
#[test]
fn only_what_says_who_may_go_where_revokes_anything() {
    let service = start(&[SIGNAL_ONLY, CLOSE].concat().replace("on_revoke", "[acl]\non_revoke"));
    let mut relay = Scene::begin(service.addr(), FREE).connect;
    let closed =
        [SIGNAL_ONLY, CLOSE, "[limits]\nmax_connections = 77\n"].concat().replace("on_revoke", "[acl]\non_revoke");
    service.rewrite(&of(&closed));
    assert_eq!(revoked(&service.reload()), 0);
    assert_passes(&mut relay);
    service.rewrite(&closed);
    let line = service.reload();
    assert_eq!((line.text("changes"), revoked(&line)), ("guard.allow", 1));
    let _end = relay.0.end();
    assert_revoked(&service, &relay.0, "revoked by the guard");
}

/// They began under rules that are gone when they arrive: one asks for what is refused, the other's name leads there.
#[test]
fn whoever_is_still_on_the_way_is_stopped_too() {
    let late = Answer::Slow(Duration::from_secs(2), vec![HELD]);
    let dns = Dns::serve(Zone::default().with("held.test", Answer::Silence).with("late.test", late));
    let rules = Rules::of(OPEN);
    let service = start(&[SIGNAL_ONLY, &rules.settings(), CLOSE, &dns.settings()].concat());
    let target = Target::listen_on(HELD);
    let [mut held, mut late] = ["held.test", "late.test"].map(|name| {
        let mut client = greeted(service.addr());
        client.send(&request(CONNECT, (name, target.addr().port())));
        assert!(eventually(PATIENCE, || dns.asked_for(name) > 0), "{name}");
        client
    });
    rules.rewrite(&NARROWER.replace("[\"127.0.0.66\"]", "[\"127.0.0.66\", \"held.test\"]"));
    assert_eq!(revoked(&service.reload()), 1);
    for client in [&mut held, &mut late] {
        let _end = client.rest();
        assert_revoked(&service, client, "revoked by users/*#1: held");
    }
}

/// How many sessions the line of a reload says that it ended.
fn revoked(line: &Line) -> u64 {
    line.number("revoked")
}

fn assert_revoked(service: &Service, client: &Wire, remark: &str) {
    let line = service.session_of(client.local());
    assert_eq!((line.text("ending"), line.text("remark"), line.text("level")), ("revoked", remark, "INFO"));
}

/// Where the association's datagrams come from.
fn service_side(association: &Association, peer: &UdpSocket) -> SocketAddr {
    association.send(udp::address(peer), b"where from?");
    udp::next(peer).1
}

fn relay_of(service: &Service, name: &str) -> (Wire, Wire) {
    let target = Target::listen();
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(name.as_bytes(), b"wonderland")[1], 0);
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    (client, target.accept())
}
