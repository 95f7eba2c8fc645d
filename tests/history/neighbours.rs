//! Two daemons that want to keep their history in one place: the second says so, serves, and takes over when it can.

use nix::sys::signal::Signal;
use rig::history::Shelf;
use rig::wait::PATIENCE;

use crate::{echoing, launch, visited};

#[test]
fn a_place_has_one_owner_and_the_next_one_waits_for_it() {
    let shelf = Shelf::new();
    let target = echoing();
    let mut first = launch(&shelf.settings()).start();
    let of_first = visited(&first, target);
    let _ = shelf.history().row_of(of_first);
    let second = launch(&shelf.settings()).start();
    let said = second.event_with("cannot use the history's spool");
    assert!(said.contains("another process keeps its history there"), "{said}");
    let of_second = visited(&second, target);
    assert_eq!(shelf.history().count(), 1, "only one writes");

    first.process.signal(Signal::SIGTERM);
    assert!(first.process.exit_within(2 * PATIENCE).is_some());
    assert_eq!(shelf.history().row_of(of_second).text("status"), "closed");
    let _ = second.event_with("the history's spool can be used again");
    assert_eq!(shelf.history().row_of(of_first).text("status"), "closed");
}
