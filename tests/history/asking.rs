//! `rustsocks history`: what an administrator asks, in each form, while a daemon writes and after it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};

use rig::dns::{Dns, Zone};
use rig::history::Shelf;
use rig::place;
use rig::service::Service;
use rig::socks5::{CONNECT, Destination, Host, rep};
use rig::target::{Target, Vacant, echo};
use rig::users::Users;
use rig::wait::PATIENCE;
use rig::wire::Wire;
use serde_json::Value;

use crate::{launch, program};

/// A place with a history of a few sessions of alice and bob.
struct World {
    shelf: Shelf,
    service: Service,
    echo: SocketAddr,
    _users: Users,
    _dns: Dns,
}

impl World {
    fn new() -> Self {
        let (shelf, users) = (Shelf::new(), Users::of(&[("alice", b"wonderland"), ("bob", b"builder")]));
        let zone =
            Zone::default().at("www.shop.test", Ipv4Addr::LOCALHOST).at("shop.test", Ipv4Addr::new(127, 0, 0, 2));
        let dns = Dns::serve(zone);
        let config = [&shelf.settings(), &users.settings(&["userpass"]), dns.settings().as_str()].concat();
        let service = launch(&config).start();
        let echo = Target::listen().serve(echo);
        let world = Self { shelf, service, echo, _users: users, _dns: dns };
        world.live();
        world
    }

    /// Five sessions of alice and two of bob, one login that is refused.
    fn live(&self) {
        for _ in 0..3 {
            self.session("alice", b"wonderland", self.echo);
        }
        self.session(
            "alice",
            b"wonderland",
            Destination { host: Host::Name(b"WWW.Shop.test".to_vec()), port: self.echo.port() },
        );
        self.session("alice", b"wonderland", SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 80)));
        self.session("bob", b"builder", self.echo);
        self.session("bob", b"builder", Vacant::port().addr());
        let mut stranger = Wire::connect(self.service.addr());
        assert_ne!(stranger.log_in(b"mallory\x1b[31m", b"guess")[1], 0);
        let _ = self.shelf.history().row_of(stranger.leave());
        self.shelf.history().wait_for(8, PATIENCE);
    }

    fn session(&self, user: &str, password: &[u8], to: impl Into<Destination>) {
        let mut client = Wire::connect(self.service.addr());
        assert_eq!(client.log_in(user.as_bytes(), password), [1, 0]);
        if client.ask(CONNECT, to).code == rep::SUCCEEDED {
            client.send(b"ten bytes.");
            let _: [u8; 10] = client.receive();
        }
        let _ = self.shelf.history().row_of(client.leave());
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        let url = format!("sqlite://{}", self.shelf.history().database().display());
        command.arg("history").args(arguments).env("RUSTSOCKS_SESSIONS_DATABASE_URL", url);
        command.output().expect("the program runs")
    }

    fn text(&self, arguments: &[&str]) -> String {
        let said = self.ask(arguments);
        assert!(said.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("it is text")
    }

    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.text(&[&["--format", "json"], arguments].concat());
        text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
    }
}

#[test]
fn filters_let_through_what_fits_all_of_them() {
    let world = World::new();
    let port = world.echo.port().to_string();
    for (arguments, expected) in [
        (&[][..], 8),
        (&["--user", "alice"], 5),
        (&["--user", "alice", "--status", "rejected"], 1),
        (&["--status", "rejected"], 2),
        (&["--status", "closed"], 5),
        (&["--status", "failed"], 1),
        (&["--status", "interrupted"], 0),
        (&["--dest", "127.0.0.1"], 6),
        (&["--dest", "127.0.0.0/8"], 6),
        (&["--dest", "169.254.0.0/16"], 1),
        (&["--dest", "2001:db8::/32"], 0),
        (&["--dest", "www.SHOP.test"], 1),
        (&["--dest", "*.shop.test"], 1),
        (&["--dest", "*.test"], 1),
        (&["--dest", "shop.test"], 0),
        (&["--port", &port], 5),
        (&["--hours", "1"], 8),
        (&["--since", "2100-01-01"], 0),
        (&["--until", "2100-01-01T00:00"], 8),
        (&["--until", "2000-01-01T00:00:00+01:00"], 0),
        (&["--limit", "3"], 3),
        (&["--limit", "0"], 8),
        (&["--rule", "no-such-rule"], 0),
    ] {
        assert_eq!(world.rows(arguments).len(), expected, "{arguments:?}");
    }
}

#[test]
fn pages_follow_one_another_without_gap_or_repetition() {
    let world = World::new();
    let mut seen: Vec<String> = Vec::new();
    loop {
        let after = seen.last().cloned().unwrap_or_default();
        let more: &[&str] = if seen.is_empty() { &[] } else { &["--after", &after] };
        let page = world.rows(&[&["--limit", "3"], more].concat());
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|row| row["session_id"].as_str().expect("each has an id").to_owned()));
    }
    let (all, mut sorted) = (seen.iter().collect::<BTreeSet<_>>().len(), seen.clone());
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!((seen.len(), all, &seen), (8, 8, &sorted), "the latest come first");
    let table = world.text(&["--limit", "3"]);
    assert!(table.ends_with(&format!("(go on with --after {})\n", seen[2])), "{table}");
    let whole = world.text(&["--limit", "9"]);
    assert!(!whole.contains("go on"), "there is nothing behind the eighth: {whole}");
}

#[test]
fn each_form_has_every_row() {
    let world = World::new();
    let row = &world.rows(&["--dest", "www.shop.test"])[0];
    for (field, expected) in [
        ("user", "alice"),
        ("dest_host", "WWW.Shop.test"),
        ("dest_ip", "127.0.0.1"),
        ("status", "closed"),
        ("protocol", "tcp"),
        ("command", "connect"),
        ("auth_method", "userpass"),
    ] {
        assert_eq!(row[field], expected, "{row}");
    }
    assert_eq!((&row["bytes_sent"], &row["bytes_received"]), (&10.into(), &10.into()));
    assert!(row["start_time"].as_str().is_some_and(|time| time.ends_with('Z')), "{row}");
    assert!(row["claimed"].is_null(), "{row}");

    let csv = world.text(&["--format", "csv"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 9, "{csv}");
    assert!(lines[0].starts_with("session_id,user,start_time,end_time,duration_secs,source_ip,"), "{csv}");
    let columns = lines[0].split(',').count();
    assert!(lines[1..].iter().all(|line| line.split(',').count() == columns), "{csv}");

    let table = world.text(&[]);
    assert!(table.starts_with("START (UTC)"), "{table}");
    assert!(table.contains("WWW.Shop.test:") && table.contains("(127.0.0.1)"), "{table}");
    assert!(table.contains(r"(mallory\u{1b}[31m)") && !table.contains('\x1b'), "no terminal obeys a client: {table}");
}

#[test]
fn sessions_are_summed_up_by_user_and_by_destination() {
    let world = World::new();
    let by_user = world.rows(&["--by", "user"]);
    let sums: Vec<_> =
        by_user.iter().map(|sum| (sum["of"].as_str(), sum["sessions"].as_i64(), sum["bytes_sent"].as_i64())).collect();
    assert_eq!(sums, [(Some("alice"), Some(5), Some(40)), (Some("bob"), Some(2), Some(10)), (None, Some(1), Some(0))]);
    assert_eq!((&by_user[0]["rejected"], &by_user[1]["failed"]), (&1.into(), &1.into()));
    let by_destination = world.text(&["--by", "destination", "--user", "alice", "--status", "closed"]);
    let lines: Vec<Vec<&str>> = by_destination.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1..], [["3", "0", "0", "30", "30", "127.0.0.1"], ["1", "0", "0", "10", "10", "WWW.Shop.test"]]);
}

#[test]
fn sessions_are_summed_up_by_what_came_of_them_and_by_when_they_began() {
    let world = World::new();
    let sessions = |by: &str| -> Vec<(Option<String>, i64)> {
        let sums = world.rows(&["--by", by]);
        let sum = |sum: &Value| (sum["of"].as_str().map(str::to_owned), sum["sessions"].as_i64().expect("a number"));
        sums.iter().map(sum).collect()
    };
    let mut by_status = sessions("status");
    by_status.sort();
    let closed = world.rows(&["--status", "closed"]).len();
    let closed = i64::try_from(closed).expect("there are few");
    assert!(by_status.contains(&(Some("closed".to_owned()), closed)), "{by_status:?}");
    assert_eq!(sessions("rule").iter().map(|(_, count)| count).sum::<i64>(), 8);
    let start = world.rows(&["--limit", "1"])[0]["start_time"].as_str().expect("a time").to_owned();
    for (by, begin) in [("hour", &start[..13]), ("day", &start[..10])] {
        let sums = sessions(by);
        assert_eq!(sums.iter().map(|(_, count)| count).sum::<i64>(), 8, "{sums:?}");
        assert!(sums[0].0.as_ref().is_some_and(|of| of.starts_with(begin)), "the latest first: {sums:?}");
    }
}

#[test]
fn a_history_is_read_when_nobody_writes_and_left_as_it_was() {
    let mut world = World::new();
    world.service.process.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(world.service.process.exit_within(2 * PATIENCE).is_some());
    assert_eq!(world.rows(&[]).len(), 8);
    // Whoever read as root has left nothing behind that the daemon cannot use.
    let next = launch(&world.shelf.settings()).start();
    let client = rig::visitor::visit(next.addr(), world.echo, b"again").expect("the daemon serves").client;
    assert_eq!(world.shelf.history().row_of(client).text("status"), "closed");
}

#[test]
fn what_cannot_be_answered_is_said_in_words() {
    let elsewhere = place::for_everybody();
    let ask = |url: &str, arguments: &[&str]| {
        let mut command = Command::new(program());
        command.arg("history").args(arguments).env("RUSTSOCKS_SESSIONS_DATABASE_URL", url);
        let said = command.output().expect("the program runs");
        (said.status.code(), String::from_utf8(said.stderr).expect("it is text"))
    };
    let url = format!("sqlite://{}/sessions.db", elsewhere.path().display());
    let (code, words) = ask(&url, &[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("there is no history in") && words.contains("sessions.db yet"), "{words}");
    std::fs::write(elsewhere.path().join("sessions.db"), "not a database ".repeat(1_000)).expect("it can be written");
    let (code, words) = ask(&url, &[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("cannot read the history: it is damaged"), "{words}");
    let (code, words) = ask(&url, &["--config", "/nonexistent.toml"]);
    assert_eq!(code, Some(78), "{words}");
    for (arguments, expected) in [
        (&["--dest", "10.0.0.0/33"][..], "*.example.com"),
        (&["--status", "open"], "there are active, closed, failed"),
        (&["--since", "yesterday"], "write 2026-11-22"),
        (&["--hours", "0"], "1..=876000"),
        (&["--since", "2026-01-01", "--hours", "1"], "cannot be used with"),
    ] {
        let (code, words) = ask(&url, arguments);
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains(expected), "{arguments:?}: {words}");
    }
}
