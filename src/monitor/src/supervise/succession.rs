//! The parts of the loop that an upgrade takes: from the wish for one to the worker of another program in the post.

use std::time::Instant;

use tracing::{info, warn};

use super::{Post, Stop, Supervisor};
use crate::candidate::Candidate;
use crate::crew::Crew;
use crate::helpers::Helpers;
use crate::legacy::{Estate, Legacy};
use crate::notify::Notify;
use crate::outcome::MonitorError;
use crate::plan::Plan;
use crate::reload::Reloads;
use crate::retirees;
use crate::signals::Signals;
use crate::upgrade::{Outlook, Upgrade, make_way};

impl<'a> Supervisor<'a> {
    /// One that goes on where the program stopped whose place this one has taken.
    pub(crate) fn heir(
        mut plan: Plan,
        legacy: Legacy,
        signals: Signals,
        mut reloads: Reloads<'a>,
        notify: &'a mut Notify,
    ) -> Self {
        let Legacy { documents, listeners, post, retirees, generation, restarts } = legacy;
        let generation = generation + 1;
        reloads.count_from(generation);
        let mut draft = std::mem::replace(&mut plan.documents, documents);
        for document in &mut draft {
            document.generation = generation;
        }
        let (post, helpers) = (Post::Manned(post.worker), post.helpers);
        let new = Self::new(plan, listeners, signals, reloads, notify);
        Self {
            post,
            helpers,
            helpers_are_former: true,
            retirees,
            upgrade: Upgrade::with(draft),
            restarts,
            was_ready: true,
            ..new
        }
    }

    /// Answers SIGUSR2.
    pub(super) fn begin_upgrade(&mut self, now: Instant) {
        match self.against_upgrade() {
            Some(reason) => warn!(reason, "the upgrade is refused"),
            None => self.upgrade.begin(&self.plan.successor, now),
        }
    }

    fn against_upgrade(&self) -> Option<&'static str> {
        match &self.post {
            _ if self.stop != Stop::NotAsked => Some("the service stops"),
            _ if self.upgrade.is_under_way() => Some("another one is under way"),
            _ if self.reloads.is_reloading() => Some("a reload is under way"),
            _ if self.retirees.count() >= retirees::LIMIT => Some("too many workers of former programs have sessions"),
            Post::Manned(worker) if worker.is_serving() => None,
            Post::Manned(_) | Post::Vacant { .. } => Some("the worker is not ready"),
        }
    }

    /// If the rehearsal went well, this program ends here, and the next one begins in the same process.
    pub(super) fn look_at_rehearsal(&mut self, now: Instant) {
        // The answer of a worker that rehearses a reload is for this program.
        if self.reloads.is_under_way() || !self.upgrade.is_rehearsed(now) {
            return;
        }
        let post = match &self.post {
            Post::Manned(worker) if worker.is_serving() && !worker.has_mail() => (worker, &self.helpers),
            Post::Manned(_) | Post::Vacant { .. } => return self.upgrade.fail("the worker is not well"),
        };
        let estate = Estate {
            documents: &self.plan.documents,
            listeners: &self.listeners,
            post,
            retirees: &self.retirees,
            generation: self.reloads.generation(),
            restarts: self.restarts,
        };
        let error = make_way(&estate, &self.plan.successor, self.notify, now);
        self.upgrade.fail(&error.to_string());
    }

    pub(super) fn look_after_candidate(&mut self, now: Instant) -> Result<(), MonitorError> {
        match self.upgrade.look(now).map_err(|cause| MonitorError::Wait { cause })? {
            Outlook::Open => {}
            Outlook::Ready(candidate) => self.promote(*candidate, now),
            Outlook::Failed => self.notify.ready(),
        }
        Ok(())
    }

    /// The candidate takes the post, and the former worker retires.
    fn promote(&mut self, candidate: Candidate, now: Instant) {
        let Candidate { crew, claim, documents } = candidate;
        let Crew { mut worker, helpers } = crew;
        info!(worker = worker.pid(), after = ?worker.age(now), "worker ready");
        worker.becomes_ready(self.plan.terms.watchdog, now);
        self.listeners.settle(claim, &self.plan.terms);
        self.plan.documents = documents;
        self.reloads.forget_tickets();
        let former = std::mem::replace(&mut self.post, Post::Manned(worker));
        let helpers = std::mem::replace(&mut self.helpers, helpers);
        if let Post::Manned(worker) = former {
            self.retirees.retire(Crew { worker, helpers }, self.plan.terms.upgrade_drain, now);
        }
        self.helpers_are_former = false;
        self.report(now);
        self.notify.ready();
    }

    /// The former worker has died after an upgrade that failed; the next one is of this program in any case.
    pub(super) fn leave_former_program_behind(&mut self, now: Instant) -> Result<(), MonitorError> {
        if std::mem::take(&mut self.helpers_are_former) {
            self.helpers = Helpers::new(self.plan.helpers.clone(), self.plan.launcher.clone(), now);
        }
        if let Some(documents) = self.upgrade.take_tried() {
            let claim = self.listeners.claim(&self.plan.terms, self.plan.threads)?;
            self.listeners.settle(claim, &self.plan.terms);
            self.plan.documents = documents;
        }
        Ok(())
    }
}
