//! The tour of docs/console.md, as it stands there: each key is typed, each command is run, and what the page promises is on the screen.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rig::rules::Rules;
use rig::service::{Launch, Service};
use rig::socks5::CONNECT;
use rig::target::Target;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::{End, Wire};
use tempfile::TempDir;

use crate::screen::Screen;
use crate::{CONFIG, client_program, document, program, socket, wait_for_sessions};

const RULES: &str = r#"# Who may go where.
[global]
default_policy = "deny"

[[groups]]
name = "staff"

[[groups.rules]]
action = "allow"
description = "Staff may go anywhere"
destinations = ["*"]
"#;

#[test]
fn whoever_eats_the_bandwidth_is_found() {
    Office::opens().walks("Who eats the bandwidth?");
}

#[test]
fn somebody_who_has_left_is_out_and_stays_out() {
    let mut office = Office::opens();
    let target = Target::listen();
    let mut frank: Vec<Wire> = (0..24).map(|_| office.visit("frank", target.addr())).collect();
    let _far: Vec<Wire> = frank.iter().map(|_| target.accept()).collect();
    wait_for_sessions(&socket(&office.service), 28);
    office.walks("Somebody has left");
    assert!(frank.iter_mut().all(|wire| wire.end() == End::Reset), "all his sessions are over");
    office.alice.send(b"still here");
    assert_eq!(office.alice_far.receive_all(10), b"still here");
    assert_ne!(office.logs_in("frank", b"secret"), 0, "he is disabled");
}

#[test]
fn a_rule_is_tried_before_it_counts_and_a_bad_one_taken_back() {
    let office = Office::opens();
    office.walks("A rule is tried before it counts");
    let good = fs::read_to_string(office.rules.path()).expect("the rules are there");
    assert!(good.starts_with(RULES) && good.contains("No mail"), "{good}");
    office.walks("A bad one is taken back");
    assert_eq!(fs::read_to_string(office.rules.path()).expect("the rules are there"), good);
}

#[test]
fn the_reason_of_a_failed_login_is_found() {
    let office = Office::opens();
    assert_ne!(office.logs_in("bob", b"Secret"), 0);
    // What has happened is in the history a second later.
    let past = || document(&socket(&office.service), &["history", "query", "status=rejected"])["rows"].clone();
    assert!(eventually(PATIENCE, || past().as_array().is_some_and(|rows| rows.len() == 1)), "{}", past());
    office.walks("Why does a login fail?");
    // Who nobody is has no name to be found by.
    let nameless = document(&socket(&office.service), &["history", "query", "not user~*"])["rows"].clone();
    assert!(nameless.as_array().is_some_and(|rows| rows.len() == 1 && rows[0]["claimed"] == "bob"), "{nameless}");
}

/// A proxy with users and rules, and people who use it: alice with three sessions, and bob with one that is never still.
struct Office {
    _users: Users,
    rules: Rules,
    service: Service,
    /// Where whoever sits at the keyboard has files.
    desk: TempDir,
    alice: Wire,
    alice_far: Wire,
    _others: Vec<Wire>,
}

impl Office {
    fn opens() -> Self {
        let names = ["alice", "bob", "frank"].map(str::to_owned);
        let users = Users::crowd_with(names, b"secret", |_| "groups = [\"staff\"]\n");
        let rules = Rules::of(RULES);
        let tables = [&users.settings(&["userpass"]), &rules.settings()].map(String::as_str).concat();
        let config = CONFIG.replace("{socket}", "{dir}/admin.sock") + "[server]\nwatch_files = false\n" + &tables;
        let service = Launch::of(program()).config(&config).start();
        let target = Target::listen();
        let alice = enter(service.addr(), "alice", target.addr());
        let alice_far = target.accept();
        let mut others: Vec<Wire> = (0..2).map(|_| enter(service.addr(), "alice", target.addr())).collect();
        others.extend((0..2).map(|_| target.accept()));
        let bob = enter(service.addr(), "bob", Target::listen().serve(pour));
        drink(&bob);
        wait_for_sessions(&socket(&service), 4);
        let desk = tempfile::tempdir().expect("a temporary directory can be made");
        Self { _users: users, rules, service, desk, alice, alice_far, _others: others }
    }

    fn visit(&self, user: &str, target: SocketAddr) -> Wire {
        enter(self.service.addr(), user, target)
    }

    /// What the proxy answers to a login.
    fn logs_in(&self, user: &str, password: &[u8]) -> u8 {
        Wire::connect(self.service.addr()).log_in(user.as_bytes(), password)[1]
    }

    /// Does what the tour says under this heading.
    fn walks(&self, heading: &str) {
        let steps = steps(heading);
        assert!(!steps.is_empty(), "the tour has nothing under {heading:?}");
        for step in steps {
            match step {
                Step::Console(rows) => self.sits_at_the_console(&rows),
                Step::Commands(lines) => {
                    for line in lines {
                        self.runs(&line);
                    }
                }
            }
        }
    }

    fn sits_at_the_console(&self, rows: &[(Vec<String>, Vec<String>)]) {
        // Where a draft is kept.
        let state = self.desk.path().to_str().expect("temporary directories have plain names");
        let mut screen = Screen::open(&socket(&self.service), (100, 30), &[("XDG_STATE_HOME", state)]);
        screen.wait_for("[1 Overview]");
        for (keys, words) in rows {
            for key in keys {
                screen.type_in(bytes_of(key));
            }
            for words in words {
                screen.wait_for(words);
            }
        }
        screen.type_in("q");
        assert!(screen.wait_for_end().success());
    }

    fn runs(&self, line: &str) {
        let programs = client_program().parent().map(Path::display).expect("a program is in a directory");
        let path = format!("{programs}:{}", std::env::var("PATH").expect("there is a PATH"));
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).current_dir(self.desk.path()).stdin(Stdio::null());
        let said = shell.env("PATH", path).env("RUSTSOCKS_ADMIN", socket(&self.service)).output();
        let said = said.expect("there is a bash");
        assert!(said.status.success(), "{line}\n{said:?}");
    }
}

/// What a section of the tour is made of.
enum Step {
    /// Rows of keys, and of what is on the screen after them.
    Console(Vec<(Vec<String>, Vec<String>)>),
    Commands(Vec<String>),
}

fn steps(heading: &str) -> Vec<Step> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let section = page.split(&format!("\n### {heading}\n")).nth(1).and_then(|rest| rest.split("\n##").next());
    let section = section.unwrap_or_else(|| panic!("no {heading:?} in the tour"));
    let parts = section.split("\n\n").filter_map(|part| {
        let part = part.trim();
        let commands = part.strip_prefix("```sh\n").and_then(|lines| lines.strip_suffix("```"));
        let commands = commands.map(|lines| Step::Commands(lines.lines().map(str::to_owned).collect()));
        commands.or_else(|| part.starts_with('|').then(|| Step::Console(part.lines().skip(2).map(row).collect())))
    });
    parts.collect()
}

fn row(line: &str) -> (Vec<String>, Vec<String>) {
    let (typed, seen) = line.trim_matches('|').split_once(" | ").expect("a row has two cells");
    let marked = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    (marked(typed), marked(seen))
}

/// What a terminal sends for a key that has a name.
fn bytes_of(key: &str) -> &str {
    match key {
        "Enter" => "\r",
        "Esc" => "\x1b",
        "Tab" => "\t",
        "Space" => " ",
        "Ctrl-u" => "\x15",
        other => other,
    }
}

fn enter(proxy: SocketAddr, user: &str, target: SocketAddr) -> Wire {
    let mut wire = Wire::connect(proxy);
    assert_eq!(wire.log_in(user.as_bytes(), b"secret")[1], 0, "{user} has this password");
    assert_eq!(wire.ask(CONNECT, target).code, 0, "{user} may go to {target}");
    wire
}

/// Serves without a pause long enough to be seen, and without making the machine its own.
fn pour(mut stream: TcpStream) {
    while stream.write_all(&[0; 16 * 1024]).is_ok() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads whatever comes, for as long as it comes.
fn drink(wire: &Wire) {
    let mut stream = wire.stream().try_clone().expect("a descriptor can be had");
    thread::spawn(move || while stream.read(&mut [0; 16 * 1024]).is_ok_and(|count| count > 0) {});
}
