//! The power fails at any moment: what a daemon finds then is sane, holds no session that never was, and lacks little.
//!
//! A cut is what lies on the disk at one moment: copies of all files, made while the worker stands still. Some cuts also lose
//! the end of what was written last, which the kernel had not flushed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use rig::history::{History, Shelf};
use rig::note::measured;
use rig::service::Service;
use rig::signals::send;
use rig::visitor::{Visitors, visit};
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, launch};

const CUTS: u64 = 200;

/// Started at once, to see what they make of their cuts.
const HEIRS: usize = 3;

/// What the promise of a second is worth on a machine that is busy with other tests.
const LATE: Duration = Duration::from_secs(3);

/// An answer waits 50 ms at most for its opening to be written: where other tests keep the processors busy, a writer is later than
/// that once in thousands of sessions.
const UNWRITTEN: usize = 3;

struct Cut {
    files: Shelf,
    /// Microseconds since 1970.
    at: i64,
    /// Whether the ends of files are missing.
    is_torn: bool,
}

#[test]
fn after_any_cut_there_is_nothing_that_never_was_and_nothing_old_is_missing() {
    let shelf = Shelf::new();
    let service = launch(&shelf.settings()).start();
    let target = echoing();
    let first = visit(service.addr(), target, b"first").expect("all is well").client;
    let _ = shelf.history().row_of(first);
    let visitors: Vec<_> = (0..2).map(|_| Visitors::come(service.addr(), target)).collect();
    let cuts: Vec<Cut> = (0..CUTS).map(|number| cut(&shelf, &service, number)).collect();
    let visits = visitors.into_iter().flat_map(Visitors::stop).map(|visit| visit.expect("nothing fails").client);
    let clients: Vec<SocketAddr> = visits.chain([first]).collect();
    let complete = shelf.history();
    let is_complete = || complete.rows().iter().filter(|row| row.text("status") == "closed").count() == clients.len();
    assert!(eventually(PATIENCE, is_complete), "{} rows of {} sessions", complete.count(), clients.len());
    let ended = ends(&complete);
    drop(service);

    let (cuts, seen) = (Mutex::new(cuts), Mutex::new((0, 0, 0)));
    thread::scope(|scope| {
        for _ in 0..HEIRS {
            scope.spawn(|| {
                while let Some(cut) = { cuts.lock().expect("nobody panics with it").pop() } {
                    let (rows, missing) = assert_sane(&cut, &ended);
                    let mut seen = seen.lock().expect("nobody panics with it");
                    let of_whole = if cut.is_torn { 0 } else { missing };
                    *seen = (seen.0 + rows, seen.1.max(missing), seen.2 + of_whole);
                }
            });
        }
    });
    let (rows, missing, of_whole) = *seen.lock().expect("nobody panicked with it");
    measured(format!(
        "{} sessions, {CUTS} cuts with {rows} rows in all; at most {missing} ended before a cut and were not in it",
        ended.len()
    ));
    assert!(of_whole <= UNWRITTEN, "{of_whole} sessions that ended before a cut which lost nothing are missing");
}

/// Copies everything while the worker stands still, at some moment of its work.
fn cut(shelf: &Shelf, service: &Service, number: u64) -> Cut {
    wait_until_it_writes_again(&shelf.history());
    sleep(Duration::from_micros(number * 7_919 % 20_000));
    let worker = service.worker_pid();
    send(worker, Signal::SIGSTOP);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_micros();
    let files = shelf.copied();
    send(worker, Signal::SIGCONT);
    let is_torn = number % 2 == 1;
    if is_torn {
        tear(&files.history(), number);
    }
    Cut { files, at: i64::try_from(at).expect("it is before the year 294 000"), is_torn }
}

/// While it stood still its spool seemed held up, and then no answer waits for its opening.
fn wait_until_it_writes_again(history: &History) {
    let length = || -> u64 { history.segments().iter().flat_map(fs::metadata).map(|found| found.len()).sum() };
    // The second write has what came while the first one was still on its way.
    for _ in 0..2 {
        let before = length();
        assert!(eventually(PATIENCE, || length() != before), "it goes on to write");
    }
}

/// Loses up to a few pages of the spool's end, and of the database's log what was written into it last.
fn tear(history: &History, number: u64) {
    let mut files = history.segments();
    files.extend(Some(history.database().with_extension("db-wal")).filter(|path| path.exists()));
    for file in files.iter().rev().take(2) {
        let length = fs::metadata(file).expect("the file is there").len();
        let lost = (number * 104_729 % 9_000).min(length);
        let file = fs::OpenOptions::new().write(true).open(file).expect("the file is ours");
        file.set_len(length - lost).expect("a file can be cut");
    }
}

/// When each session ended, by id.
fn ends(history: &History) -> HashMap<String, i64> {
    history.rows().iter().map(|row| (row.text("id").to_owned(), row.number("end_time"))).collect()
}

/// Starts a daemon with what was left; returns how many rows it has, and how many of the sessions that were over are missing.
fn assert_sane(cut: &Cut, ended: &HashMap<String, i64>) -> (usize, usize) {
    let history = cut.files.history();
    let heir = launch(&cut.files.settings()).start();
    let is_settled = || {
        let rows = history.ask("SELECT count(*) AS rows FROM sessions WHERE status = 'active'");
        rows.is_ok_and(|rows| rows[0].number("rows") == 0) && history.segments().is_empty()
    };
    assert!(eventually(2 * PATIENCE, is_settled), "the heir reads everything: {:?}", history.segments());
    drop(heir);
    assert_eq!(history.integrity(), "ok");
    let found = history.rows();
    let invented: Vec<_> = found.iter().filter(|row| !ended.contains_key(row.text("id"))).collect();
    assert!(invented.is_empty(), "sessions that never were: {invented:#?}");
    let ids: HashSet<&str> = found.iter().map(|row| row.text("id")).collect();
    let over = ended.iter().filter(|(_, end)| **end < cut.at);
    let missing: Vec<_> = over.filter(|(id, _)| !ids.contains(id.as_str())).collect();
    let late = i64::try_from(LATE.as_micros()).expect("it is short");
    let old: Vec<_> = missing.iter().filter(|(_, end)| **end < cut.at - late).collect();
    assert!(old.is_empty(), "sessions that ended long before the cut are missing: {old:?}");
    (found.len(), missing.len())
}
