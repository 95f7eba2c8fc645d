//! Two daemons that keep their history in one place: each has a spool of its own, and whoever lives on brings in what the other leaves.

use nix::sys::signal::Signal;
use rig::history::Shelf;
use rig::wait::PATIENCE;

use crate::{echoing, launch, visited};

#[test]
fn two_keep_their_history_in_one_place_and_neither_ends_the_sessions_of_the_other() {
    let shelf = Shelf::new();
    let target = echoing();
    let mut first = launch(&shelf.settings()).start();
    let (early, _early_target) = rig::target::tunnel(first.addr());
    let second = launch(&shelf.settings()).start();
    let of_second = visited(&second, target);
    assert_eq!(shelf.history().row_of(of_second).text("status"), "closed");
    let status = || {
        shelf
            .history()
            .rows()
            .iter()
            .find(|row| row.client() == Some(early.local()))
            .map(|row| row.text("status").to_owned())
    };
    assert_eq!(status().as_deref(), Some("active"));

    first.process.signal(Signal::SIGKILL);
    assert!(first.process.exit_within(2 * PATIENCE).is_some());
    assert_eq!(shelf.history().row_of(early.local()).text("status"), "interrupted");
    assert_eq!(shelf.history().count(), 2);
}
