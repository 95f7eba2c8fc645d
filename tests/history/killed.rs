//! Processes that are killed at any moment: no session that got an answer is without a row, and none has two.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::history::Shelf;
use rig::note::measured;
use rig::service::Service;
use rig::signals::send;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::tunnel;
use rig::usage::raise_own_descriptor_limit;
use rig::visitor::{Failure, Visit, Visitors, visit};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{echoing, launch, rate};

/// The worker alone, so often with the same monitor; ten deaths within a minute would be the service's end.
const WORKERS: u64 = 5;
const ROUNDS: u64 = 2;

/// The whole tree.
const TREES: u64 = 40;

const VISITORS: usize = 3;

/// A disk that takes longer than this to keep the beginning of a session does not hold up its answer.
const AT_MOST: Duration = Duration::from_millis(50);

/// Sessions that have their answer and stay when death comes, besides those that come and go.
const RELAYS: usize = 20;

/// The same in full, if `RUSTSOCKS_HISTORY_RELAYS` says how many relays: so many workers die, with one monitor after the other.
const ROUNDS_IN_FULL: u64 = 10;

#[test]
fn a_killed_worker_leaves_a_row_of_every_session_that_had_an_answer() {
    let (relays, rounds) = wanted_relays().map_or((RELAYS, ROUNDS), |relays| (relays, ROUNDS_IN_FULL));
    raise_own_descriptor_limit();
    let (mut recoveries, mut came, mut visited) = (Vec::new(), 0, Duration::ZERO);
    for round in 0..rounds {
        let shelf = Shelf::new();
        let service = launch(&shelf.settings()).start();
        let mut answered = Answered::default();
        for kill in 0..WORKERS {
            let target = echoing();
            let staying = answered.stay(relays, service.addr(), target);
            let visitors = come(service.addr(), target);
            let began = Instant::now();
            sleep(moment(round * WORKERS + kill));
            let worker = service.worker_pid();
            send(worker, Signal::SIGKILL);
            recoveries.push(answered.serve_again(service.addr(), target));
            let _ = service.successor_of(worker);
            visited += began.elapsed();
            came += answered.note(visitors);
            drop(staying);
        }
        assert_eq!(answered.unheard, 0, "the listener is the monitor's: nobody finds it closed");
        answered.assert_rows(&shelf, &service);
    }
    measured(format!("{} new sessions a second, while nobody served them too", rate(came, visited)));
    // The monitor lets whoever dies again and again wait, each time longer.
    let slowest = |recoveries: &mut dyn Iterator<Item = &Duration>| recoveries.max().copied().unwrap_or_default();
    let first = slowest(&mut recoveries.iter().step_by(usize::try_from(WORKERS).expect("they are few")));
    let any = slowest(&mut recoveries.iter());
    measured(format!("{} workers died beside {relays} relays", recoveries.len()));
    measured(format!(
        "the next session took at most {first:?} behind the first death, {any:?} behind any of {WORKERS} in a row"
    ));
}

#[test]
fn killed_processes_leave_a_row_of_every_session_that_had_an_answer() {
    let relays = wanted_relays().unwrap_or(RELAYS);
    raise_own_descriptor_limit();
    let shelf = Shelf::new();
    let mut answered = Answered::default();
    for kill in 0..TREES {
        let mut service = launch(&shelf.settings()).start();
        let target = echoing();
        let staying = answered.stay(relays, service.addr(), target);
        let visitors = come(service.addr(), target);
        sleep(moment(kill));
        // The order is another one each time: neither may finish what the other began.
        let mut pids = [service.process.pid(), service.worker_pid()];
        pids.rotate_left(usize::from(kill % 2 == 0));
        for pid in pids {
            send(pid, Signal::SIGKILL);
        }
        assert!(service.process.exit_within(PATIENCE).is_some());
        let _visits = answered.note(visitors);
        drop(staying);
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

fn wanted_relays() -> Option<usize> {
    let wanted = std::env::var("RUSTSOCKS_HISTORY_RELAYS").ok();
    wanted.map(|relays| relays.parse().expect("it is a number of relays"))
}

fn come(proxy: SocketAddr, target: SocketAddr) -> Vec<Visitors> {
    (0..VISITORS).map(|_| Visitors::come(proxy, target)).collect()
}

/// Sessions that had an answer: where their clients came from, and how often from there.
#[derive(Default)]
struct Answered {
    clients: HashMap<SocketAddr, usize>,
    /// Those whose answer took so long that it may have come before the record.
    late: usize,
    /// Those that were cut off before they had an answer.
    broken: usize,
    /// Those that nobody took the connection of.
    unheard: usize,
}

impl Answered {
    /// So many sessions that go on until they are dropped.
    fn stay(&mut self, relays: usize, proxy: SocketAddr, target: SocketAddr) -> Vec<Wire> {
        let stay = |_| {
            let mut client = greeted(proxy);
            let asked = Instant::now();
            assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
            self.was_answered(client.local(), asked.elapsed());
            client
        };
        (0..relays).map(stay).collect()
    }

    /// How long it takes until somebody is served again.
    fn serve_again(&mut self, proxy: SocketAddr, target: SocketAddr) -> Duration {
        let began = Instant::now();
        let is_served = || {
            let visit = visit(proxy, target, b"again");
            self.add(&visit);
            visit.is_ok()
        };
        assert!(eventually(2 * PATIENCE, is_served), "nobody is served any more");
        began.elapsed()
    }

    /// How many visits there were.
    fn note(&mut self, visitors: Vec<Visitors>) -> usize {
        let visits: Vec<_> = visitors.into_iter().flat_map(Visitors::stop).collect();
        for visit in &visits {
            self.add(visit);
        }
        visits.len()
    }

    fn add(&mut self, visit: &Result<Visit, Failure>) {
        match visit {
            Ok(visit) | Err(Failure::CutOff(visit, _)) => self.was_answered(visit.client, visit.until_reply),
            Err(Failure::Broken(_)) => self.broken += 1,
            Err(Failure::NotConnected(_)) => self.unheard += 1,
            Err(Failure::Refused(code)) => panic!("a session was refused with {code}"),
        }
    }

    fn was_answered(&mut self, client: SocketAddr, waited: Duration) {
        if waited < AT_MOST {
            *self.clients.entry(client).or_default() += 1;
        } else {
            self.late += 1;
        }
    }

    /// Whoever had an answer in time has as many rows as answers; whoever had a late one or was cut off may have one too.
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
            self.clients.iter().filter(|(client, count)| rows.get(client).unwrap_or(&0) < count).collect();
        assert!(missing.is_empty(), "sessions without a row: {missing:?}");
        let all: usize = rows.values().sum();
        let (sessions, late, broken) = (self.sessions(), self.late, self.broken);
        assert!(
            all <= sessions + late + broken,
            "{all} rows of {sessions} sessions that had an answer, {late} that had it late and {broken} that had none"
        );
        assert_eq!(history.integrity(), "ok");
        measured(format!("{sessions} sessions, {late} answered late, {broken} not answered, {all} rows"));
        let lost = running.log.lines().into_iter().find(|line| line.text("message").contains("were lost"));
        assert!(lost.is_none(), "{lost:?}");
    }

    fn sessions(&self) -> usize {
        self.clients.values().sum()
    }
}
