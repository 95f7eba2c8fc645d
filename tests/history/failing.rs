//! A disk that fails while it is told to flush: the database is opened anew until it works, and nothing is missing then.

use rig::history::Shelf;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, launch, visited};

/// From the fourth to the twelfth flush of each thread, which is a few batches after the tables are made.
const FAIL: &str =
    "strace -D -f -qq -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO:when=8..16";

#[test]
fn a_disk_that_cannot_flush_costs_no_row() {
    let shelf = Shelf::new();
    let service = launch(&shelf.settings()).behind(FAIL).start();
    let (history, target) = (shelf.history(), echoing());
    let mut clients = Vec::new();
    let has_failed_and_works_again = || {
        clients.push(visited(&service, target));
        let said = |words: &str| service.log.lines().iter().any(|line| line.text("message").contains(words));
        said("disk I/O error") && said("the history's database can be used again")
    };
    assert!(eventually(2 * PATIENCE, has_failed_and_works_again), "the failure and its end are told");
    let is_complete = || history.rows().iter().filter(|row| row.text("status") == "closed").count() == clients.len();
    assert!(eventually(PATIENCE, is_complete), "{} rows of {} sessions", history.count(), clients.len());
    assert_eq!(history.integrity(), "ok");
}
