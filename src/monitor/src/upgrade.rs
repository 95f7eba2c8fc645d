//! An upgrade: on this side a newer program on its way to the place of this one, on the other side this one on its way to the place of an
//! older one.
//!
//! Knows what is tried and how that ends; who then has the post is the supervisor's decision.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Instant;

use tracing::{error, info};

use crate::candidate::{Candidate, Progress};
use crate::channel::Channel;
use crate::legacy::Estate;
use crate::listen::Listeners;
use crate::notify::Notify;
use crate::plan::{Document, Plan, Successor};
use crate::rehearsal::Rehearsal;
use crate::signals::Silence;

#[derive(Debug, Default)]
pub(crate) struct Upgrade {
    rehearsal: Option<Rehearsal>,
    /// What this program is about to try a worker with.
    draft: Option<Vec<Document>>,
    candidate: Option<Candidate>,
    /// What it has tried one with in vain, for when the former one dies.
    tried: Option<Vec<Document>>,
    /// Why the last one failed.
    failure: Option<Rc<str>>,
}

impl Upgrade {
    /// This program has taken the place of a former one, and means to try a worker with these.
    pub(crate) fn with(draft: Vec<Document>) -> Self {
        Self { draft: Some(draft), ..Self::default() }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.rehearsal.is_some() || self.draft.is_some() || self.candidate.is_some()
    }

    pub(crate) fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// For whoever looks at the service.
    pub(crate) fn failure(&self) -> Option<Rc<str>> {
        self.failure.clone()
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        let candidate = self.candidate.as_ref().and_then(|candidate| candidate.crew.worker.due());
        self.rehearsal.as_ref().map(Rehearsal::due).or(candidate)
    }

    /// Lets the program that is now where this one was started from try whether it could take this one's place.
    pub(crate) fn begin(&mut self, successor: &Successor, now: Instant) {
        let program = successor.program.display();
        match Rehearsal::begin(successor, now) {
            Ok(rehearsal) => {
                info!(%program, "upgrade: the program rehearses");
                self.rehearsal = Some(rehearsal);
            }
            Err(error) => self.fail(&format!("cannot start {program}: {error}")),
        }
    }

    /// Whether a rehearsal has just gone well.
    pub(crate) fn is_rehearsed(&mut self, now: Instant) -> bool {
        let Some(outcome) = self.rehearsal.as_mut().and_then(|rehearsal| rehearsal.outcome(now)) else { return false };
        self.rehearsal = None;
        outcome.inspect_err(|reason| self.fail(reason)).is_ok()
    }

    pub(crate) fn fail(&mut self, reason: &str) {
        error!(reason, "the upgrade failed; the worker goes on serving");
        self.failure = Some(format!("upgrade failed: {reason}").into());
    }

    /// Starts a worker of this program beside that of the former one, if one is to be tried; says whether that failed.
    pub(crate) fn put_up_candidate(&mut self, plan: &Plan, listeners: &Listeners, now: Instant) -> bool {
        let Some(documents) = self.draft.take() else { return false };
        match Candidate::start(plan, listeners, documents, now) {
            Ok(candidate) => {
                info!(worker = candidate.crew.worker.pid(), "upgrade: worker started");
                self.candidate = Some(candidate);
                false
            }
            Err((reason, documents)) => {
                self.reject(&reason, documents);
                true
            }
        }
    }

    /// Looks after the candidate; it is given away when it is ready, and gone when it will never be.
    pub(crate) fn look(&mut self, now: Instant) -> io::Result<Outlook> {
        let Some(mut candidate) = self.candidate.take() else { return Ok(Outlook::Open) };
        Ok(match candidate.look(now)? {
            Progress::None => {
                self.candidate = Some(candidate);
                Outlook::Open
            }
            Progress::Ready => {
                self.failure = None;
                Outlook::Ready(Box::new(candidate))
            }
            Progress::Failed(reason) => {
                let Candidate { documents, .. } = candidate;
                self.reject(&reason, documents);
                Outlook::Failed
            }
        })
    }

    /// What was tried in vain.
    pub(crate) fn take_tried(&mut self) -> Option<Vec<Document>> {
        self.tried.take()
    }

    fn reject(&mut self, reason: &str, documents: Vec<Document>) {
        self.tried = Some(documents);
        self.fail(reason);
    }
}

/// What becomes of a candidate.
#[derive(Debug)]
pub(crate) enum Outlook {
    /// There is none, or nothing can be said yet.
    Open,
    Ready(Box<Candidate>),
    Failed,
}

/// Becomes the successor, and returns only if that failed; then nothing has changed.
pub(crate) fn make_way(estate: &Estate<'_>, successor: &Successor, notify: &mut Notify, now: Instant) -> io::Error {
    let (ours, theirs) = match Channel::pair() {
        Ok(pair) => pair,
        Err(error) => return error,
    };
    if let Err(error) = estate.leave(&ours, now) {
        return error;
    }
    info!(program = %successor.program.display(), "upgrade: the program takes the place of this one");
    notify.reloading();
    let silence = match Silence::begin() {
        Ok(silence) => silence,
        Err(error) => return error,
    };
    let error =
        Command::new(&successor.program).args(&successor.args).stdin(Stdio::from(theirs.into_descriptor())).exec();
    drop(silence);
    notify.ready();
    error
}
