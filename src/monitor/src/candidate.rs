//! A worker of the new program, which takes the post once it is ready; until then the former one serves.

use std::io;
use std::time::Instant;

use crate::crew::Crew;
use crate::handover;
use crate::helpers::Helpers;
use crate::listen::{Claim, Listeners};
use crate::plan::{Document, Plan};
use crate::worker::{Fault, Worker};

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) crew: Crew,
    /// The listeners as they will be.
    pub(crate) claim: Claim,
    /// What it works by.
    pub(crate) documents: Vec<Document>,
}

/// What a look at a candidate says.
#[derive(Debug)]
pub(crate) enum Progress {
    None,
    Ready,
    /// It will never be; for the operator.
    Failed(String),
}

impl Candidate {
    /// Starts one.
    ///
    /// # Errors
    /// Why there cannot be one, in the words for the operator, and what it would have worked by.
    pub(crate) fn start(
        plan: &Plan,
        listeners: &Listeners,
        documents: Vec<Document>,
        now: Instant,
    ) -> Result<Self, (String, Vec<Document>)> {
        match Self::prepare(plan, listeners, &documents, now) {
            Ok((crew, claim)) => Ok(Self { crew, claim, documents }),
            Err(reason) => Err((reason, documents)),
        }
    }

    fn prepare(
        plan: &Plan,
        listeners: &Listeners,
        documents: &[Document],
        now: Instant,
    ) -> Result<(Crew, Claim), String> {
        let claim = listeners.claim(&plan.terms, plan.threads).map_err(|error| error.to_string())?;
        let mut helpers = Helpers::new(plan.helpers.clone(), plan.launcher.clone(), now);
        let recruits = helpers.fill(now);
        if let Some(error) = recruits.failure {
            return Err(format!("cannot start a PAM helper: {error}"));
        }
        let sockets = listeners.claimed(&claim, plan.threads);
        let start = |error: io::Error| format!("cannot start a worker: {error}");
        let parcels = handover::parcels(documents, &sockets, recruits.lines, 0).map_err(start)?;
        let worker = Worker::start(plan, parcels, now).map_err(start)?;
        Ok((Crew { worker, helpers }, claim))
    }

    /// Hears and judges it.
    pub(crate) fn look(&mut self, now: Instant) -> io::Result<Progress> {
        if let Some(status) = self.crew.helpers.reap(now) {
            return Ok(Progress::Failed(format!("a PAM helper ended before it was ready ({status})")));
        }
        // It has waited for its helpers; how the missing one ended is about to be known.
        if self.crew.hear(now) && self.crew.helpers.is_complete() {
            return Ok(Progress::Ready);
        }
        if let Some(status) = self.crew.end(now)? {
            return Ok(Progress::Failed(self.last_words().unwrap_or_else(|| format!("its worker ended ({status})"))));
        }
        self.crew.judge(now);
        Ok(Progress::None)
    }

    fn last_words(&mut self) -> Option<String> {
        let worker = &mut self.crew.worker;
        let fault = worker.fault().filter(|fault| **fault != Fault::HungUp).map(ToString::to_string);
        worker.last_words.take().or(fault)
    }
}
