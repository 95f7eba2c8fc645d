//! A worker and its PAM helpers, when they are not those in the post: a candidate for it, or one who has left it.

use std::io;
use std::process::ExitStatus;
use std::time::Instant;

use nix::sys::signal::Signal;
use tracing::debug;
use wire::ToMonitor;

use crate::autopsy;
use crate::helpers::Helpers;
use crate::worker::{LAST_BREATH, Look, Worker};

/// Frames taken from one worker in one round, so that a flood of them cannot keep signals waiting.
pub(crate) const FRAMES_PER_ROUND: usize = 64;

#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) worker: Worker,
    /// After the worker, for they end when it has ended.
    pub(crate) helpers: Helpers,
}

impl Crew {
    /// Sends what waits and takes what has come; says whether it reports that it serves.
    pub(crate) fn hear(&mut self, now: Instant) -> bool {
        let mut is_ready = false;
        for _ in 0..FRAMES_PER_ROUND {
            self.worker.flush();
            match self.worker.hear() {
                Ok(Some(heard)) => is_ready |= self.take(heard.frame),
                Ok(None) => break,
                Err(fault) => {
                    self.worker.condemn_for(fault, now);
                    break;
                }
            }
        }
        is_ready
    }

    fn take(&mut self, frame: ToMonitor) -> bool {
        match frame {
            ToMonitor::Heartbeat { sessions, silent } => self.worker.beats(sessions, silent),
            ToMonitor::PamHelperStuck { number } => self.helpers.kill(number),
            ToMonitor::Failed { reason } => self.worker.last_words = Some(reason),
            ToMonitor::Drained { remaining } => debug!(worker = self.worker.pid(), remaining, "drained"),
            // Orders are for the worker in the post to pass on.
            ToMonitor::WantReload { .. } => debug!(worker = self.worker.pid(), "wants a reload and is not in the post"),
            ToMonitor::ReplaceText { .. } | ToMonitor::WorkByText { .. } | ToMonitor::IsWritable { .. } => {
                debug!(worker = self.worker.pid(), "wants something of a file and is not in the post");
            }
            ToMonitor::WantRehearsal { .. } | ToMonitor::Rehearsed => {
                debug!(worker = self.worker.pid(), "speaks of a rehearsal and is not in the post");
            }
            // What has left the post is told of reloads, but nobody waits for its answer.
            ToMonitor::Reloaded { generation, .. } => debug!(worker = self.worker.pid(), generation, "reloaded"),
            ToMonitor::Ready => return true,
        }
        false
    }

    /// Lets time pass for the worker.
    pub(crate) fn judge(&mut self, now: Instant) {
        if let Look::Faulty(fault) = self.worker.look(now) {
            autopsy::log(self.worker.pid(), &fault);
            self.worker.signal(Signal::SIGABRT);
            self.worker.condemn(fault, now + LAST_BREATH);
        }
    }

    /// How the worker ended, once it has; its helpers then have no more to do.
    pub(crate) fn end(&mut self, now: Instant) -> io::Result<Option<ExitStatus>> {
        let Some(status) = self.worker.end()? else { return Ok(None) };
        // Its last words may have come after the last round.
        self.hear(now);
        self.helpers.dismiss(now);
        Ok(Some(status))
    }
}
