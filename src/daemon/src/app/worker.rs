//! The worker's main thread: takes over from the monitor, opens the house, and obeys.
//!
//! It does nothing that could block for long, for its heartbeat is what the watchdog listens to.

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use config::{Loaded, Sessions, Settings};
use monitor::link::Link;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use wire::{DocumentKind, ToMonitor, ToWorker};

use super::args::{FromMonitor, Selection};
use super::blueprint::Plan;
use super::certificate::{Certificate, OfApi, OfMetrics, Shown};
use super::commands::{EX_CONFIG, EX_SOFTWARE, complain};
use super::confinement::Confinement;
use super::counting::Counting;
use super::delivery::{Delivered, Delivery, Text};
use super::house::{Given, House};
use super::housekeeping::Housekeeping;
use super::regimes::Basis;
use super::reload::{Counts, InForce, Line, Named, Order, Purpose, Reloader};
use super::{build, configuration, delivery, effective, pam};
use crate::engine::audit::Audit;
use crate::engine::auth::pam::helpers::Helpers;
use crate::engine::history::{self, History};
use crate::engine::log;
use crate::engine::sys::heap::give_large_pieces_back;
use crate::engine::sys::private_socket::PrivateSocket;
use crate::frontends::office::Record;
use crate::state::reloads::{Look, Reloads};
use crate::state::session::witness::Witness;
use crate::state::tokens::Tokens;

/// The monitor expects a heartbeat once a second.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// While it stops it looks this often whether the last session is gone.
const DRAIN_LOOK: Duration = Duration::from_millis(50);

pub(super) fn main(selection: Selection, given: FromMonitor) -> ExitCode {
    give_large_pieces_back();
    let link = match Link::adopt() {
        Ok(link) => link,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(EX_CONFIG);
        }
    };
    // The kernel named this process after /proc/self/exe, by which it was started.
    let _only_cosmetic = nix::sys::prctl::set_name(c"rustsocks");
    let worker = match Worker::open(selection, given, &link) {
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
    reloader: Reloader,
}

impl Worker {
    fn open(selection: Selection, given: FromMonitor, link: &Link) -> anyhow::Result<Self> {
        let FromMonitor { state_directory, pam_service: pam_services, frames: _ } = given;
        leave_signals_to_the_monitor()?;
        let mut delivery = take_over(link)?;
        let generation = delivery.generation();
        let written = delivery.take(DocumentKind::Configuration);
        let text =
            written.as_ref().and_then(|text| text.as_ref().ok()).map(|text| text.text.clone()).unwrap_or_default();
        let loaded = settings_of(&selection, written)?;
        let mut settings = loaded.settings.clone();
        let first = delivery
            .take(DocumentKind::FirstConfiguration)
            .map(|text| Ok(settings_of(&selection, Some(text))?.settings));
        let first: Settings = first.unwrap_or_else(|| anyhow::Ok(settings.clone()))?;
        let _the_operator_has_been_told = settings.keep_fixed(&first);
        let effective = Arc::new(ArcSwap::from_pointee(effective::of(&selection, &loaded, &settings)));
        let history = build::history(&settings.sessions, state_directory.as_deref());
        // Both need paths that nobody has from inside.
        let counting = Arc::new(Counting::begin().context("cannot read /proc/self")?);
        let private_socket = private_socket(&settings)?;
        let audit = build::audit(&settings.admin, state_directory.as_deref());
        // From inside, a group's name may be out of reach.
        let admin = build::admin_terms(&settings.admin);
        let confinement = Confinement::enter(&settings, history.as_ref(), audit.as_deref());
        let has_operators = settings.admin_bindings().iter().any(Option::is_some);
        let log = log::start_queued(&build::log(&settings.logging), has_operators).context("cannot start the log")?;
        confinement.report();
        let users = Named::first(&settings, &mut delivery)?;
        let rules = Named::first(&settings, &mut delivery)?;
        let tokens: Named<Tokens> = Named::first(&settings, &mut delivery)?;
        let of_api: Named<Certificate<OfApi>> = Named::first(&settings, &mut delivery)?;
        let of_metrics: Named<Certificate<OfMetrics>> = Named::first(&settings, &mut delivery)?;
        let certificates_in_use = Shown::first(&of_api.value, &of_metrics.value);
        let tokens_in_use = Arc::new(ArcSwap::new(Arc::clone(&tokens.value)));
        let basis = Basis { settings: &settings, users: &users.value, rules: &rules.value, generation };
        let (helpers, pam) = pam::open(&settings, pam_services.clone(), link, delivery.helpers)?;
        warn_of_short_memory(&settings, history.is_some());
        let past = history.as_ref().map(|options| options.database.clone());
        let history = start_history(&settings.sessions, history, &counting)?;
        let scribe = history.as_ref().map(|history| Arc::new(history.scribe()) as Arc<dyn Witness>);
        let reloads = Arc::new(Reloads::new(Line(link.try_clone()?)));
        let plan = Arc::new(Plan::new(selection.clone(), first.clone(), &text));
        let failures = counting.audit_failures.clone();
        let record = |path| Record::new(Audit::at(path), settings.admin.audit_required, failures);
        let given = Given {
            sockets: delivery.listeners,
            pam,
            counting,
            history: scribe,
            private_socket,
            past,
            tokens: Arc::clone(&tokens_in_use),
            certificates: certificates_in_use.clone(),
            reloads: Arc::clone(&reloads),
            plan: Arc::clone(&plan),
            audit: audit.map(record),
            admin,
            effective: Arc::clone(&effective),
            journal: Arc::clone(&log.journal),
            loudness: log.loudness.clone(),
            replaces: delivery.replaces,
        };
        let (house, regimes) = House::open(&basis, given)?;
        let listeners: Vec<_> = settings.listeners().into_iter().map(|listener| listener.name).collect();
        let loudness = log.loudness.clone();
        let housekeeping =
            Housekeeping::start(house.world(), log, history, settings.sessions.checkpoint, house.lines_lost())?;
        let counts = Counts::begin(house.metrics(), generation);
        let in_force = InForce {
            selection,
            first,
            settings,
            users,
            rules,
            tokens,
            of_api,
            of_metrics,
            tokens_in_use,
            certificates_in_use,
            pam_services,
            regimes,
            loudness,
            counts,
            reloads,
            plan,
            effective,
        };
        let reloader = Reloader::start(in_force, link.try_clone()?)?;
        tracing::info!(?listeners, "serving");
        Ok(Self { house, helpers, housekeeping, reloader })
    }

    /// Serves until the monitor wants no more, or is gone; every session gets its line whatever happens.
    fn serve(mut self, link: &Link) -> anyhow::Result<()> {
        let end = link.send(&ToMonitor::Ready).map_err(Into::into).and_then(|()| {
            let Self { house, helpers, housekeeping, reloader } = &mut self;
            let delivery = Delivery::default();
            Watch { link, house, helpers, housekeeping, reloader, delivery, drain: None }.until_over()
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
    let wanted = settings.metrics_binding().or(settings.api_binding()).map(|_| PrivateSocket::make());
    wanted.transpose().context("cannot make the private socket that [metrics] and [api] need")
}

/// Nothing when no history is to be kept, or there is no place for one.
fn start_history(
    sessions: &Sessions,
    options: Option<history::Options>,
    counting: &Counting,
) -> anyhow::Result<Option<History>> {
    if sessions.enabled && options.is_none() {
        tracing::warn!("no history is kept: there is no home directory to keep it in; set sessions.database_url");
    }
    let start = |options| History::start(options, (&counting.history, &counting.quotas), &counting.metrics);
    options.map(start).transpose().context("cannot start the history")
}

/// Nothing but the history remembers what was carried before.
fn warn_of_short_memory(settings: &Settings, is_history_kept: bool) {
    if !settings.quotas.is_empty() && !is_history_kept {
        tracing::warn!(
            "quotas count what is carried from now on, and forget it with the next start: no history is kept"
        );
    }
}

/// A terminal sends its signals to every process; only the monitor acts on them, and tells us over the link.
fn leave_signals_to_the_monitor() -> anyhow::Result<()> {
    let theirs: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    theirs.thread_block().context("cannot block signals")
}

/// Everything that comes before `Begin`.
fn take_over(link: &Link) -> anyhow::Result<Delivery> {
    let mut delivery = Delivery::default();
    loop {
        match link.receive()? {
            Some((ToWorker::Begin { replaces }, _)) => {
                delivery.replaces = replaces;
                return Ok(delivery);
            }
            Some((frame, descriptor)) => delivery.add(frame, descriptor)?,
            None => bail!("the monitor is gone"),
        }
    }
}

/// The text of this kind that a start cannot be without, and its settings.
fn settings_of(selection: &Selection, text: Option<Delivered>) -> anyhow::Result<Loaded> {
    let Text { text, .. } = text.context("the monitor sent no configuration")?.map_err(anyhow::Error::msg)?;
    configuration::load(selection, selection.config.is_some().then_some(&*text))
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
    reloader: &'a Reloader,
    /// What has come of the next reload.
    delivery: Delivery,
    drain: Option<Drain>,
}

/// The end that is wanted.
#[derive(Debug, Clone, Copy)]
struct Drain {
    until: Instant,
    /// How often it is worth a look whether the last session is gone: nobody waits for one who retires.
    look: Duration,
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
            if self.drain.is_some_and(|drain| now >= drain.until || self.house.sessions() == 0) {
                return Ok(End::AsAsked);
            }
            if !self.is_readable(next_beat.saturating_duration_since(now))? {
                continue;
            }
            match self.link.receive()? {
                Some((ToWorker::StopNow, _)) => return Ok(End::AsAsked),
                Some((ToWorker::PamHelper { number }, Some(socket))) => self.meet(number, socket),
                Some((frame, descriptor)) => self.obey(frame, descriptor),
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

    fn obey(&mut self, order: ToWorker, descriptor: Option<OwnedFd>) {
        match order {
            ToWorker::ReopenLogs => self.housekeeping.reopen_log(),
            ToWorker::Drain { deadline_ms } => {
                tracing::info!(sessions = self.house.sessions(), deadline_ms, "draining");
                self.house.close_doors();
                self.end_within(deadline_ms, DRAIN_LOOK);
            }
            ToWorker::Retire { deadline_ms } => {
                tracing::info!(sessions = self.house.sessions(), deadline_ms, "retiring");
                self.house.close_doors();
                self.house.close_office();
                self.end_within(deadline_ms, HEARTBEAT);
            }
            ToWorker::Reload { generation, trigger, extent, ticket } => {
                let delivery = std::mem::take(&mut self.delivery);
                self.reloader.order(Order {
                    purpose: Purpose::Reload { generation, trigger },
                    extent,
                    ticket,
                    delivery,
                });
            }
            ToWorker::Rehearse { extent, ticket } => {
                let delivery = std::mem::take(&mut self.delivery);
                self.reloader.order(Order { purpose: Purpose::Rehearsal, extent, ticket, delivery });
            }
            ToWorker::Writable { ticket, says } => {
                match descriptor.context("no answer came with it").and_then(delivery::why_unwritable) {
                    Ok(why_not) => self.house.note_look(ticket, Look { says, why_not }),
                    Err(error) => tracing::error!(%error, "an answer of the monitor cannot be read"),
                }
            }
            ToWorker::Document { .. }
            | ToWorker::Unavailable { .. }
            | ToWorker::Listener { .. }
            | ToWorker::PamHelper { .. }
            | ToWorker::Begin { .. }
            | ToWorker::StopNow => {
                if let Err(error) = self.delivery.add(order, descriptor) {
                    tracing::error!(%error, "an order of the monitor cannot be followed");
                }
            }
        }
    }

    /// One who retires already may be told to stop before.
    fn end_within(&mut self, deadline_ms: u32, look: Duration) {
        let until = Instant::now() + Duration::from_millis(deadline_ms.into());
        self.drain = Some(Drain { until: self.drain.map_or(until, |drain| drain.until.min(until)), look });
    }

    fn beat(&mut self) {
        let sessions = u32::try_from(self.house.sessions()).unwrap_or(u32::MAX);
        let mut silent = self.house.silent_threads();
        if self.housekeeping.is_silent() {
            silent.push(wire::ThreadName::new(Housekeeping::THREAD));
        }
        if self.link.send(&ToMonitor::Heartbeat { sessions, silent }).is_ok() {
            self.house.note_beat();
        }
    }

    fn is_readable(&self, patience: Duration) -> anyhow::Result<bool> {
        let patience = self.drain.map_or(patience, |drain| patience.min(drain.look));
        let mut link = [PollFd::new(self.link.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut link, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait for the monitor"),
        }
    }
}
