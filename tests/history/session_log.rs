//! The file of sessions alone: a line for each, whatever the log says, and a new file when the old one was moved.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::session_log::SessionLog;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Vacant;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, launch, visited};

#[test]
fn each_session_has_a_line_in_its_own_file_and_a_moved_file_gets_no_more() {
    let service = launch("[logging]\nlevel = \"warn\"\nsession_log = \"{dir}/sessions.log\"\n").start();
    let file = service.directory().join("sessions.log");
    let (log, target) = (SessionLog::of(file.clone()), echoing());
    let before = visited(&service, target);
    let mut refused = greeted(service.addr());
    assert_eq!(refused.ask(CONNECT, Vacant::port().addr()).code, rep::REFUSED);
    let refused = refused.leave();
    let line = line_of(&log, before);
    assert_eq!((line.text("ending"), line.number("bytes_sent"), line.text("level")), ("client_closed", 5, "INFO"));
    assert_eq!(line_of(&log, refused).text("reason"), "connection_refused");
    assert!(!service.log.text().contains("session closed"), "the log itself is quiet");

    let moved = service.directory().join("sessions.log.1");
    fs::rename(&file, &moved).expect("the file is there");
    service.process.signal(Signal::SIGHUP);
    // The signal takes its time; until it has come, lines go where they went.
    let is_heard = || {
        let client = visited(&service, target).to_string();
        log.session(|line| line.text("client") == client, Duration::from_secs(1)).is_some()
    };
    assert!(eventually(PATIENCE, is_heard));
    let old = SessionLog::of(moved);
    let kept = old.lines().len();
    let after = visited(&service, target);
    let _ = line_of(&log, after);
    assert_eq!(old.lines().len(), kept, "{}", old.text());
}

#[test]
fn a_session_log_that_cannot_be_opened_is_named_at_the_start() {
    let refusal = launch("[logging]\nsession_log = \"{dir}/nowhere/sessions.log\"\n").refused();
    let words = refusal.expect("it cannot serve").words;
    assert!(words.contains("logging.session_log") && words.contains("nowhere/sessions.log"), "{words}");
}

fn line_of(log: &SessionLog, client: SocketAddr) -> rig::session_log::Line {
    let client = client.to_string();
    let line = log.session(|line| line.text("client") == client, PATIENCE);
    line.unwrap_or_else(|| panic!("the session of {client} should have its line in\n{}", log.text()))
}
