//! The monitor's loop: waits for signals, frames and deadlines, and keeps the post of the worker manned.

mod succession;

use std::os::fd::AsFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use tracing::{error, info, warn};
use wire::{ToMonitor, ToWorker, Trigger};

use crate::autopsy;
use crate::crew::FRAMES_PER_ROUND;
use crate::deaths::{self, Deaths, Next};
use crate::handover;
use crate::helpers::Helpers;
use crate::listen::Listeners;
use crate::notify::{Activity, Notify, Status};
use crate::order::{self, Purpose};
use crate::outcome::{Exit, MonitorError};
use crate::plan::Plan;
use crate::pulse;
use crate::reload::{Answer, Ground, Reloads};
use crate::retirees::{GRACE, Retirees, milliseconds};
use crate::signals::{Order, Signals};
use crate::upgrade::Upgrade;
use crate::worker::{Fault, Heard, LAST_BREATH, Look, Worker};

pub(crate) struct Supervisor<'a> {
    plan: Plan,
    listeners: Listeners,
    signals: Signals,
    reloads: Reloads<'a>,
    notify: &'a mut Notify,
    post: Post,
    /// After `post`, for they end when their worker has ended.
    helpers: Helpers,
    /// They are as the former program has started them.
    helpers_are_former: bool,
    upgrade: Upgrade,
    retirees: Retirees,
    stop: Stop,
    outcome: Exit,
    was_ready: bool,
    deaths: Deaths,
    restarts: u32,
    /// Since when nobody has served, if a worker was lost.
    lost: Option<Instant>,
}

/// The one place that a worker can have.
enum Post {
    Manned(Worker),
    Vacant { until: Instant },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotAsked,
    Draining { kill_at: Instant },
    Now { kill_at: Instant },
}

impl<'a> Supervisor<'a> {
    pub(crate) fn new(
        plan: Plan,
        listeners: Listeners,
        signals: Signals,
        reloads: Reloads<'a>,
        notify: &'a mut Notify,
    ) -> Self {
        let helpers = Helpers::new(plan.helpers.clone(), plan.launcher.clone(), Instant::now());
        Self {
            plan,
            listeners,
            signals,
            reloads,
            notify,
            post: Post::Vacant { until: Instant::now() },
            helpers,
            helpers_are_former: false,
            upgrade: Upgrade::default(),
            retirees: Retirees::default(),
            stop: Stop::NotAsked,
            outcome: Exit::Clean,
            was_ready: false,
            deaths: Deaths::default(),
            restarts: 0,
            lost: None,
        }
    }

    pub(crate) fn run(mut self) -> Result<Exit, MonitorError> {
        loop {
            let now = Instant::now();
            self.man(now)?;
            self.assist(now);
            if self.upgrade.put_up_candidate(&self.plan, &self.listeners, now) {
                self.notify.ready();
            }
            self.report(now);
            self.wait(now)?;

            let now = Instant::now();
            self.obey(now);
            self.hear(now);
            self.reap_helpers(now)?;
            if let Some(exit) = self.reap(now)? {
                return Ok(exit);
            }
            self.judge(now);
            self.look_after_candidate(now)?;
            self.look_after_retirees(now)?;
            self.reload(now);
            self.look_at_rehearsal(now);
        }
    }

    /// Starts a worker if the post is vacant and the pause is over.
    fn man(&mut self, now: Instant) -> Result<(), MonitorError> {
        let Post::Vacant { until } = self.post else { return Ok(()) };
        if now < until || self.stop != Stop::NotAsked || self.upgrade.candidate().is_some() {
            return Ok(());
        }
        self.leave_former_program_behind(now)?;
        let recruits = self.helpers.fill(now);
        if let Some(cause) = recruits.failure.filter(|_| !self.was_ready) {
            return Err(MonitorError::NoHelper { cause });
        }
        let sockets = self.listeners.sockets(self.plan.threads);
        let started = handover::parcels(&self.plan.documents, &sockets, recruits.lines, self.restarts)
            .and_then(|parcels| Worker::start(&self.plan, parcels, now));
        match started {
            Ok(worker) => {
                info!(worker = worker.pid(), "worker started");
                self.post = Post::Manned(worker);
                Ok(())
            }
            Err(cause) if self.was_ready => {
                error!(error = %cause, "cannot start a worker");
                self.vacate(Duration::ZERO, now)
            }
            Err(cause) => Err(MonitorError::Spawn { program: self.plan.launcher.program.clone(), cause }),
        }
    }

    /// Gives the worker a line to each helper that takes the place of another one.
    fn assist(&mut self, now: Instant) {
        let Post::Manned(worker) = &mut self.post else { return };
        self.helpers.fill(now).lines.into_iter().for_each(|line| worker.tell(line));
    }

    /// Waits for a signal, a frame, room for a frame, or the next deadline; at most one step of the pulse.
    fn wait(&self, now: Instant) -> Result<(), MonitorError> {
        let mut sources = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if let Post::Manned(worker) = &self.post {
            sources.extend(worker.watched());
        }
        sources.extend(self.upgrade.candidate().into_iter().filter_map(|candidate| candidate.crew.worker.watched()));
        sources.extend(self.retirees.watched());
        match poll(&mut sources, self.timeout(now)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(MonitorError::Wait { cause: errno.into() }),
        }
    }

    fn timeout(&self, now: Instant) -> PollTimeout {
        let post = match &self.post {
            Post::Manned(worker) => worker.due(),
            Post::Vacant { until } => Some(*until),
        };
        let service = [post, self.stop.kill_at(), self.notify.feed_at(), self.helpers.due()];
        let deadlines = service.into_iter().chain([self.upgrade.due(), self.retirees.due()]);
        // A deadline that has passed and still stands waits for something else than time.
        let next = deadlines.flatten().map(|at| at.saturating_duration_since(now)).filter(|wait| !wait.is_zero()).min();
        let wait = next.unwrap_or(pulse::STEP).min(pulse::STEP);
        // Rounded up to whole milliseconds: waking too early would mean to spin.
        PollTimeout::try_from(wait.as_millis() + 1).unwrap_or(PollTimeout::ZERO)
    }

    fn obey(&mut self, now: Instant) {
        for order in self.signals.orders() {
            match order {
                Order::Reload => {
                    self.tell(ToWorker::ReopenLogs);
                    self.retirees.tell(ToWorker::ReopenLogs);
                    self.reloads.want(order::Order::of_nobody(Trigger::Signal));
                }
                Order::Upgrade => self.begin_upgrade(now),
                Order::Stop => match self.stop {
                    Stop::NotAsked => self.drain(now),
                    Stop::Draining { .. } => self.hurry(now),
                    Stop::Now { .. } => {}
                },
            }
        }
    }

    /// Gives up the listeners first, so that whoever comes now is refused and may go elsewhere.
    fn drain(&mut self, now: Instant) {
        let drain = self.plan.terms.drain;
        info!(deadline = ?drain, "stopping: no new connections, sessions may end until the deadline");
        self.listeners = Listeners::default();
        self.stop = Stop::Draining { kill_at: now + drain + GRACE };
        self.notify.stopping(drain + 2 * GRACE);
        let frame = ToWorker::Drain { deadline_ms: milliseconds(drain) };
        self.tell(frame);
        self.retirees.hurry(frame, now + drain);
        self.upgrade = Upgrade::default();
    }

    fn hurry(&mut self, now: Instant) {
        info!("stopping at once: asked a second time");
        self.stop = Stop::Now { kill_at: now + GRACE };
        self.tell(ToWorker::StopNow);
        self.retirees.hurry(ToWorker::StopNow, now);
    }

    fn tell(&mut self, frame: ToWorker) {
        if let Post::Manned(worker) = &mut self.post {
            worker.tell(frame);
        }
    }

    /// Sends what waits for the worker and takes what it has sent.
    fn hear(&mut self, now: Instant) {
        for _ in 0..FRAMES_PER_ROUND {
            let Post::Manned(worker) = &mut self.post else { return };
            worker.flush();
            match worker.hear() {
                Ok(Some(heard)) => self.take(heard, now),
                Ok(None) => return,
                Err(fault) => return worker.condemn_for(fault, now),
            }
        }
    }

    fn take(&mut self, Heard { frame, descriptor }: Heard, now: Instant) {
        let Post::Manned(worker) = &mut self.post else { return };
        match frame {
            ToMonitor::Heartbeat { sessions, silent } => worker.beats(sessions, silent),
            ToMonitor::Drained { remaining } => info!(worker = worker.pid(), remaining, "the worker has drained"),
            ToMonitor::PamHelperStuck { number } => self.helpers.kill(number),
            ToMonitor::Reloaded { generation, taken, remark } => {
                self.settle(&Answer { generation, taken, remark }, now);
            }
            ToMonitor::WantReload { ticket, extent } => {
                self.reloads.want(order::Order::of_operator(extent, ticket));
            }
            ToMonitor::WantRehearsal { ticket, extent } => {
                self.reloads.want(order::Order::of_operator(extent, ticket).rehearsed());
            }
            ToMonitor::Rehearsed => self.reloads.rehearsed(),
            ToMonitor::ReplaceText { ticket, kind, former } => {
                self.reloads.replace_text(ticket, kind, &former, descriptor);
            }
            ToMonitor::WorkByText { ticket, kind } => self.reloads.work_by_text(ticket, kind, descriptor),
            ToMonitor::IsWritable { ticket, kind } => {
                if let Some(answer) = self.reloads.writable(ticket, kind) {
                    worker.tell(answer);
                }
            }
            ToMonitor::Failed { reason } => {
                error!(worker = worker.pid(), ?reason, "the worker failed");
                worker.last_words = Some(reason);
            }
            // The worker has waited for its helpers; how the missing one ended is about to be known.
            ToMonitor::Ready if !self.was_ready && !self.helpers.is_complete() => {}
            ToMonitor::Ready => {
                let gap_ms = self.lost.take().map(|lost| milliseconds(now.saturating_duration_since(lost)));
                info!(worker = worker.pid(), after = ?worker.age(now), gap_ms, "worker ready");
                worker.becomes_ready(self.plan.terms.watchdog, now);
                self.announce();
            }
        }
    }

    /// Begins a reload if one is due and there is a worker that can take it.
    fn reload(&mut self, now: Instant) {
        let Post::Manned(worker) = &mut self.post else { return };
        if self.stop != Stop::NotAsked || !worker.is_serving() || self.upgrade.is_under_way() {
            return;
        }
        if self.reloads.is_late(now) {
            self.notify.ready();
        }
        self.reloads.give_up_late_rehearsal(now);
        let Some(order) = self.reloads.due(self.plan.terms.watch_files, now) else { return };
        let ground = Ground { plan: &mut self.plan, listeners: &mut self.listeners };
        let Some(begun) = self.reloads.begin(order, &ground, now) else { return };
        if begun.purpose == Purpose::Reload {
            self.notify.reloading();
            self.retirees.pass_on(&begun.parcels);
        }
        for parcel in begun.parcels {
            worker.tell(parcel);
        }
    }

    /// The worker has finished a reload; one that stops needs nothing of it any more.
    fn settle(&mut self, answer: &Answer, now: Instant) {
        if self.stop != Stop::NotAsked {
            return;
        }
        let mut ground = Ground { plan: &mut self.plan, listeners: &mut self.listeners };
        if !self.reloads.finish(answer, &mut ground, now) {
            return;
        }
        if let Post::Manned(worker) = &mut self.post {
            worker.watch_for(self.plan.terms.watchdog);
        }
        if !answer.taken.is_empty() {
            // The former worker has had newer texts than the one that failed.
            drop(self.upgrade.take_tried());
        }
        self.report(now);
        self.notify.ready();
    }

    fn announce(&mut self) {
        if !self.was_ready {
            self.was_ready = true;
            self.notify.ready();
        }
    }

    /// Notices helpers that have ended; one that dies before anything works is the end of the service.
    fn reap_helpers(&mut self, now: Instant) -> Result<(), MonitorError> {
        match self.helpers.reap(now) {
            Some(status) if !self.was_ready => Err(MonitorError::HelperDied { status }),
            Some(_) | None => Ok(()),
        }
    }

    /// Looks whether the worker has ended, and says whether that is the end of the service.
    fn reap(&mut self, now: Instant) -> Result<Option<Exit>, MonitorError> {
        let is_asked = self.stop != Stop::NotAsked;
        let Post::Manned(worker) = &mut self.post else {
            return Ok((is_asked && self.retirees.count() == 0).then(|| self.farewell()));
        };
        let Some(status) = worker.end().map_err(|cause| MonitorError::Wait { cause })? else { return Ok(None) };
        // Its last words may have come after the last round.
        self.hear(now);
        if !is_asked {
            return self.mourn(status, now).map(|()| None);
        }
        self.note_end(status);
        self.post = Post::Vacant { until: now };
        self.reap(now)
    }

    /// A worker that was asked to stop has ended.
    fn note_end(&mut self, status: ExitStatus) {
        if !status.success() {
            warn!(%status, "stopped, but the worker did not end well");
            self.outcome = Exit::Unclean;
        }
    }

    fn farewell(&self) -> Exit {
        if self.outcome == Exit::Clean {
            info!("stopped");
        }
        self.outcome
    }

    /// The worker has died unasked.
    fn mourn(&mut self, status: ExitStatus, now: Instant) -> Result<(), MonitorError> {
        let Post::Manned(worker) = &mut self.post else { return Ok(()) };
        if !self.was_ready {
            return Err(stillborn(worker, status));
        }
        let lived = worker.age(now);
        let fault = worker.fault().filter(|fault| **fault != Fault::HungUp).map(ToString::to_string);
        error!(worker = worker.pid(), %status, ?lived, sessions = worker.sessions, fault, "the worker died");
        self.vacate(lived, now)
    }

    /// Leaves the post vacant for as long as the deaths so far advise.
    fn vacate(&mut self, lived: Duration, now: Instant) -> Result<(), MonitorError> {
        self.helpers.dismiss(now);
        self.reloads.forget_tickets();
        if self.reloads.abandon(&self.plan.documents) {
            self.notify.ready();
        }
        match self.deaths.count(lived, now) {
            Next::RestartAfter(pause) => {
                self.restarts += 1;
                self.lost.get_or_insert(now);
                warn!(?pause, restarts = self.restarts, "restarting the worker");
                self.post = Post::Vacant { until: now + pause };
                Ok(())
            }
            Next::GiveUp => Err(MonitorError::GaveUp { deaths: deaths::LIMIT, window: deaths::WINDOW }),
        }
    }

    /// Lets time pass for the worker: start limit, watchdog, stop deadline.
    fn judge(&mut self, now: Instant) {
        let Post::Manned(worker) = &mut self.post else {
            if self.stop != Stop::NotAsked {
                self.notify.feed(now);
            }
            return;
        };
        if self.stop.kill_at().is_some_and(|kill_at| now >= kill_at) {
            worker.condemn(Fault::DidNotStop, now);
        }
        match worker.look(now) {
            Look::Well => self.notify.feed(now),
            Look::Open => {}
            Look::Faulty(fault) => {
                autopsy::log(worker.pid(), &fault);
                worker.signal(Signal::SIGABRT);
                worker.condemn(fault, now + LAST_BREATH);
            }
        }
    }

    fn report(&mut self, now: Instant) {
        let (activity, sessions) = match &self.post {
            Post::Vacant { .. } => (Activity::WaitingToRestart, 0),
            Post::Manned(worker) => (self.activity(worker), worker.sessions),
        };
        let reload = self.reloads.outcome();
        let retiring = (self.retirees.count(), self.retirees.sessions());
        let upgrade = self.upgrade.failure();
        self.notify.status(Status { activity, sessions, restarts: self.restarts, reload, retiring, upgrade }, now);
    }

    fn look_after_retirees(&mut self, now: Instant) -> Result<(), MonitorError> {
        self.retirees.hear(now);
        let ended = self.retirees.reap(now).map_err(|cause| MonitorError::Wait { cause })?;
        if let Some(status) = ended.filter(|_| self.stop != Stop::NotAsked) {
            self.note_end(status);
        }
        self.retirees.judge(now);
        Ok(())
    }

    fn activity(&self, worker: &Worker) -> Activity {
        let worker_id = worker.pid();
        match self.stop {
            Stop::Draining { .. } | Stop::Now { .. } => Activity::Draining { worker: worker_id },
            Stop::NotAsked if worker.is_starting() => Activity::Starting { worker: worker_id },
            Stop::NotAsked => Activity::Serving { worker: worker_id },
        }
    }
}

impl Stop {
    fn kill_at(self) -> Option<Instant> {
        match self {
            Self::NotAsked => None,
            Self::Draining { kill_at } | Self::Now { kill_at } => Some(kill_at),
        }
    }
}

/// Why the first worker never got ready.
fn stillborn(worker: &mut Worker, status: ExitStatus) -> MonitorError {
    if let Some(reason) = worker.last_words.take() {
        return MonitorError::Refused { reason };
    }
    match worker.fault() {
        Some(Fault::NotReady { limit }) => MonitorError::NotReady { limit: *limit },
        Some(Fault::Stalled(_) | Fault::Garbled(_) | Fault::HungUp | Fault::DidNotStop) | None => {
            MonitorError::DiedAtStart { status }
        }
    }
}
