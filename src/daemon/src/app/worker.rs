//! The worker's main thread: takes over from the monitor, opens the house, and obeys.
//!
//! It does nothing that could block for long, for its heartbeat is what the watchdog listens to.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use config::{Sessions, Settings};
use monitor::link::Link;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use wire::{DocumentKind, ToMonitor, ToWorker};

use super::args::Selection;
use super::commands::{EX_CONFIG, EX_SOFTWARE, complain};
use super::confinement::Confinement;
use super::counting::Counting;
use super::gates::Handed;
use super::house::{Given, House};
use super::housekeeping::Housekeeping;
use super::pam::HelperLine;
use super::{build, configuration, pam};
use crate::engine::auth::pam::helpers::Helpers;
use crate::engine::history::{self, History};
use crate::engine::log;
use crate::engine::sys::private_socket::PrivateSocket;
use crate::state::session::witness::Witness;

/// The monitor expects a heartbeat once a second.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// While draining it looks this often whether the last session is gone.
const DRAIN_LOOK: Duration = Duration::from_millis(50);

pub(super) fn main(selection: &Selection, state_directory: Option<&Path>) -> ExitCode {
    let link = match Link::adopt() {
        Ok(link) => link,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(EX_CONFIG);
        }
    };
    // The kernel named this process after /proc/self/exe, by which it was started.
    let _only_cosmetic = nix::sys::prctl::set_name(c"rustsocks");
    let worker = match Worker::open(selection, state_directory, &link) {
        Ok(worker) => worker,
        Err(error) => {
            let _monitor_is_gone = link.send(&ToMonitor::Failed { reason: format!("{error:#}") });
            return ExitCode::from(EX_CONFIG);
        }
    };
    match worker.serve(&link) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(EX_SOFTWARE)
        }
    }
}

/// A worker that is ready to serve.
struct Worker {
    house: House,
    helpers: Arc<Helpers>,
    housekeeping: Housekeeping,
}

impl Worker {
    fn open(selection: &Selection, state_directory: Option<&Path>, link: &Link) -> anyhow::Result<Self> {
        leave_signals_to_the_monitor()?;
        let orders = take_over(link)?;
        let loaded = configuration::load(selection, selection.config.is_some().then_some(&*orders.configuration))?;
        let sessions = &loaded.settings.sessions;
        let history = build::history(sessions, state_directory);
        // Both need paths that nobody has from inside.
        let counting = Counting::begin().context("cannot read /proc/self")?;
        let private_socket = private_socket(&loaded.settings)?;
        let confinement = Confinement::enter(&loaded.settings, history.as_ref());
        let log = log::start_queued(&build::log(&loaded.settings.logging)).context("cannot start the log")?;
        confinement.report();
        let users = configuration::users(&loaded.settings, orders.users.as_deref())?;
        let rules = configuration::rules(&loaded.settings, orders.rules.as_deref())?;
        let (helpers, pam) = pam::open(&loaded.settings, &rules, link, orders.helpers)?;
        let history = start_history(sessions, history)?;
        let scribe = history.as_ref().map(|history| Arc::new(history.scribe()) as Arc<dyn Witness>);
        let given = Given { users, rules, sockets: orders.listeners, pam, counting, history: scribe, private_socket };
        let house = House::open(&loaded.settings, given)?;
        let housekeeping = Housekeeping::start(house.world(), log, history, sessions.checkpoint, house.metrics())?;
        let listeners: Vec<_> = loaded.settings.listeners().into_iter().map(|listener| listener.name).collect();
        tracing::info!(?listeners, "serving");
        Ok(Self { house, helpers, housekeeping })
    }

    /// Serves until the monitor wants no more, or is gone; every session gets its line whatever happens.
    fn serve(mut self, link: &Link) -> anyhow::Result<()> {
        let end = link.send(&ToMonitor::Ready).map_err(Into::into).and_then(|()| {
            let Self { house, helpers, housekeeping } = &mut self;
            Watch { link, house, helpers, housekeeping, drain: None }.until_over()
        });
        let remaining = self.house.clear();
        self.housekeeping.stop();
        if end? == End::AsAsked {
            link.send(&ToMonitor::Drained { remaining })?;
        }
        Ok(())
    }
}

/// The way from the HTTP front to the server behind it, if there is to be one.
fn private_socket(settings: &Settings) -> anyhow::Result<Option<PrivateSocket>> {
    let wanted = settings.metrics_binding().map(|_| PrivateSocket::make());
    wanted.transpose().context("cannot make the private socket that [metrics] needs")
}

/// Nothing when no history is to be kept, or there is no place for one.
fn start_history(sessions: &Sessions, options: Option<history::Options>) -> anyhow::Result<Option<History>> {
    if sessions.enabled && options.is_none() {
        tracing::warn!("no history is kept: there is no home directory to keep it in; set sessions.database_url");
    }
    options.map(History::start).transpose().context("cannot start the history")
}

/// A terminal sends its signals to every process; only the monitor acts on them, and tells us over the link.
fn leave_signals_to_the_monitor() -> anyhow::Result<()> {
    let theirs: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    theirs.thread_block().context("cannot block signals")
}

/// What the monitor hands over before it says `Begin`.
#[derive(Default)]
struct Orders {
    configuration: String,
    users: Option<String>,
    rules: Option<String>,
    listeners: Vec<Handed>,
    helpers: Vec<HelperLine>,
}

fn take_over(link: &Link) -> anyhow::Result<Orders> {
    let mut orders = Orders::default();
    loop {
        match link.receive()? {
            Some((ToWorker::Document { kind, .. }, Some(text))) => match kind {
                DocumentKind::Configuration => orders.configuration = read(kind, text)?,
                DocumentKind::Users => orders.users = Some(read(kind, text)?),
                DocumentKind::Rules => orders.rules = Some(read(kind, text)?),
            },
            Some((ToWorker::Listener { index, thread }, Some(socket))) => {
                orders.listeners.push(Handed { index, thread, socket });
            }
            Some((ToWorker::PamHelper { number }, Some(socket))) => orders.helpers.push(HelperLine { number, socket }),
            Some((ToWorker::Begin, _)) => return Ok(orders),
            Some((frame, _)) => bail!("the monitor sent {frame:?} before Begin"),
            None => bail!("the monitor is gone"),
        }
    }
}

fn read(kind: DocumentKind, descriptor: OwnedFd) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = File::from(descriptor).read_to_string(&mut text);
    read.with_context(|| format!("cannot read the {} from the monitor", kind.name()))?;
    Ok(text)
}

/// Why there is nothing more to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    AsAsked,
    MonitorIsGone,
}

/// The main loop: orders from the link, a heartbeat a second, and the end of a drain.
struct Watch<'a> {
    link: &'a Link,
    house: &'a mut House,
    helpers: &'a Helpers,
    housekeeping: &'a mut Housekeeping,
    drain: Option<Instant>,
}

impl Watch<'_> {
    fn until_over(mut self) -> anyhow::Result<End> {
        let mut next_beat = Instant::now();
        loop {
            let now = Instant::now();
            if now >= next_beat {
                self.beat();
                next_beat = now + HEARTBEAT;
            }
            if self.drain.is_some_and(|deadline| now >= deadline || self.house.sessions() == 0) {
                return Ok(End::AsAsked);
            }
            if !self.is_readable(next_beat.saturating_duration_since(now))? {
                continue;
            }
            match self.link.receive()? {
                Some((ToWorker::StopNow, _)) => return Ok(End::AsAsked),
                Some((ToWorker::PamHelper { number }, Some(socket))) => self.meet(number, socket),
                Some((frame, _)) => self.obey(frame),
                None => return Ok(End::MonitorIsGone),
            }
        }
    }

    /// A helper has come in the place of another one.
    fn meet(&self, number: u32, socket: OwnedFd) {
        self.helpers.forget_the_dead();
        if let Err(error) = self.helpers.add(number, socket) {
            tracing::error!(helper = number, %error, "cannot use the line to a PAM helper");
        }
    }

    fn obey(&mut self, order: ToWorker) {
        match order {
            ToWorker::ReopenLogs => self.housekeeping.reopen_log(),
            ToWorker::Drain { deadline_ms } => {
                tracing::info!(sessions = self.house.sessions(), deadline_ms, "draining");
                self.house.close_doors();
                self.drain = Some(Instant::now() + Duration::from_millis(deadline_ms.into()));
            }
            ToWorker::Document { .. }
            | ToWorker::Listener { .. }
            | ToWorker::PamHelper { .. }
            | ToWorker::Begin
            | ToWorker::StopNow => {
                tracing::error!(?order, "the monitor sent an order out of turn");
            }
        }
    }

    fn beat(&mut self) {
        let sessions = u32::try_from(self.house.sessions()).unwrap_or(u32::MAX);
        let mut silent = self.house.silent_threads();
        if self.housekeeping.is_silent() {
            silent.push(wire::ThreadName::new(Housekeeping::THREAD));
        }
        let _monitor_is_gone = self.link.send(&ToMonitor::Heartbeat { sessions, silent });
    }

    fn is_readable(&self, patience: Duration) -> anyhow::Result<bool> {
        let patience = if self.drain.is_some() { patience.min(DRAIN_LOOK) } else { patience };
        let mut link = [PollFd::new(self.link.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut link, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait for the monitor"),
        }
    }
}
