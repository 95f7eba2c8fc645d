//! What a row says of a session, beside its traffic.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::sleep;
use std::time::Duration;

use rig::dns::{Dns, Zone};
use rig::history::Row;
use rig::rules::Rules;
use rig::socks5::{CONNECT, Destination, Host, NO_AUTHENTICATION, UDP_ASSOCIATE, greeted, greeting, rep};
use rig::target::{Target, Vacant, tunnel};
use rig::users::Users;
use rig::wire::Wire;

use crate::{history_of, launch};

#[test]
fn a_row_says_who_went_where_when_and_how() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let dns = Dns::serve(Zone::default().at("www.test", Ipv4Addr::LOCALHOST));
    let service = launch(&[&users.settings(&["userpass"]), dns.settings().as_str()].concat()).start();
    let target = Target::listen();
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland"), [1, 0]);
    let name = Destination { host: Host::Name(b"WWW.test".to_vec()), port: target.addr().port() };
    let reply = client.ask(CONNECT, name);
    assert_eq!(reply.code, rep::SUCCEEDED);
    let mut upstream = target.accept();
    sleep(Duration::from_millis(1_100));
    upstream.send(b"late");
    assert_eq!(&client.receive(), b"late");
    client.finish();
    let _ = upstream.rest();
    drop(upstream);
    let row = history_of(&service).row_of(client.local());
    let line = service.session_of(client.local());

    assert_eq!(row.text("id"), line.text("session").replace('-', ""));
    let texts = [
        ("user", "alice"),
        ("auth_method", "userpass"),
        ("source_ip", "127.0.0.1"),
        ("dest_host", "WWW.test"),
        ("dest_ip", "127.0.0.1"),
        ("protocol", "tcp"),
        ("dialect", "socks5"),
        ("command", "connect"),
        ("status", "closed"),
        ("close_reason", "client_closed"),
        ("acl_decision", "allow"),
        ("exit_ip", "127.0.0.1"),
    ];
    for (column, expected) in texts {
        assert_eq!(row.text(column), expected, "{column}");
    }
    assert_eq!(row.text("listener"), service.addr().to_string());
    assert_eq!(row.number("dest_port"), i64::from(target.addr().port()));
    assert_eq!(row.number("exit_port"), i64::from(reply.bound.address().port()));
    assert_eq!(row.number("generation"), 1);
    assert!(row.is_null("claimed") && row.is_null("remark") && row.is_null("acl_rule_matched"));
    assert_times(&row);
}

/// The target spoke after 1.1 seconds.
fn assert_times(row: &Row) {
    let lasted = row.number("end_time") - row.number("start_time");
    assert!(lasted >= 1_100_000, "it lasted {lasted} µs");
    assert_eq!(row.number("duration_secs"), lasted / 1_000_000);
    let phases = ["handshake_us", "auth_us", "rules_us", "dns_us", "connect_us", "first_byte_us"];
    let phases = phases.map(|phase| row.number(phase));
    assert!(phases.iter().all(|phase| (0..=lasted).contains(phase)), "{phases:?} of {lasted}");
    let [handshake, auth, _, _, _, first_byte] = phases;
    assert!(auth <= handshake && first_byte >= 1_000_000, "{phases:?}");
    assert!(row.number("created_at") >= row.number("start_time"));
}

#[test]
fn what_was_refused_or_failed_has_its_row_and_reason() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let rules = Rules::of(
        "[global]\ndefault_policy = \"allow\"\n[[users]]\nusername = \"alice\"\n[[users.rules]]\naction = \"block\"\ndescription = \"no mail\"\ndestinations = [\"*\"]\nports = [\"25\"]\n",
    );
    let service = launch(&[&users.settings(&["userpass"]), rules.settings().as_str()].concat()).start();
    let history = history_of(&service);

    let mut stranger = Wire::connect(service.addr());
    assert_ne!(stranger.log_in(b"mallory\n", b"guess")[1], 0);
    let row = history.row_of(stranger.leave());
    assert_eq!((row.text("status"), row.text("close_reason")), ("rejected", "bad_credentials"));
    assert_eq!((row.text("user"), row.text("claimed"), row.text("dest_host")), ("", "mallory\n", ""));

    let vacant = Vacant::port();
    for (to, status, reason, decision, rule) in [
        ("127.0.0.1:25", "rejected", "denied", "block", "users/alice#1: no mail"),
        ("169.254.169.254:80", "rejected", "guarded", "block", ""),
        (&vacant.addr().to_string(), "failed", "connection_refused", "allow", ""),
    ] {
        let to: SocketAddr = to.parse().expect("it is an address");
        // Clients that resolve nothing themselves write addresses where names are.
        let as_name = Destination { host: Host::Name(to.ip().to_string().into_bytes()), port: to.port() };
        for asked in [to.into(), as_name] {
            let mut client = Wire::connect(service.addr());
            assert_eq!(client.log_in(b"alice", b"wonderland"), [1, 0]);
            assert_ne!(client.ask(CONNECT, asked).code, rep::SUCCEEDED);
            let row = history.row_of(client.leave());
            assert_eq!((row.text("status"), row.text("close_reason")), (status, reason), "{to}");
            assert_eq!((row.text("acl_decision"), row.text("acl_rule_matched")), (decision, rule), "{to}");
            assert_eq!(
                (row.text("dest_ip"), row.number("dest_port")),
                (to.ip().to_string().as_str(), to.port().into())
            );
        }
    }
}

#[test]
fn who_may_go_nowhere_is_blocked_by_his_rule_or_because_there_is_none_for_him() {
    let users = Users::of(&[("bob", b"builder"), ("dave", b"diver")]);
    let rules = Rules::of(
        "[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"bob\"\n[[users.rules]]\naction = \"block\"\ndescription = \"nowhere\"\ndestinations = [\"*\"]\nports = [\"*\"]\n",
    );
    let service = launch(&[&users.settings(&["userpass"]), rules.settings().as_str()].concat()).start();
    let history = history_of(&service);
    let to: SocketAddr = "127.0.0.1:25".parse().expect("it is an address");
    for (user, password, command, rule) in [
        (b"bob".as_slice(), b"builder".as_slice(), CONNECT, "users/bob#1: nowhere"),
        (b"dave", b"diver", CONNECT, ""),
        (b"bob", b"builder", UDP_ASSOCIATE, ""),
    ] {
        let mut client = Wire::connect(service.addr());
        assert_eq!(client.log_in(user, password), [1, 0]);
        assert_eq!(client.ask(command, to).code, rep::NOT_ALLOWED);
        let row = history.row_of(client.leave());
        assert_eq!((row.text("status"), row.text("close_reason")), ("rejected", "denied"));
        assert_eq!((row.text("acl_decision"), row.text("acl_rule_matched")), ("block", rule));
    }
}

#[test]
fn who_asked_for_nothing_has_no_row() {
    let service = launch("").start();
    let _ = Wire::connect(service.addr()).leave();
    let mut probe = Wire::connect(service.addr());
    probe.send(&greeting(&[NO_AUTHENTICATION]));
    let _ = probe.leave();
    let mut nonsense = Wire::connect(service.addr());
    nonsense.send(b"GET / HTTP/1.0\r\n\r\n");
    let _ = nonsense.leave();
    let (client, target) = tunnel(service.addr());
    drop(target);
    let client = client.leave();
    let history = history_of(&service);
    let _ = history.row_of(client);
    assert_eq!(history.rows().len(), 1, "{:#?}", history.rows());
}

#[test]
fn a_session_that_goes_on_is_active_and_its_checkpoint_has_what_it_carried_so_far() {
    let service = launch("[sessions]\ncheckpoint_secs = 1\n").start();
    let (mut client, mut target) = tunnel(service.addr());
    client.send(b"twelve bytes");
    let _: [u8; 12] = target.receive();
    let history = history_of(&service);
    let has_counts = || {
        let rows = history.rows();
        rows.iter().any(|row| row.text("status") == "active" && row.number("bytes_sent") == 12)
    };
    assert!(rig::wait::eventually(rig::wait::PATIENCE, has_counts), "{:#?}", history.rows());
    let row = &history.rows()[0];
    assert!(row.is_null("end_time") && row.is_null("duration_secs") && row.is_null("close_reason"));
    assert_eq!(row.text("dest_ip"), "127.0.0.1");
    target.send(b"seven b");
    let _: [u8; 7] = client.receive();
    drop(target);
    let row = history.row_of(client.leave());
    assert_eq!((row.number("bytes_sent"), row.number("bytes_received")), (12, 7));
}

#[test]
fn without_a_history_there_is_no_file_and_sessions_are_served() {
    let service = launch("[sessions]\nenabled = false\n").start();
    let mut client = greeted(service.addr());
    assert_eq!(client.ask(CONNECT, Vacant::port().addr()).code, rep::REFUSED);
    let _ = service.session_of(client.local());
    assert!(!history_of(&service).database().exists());
}
