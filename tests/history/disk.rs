//! A full disk: nothing stops, the log tells it, what is lost is counted, and everything else is written when there is room.

use std::net::SocketAddr;
use std::thread::scope;
use std::time::{Duration, Instant};

use rig::disk::Disk;
use rig::history::{History, settings_in};
use rig::network;
use rig::note::measured;
use rig::scrape::Endpoint;
use rig::service::Service;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, launch, length, visited};

const VISITORS: usize = 4;

#[test]
fn sessions_on_a_full_disk_are_served_and_written_when_there_is_room() {
    let fullness = length(Duration::from_secs(2));
    network::alone(|| {
        let (disk, endpoint) = (Disk::of_kib(65_536), Endpoint::reserve());
        let service = launch(&[settings_in(disk.path()), endpoint.settings()].concat()).start();
        let (history, target) = (History::in_directory(disk.path()), echoing());
        let before: Vec<_> = (0..20).map(|_| visited(&service, target)).collect();
        history.wait_for(before.len(), PATIENCE);
        disk.fill();
        let meanwhile = visits_for(&service, target, fullness);
        let _ = service.event_with("cannot use the history's");
        let worker = service.worker_pid();
        disk.empty();
        let after = visited(&service, target);
        let _ = service.event_with("can be used again");
        let all = before.len() + meanwhile + 1;
        let lost = || endpoint.scrape().count("rustsocks_history_lost_total{kind=\"ending\"}");
        let closed = || history.rows().iter().filter(|row| row.text("status") == "closed").count();
        let is_there = || closed() as u64 + lost() == all as u64;
        assert!(eventually(2 * PATIENCE, is_there), "{} rows and {} losses of {all} sessions", closed(), lost());
        measured(format!("{meanwhile} sessions while the disk was full; {} of {all} lost their ending", lost()));
        assert_eq!(history.row_of(after).text("status"), "closed");
        assert_eq!((service.worker_pid(), history.integrity().as_str()), (worker, "ok"));
        let told = service.log.lines().iter().any(|line| line.text("message").contains("were lost"));
        assert!(told || lost() == 0, "what is lost is told");
    });
}

/// How many sessions there were; each went well.
fn visits_for(service: &Service, target: SocketAddr, lasts: Duration) -> usize {
    let end = Instant::now() + lasts;
    let visits = || std::iter::from_fn(|| (Instant::now() < end).then(|| visited(service, target))).count();
    scope(|scope| {
        let visitors = [(); VISITORS].map(|()| scope.spawn(visits));
        visitors.into_iter().map(|visitor| visitor.join().expect("nothing fails")).sum()
    })
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
