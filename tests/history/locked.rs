//! A database that somebody else has locked: nobody waits for it, and it catches up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rig::history::History;
use rig::note::measured;
use rig::service::Service;
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, history_of, launch, length, rate, visited};

const VISITORS: usize = 4;

#[test]
fn nobody_waits_for_a_locked_database_and_it_catches_up() {
    let lock = length(Duration::from_secs(5));
    let service = launch("[sessions]\nbatch_interval_ms = 100\n").start();
    let (history, target) = (history_of(&service), echoing());
    history_is_there(&service, &history);
    let waits = |until: Duration| {
        let end = Instant::now() + until;
        let mut waits: Vec<Duration> = std::thread::scope(|scope| {
            let visitors = [(); VISITORS].map(|()| scope.spawn(|| waits_until(service.addr(), target, end)));
            visitors.into_iter().flat_map(|visitor| visitor.join().expect("nothing fails")).collect()
        });
        waits.sort_unstable();
        waits
    };
    let open = waits((lock / 5).max(Duration::from_secs(1)));
    let (locked, rows) = history.while_locked(|| (waits(lock), history.count()));
    let unlocked = Instant::now();
    let said = service.event_with("cannot use the history's database");
    assert!(said.contains("another process holds its lock"), "{said}");
    let all = 1 + open.len() + locked.len();
    assert!(eventually(PATIENCE, || closed(&history) == all), "{} of {all} rows are there", closed(&history));
    let caught_up = unlocked.elapsed();
    let middle = |waits: &[Duration]| waits[waits.len() / 2];
    let slowest = |waits: &[Duration]| (waits[waits.len() - waits.len().div_ceil(1_000)], waits[waits.len() - 1]);
    let (before, meanwhile) = (middle(&open), middle(&locked));
    let (_, worst) = slowest(&locked);
    measured(format!("answers took {before:?}, and {meanwhile:?} while it was locked for {lock:?}"));
    measured(format!(
        "one in a thousand and the slowest: {:?}, and {:?} while it was locked",
        slowest(&open),
        slowest(&locked)
    ));
    measured(format!("then {} rows in {caught_up:?}, {} a second", all - rows, rate(all - rows, caught_up)));
    assert!(meanwhile < before + Duration::from_millis(10), "an answer took {meanwhile:?} instead of {before:?}");
    assert!(worst < lock / 2, "an answer took {worst:?}");
    let _ = service.event("the history's database can be used again");
}

fn waits_until(proxy: SocketAddr, target: SocketAddr, end: Instant) -> Vec<Duration> {
    let visits = std::iter::from_fn(|| (Instant::now() < end).then(|| visit(proxy, target, b"quick")));
    visits.map(|visit| visit.expect("nothing fails").until_reply).collect()
}

/// One mebibyte is a few thousand sessions.
#[test]
fn what_finds_no_room_in_the_spool_is_counted_and_the_dearest_goes_last() {
    const EACH: usize = 2_000;
    let service = launch("[sessions]\nbatch_interval_ms = 100\nspool_max_mib = 1\n").start();
    let (history, target) = (history_of(&service), echoing());
    history_is_there(&service, &history);
    history.while_locked(|| {
        std::thread::scope(|scope| {
            let come = || {
                for _ in 0..EACH {
                    let _ = visited(&service, target);
                }
            };
            for _ in 0..VISITORS {
                let _joined_by_the_scope = scope.spawn(come);
            }
        });
    });
    let visits = VISITORS * EACH;
    let lost = || service.log.lines().into_iter().rfind(|line| line.text("message").contains("were lost"));
    assert!(eventually(PATIENCE, || lost().is_some()), "the loss is told");
    let least = visits / 3;
    history.wait_for(least, 2 * PATIENCE);
    let settled = || {
        let before = closed(&history);
        std::thread::sleep(Duration::from_secs(1));
        (closed(&history) == before).then_some(before)
    };
    let rows = rig::wait::found(2 * PATIENCE, settled).expect("it comes to rest");
    let line = lost().expect("it was there");
    let [openings, endings] = ["openings", "endings"].map(|kind| line.number(kind));
    measured(format!("{visits} sessions, {rows} rows, {openings} openings and {endings} endings lost"));
    assert!(openings > endings, "openings go before endings");
    assert!(rows < visits + 1, "there was not room for all");
    let size: u64 = history.segments().iter().map(|path| path.metadata().map_or(0, |found| found.len())).sum();
    assert!(size <= 2 * 1024 * 1024, "the spool has {size} bytes");
    assert_eq!(history.integrity(), "ok");
}

fn closed(history: &History) -> usize {
    let counted = history.ask("SELECT count(*) AS rows FROM sessions WHERE status = 'closed'").expect("it can be read");
    usize::try_from(counted[0].number("rows")).expect("counts fit")
}

fn history_is_there(service: &Service, history: &History) {
    let first = visited(service, echoing());
    let _ = history.row_of(first);
}
