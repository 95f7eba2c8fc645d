//! A log file that is renamed, removed, or on a full disk: it is begun anew, losses are counted, and no relay notices.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::disk::Disk;
use rig::network;
use rig::place::open_to_everybody;
use rig::service::Service;
use rig::session_log::SessionLog;
use rig::signals::send;
use rig::target::{Target, echo};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};

use crate::{launch, start};

#[test]
fn a_renamed_log_is_left_and_a_new_one_begun_on_sighup() {
    let service = start("");
    let rotated = service.directory().join("log.1");
    let before = visited(&service);
    let _ = service.session_of(before);
    fs::rename(service.directory().join("log"), &rotated).expect("the log is there");
    // Its line is the first in the new file.
    let _ = service.reload();
    let after = visited(&service);
    let _ = service.session_of(after);
    let kept = SessionLog::of(rotated);
    assert!(has_line(&kept, before) && !has_line(&kept, after), "the old file keeps what it had, and gets no more");

    // The monitor writes to the same file and hears the same signal.
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _ = service.successor_of(worker);
    assert_eq!(service.event("the worker died").number("worker"), u64::from(worker));
}

#[test]
fn a_renamed_log_is_noticed_without_being_told() {
    let service = start("");
    fs::rename(service.directory().join("log"), service.directory().join("log.1")).expect("the log is there");
    let is_anew = || shows_up(&service, visited(&service));
    assert!(eventually(PATIENCE, is_anew), "a new file is begun");
}

/// The worker may write to a directory that is made anew only if it can do no harm in the one above, as in /var/log.
#[test]
fn a_removed_directory_is_noticed_when_it_is_back() {
    let launch = launch("");
    let place = launch.directory().join("logs");
    make_place(&place);
    fs::set_permissions(launch.directory(), Permissions::from_mode(0o755)).expect("the directory is ours");
    let service = launch.log_at(&place.join("log")).start();
    let _ = service.session_of(visited(&service));
    fs::remove_dir_all(&place).expect("the directory is there");
    service.process.signal(Signal::SIGHUP);
    let lost: Vec<_> = (0..20).map(|_| visited(&service)).collect();
    make_place(&place);
    let is_back = || shows_up(&service, visited(&service));
    assert!(eventually(PATIENCE, is_back), "the log is written again");
    assert_lost(&service, &lost);
}

#[test]
fn a_log_that_takes_nothing_holds_up_nobody() {
    let service = launch("").log_at(Path::new("/dev/full")).start();
    let worker = service.worker_pid();
    for _ in 0..50 {
        visited(&service);
    }
    let complaints = || service.process.errors().matches("log file /dev/full: cannot write").count();
    assert!(eventually(PATIENCE, || complaints() > 0), "standard error tells why there is no log");
    assert!(complaints() <= 2, "monitor and worker complain once a minute, not {} times", complaints());
    assert_eq!(service.worker_pid(), worker);
}

#[test]
fn lines_for_a_full_disk_are_counted_and_told_when_there_is_room() {
    network::alone(|| {
        let disk = Disk::of_kib(128);
        let service = launch("").log_at(&disk.path().join("log")).start();
        let _ = service.session_of(visited(&service));
        disk.fill();
        let visits: Vec<_> = (0..50).map(|_| visited(&service)).collect();
        let is_told = || service.process.errors().contains("cannot write");
        assert!(eventually(PATIENCE, is_told), "standard error tells that the disk is full");
        disk.empty();
        let is_back = || shows_up(&service, visited(&service));
        assert!(eventually(PATIENCE, is_back), "there is room again");
        assert_lost(&service, &visits);
        let text = service.log.text();
        let joined = text.lines().find(|line| line.matches("{\"timestamp\"").count() > 1);
        assert_eq!(joined, None, "no line continues the remains of another");
    });
}

/// What is missing is counted: all of these visits that have no line, and at most a few lines of the house.
fn assert_lost(service: &Service, visits: &[SocketAddr]) {
    let missing = visits.iter().filter(|client| !has_line(&service.log, **client)).count() as u64;
    assert!(missing > 0, "nothing was lost");
    let counted = || counted(&service.log);
    assert!(eventually(PATIENCE, || counted() >= missing), "{} of {missing} lost lines are counted", counted());
    assert!(counted() <= missing + 10, "{missing} lost lines are counted as {}", counted());
}

/// By the last report: one that went the way of the lines before it is counted with them.
fn counted(log: &SessionLog) -> u64 {
    let text = log.text();
    let report = whole_lines(&text).filter(|line| line.contains("log lines were lost")).last();
    let total = |line: &str| line.split_once("\"total\":")?.1.split_once(',')?.0.parse().ok();
    report.and_then(total).unwrap_or_default()
}

fn visited(service: &Service) -> SocketAddr {
    let visit = visit(service.addr(), Target::listen().serve(echo), b"nobody notices");
    visit.expect("a log is no reason not to serve").client
}

fn shows_up(service: &Service, client: SocketAddr) -> bool {
    eventually(Duration::from_millis(500), || has_line(&service.log, client))
}

fn has_line(log: &SessionLog, client: SocketAddr) -> bool {
    let text = log.text();
    whole_lines(&text).any(|line| line.contains(&format!("\"client\":\"{client}\"")))
}

/// A full disk may have kept a part of a line.
fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('{') && line.ends_with('}'))
}

fn make_place(directory: &Path) {
    fs::create_dir(directory).expect("it is not there, and its parent is");
    open_to_everybody(directory);
}
