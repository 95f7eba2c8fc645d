//! As many short sessions as this machine can make: each has one row.

use std::time::{Duration, Instant};

use rig::note::measured;
use rig::visitor::Visitors;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, history_of, launch};

const VISITORS: usize = 8;
const LENGTH: Duration = Duration::from_secs(4);

#[test]
fn of_very_many_short_sessions_each_has_one_row() {
    let service = launch("").start();
    let target = echoing();
    let began = Instant::now();
    let visitors: Vec<_> = (0..VISITORS).map(|_| Visitors::come(service.addr(), target)).collect();
    std::thread::sleep(LENGTH);
    let visits: Vec<_> = visitors.into_iter().flat_map(Visitors::stop).collect();
    let sessions = visits.len();
    let took = began.elapsed();
    let history = history_of(&service);
    let ended = Instant::now();
    let closed = || {
        let counted = history.ask("SELECT count(*) AS rows FROM sessions WHERE status = 'closed'").unwrap_or_default();
        counted.first().map(|row| row.number("rows")).unwrap_or_default()
    };
    let all = i64::try_from(sessions).expect("counts fit");
    assert!(eventually(PATIENCE, || closed() == all), "{} rows of {sessions} sessions", closed());
    for visit in visits {
        let _visit = visit.expect("all is well");
    }
    let rate = u128::try_from(sessions).expect("counts fit") * 1_000 / took.as_millis();
    measured(format!("{sessions} sessions, {rate} a second; the last row came {:?} after the end", ended.elapsed()));
    assert_eq!(history.count(), sessions, "and no session has another one");
    let lost = service.log.lines().into_iter().find(|line| line.text("message").contains("were lost"));
    assert!(lost.is_none(), "{lost:?}");
}
