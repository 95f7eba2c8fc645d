//! The filter that ships for fail2ban, over what the real program writes: every failure is a match with the address of its
//! client, and nothing that a client says of itself is one.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use rig::port::Port;
use rig::service::{Launch, Service};
use rig::socks4::{CONNECT, request};
use rig::socks5::{USERPASS, greeting, login};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::Answer::{LetIn, Refused};
use crate::{ALICE, balanced, introduced, launch, log_in, log_in_from, loopback};

const FILTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/fail2ban/filter.d/rustsocks.conf");
const JAIL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/fail2ban/jail.d/rustsocks.conf");

/// What clients may call themselves to have somebody else banned, or to not be found. Each of them fails.
const NAMES: [&[u8]; 14] = [
    b"alice",
    b"mallory",
    b"two words",
    b"\" source=6.6.6.6 listener=",
    b"source=6.6.6.6",
    b"x\nauth: authentication failed source=6.6.6.6 listener=",
    b"x\r\n2026-11-21T22:57:23.024740Z  WARN auth: authentication failed source=6.6.6.6 listener=",
    b"Nov 21 22:57:23 host rustsocks[1]: auth: authentication failed source=6.6.6.6 listener=",
    b"auth: authentication failed source=6.6.6.6 listener=",
    br#"{"timestamp":"x","level":"WARN","message":"authentication failed","source":"6.6.6.6","listener":"#,
    br#"","level":"WARN","message":"authentication failed","source":"6.6.6.6","listener":"#,
    b"\x1b[2J\x00\xff\xfe\xe2\x80\xae6.6.6.6",
    b"2001-01-01 00:00:00",
    &[b'n'; 255],
];

#[test]
fn every_failure_in_a_pretty_file_is_a_match_and_nothing_else_is() {
    let (ready, place) = prepared("");
    let log = ready.directory().join("pretty.log");
    let service = ready.env("RUSTSOCKS_LOGGING_FORMAT", "pretty").log_at(&log).start();
    let expected = events(&service, &place);
    assert_matches(&service, &log, &expected);
}

#[test]
fn every_failure_in_a_json_file_is_a_match_and_nothing_else_is() {
    let (ready, place) = prepared("");
    let log = ready.directory().join("json.log");
    let service = ready.log_at(&log).start();
    let expected = events(&service, &place);
    assert_matches(&service, &log, &expected);
}

/// journald takes the priority away; fail2ban puts host, program and process in front of what it reads there, as syslog does.
#[test]
fn every_failure_in_the_journal_is_a_match_and_nothing_else_is() {
    for format in ["pretty", "json"] {
        let (ready, place) = prepared("");
        let stderr = ready.directory().join("journal");
        let file = fs::File::create(&stderr).expect("a temporary directory can be written");
        let identity = file.metadata().expect("it is there");
        let ready = ready.env("JOURNAL_STREAM", &format!("{}:{}", identity.dev(), identity.ino()));
        let service = ready.env("RUSTSOCKS_LOGGING_FORMAT", format).log_on_stderr(&stderr).start();
        let expected = events(&service, &place);
        wait_for(&stderr, expected.len());
        let journal = service.directory().join("syslog");
        fs::write(&journal, as_syslog(&fs::read_to_string(&stderr).expect("a log is text")))
            .expect("a temporary directory can be written");
        assert_matches(&service, &journal, &expected);
    }
}

/// Both files are configuration that fail2ban itself can read, and the jail's filter is ours.
#[test]
fn the_jail_uses_the_filter() {
    let jail = fs::read_to_string(JAIL).expect("the jail ships");
    for line in ["[rustsocks]", "filter = rustsocks", "enabled = true", "backend = systemd"] {
        assert!(jail.lines().any(|found| found == line), "{line}");
    }
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let root = directory.path();
    for (folder, file) in [("filter.d", FILTER), ("jail.d", JAIL)] {
        fs::create_dir(root.join(folder)).expect("a temporary directory can be written");
        fs::copy(file, root.join(folder).join("rustsocks.conf")).expect("it ships");
    }
    // What a jail needs of the distribution's own configuration.
    fs::write(root.join("jail.conf"), "[DEFAULT]\nusedns = no\nlogencoding = utf-8\n").expect("written");
    fs::write(root.join("fail2ban.conf"), "[Definition]\nloglevel = INFO\nlogtarget = STDOUT\nsyslogsocket = auto\n")
        .expect("written");
    let dumped = Command::new("fail2ban-client").arg("-c").arg(root).arg("-d").output();
    let dumped = dumped.expect("fail2ban is installed: scripts/test-deps");
    let text = String::from_utf8_lossy(&dumped.stdout);
    assert!(dumped.status.success(), "{text}{}", String::from_utf8_lossy(&dumped.stderr));
    assert!(text.contains("_SYSTEMD_UNIT=rustsocks.service") && text.contains("authentication failed"), "{text}");
}

/// Where else than at its first listener the daemon listens.
struct Place {
    balancer: SocketAddr,
    open: SocketAddr,
    _ports: [Port; 2],
}

/// A daemon whose every way in is open: passwords, a balancer, a Unix socket, and a listener that asks for nothing.
fn prepared(penalties: &str) -> (Launch, Place) {
    let (balancer, listen) = balanced();
    let open = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let more = format!(
        "[[listen]]\naddress = \"unix:{{dir}}/socks\"\n[[listen]]\naddress = \"{}\"\nsocks_method = \"none\"\n",
        open.addr()
    );
    let quick = "failure_delay_ms = 0\nuser_lock_failures = 0\n";
    let launch = launch(&[quick, penalties, &listen, &more].concat());
    let place = Place { balancer: balancer.addr(), open: open.addr(), _ports: [balancer, open] };
    (launch, place)
}

/// Lets clients of all kinds succeed and fail. Returns the addresses of those who failed, as often as they did.
fn events(service: &Service, place: &Place) -> Vec<String> {
    let mut expected = Vec::new();
    for (host, name) in (1..).zip(NAMES) {
        assert_eq!(log_in_from(loopback(1, 100), service.addr(), ALICE), LetIn);
        assert_eq!(log_in_from(loopback(1, host), service.addr(), (name, b"source=6.6.6.6")), Refused);
        expected.push(format!("127.0.1.{host}"));
        user_id(place.open, name);
    }
    for source in ["2001:db8::7", "192.0.2.7"] {
        assert_eq!(log_in(introduced(place.balancer, source), (b"alice", b"wrong")), Refused);
        expected.push(source.to_owned());
    }
    by_http(service);
    expected.push("127.0.1.50".to_owned());
    by_unix_socket(service);
    expected.sort();
    expected
}

/// SOCKS4 has a name as well, which proves nothing and is written down all the same.
fn user_id(open: SocketAddr, name: &[u8]) {
    let without_nul: Vec<u8> = name.iter().copied().filter(|byte| *byte != 0).collect();
    let mut client = Wire::connect(open);
    client.send(&request(CONNECT, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1), &without_nul));
    let _ = client.hear(8, PATIENCE);
}

fn by_http(service: &Service) {
    let mut client = Wire::connect_from(loopback(1, 50), service.addr());
    // "two words:source=6.6.6.6"
    let header = "Proxy-Authorization: Basic dHdvIHdvcmRzOnNvdXJjZT02LjYuNi42";
    client.send(&rig::http::connect("source=6.6.6.6.test:1", &[header]));
    assert_eq!(client.http_head().status, 407);
}

/// It has no address to ban.
fn by_unix_socket(service: &Service) {
    let mut client = UnixStream::connect(service.directory().join("socks")).expect("somebody listens");
    client.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    client.write_all(&[greeting(&[USERPASS]), login(b"alice", b"wrong")].concat()).expect("it reads");
    let mut heard = [0; 4];
    client.read_exact(&mut heard).expect("it is answered");
    assert_eq!(heard, [5, USERPASS, 1, 1]);
}

fn wait_for(log: &Path, failures: usize) {
    // The last one came over the Unix socket, and is counted here too.
    let written = || fs::read_to_string(log).is_ok_and(|text| text.matches("authentication failed").count() > failures);
    assert!(eventually(PATIENCE, written), "every failure is written down");
}

fn assert_matches(service: &Service, log: &Path, expected: &[String]) {
    wait_for(log, expected.len());
    let text = fs::read_to_string(log).expect("a log is text");
    assert!(text.contains("6.6.6.6"), "the log shows what the clients called themselves");
    let run = Command::new("fail2ban-regex").args(["--usedns", "no", "-o", "ip"]).arg(log).arg(FILTER).output();
    let run = run.expect("fail2ban is installed: scripts/test-deps");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut found: Vec<String> = String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, expected, "{}\n{text}", service.addr());
}

/// What syslog makes of lines for the journal.
fn as_syslog(journal: &str) -> String {
    let message =
        |line: &str| line.strip_prefix('<').and_then(|line| line.split_once('>')).map(|(_, rest)| rest.to_owned());
    let lines = journal.lines().map(|line| message(line).unwrap_or_else(|| line.to_owned()));
    lines.flat_map(|line| ["Nov 21 22:57:23 host rustsocks[4711]: ".to_owned(), line, "\n".to_owned()]).collect()
}
