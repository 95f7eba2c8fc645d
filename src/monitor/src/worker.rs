//! One worker process, from its start to its end.
//!
//! Knows how to start it, talk to it, judge it and kill it; whether it is then replaced is the supervisor's decision.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use tracing::debug;
use wire::{ThreadName, ToMonitor};

use crate::channel::{Channel, Received, Wait};
use crate::handover::Parcel;
use crate::notify;
use crate::plan::{Plan, WorkerCommand};
use crate::process::Process;
use crate::pulse::{Health, Pulse, Stall};

/// What `ps` shows instead of the path of the program.
const TITLE: &str = "rustsocks: worker";

/// What a stalled worker gets to die from SIGABRT, and a worker that hung up to die at all.
pub(crate) const LAST_BREATH: Duration = Duration::from_millis(500);

/// A worker that lives, or whose end has not been noticed yet.
#[derive(Debug)]
pub(crate) struct Worker {
    process: Process,
    channel: Channel,
    is_connected: bool,
    outbox: VecDeque<Parcel>,
    born: Instant,
    phase: Phase,
    /// Open sessions, by the last heartbeat.
    pub(crate) sessions: u32,
    /// Why it says that it failed.
    pub(crate) last_words: Option<String>,
}

#[derive(Debug)]
enum Phase {
    Starting { limit: Duration, until: Instant },
    Serving(Pulse),
    Condemned { fault: Fault, kill_at: Instant },
}

/// Why a worker may not live on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    NotReady { limit: Duration },
    Stalled(Stall),
    Garbled(String),
    HungUp,
    DidNotStop,
}

/// What the worker said, and what came beside it.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) frame: ToMonitor,
    /// If the frame carries one.
    pub(crate) descriptor: Option<OwnedFd>,
}

/// What a look at a worker says.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Look {
    /// It serves, and all its threads beat.
    Well,
    /// Nothing can be said yet, or everything has been said.
    Open,
    Faulty(Fault),
}

impl Worker {
    /// Starts the program; the parcels are sent as fast as it takes them.
    pub(crate) fn start(plan: &Plan, parcels: Vec<Parcel>, now: Instant) -> io::Result<Self> {
        let (ours, theirs) = Channel::pair()?;
        // The command owns their end and is dropped here, for a line with a second holder would never end.
        let process = Process::spawn(&mut command(plan, theirs))?;
        let mut worker = Self {
            process,
            channel: ours,
            is_connected: true,
            outbox: parcels.into(),
            born: now,
            phase: Phase::Starting { limit: plan.start_limit, until: now + plan.start_limit },
            sessions: 0,
            last_words: None,
        };
        worker.flush();
        Ok(worker)
    }

    /// One that serves already, and was started by the program whose place this one has taken.
    pub(crate) fn adopted(process: Process, channel: Channel, sessions: u32, watchdog: Duration, now: Instant) -> Self {
        Self {
            process,
            channel,
            is_connected: true,
            outbox: VecDeque::new(),
            born: now,
            phase: Phase::Serving(Pulse::new(watchdog, now)),
            sessions,
            last_words: None,
        }
    }

    /// Queues a frame, or a whole parcel, behind what has not been sent yet.
    pub(crate) fn tell(&mut self, parcel: impl Into<Parcel>) {
        self.outbox.push_back(parcel.into());
        self.flush();
    }

    /// Sends what the line takes.
    pub(crate) fn flush(&mut self) {
        while let Some(parcel) = self.outbox.front() {
            match self.channel.send(&parcel.frame.encode(), parcel.descriptor.as_ref().map(AsFd::as_fd)) {
                Ok(()) => drop(self.outbox.pop_front()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    debug!(worker = self.pid(), %error, "the worker takes no more frames");
                    self.outbox.clear();
                }
            }
        }
    }

    /// The next frame that waits, if the line has one; a broken line is a fault.
    pub(crate) fn hear(&mut self) -> Result<Option<Heard>, Fault> {
        if !self.is_connected {
            return Ok(None);
        }
        match self.channel.receive(Wait::Never) {
            Ok(Received::Datagram { bytes, mut descriptors }) => {
                let frame = ToMonitor::decode(&bytes).map_err(|error| garbled(&error))?;
                let descriptor = descriptors.pop().filter(|_| frame.carries_descriptor());
                Ok(Some(Heard { frame, descriptor }))
            }
            Ok(Received::Nothing) => Ok(None),
            Ok(Received::End) => {
                self.is_connected = false;
                Err(Fault::HungUp)
            }
            Err(error) => Err(garbled(&error)),
        }
    }

    /// It said that it serves; from now on it has to beat.
    pub(crate) fn becomes_ready(&mut self, watchdog: Duration, now: Instant) {
        if self.is_starting() {
            self.phase = Phase::Serving(Pulse::new(watchdog, now));
        }
    }

    /// Follows another limit for silence.
    pub(crate) fn watch_for(&mut self, watchdog: Duration) {
        if let Phase::Serving(pulse) = &mut self.phase {
            pulse.limit_to(watchdog);
        }
    }

    pub(crate) fn beats(&mut self, sessions: u32, silent: Vec<ThreadName>) {
        self.sessions = sessions;
        if let Phase::Serving(pulse) = &mut self.phase {
            pulse.beat(silent);
        }
    }

    /// Judges it by the time that has passed, and carries out a sentence that is due.
    pub(crate) fn look(&mut self, now: Instant) -> Look {
        match &mut self.phase {
            Phase::Starting { limit, until } if now >= *until => Look::Faulty(Fault::NotReady { limit: *limit }),
            Phase::Starting { .. } => Look::Open,
            Phase::Serving(pulse) => match pulse.look(now) {
                Health::Fresh => Look::Well,
                Health::Late => Look::Open,
                Health::Stalled(stall) => Look::Faulty(Fault::Stalled(stall)),
            },
            Phase::Condemned { kill_at, .. } => {
                if now >= *kill_at {
                    self.signal(Signal::SIGKILL);
                }
                Look::Open
            }
        }
    }

    /// Nothing can save it any more; it is killed at the given time unless it ends before.
    pub(crate) fn condemn(&mut self, fault: Fault, kill_at: Instant) {
        if self.fault().is_none() {
            self.phase = Phase::Condemned { fault, kill_at };
        }
    }

    /// Judges a line that has broken or ended; a worker that ends hangs up first, and needs a moment for the rest.
    pub(crate) fn condemn_for(&mut self, fault: Fault, now: Instant) {
        let kill_at = if fault == Fault::HungUp { now + LAST_BREATH } else { now };
        self.condemn(fault, kill_at);
    }

    /// Sends a signal; the process cannot be another one, since nobody else waits for it.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Err(error) = self.process.signal(signal) {
            debug!(worker = self.pid(), %signal, %error, "the signal was not sent");
        }
    }

    /// How it ended, once it has.
    pub(crate) fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.end()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        match &self.phase {
            Phase::Condemned { fault, .. } => Some(fault),
            Phase::Starting { .. } | Phase::Serving(_) => None,
        }
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.phase, Phase::Starting { .. })
    }

    /// It is ready, and nothing is wrong with it.
    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving(_))
    }

    /// The line to wait on, until it has ended.
    pub(crate) fn line(&self) -> Option<BorrowedFd<'_>> {
        self.is_connected.then(|| self.channel.as_fd())
    }

    /// The way the line is to be watched, until it has ended.
    pub(crate) fn watched(&self) -> Option<PollFd<'_>> {
        let room = if self.has_mail() { PollFlags::POLLOUT } else { PollFlags::empty() };
        self.line().map(|line| PollFd::new(line, PollFlags::POLLIN | room))
    }

    pub(crate) fn has_mail(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// When to look at it, if that is before the next heartbeat.
    pub(crate) fn due(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Starting { until, .. } => Some(*until),
            Phase::Serving(_) => None,
            Phase::Condemned { kill_at, .. } => Some(*kill_at),
        }
    }
}

fn garbled(error: &dyn fmt::Display) -> Fault {
    Fault::Garbled(error.to_string())
}

impl Drop for Worker {
    /// No worker outlives its monitor; one that has been reaped already is left alone.
    fn drop(&mut self) {
        if let Err(error) = self.process.kill() {
            debug!(worker = self.pid(), %error, "the worker is left behind");
        }
    }
}

/// The command that becomes the worker, by way of the launcher, with its end of the line as standard input.
///
/// A process group of its own keeps a terminal's Ctrl-C from it: the monitor translates.
fn command(plan: &Plan, line: Channel) -> Command {
    let WorkerCommand { program, args, profile } = &plan.worker;
    let mut command = plan.launcher.command(profile, program, TITLE);
    command.args(args).stdin(Stdio::from(line.into_descriptor())).process_group(0);
    for variable in notify::OURS {
        command.env_remove(variable);
    }
    command
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady { limit } => write!(f, "not ready within {limit:?}"),
            Self::Stalled(stall) => write!(f, "stalled: {stall}"),
            Self::Garbled(error) => write!(f, "it speaks nonsense: {error}"),
            Self::HungUp => f.write_str("it closed its line to the monitor"),
            Self::DidNotStop => f.write_str("it did not stop in time"),
        }
    }
}
