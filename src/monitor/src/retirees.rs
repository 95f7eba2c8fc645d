//! The workers in whose place others have come: they accept nothing new and end with their last session, or when their time is over.
//!
//! What they say is heard for the number of their sessions; nobody asks them anything any more.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::poll::PollFd;
use tracing::{info, warn};
use wire::ToWorker;

use crate::crew::Crew;
use crate::handover::Parcel;
use crate::worker::Fault;

/// What a worker gets on top of its time, to cut the rest and close its books.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// So many may be there at a time; each has memory and threads of its own.
pub(crate) const LIMIT: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Retirees(Vec<Retiree>);

#[derive(Debug)]
pub(crate) struct Retiree {
    pub(crate) crew: Crew,
    /// When it cuts the sessions that are left.
    pub(crate) until: Instant,
    pub(crate) has_ended: bool,
}

impl Retirees {
    /// Tells a worker that its place is taken.
    pub(crate) fn retire(&mut self, mut crew: Crew, patience: Duration, now: Instant) {
        let deadline_ms = milliseconds(patience);
        info!(worker = crew.worker.pid(), sessions = crew.worker.sessions, deadline = ?patience, "the former worker retires");
        crew.helpers.close();
        crew.worker.tell(ToWorker::Retire { deadline_ms });
        self.adopt(crew, now + patience);
    }

    /// Takes in one that knows already.
    pub(crate) fn adopt(&mut self, crew: Crew, until: Instant) {
        self.0.push(Retiree { crew, until, has_ended: false });
    }

    /// The same frame to all of them.
    pub(crate) fn tell(&mut self, frame: ToWorker) {
        self.0.iter_mut().for_each(|retiree| retiree.crew.worker.tell(frame));
    }

    /// What a reload brings, so that whoever may not go on is cut here too.
    pub(crate) fn pass_on(&mut self, parcels: &[Parcel]) {
        for retiree in &mut self.0 {
            parcels.iter().cloned().for_each(|parcel| retiree.crew.worker.tell(parcel));
        }
    }

    /// The service stops: they have no longer than it has.
    pub(crate) fn hurry(&mut self, frame: ToWorker, until: Instant) {
        self.tell(frame);
        for retiree in &mut self.0 {
            retiree.until = retiree.until.min(until);
        }
    }

    pub(crate) fn watched(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.0.iter().filter_map(|retiree| retiree.crew.worker.watched())
    }

    pub(crate) fn hear(&mut self, now: Instant) {
        for retiree in &mut self.0 {
            let _it_has_said_so_before = retiree.crew.hear(now);
        }
    }

    /// Lets time pass for them.
    pub(crate) fn judge(&mut self, now: Instant) {
        for retiree in self.0.iter_mut().filter(|retiree| !retiree.has_ended) {
            if now >= retiree.until + GRACE {
                retiree.crew.worker.condemn(Fault::DidNotStop, now);
            }
            retiree.crew.judge(now);
        }
    }

    /// Notices who has ended; returns how the last of those did who did not end well.
    pub(crate) fn reap(&mut self, now: Instant) -> io::Result<Option<ExitStatus>> {
        let mut worst = None;
        for retiree in &mut self.0 {
            let _one_that_dies_is_not_replaced = retiree.crew.helpers.reap(now);
            if retiree.has_ended {
                continue;
            }
            if let Some(status) = retiree.crew.end(now)? {
                retiree.has_ended = true;
                retiree.mourn(status);
                worst = worst.or(Some(status).filter(|status| !status.success()));
            }
        }
        self.0.retain(|retiree| !retiree.has_ended || !retiree.crew.helpers.are_gone());
        Ok(worst)
    }

    /// Those that have not ended.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Retiree> {
        self.0.iter().filter(|retiree| !retiree.has_ended)
    }

    pub(crate) fn count(&self) -> usize {
        self.present().count()
    }

    /// The sessions of all of them, by their last heartbeats.
    pub(crate) fn sessions(&self) -> u32 {
        self.present().map(|retiree| retiree.crew.worker.sessions).sum()
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        let of =
            |retiree: &Retiree| [retiree.crew.worker.due(), retiree.crew.helpers.due()].into_iter().flatten().min();
        self.0.iter().filter_map(of).min()
    }
}

impl Retiree {
    fn mourn(&self, status: ExitStatus) {
        let (pid, sessions) = (self.crew.worker.pid(), self.crew.worker.sessions);
        if status.success() {
            info!(worker = pid, "a retired worker has ended");
        } else {
            let fault = self.crew.worker.fault().map(ToString::to_string);
            warn!(worker = pid, %status, sessions, fault, "a retired worker died");
        }
    }
}

/// As a frame has it: at most 49 days.
pub(crate) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
