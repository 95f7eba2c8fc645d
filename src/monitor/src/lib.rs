//! The root role: holds listeners, keeps one worker alive, parses nothing from the network.
//!
//! [`run`] binds every listener of its [`Plan`] that the service manager has not bound already, starts the worker, and stays until it is told to stop:
//!
//! - a worker that dies unasked is replaced, and meanwhile new connections wait in the listeners' queues;
//! - PAM helpers, if the plan has any, are at the worker's side: started, replaced when they end, killed when the worker says that one is stuck;
//! - a worker that stalls is photographed, killed and replaced;
//! - SIGTERM and SIGINT drain, a second one stops at once;
//! - SIGHUP and a changed file reload: the [`Source`] reads anew, new listeners are bound, and the worker says what it takes;
//!   SIGHUP reopens the logs too;
//! - SIGUSR2 upgrades: the program that is now where this one was started from takes its place in the same process ([`succeed`]), with all
//!   listeners, and no session ends for it: the former worker goes on with those that it has;
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
pub mod sealed;
pub mod source;
pub mod standing;

mod autopsy;
mod candidate;
mod channel;
mod crew;
mod deaths;
mod handover;
mod helpers;
mod legacy;
mod listen;
mod notify;
mod order;
mod process;
mod pulse;
mod rehearsal;
mod reload;
mod retirees;
mod signals;
mod supervise;
mod upgrade;
mod watch;
mod worker;

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use caps::{CapSet, Capability};
use tracing::warn;

use crate::channel::Channel;
use crate::launch::Profile;
use crate::legacy::Legacy;
use crate::listen::{Activated, Listeners};
use crate::notify::Notify;
use crate::outcome::{Exit, LegacyError, MonitorError};
use crate::plan::Plan;
use crate::reload::Reloads;
use crate::signals::{Signals, Silence};
use crate::source::Source;
use crate::supervise::Supervisor;

/// Serves until told to stop.
///
/// To be called by a process without other threads: the kernel kills the worker when the calling thread ends.
/// `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGUSR2` and `SIGCHLD` of the process are taken over and stay so.
///
/// # Errors
/// [`MonitorError`] if the service cannot start or cannot go on; [`MonitorError::code`] is what the process should then exit with.
pub fn run(plan: Plan, source: &mut dyn Source) -> Result<Exit, MonitorError> {
    end_of(|notify| supervise(plan, source, notify))
}

/// Takes the place of a former program in its process, and serves until told to stop.
///
/// To be called as [`Plan::successor`](plan::Plan) says, by a process without other threads. What the former one has left waits in
/// standard input. Until a worker of this program is ready, and if none ever is, that of the former one serves.
///
/// # Errors
/// [`MonitorError`] as of [`run`]; [`MonitorError::Legacy`] if there was no former program.
pub fn succeed(plan: Plan, source: &mut dyn Source) -> Result<Exit, MonitorError> {
    let silence = Silence::inherited();
    end_of(|notify| take_over(plan, source, notify, silence))
}

fn end_of(work: impl FnOnce(&mut Notify) -> Result<Exit, MonitorError>) -> Result<Exit, MonitorError> {
    let mut notify = Notify::from_environment(Instant::now());
    let outcome = work(&mut notify);
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
    let listeners = Listeners::bind(&plan.terms, plan.threads, Activated::from_environment())?;
    let reloads = Reloads::new(source, &plan.documents, Instant::now());
    Supervisor::new(plan, listeners, signals, reloads, notify).run()
}

fn take_over(plan: Plan, source: &mut dyn Source, notify: &mut Notify, silence: Silence) -> Result<Exit, MonitorError> {
    warn_of_impatient_manager(&plan, notify);
    let now = Instant::now();
    let legacy = Legacy::take(&line_to_former_program()?, &plan, now)?;
    let signals = Signals::subscribe().map_err(|cause| MonitorError::Signals { cause })?;
    drop(silence);
    let reloads = Reloads::new(source, &plan.documents, now);
    Supervisor::heir(plan, legacy, signals, reloads, notify).run()
}

/// Standard input, which then becomes `/dev/null`.
fn line_to_former_program() -> Result<Channel, LegacyError> {
    let line = io::stdin().as_fd().try_clone_to_owned()?;
    let line = Channel::from_descriptor(line).ok_or(LegacyError::NoMonitor)?;
    nix::unistd::dup2_stdin(&File::open("/dev/null")?).map_err(io::Error::from)?;
    Ok(line)
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
