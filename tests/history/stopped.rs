//! Stopping and starting again, and what becomes of old rows.

use std::time::Duration;

use nix::sys::signal::Signal;
use rig::history::Shelf;
use rig::service::Service;
use rig::target::tunnel;
use rig::wait::PATIENCE;

use crate::{echoing, launch, visited};

#[test]
fn a_daemon_that_stops_leaves_everything_in_the_database_and_nothing_in_the_spool() {
    let shelf = Shelf::new();
    let settings = [&shelf.settings(), "checkpoint_secs = 1\n[server]\ndrain_secs = 0\n"].concat();
    // So long that only the stop writes them.
    let settings = settings.replace("batch_interval_ms = 100", "batch_interval_ms = 60000\nbatch_size = 10000");
    let service = launch(&settings).start();
    let target = echoing();
    let visits: Vec<_> = (0..50).map(|_| visited(&service, target)).collect();
    let (client, _target) = tunnel(service.addr());
    stop(service);
    let history = shelf.history();
    assert_eq!(history.segments(), Vec::<std::path::PathBuf>::new());
    assert_eq!(history.count(), visits.len() + 1);
    assert_eq!(history.row_of(client.local()).text("close_reason"), "stopped");
    assert_eq!(history.integrity(), "ok");
}

#[test]
fn rows_that_are_too_old_are_removed_when_the_daemon_starts_and_others_stay() {
    let shelf = Shelf::new();
    let settings = [&shelf.settings(), "retention_days = 30\n"].concat();
    let target = echoing();
    let service = launch(&settings).start();
    let recent = visited(&service, target);
    stop(service);

    let days_ago = |days: i64| format!("(unixepoch() - {days} * 86400) * 1000000");
    // Began and ended long ago; began long ago and ended not long ago; neither is long ago.
    let rows =
        [(40, Some(31)), (40, Some(29)), (29, Some(29))].map(|(began, ended)| (days_ago(began), ended.map(days_ago)));
    let database = shelf.history().open();
    for round in 0..1_200 {
        let (began, ended) = &rows[round % rows.len()];
        let ended = ended.as_deref().unwrap_or("NULL");
        // As in every id, its beginning is the millisecond of the start.
        let id = format!("unhex(printf('%012x', {began} / 1000) || hex(randomblob(10)))");
        let sql = format!(
            "INSERT INTO sessions (session_id, start_time, end_time, status, listener, generation) VALUES ({id}, {began}, {ended}, 'closed', 'test', 1)"
        );
        database.execute(&sql, []).expect("the file is ours");
    }
    drop(database);

    let service = launch(&settings).start();
    let line = service.event("old sessions are removed from the history");
    assert_eq!(line.number("rows"), 400);
    assert_eq!(shelf.history().count(), 801);
    let _ = shelf.history().row_of(recent);
}

fn stop(mut service: Service) {
    service.process.signal(Signal::SIGTERM);
    let exit = service.process.exit_within(2 * PATIENCE).expect("it stops");
    assert!(exit.success(), "it stops well: {exit}");
    assert!(service.process.exit_within(Duration::ZERO).is_some());
}
