//! The conformance table: one program asks our server and its peers the same things and prints the answers side by side.
//!
//! Ours must answer every check as it should be; the peers' answers are only shown.
//! `cargo test --test conformance -- --nocapture` prints the table; it is also in `target/conformance.md`.
//! Peers that are not installed have no column. Needs root, for a network without other tests and without a route.

mod datagrams;
mod handshake;
mod hearing;
mod incoming;
mod relaying;

use std::fmt::Write;
use std::path::Path;
use std::{fs, thread};

use rig::daemon::Daemon;
use rig::dns::{Dns, Zone};
use rig::network;
use rig::server::Server;

/// One line of the table.
#[derive(Clone, Copy)]
struct Check {
    what: &'static str,
    should_be: &'static str,
    answer: fn(&Server) -> String,
}

#[test]
fn every_cell_of_ours_is_as_it_should_be() {
    let checks = all_checks();
    let columns = network::alone(|| {
        let dns = Dns::serve(Zone::default());
        network::ask_only(&dns);
        ask(&servers(), &checks)
    });
    let table = rendered(&checks, &columns);
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("conformance.md"), &table).unwrap();
    println!("{table}");
    let wrong = wrong_cells(&checks, &columns[0]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A server's answers, in the order of the checks.
struct Column {
    server: String,
    answers: Vec<String>,
}

fn all_checks() -> Vec<Check> {
    [handshake::CHECKS, relaying::CHECKS, datagrams::CHECKS, incoming::CHECKS].into_iter().flatten().copied().collect()
}

/// Ours comes first.
fn servers() -> Vec<Server> {
    let ours = Daemon::start(Path::new(env!("CARGO_BIN_EXE_rustsocks")), OUR_CONFIG);
    let peers = [Server::dante(), Server::microsocks()];
    [Server::Ours(ours)].into_iter().chain(peers.into_iter().flatten()).collect()
}

const OUR_CONFIG: &str = r#"
[commands]
bind = true
[guard]
allow = ["127.0.0.0/8"]
[timeouts]
handshake_secs = 2
"#;

/// Asks all servers at the same time.
fn ask(servers: &[Server], checks: &[Check]) -> Vec<Column> {
    thread::scope(|scope| {
        let column = |server| Column::ask(server, checks);
        let columns: Vec<_> = servers.iter().map(|server| scope.spawn(move || column(server))).collect();
        columns
            .into_iter()
            .map(|column| column.join().expect("a check has an answer for whatever a peer does"))
            .collect()
    })
}

impl Column {
    fn ask(server: &Server, checks: &[Check]) -> Self {
        let answers = checks.iter().map(|check| (check.answer)(server));
        Self { server: server.to_string(), answers: answers.collect() }
    }
}

fn rendered(checks: &[Check], columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.server.as_str()).collect();
    let mut table = format!("| check | {} | should be |\n|---|{}---|\n", names.join(" | "), "---|".repeat(names.len()));
    for (row, check) in checks.iter().enumerate() {
        let answers: Vec<_> = columns.iter().map(|column| column.answers[row].as_str()).collect();
        writeln!(table, "| {} | {} | {} |", check.what, answers.join(" | "), check.should_be)
            .expect("a String takes any text");
    }
    table
}

fn wrong_cells(checks: &[Check], ours: &Column) -> Vec<String> {
    let cells = checks.iter().zip(&ours.answers).filter(|(check, answer)| check.should_be != **answer);
    cells.map(|(check, answer)| format!("{}: {answer}, should be {}", check.what, check.should_be)).collect()
}
