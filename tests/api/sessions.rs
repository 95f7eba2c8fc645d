//! What the API says of sessions is what their endpoints know.

use std::net::{Ipv4Addr, SocketAddr};

use rig::dns::{Dns, Zone};
use rig::history::Shelf;
use rig::rules::Rules;
use rig::scrape::Endpoint;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, echo};
use rig::udp::{Association, address, datagrams, next, post};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually, found};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::{House, start};

fn list(house: &House, path: &str) -> Vec<Value> {
    house.api.read(path).as_array().cloned().expect("a list")
}

#[test]
fn a_live_session_has_every_field_and_its_bytes_are_exact() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let dns = Dns::serve(Zone::default().at("target.test", Ipv4Addr::LOCALHOST));
    let house = start(&[users.settings(&["userpass"]), dns.settings()].concat());
    let target = Target::listen().serve(echo);
    let mut client = Wire::connect(house.service.addr());
    assert_eq!(client.log_in(b"alice", b"wonderland"), [1, 0]);
    assert_eq!(client.ask(CONNECT, ("target.test", target.port())).code, rep::SUCCEEDED);
    client.send(b"hello");
    assert_eq!(&client.receive(), b"hello");

    let is_settled = || list(&house, "/api/sessions/active").into_iter().find(|session| session["bytes_received"] == 5);
    let session = found(PATIENCE, is_settled).expect("the session is shown");
    for (field, expected) in [
        ("user", json!("alice")),
        ("status", json!("active")),
        ("stage", json!("relaying")),
        ("source_ip", json!("127.0.0.1")),
        ("source_port", json!(client.local().port())),
        ("dest_host", json!("target.test")),
        ("dest_ip", json!("127.0.0.1")),
        ("dest_port", json!(target.port())),
        ("protocol", json!("tcp")),
        ("command", json!("connect")),
        ("dialect", json!("socks5")),
        ("auth_method", json!("userpass")),
        ("acl_decision", json!("allow")),
        ("generation", json!(1)),
        ("bytes_sent", json!(5)),
        ("end_time", json!(null)),
        ("close_reason", json!(null)),
    ] {
        assert_eq!(session[field], expected, "{field} in {session}");
    }
    for phase in ["handshake_us", "auth_us", "rules_us", "dns_us", "connect_us", "first_byte_us"] {
        assert!(session[phase].is_u64(), "{phase} in {session}");
    }
    let id = session["session_id"].as_str().expect("an id").to_owned();
    assert_eq!(house.api.read(&format!("/api/sessions/{id}"))["session_id"], json!(id));
    assert_eq!(list(&house, "/api/sessions/active?user=alice").len(), 1);
    assert_eq!(list(&house, "/api/sessions/active?user=bob").len(), 0);

    drop(client);
    let of_alice = || list(&house, "/api/users/alice/sessions?status=closed").into_iter().next();
    let row = found(PATIENCE, of_alice).expect("the row is written");
    assert_eq!((&row["session_id"], &row["bytes_sent"]), (&json!(id), &json!(5)));
    let one = house.api.read(&format!("/api/sessions/{id}"));
    assert_eq!((&one["status"], &one["bytes_received"]), (&json!("closed"), &json!(5)));
}

#[test]
fn an_association_shows_its_flows() {
    let house = start("");
    let association = Association::open(house.service.addr());
    let peers = [(); 2].map(|()| datagrams(Ipv4Addr::LOCALHOST.into()));
    for (count, peer) in (1..).zip(&peers) {
        for _ in 0..count {
            association.send(address(peer), b"four");
            let (_, relay) = next(peer);
            post(peer, b"answer", relay);
            let _ = association.receive();
        }
    }
    let shown = || list(&house, "/api/sessions/active").into_iter().find(|session| session["packets_received"] == 3);
    let session = found(PATIENCE, shown).expect("the association is shown");
    assert_eq!((&session["protocol"], &session["stage"]), (&json!("udp"), &json!("datagrams")));
    let flows = session["flows"].as_array().expect("it has flows");
    let of = |peer: &std::net::UdpSocket| {
        let port = address(peer).port();
        flows.iter().find(|flow| flow["peer_port"] == port).unwrap_or_else(|| panic!("{port} in {flows:?}"))
    };
    for (count, peer) in (1_u64..).zip(&peers) {
        let flow = of(peer);
        let expected = [4 * count, 6 * count, count, count].map(|number| json!(number));
        let said =
            ["bytes_sent", "bytes_received", "packets_sent", "packets_received"].map(|field| flow[field].clone());
        assert_eq!(said, expected);
    }
}

/// Both ways and for each destination: what the API, the database and the metrics say is what the endpoints counted.
#[test]
fn the_datagrams_of_each_destination_are_counted_alike_everywhere() {
    let metrics = Endpoint::reserve();
    let shelf = Shelf::new();
    let house = start(&[metrics.settings(), shelf.settings()].concat());
    let association = Association::open(house.service.addr());
    let hosts = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 2)];
    let peers = hosts.map(|host| datagrams(host.into()));
    // Bytes from the client and to it, datagrams from the client and to it.
    let mut counted = [[0_u64; 4]; 3];
    for round in 1..=4 {
        for (peer, counted) in peers.iter().zip(&mut counted).take(round) {
            association.send(address(peer), &vec![b'u'; 100 * round]);
            let (heard, relay) = next(peer);
            post(peer, &heard[..heard.len() / 3], relay);
            let (_, answer) = association.receive();
            let more = [heard.len() as u64, answer.len() as u64, 1, 1];
            counted.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }
    let client = association.control.leave();
    assert_eq!(shelf.history().row_of(client).text("status"), "closed");

    let listed = list(&house, "/api/sessions/history?status=closed");
    let whole = house.api.read(&format!("/api/sessions/{}", listed[0]["session_id"].as_str().expect("an id")));
    let flow = |flow: &Value, at: &[&str; 4]| at.map(|field| flow[field].as_u64().expect("a count"));
    let fields = ["bytes_sent", "bytes_received", "packets_sent", "packets_received"];
    let flows = whole["flows"].as_array().expect("it has flows");
    assert_eq!(flows.len(), 3);
    for (peer, counted) in peers.iter().zip(counted) {
        let at = address(peer);
        let is_it = |flow: &&Value| flow["peer_port"] == at.port() && flow["peer_ip"] == at.ip().to_string();
        assert_eq!(flow(flows.iter().find(is_it).expect("each peer has one"), &fields), counted, "{at}");
    }
    assert_eq!(flow(&whole["others"], &fields), [0; 4]);

    let in_database = shelf.history().ask("SELECT * FROM flows ORDER BY peer_port").expect("the table is there");
    let mut expected: Vec<_> =
        peers.iter().zip(counted).map(|(peer, counted)| (address(peer).port(), counted)).collect();
    expected.sort_unstable();
    let found: Vec<_> = in_database
        .iter()
        .map(|row| {
            let counts = fields.map(|field| u64::try_from(row.number(field)).expect("a count"));
            (u16::try_from(row.number("peer_port")).expect("a port"), counts)
        })
        .collect();
    assert_eq!(found, expected);

    let scrape = metrics.scrape();
    let series = |host: Ipv4Addr, direction: &str| {
        let labels = format!("destination=\"{host}\",direction=\"{direction}\"");
        scrape.count(&format!("rustsocks_udp_destination_bytes_total{{{labels}}}"))
    };
    for host in [hosts[0], hosts[1]] {
        let of_it = hosts.iter().zip(counted).filter(|(peer, _)| **peer == host).map(|(_, counted)| counted);
        let [sent, received, ..] =
            of_it.reduce(|one, other| std::array::from_fn(|at| one[at] + other[at])).expect("it has peers");
        assert_eq!((series(host, "sent"), series(host, "received")), (sent, received), "{host}");
        let sums = list(&house, "/api/sessions/sums?by=destination");
        let sum = sums.iter().find(|sum| sum["of"] == host.to_string()).expect("it has a sum");
        assert_eq!((&sum["bytes_sent"], &sum["bytes_received"]), (&json!(sent), &json!(received)), "{host}");
        assert_eq!(list(&house, &format!("/api/sessions/history?dest_ip={host}")).len(), 1);
    }
}

#[test]
fn pages_follow_each_other_and_miss_nobody() {
    let house = start("");
    let target = Target::listen().serve(echo);
    let clients: Vec<Wire> = (0..7)
        .map(|_| {
            let mut client = greeted(house.service.addr());
            assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
            client
        })
        .collect();
    let mut seen = Vec::new();
    let mut path = "/api/sessions/active?limit=3".to_owned();
    loop {
        let answer = house.api.ask("read", "GET", &path, None);
        let page: Vec<Value> = serde_json::from_str(&answer.body).expect("a list");
        seen.extend(page.iter().map(|session| session["source_port"].as_u64().expect("a port")));
        let Some(next) = answer.field("Link") else { break };
        path = next.strip_prefix('<').and_then(|rest| rest.split('>').next()).expect("a link").to_owned();
    }
    let mut expected: Vec<u64> = clients.iter().map(|client| client.local().port().into()).collect();
    expected.reverse();
    assert_eq!(seen, expected, "the latest first");
}

#[test]
fn the_history_answers_what_the_plan_asks() {
    let house = start("");
    let target = Target::listen().serve(echo);
    let mut client = greeted(house.service.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    drop(client);
    let metadata = SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 80));
    assert_eq!(greeted(house.service.addr()).ask(CONNECT, metadata).code, rep::NOT_ALLOWED);
    let count = |query: &str| list(&house, &format!("/api/sessions/history?{query}")).len();
    assert!(eventually(PATIENCE, || count("status=closed") == 1 && count("status=rejected") == 1));
    for (query, expected) in [
        ("user=anonymous&hours=24", 2),
        ("user=alice", 0),
        ("dest_ip=169.254.169.254", 1),
        ("dest_ip=169.254.0.0%2F16", 1),
        ("dest_ip=127.0.0.1", 1),
        ("dest_port=80", 1),
        ("start=2020-01-01&end=2020-01-02", 0),
        ("start=2020-01-01&end=2099-01-02T03:04:05%2B01:00", 2),
        ("limit=1", 1),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
    for query in [
        "status=fine",
        "hours=0",
        "hours=1&start=2020-01-01",
        "limit=0",
        "limit=1001",
        "colour=red",
        "user=a&user=b",
        "after=x",
        "start=now",
    ] {
        let answer = house.api.ask("read", "GET", &format!("/api/sessions/history?{query}"), None);
        assert!(answer.status == 400 && answer.body.contains("\"code\":\"invalid\""), "{query}: {}", answer.body);
    }
}

#[test]
fn statistics_are_those_of_the_day() {
    let house = start("");
    let target = Target::listen().serve(echo);
    let mut client = greeted(house.service.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    client.send(b"hello");
    assert_eq!(&client.receive(), b"hello");
    let metadata = SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 80));
    assert_eq!(greeted(house.service.addr()).ask(CONNECT, metadata).code, rep::NOT_ALLOWED);
    assert!(eventually(PATIENCE, || house.api.read("/stats")["active_sessions"] == 1));
    for path in ["/stats", "/api/sessions/stats"] {
        let stats = house.api.read(path);
        assert_eq!(stats["total_sessions"], 2, "{stats}");
        assert_eq!((&stats["total_bytes"], &stats["total_bytes_sent"]), (&json!(10), &json!(5)), "{stats}");
        assert_eq!(stats["top_users"], json!([{ "user": "anonymous", "sessions": 2, "bytes": 10 }]));
        let ip = target.ip().to_string();
        assert_eq!(stats["top_destinations"], json!([{ "destination": ip, "ip": ip, "connections": 1 }]));
        assert_eq!(stats["acl_stats"], json!({ "allowed": 1, "blocked": 1 }));
        assert_eq!((&stats["tcp"], &stats["udp"]), (&moved(5, 5), &moved(0, 0)), "{stats}");
    }
}

/// Bytes each way, as statistics have them.
fn moved(sent: u64, received: u64) -> Value {
    json!({ "bytes_sent": sent, "bytes_received": received })
}

#[test]
fn statistics_and_sums_are_those_of_the_time_that_is_asked_about() {
    let house = start("");
    let target = Target::listen().serve(echo);
    let mut client = greeted(house.service.addr());
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    client.send(b"hello");
    assert_eq!(&client.receive(), b"hello");
    drop(client);
    let metadata = SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 80));
    assert_eq!(greeted(house.service.addr()).ask(CONNECT, metadata).code, rep::NOT_ALLOWED);
    let count = |query: &str| list(&house, &format!("/api/sessions/history?{query}")).len();
    assert!(eventually(PATIENCE, || count("status=closed") == 1 && count("status=rejected") == 1));

    let stats = house.api.read("/api/sessions/stats?hours=1");
    assert_eq!((&stats["total_sessions"], &stats["active_sessions"]), (&json!(2), &json!(0)), "{stats}");
    assert_eq!((&stats["total_bytes"], &stats["total_bytes_sent"]), (&json!(10), &json!(5)), "{stats}");
    assert_eq!(stats["top_users"], json!([{ "user": "anonymous", "sessions": 2, "bytes": 10 }]));
    let ip = target.ip().to_string();
    assert_eq!(stats["top_destinations"], json!([{ "destination": ip, "ip": ip, "connections": 1 }]));
    assert_eq!(stats["acl_stats"], json!({ "allowed": 1, "blocked": 1 }));
    assert_eq!((&stats["tcp"], &stats["udp"]), (&moved(5, 5), &moved(0, 0)), "{stats}");
    let before = house.api.read("/api/sessions/stats?start=2020-01-01&end=2020-02-01");
    assert_eq!((&before["total_sessions"], &before["top_users"]), (&json!(0), &json!([])), "{before}");
    assert_eq!((&before["since"], &before["until"]), (&json!("2020-01-01T00:00:00Z"), &json!("2020-02-01T00:00:00Z")));

    let sums = list(&house, "/api/sessions/sums?by=status");
    let of = |status: &str| sums.iter().find(|sum| sum["of"] == status).unwrap_or_else(|| panic!("{status}: {sums:?}"));
    assert_eq!((&of("closed")["sessions"], &of("closed")["bytes_sent"]), (&json!(1), &json!(5)));
    assert_eq!(of("rejected")["rejected"], 1);
    for by in ["user", "destination", "rule", "hour", "day"] {
        let sums = list(&house, &format!("/api/sessions/sums?by={by}&hours=1"));
        assert_eq!(sums.iter().filter_map(|sum| sum["sessions"].as_u64()).sum::<u64>(), 2, "{by}: {sums:?}");
    }
    for query in ["", "?by=colour", "?by=user&hours=0"] {
        assert_eq!(house.api.ask("read", "GET", &format!("/api/sessions/sums{query}"), None).status, 400, "{query}");
    }
}

#[test]
fn rules_are_shown_with_their_limits() {
    let rules = Rules::of(
        "[[users]]\nusername = \"*\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\nmax_connections = 7\n\
         bandwidth_per_user_mbps = \"0.5:10\"\nmax_age_secs = 60\n",
    );
    let house = start(&rules.settings());
    let shown = house.api.read("/api/acl/rules");
    assert_eq!((&shown["default_policy"], &shown["rules"][0]["action"]), (&json!("deny"), &json!("allow")), "{shown}");
    let shown = &shown["rules"][0];
    for (key, expected) in [
        ("max_connections", json!(7)),
        ("bandwidth_per_user_mbps", json!("0.5:10")),
        ("max_age_secs", json!(60)),
        ("connection_timeout_secs", Value::Null),
    ] {
        assert_eq!(shown[key], expected, "{key}: {shown}");
    }
}

#[test]
fn rules_are_shown_and_asked_as_traffic_asks_them() {
    let house = start("");
    let rules = house.api.read("/api/acl/rules");
    assert_eq!((&rules["total"], &rules["default_policy"]), (&json!(0), &json!("allow")));
    let ask = |body: Value| house.api.ask("read", "POST", "/api/acl/test", Some(&body));
    let allowed = ask(json!({ "dest": "example.com", "port": 443, "user": "alice", "addresses": ["192.0.2.1"] }));
    let verdict: Value = serde_json::from_str(&allowed.body).expect("an object");
    assert_eq!((allowed.status, &verdict["verdict"]), (200, &json!("allow")));
    let guarded = ask(json!({ "dest": "169.254.169.254", "port": 80, "explain": true }));
    let verdict: Value = serde_json::from_str(&guarded.body).expect("an object");
    assert_eq!((&verdict["verdict"], &verdict["decision"]["by"]), (&json!("deny"), &json!("guard")));
    for body in [
        json!({}),
        json!({ "dest": "a..b", "port": 1 }),
        json!({ "dest": "a" }),
        json!({ "dest": "a", "port": 1, "x": 1 }),
        json!([]),
    ] {
        assert_eq!(ask(body.clone()).status, 400, "{body}");
    }
}
