//! Processes that are killed at any moment: no session that got an answer is without a row, and none has two.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::history::Shelf;
use rig::note::measured;
use rig::service::Service;
use rig::signals::send;
use rig::target::tunnel;
use rig::visitor::{Failure, Visit, Visitors};
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, launch};

/// The worker alone, so often with the same monitor; ten deaths within a minute would be the service's end.
const WORKERS: u64 = 5;
const ROUNDS: u64 = 2;

/// The whole tree.
const TREES: u64 = 40;

const VISITORS: usize = 3;

#[test]
fn a_killed_worker_leaves_a_row_of_every_session_that_had_an_answer() {
    for round in 0..ROUNDS {
        let shelf = Shelf::new();
        let service = launch(&shelf.settings()).start();
        let mut answered = Answered::default();
        for kill in 0..WORKERS {
            let visitors = come(service.addr());
            sleep(moment(round * WORKERS + kill));
            let worker = service.worker_pid();
            send(worker, Signal::SIGKILL);
            let _ = service.successor_of(worker);
            answered.note(visitors);
        }
        answered.assert_rows(&shelf, &service);
    }
}

#[test]
fn killed_processes_leave_a_row_of_every_session_that_had_an_answer() {
    let shelf = Shelf::new();
    let mut answered = Answered::default();
    for kill in 0..TREES {
        let mut service = launch(&shelf.settings()).start();
        let visitors = come(service.addr());
        sleep(moment(kill));
        // The order is another one each time: neither may finish what the other began.
        let mut pids = [service.process.pid(), service.worker_pid()];
        pids.rotate_left(usize::from(kill % 2 == 0));
        for pid in pids {
            send(pid, Signal::SIGKILL);
        }
        assert!(service.process.exit_within(PATIENCE).is_some());
        answered.note(visitors);
    }
    let last = launch(&shelf.settings()).start();
    answered.assert_rows(&shelf, &last);
}

#[test]
fn a_session_whose_worker_was_killed_is_interrupted_with_what_its_checkpoint_knew() {
    let shelf = Shelf::new();
    let service = launch(&[&shelf.settings(), "checkpoint_secs = 1\n"].concat()).start();
    let (mut client, mut target) = tunnel(service.addr());
    client.send(b"counted");
    let _: [u8; 7] = target.receive();
    let history = shelf.history();
    let is_counted = || history.rows().iter().any(|row| row.number("bytes_sent") == 7);
    assert!(eventually(PATIENCE, is_counted), "{:#?}", history.rows());
    send(service.worker_pid(), Signal::SIGKILL);
    let row = history.row_of(client.local());
    assert_eq!((row.text("status"), row.text("close_reason")), ("interrupted", "interrupted"));
    assert_eq!((row.number("bytes_sent"), row.number("bytes_received")), (7, 0));
    assert_eq!(row.text("dest_ip"), "127.0.0.1");
    assert!(row.number("end_time") >= row.number("start_time") + 1_000_000, "it lived until its checkpoint at least");
    assert_eq!(service.event("sessions of an earlier process are interrupted").number("sessions"), 1);
}

/// Anything from nothing to half a second, differently each time.
fn moment(number: u64) -> Duration {
    Duration::from_millis(number * 7_919 % 500)
}

fn come(proxy: SocketAddr) -> Vec<Visitors> {
    let target = echoing();
    (0..VISITORS).map(|_| Visitors::come(proxy, target)).collect()
}

/// Sessions that had an answer: where their clients came from, and how often from there.
#[derive(Default)]
struct Answered {
    well: HashMap<SocketAddr, usize>,
    broken: usize,
}

impl Answered {
    fn note(&mut self, visitors: Vec<Visitors>) {
        for visit in visitors.into_iter().flat_map(Visitors::stop) {
            match visit {
                Ok(Visit { client, .. }) => *self.well.entry(client).or_default() += 1,
                Err(Failure::Broken(_) | Failure::NotConnected(_)) => self.broken += 1,
                Err(Failure::Refused(code)) => panic!("a session was refused with {code}"),
            }
        }
    }

    /// Whoever had an answer has as many rows as answers; whoever was cut off may have one too.
    fn assert_rows(&self, place: &Shelf, running: &Service) {
        let history = place.history();
        let is_settled = || {
            let rows = history.rows();
            rows.len() >= self.sessions() && rows.iter().all(|row| row.text("status") != "active")
        };
        assert!(eventually(2 * PATIENCE, is_settled), "{} rows of {} sessions", history.count(), self.sessions());
        let mut rows: HashMap<SocketAddr, usize> = HashMap::new();
        for row in history.rows() {
            *rows.entry(row.client().expect("clients have addresses")).or_default() += 1;
        }
        let missing: Vec<_> =
            self.well.iter().filter(|(client, count)| rows.get(client).unwrap_or(&0) < count).collect();
        assert!(missing.is_empty(), "sessions without a row: {missing:?}");
        let all: usize = rows.values().sum();
        let most = self.sessions() + self.broken;
        assert!(
            all <= most,
            "{all} rows of {} sessions that went well and {} that did not",
            self.sessions(),
            self.broken
        );
        assert_eq!(history.integrity(), "ok");
        measured(format!("{} sessions, {} cut off, {all} rows", self.sessions(), self.broken));
        let lost = running.log.lines().into_iter().find(|line| line.text("message").contains("were lost"));
        assert!(lost.is_none(), "{lost:?}");
    }

    fn sessions(&self) -> usize {
        self.well.values().sum()
    }
}
