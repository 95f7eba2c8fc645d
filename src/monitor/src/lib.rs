//! The root role: holds listeners, keeps one worker alive, parses nothing from the network.
//!
//! [`run`] binds every listener of its [`Plan`], starts the worker, and stays until it is told to stop:
//!
//! - a worker that dies unasked is replaced, and meanwhile new connections wait in the listeners' queues;
//! - PAM helpers, if the plan has any, are at the worker's side: started, replaced when they end, killed when the worker says that one is stuck;
//! - a worker that stalls is photographed, killed and replaced;
//! - SIGTERM and SIGINT drain, a second one stops at once;
//! - SIGHUP and a changed file reload: the [`Source`] reads anew, new listeners are bound, and the worker says what it takes;
//!   SIGHUP reopens the logs too;
//! - the service manager hears how it is, and is fed only while the worker's heartbeats are fresh.
//!
//! Every process that it starts goes through [`launch`], which leaves it only the rights of its profile.
//! The worker talks back over a [`Link`](link::Link), in the frames of [`wire`].
//! There is one thread and no runtime; the one loop is in `supervise`.
//! This crate knows nothing of SOCKS, of rules, or of what the configuration says.

pub mod launch;
pub mod link;
pub mod outcome;
pub mod plan;
pub mod source;
pub mod standing;

mod autopsy;
mod channel;
mod deaths;
mod handover;
mod helpers;
mod listen;
mod notify;
mod pulse;
mod reload;
mod signals;
mod supervise;
mod watch;
mod worker;

use std::error::Error;
use std::time::Instant;

use caps::{CapSet, Capability};
use tracing::warn;

use crate::launch::Profile;
use crate::listen::Listeners;
use crate::notify::Notify;
use crate::outcome::{Exit, MonitorError};
use crate::plan::Plan;
use crate::reload::Reloads;
use crate::signals::Signals;
use crate::source::Source;
use crate::supervise::Supervisor;

/// Serves until told to stop.
///
/// To be called by a process without other threads: the kernel kills the worker when the calling thread ends.
/// `SIGTERM`, `SIGINT`, `SIGHUP` and `SIGCHLD` of the process are taken over and stay so.
///
/// # Errors
/// [`MonitorError`] if the service cannot start or cannot go on; [`MonitorError::code`] is what the process should then exit with.
pub fn run(plan: Plan, source: &mut dyn Source) -> Result<Exit, MonitorError> {
    let mut notify = Notify::from_environment(Instant::now());
    let outcome = supervise(plan, source, &mut notify);
    match &outcome {
        Ok(_) => notify.farewell("Stopped"),
        Err(error) => notify.farewell(&format!("Failed: {}", with_causes(error))),
    }
    outcome
}

fn supervise(plan: Plan, source: &mut dyn Source, notify: &mut Notify) -> Result<Exit, MonitorError> {
    warn_of_impatient_manager(&plan, notify);
    warn_of_invulnerable_worker(&plan);
    let signals = Signals::subscribe().map_err(|cause| MonitorError::Signals { cause })?;
    let listeners = Listeners::bind(&plan.terms, plan.threads)?;
    let reloads = Reloads::new(source, &plan.documents, Instant::now());
    Supervisor::new(plan, listeners, signals, reloads, notify).run()
}

fn warn_of_impatient_manager(plan: &Plan, notify: &Notify) {
    if let Some(manager) = notify.watchdog()
        && manager <= plan.terms.watchdog
    {
        warn!(?manager, own = ?plan.terms.watchdog, "the service manager's watchdog bites before the own one; make WatchdogSec longer");
    }
}

/// Root without this capability cannot send signals to the user that the worker becomes (kill(2)).
fn warn_of_invulnerable_worker(plan: &Plan) {
    let is_another_user = matches!(plan.worker.profile, Profile::Worker { account: Some(_), .. });
    if is_another_user && caps::has_cap(None, CapSet::Effective, Capability::CAP_KILL).is_ok_and(|has| !has) {
        warn!("root lacks CAP_KILL, so that a worker that hangs cannot be killed; add it to CapabilityBoundingSet=");
    }
}

/// An error and everything behind it, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line = format!("{line}: {cause}");
        next = cause.source();
    }
    line
}
