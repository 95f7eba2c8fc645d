//! A full disk: nothing stops, the log tells it, and everything is written when there is room.

use rig::disk::Disk;
use rig::history::{History, settings_in};
use rig::network;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, launch, visited};

#[test]
fn sessions_on_a_full_disk_are_served_and_written_when_there_is_room() {
    network::alone(|| {
        let disk = Disk::of_kib(2_048);
        let service = launch(&settings_in(disk.path())).start();
        let (history, target) = (History::in_directory(disk.path()), echoing());
        let before: Vec<_> = (0..20).map(|_| visited(&service, target)).collect();
        history.wait_for(before.len(), PATIENCE);
        disk.fill();
        let meanwhile: Vec<_> = (0..300).map(|_| visited(&service, target)).collect();
        let _ = service.event_with("cannot use the history's");
        let worker = service.worker_pid();
        disk.empty();
        let after = visited(&service, target);
        let all = before.len() + meanwhile.len() + 1;
        let is_there = || history.rows().iter().filter(|row| row.text("status") == "closed").count() == all;
        assert!(eventually(PATIENCE, is_there), "{} of {all} rows are there", history.count());
        assert_eq!(history.row_of(after).text("status"), "closed");
        let _ = service.event_with("can be used again");
        assert_eq!((service.worker_pid(), history.integrity().as_str()), (worker, "ok"));
        let lost = service.log.lines().into_iter().find(|line| line.text("message").contains("were lost"));
        assert!(lost.is_none(), "{lost:?}");
    });
}

#[test]
fn a_disk_that_was_full_from_the_beginning_is_used_when_there_is_room() {
    network::alone(|| {
        let disk = Disk::of_kib(2_048);
        disk.fill();
        let service = launch(&settings_in(disk.path())).start();
        let (history, target) = (History::in_directory(disk.path()), echoing());
        let clients: Vec<_> = (0..20).map(|_| visited(&service, target)).collect();
        let _ = service.event_with("cannot use the history's spool");
        disk.empty();
        history.wait_for(clients.len(), PATIENCE);
        assert_eq!(history.row_of(clients[0]).text("status"), "closed");
    });
}
