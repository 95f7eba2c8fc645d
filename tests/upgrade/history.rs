//! The history, kept by two programs at a time: every session has exactly one row, whoever has served it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use nix::sys::signal::Signal;
use rig::history::{History, Row};
use rig::signals::send;
use rig::target::{Target, echo, tunnel};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};

use crate::{Installed, hears, is_gone, upgrade};

const SESSIONS: &str = "[sessions]\nbatch_interval_ms = 100\ncheckpoint_secs = 1\n";

/// The addresses of all rows with this status.
fn of_status(history: &History, status: &str) -> Vec<SocketAddr> {
    history.rows().iter().filter(|row| row.text("status") == status).filter_map(Row::client).collect()
}

#[test]
fn every_session_of_both_workers_has_one_row() {
    let installed = Installed::new();
    let service = installed.start(SESSIONS);
    let target = Target::listen().serve(echo);
    let history = History::in_directory(service.directory());
    let visits = |count: usize| (0..count).map(|_| visit(service.addr(), target, b"visit").expect("served").client);
    let mut clients: Vec<SocketAddr> = visits(20).collect();
    let first = service.worker_pid();
    let early: Vec<_> = (0..10).map(|_| tunnel(service.addr())).collect();
    upgrade(&service, &installed);
    let late: Vec<_> = (0..10).map(|_| tunnel(service.addr())).collect();
    clients.extend(visits(20));
    let open: BTreeSet<SocketAddr> = early.iter().chain(&late).map(|(client, _)| client.local()).collect();
    // Both go on at once: nobody takes the sessions of the other for abandoned ones.
    assert!(eventually(PATIENCE, || of_status(&history, "active").into_iter().collect::<BTreeSet<_>>() == open));
    for (client, target) in early.into_iter().chain(late) {
        client.finish();
        target.finish();
    }
    is_gone(first);
    clients.extend(&open);
    for client in &clients {
        assert_eq!(history.row_of(*client).text("status"), "closed");
    }
    let mut of_rows: Vec<_> = history.rows().iter().filter_map(Row::client).collect();
    of_rows.sort();
    clients.sort();
    assert_eq!(of_rows, clients, "one row for each session");
    assert_eq!(history.integrity(), "ok");
}

#[test]
fn what_a_killed_former_worker_leaves_is_brought_in_by_the_one_that_serves() {
    let installed = Installed::new();
    let service = installed.start(SESSIONS);
    let history = History::in_directory(service.directory());
    let first = service.worker_pid();
    let early = tunnel(service.addr());
    upgrade(&service, &installed);
    send(first, Signal::SIGKILL);
    hears(&service, "a retired worker died", 1);
    // Before that, it may still have taken one in.
    let late = tunnel(service.addr());
    assert_eq!(history.row_of(early.0.local()).text("status"), "interrupted");
    assert!(eventually(PATIENCE, || of_status(&history, "active") == [late.0.local()]));
}
