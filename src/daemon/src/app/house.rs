//! The worker's parts, put together and kept in order until they are over.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use arc_swap::ArcSwap;
use config::Settings;
use jiff::Timestamp;
use prometheus::IntCounter;
use tokio::sync::watch;
use wire::Ticket;
use wire::admin::Role;

use super::blueprint::Plan;
use super::build;
use super::certificate::Shown;
use super::counting::Counting;
use super::gates::{self, Handed};
use super::pulse::Pulse;
use super::regimes::{Basis, Beside, Means, Regimes};
use super::rule_hits;
use super::threads::{Phase, RelayThread};
use crate::engine::auth::Backends;
use crate::engine::auth::pam::Pam;
use crate::engine::concessions::Concessions;
use crate::engine::log::Loudness;
use crate::engine::sys::private_socket::PrivateSocket;
use crate::frontends::admin::{Admin, Entrance, Terms};
use crate::frontends::http::{Http, Manners};
use crate::frontends::office::policy::Store;
use crate::frontends::office::{Gatehouse, Lately, Office, Paces, Past, Record, Register, Workshop};
use crate::frontends::socks::World;
use crate::state::effective::Effective;
use crate::state::journal::Journal;
use crate::state::limits::bandwidth::Bandwidth;
use crate::state::metrics::{Metrics, seats, sessions};
use crate::state::reloads::{Look, Reloads};
use crate::state::session::ending::ByHouse;
use crate::state::session::roster::Roster;
use crate::state::session::seats::Seats;
use crate::state::session::witness::Witness;
use crate::state::tokens::Tokens;
use crate::state::vitals::Lateness;

/// How long cancelled sessions may take to write their line.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How long the first client waits, with quotas, for what the history knows: until a lock of its database is likely to be over.
const REMEMBERING: Duration = Duration::from_secs(5);

/// How often somebody looks whether the last session is gone.
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct House {
    world: Arc<World>,
    counting: Arc<Counting>,
    http: Option<Http>,
    admin: Option<Admin>,
    office: Arc<Office>,
    phase: watch::Sender<Phase>,
    threads: Vec<RelayThread>,
    pacer: Pacer,
    pulse: Pulse,
    pam: Arc<Pam>,
    reloads: Arc<Reloads>,
}

/// What a house is opened with, besides what its first regime is built from.
pub(super) struct Given {
    pub(super) sockets: Vec<Handed>,
    pub(super) pam: Arc<Pam>,
    pub(super) counting: Arc<Counting>,
    /// Who writes sessions down, if anybody does.
    pub(super) history: Option<Arc<dyn Witness>>,
    /// Between the HTTP front and the server behind it, if they are wanted.
    pub(super) private_socket: Option<PrivateSocket>,
    /// Where the history is, if one is kept.
    pub(super) past: Option<PathBuf>,
    /// Those that the API goes by.
    pub(super) tokens: Arc<ArcSwap<Tokens>>,
    /// Those that the HTTP listeners show.
    pub(super) certificates: Shown,
    /// What operators order and ask of reloads.
    pub(super) reloads: Arc<Reloads>,
    /// The configuration as it is written.
    pub(super) plan: Arc<Plan>,
    /// Where operators' orders are written down, if they are.
    pub(super) audit: Option<Record>,
    /// What the admin socket asks of whoever comes.
    pub(super) admin: Terms,
    /// The settings in force, and where they come from.
    pub(super) effective: Arc<ArcSwap<Effective>>,
    /// The last lines of the log, and how much is written.
    pub(super) journal: Arc<Journal>,
    pub(super) loudness: Loudness,
    /// As [`wire::ToWorker::Begin`] has it.
    pub(super) replaces: u32,
}

/// The thread that looks after those who wait for bandwidth, and what its beats were at the last look.
struct Pacer {
    thread: JoinHandle<()>,
    seen: u64,
}

impl House {
    /// Starts the relay threads, and lets the first clients in.
    ///
    /// # Errors
    /// Whatever the settings ask for and this host does not have.
    pub(super) fn open(basis: &Basis<'_>, given: Given) -> anyhow::Result<(Self, Regimes)> {
        let Given {
            mut sockets,
            pam,
            counting,
            history,
            private_socket,
            past,
            tokens,
            certificates,
            reloads,
            plan,
            audit,
            admin,
            effective,
            journal,
            loudness,
            replaces,
        } = given;
        let place = past.as_deref().and_then(Path::parent).map(Path::to_owned);
        let concessions = Concessions::begin(place.as_deref(), &counting.quotas);
        let Basis { settings, .. } = *basis;
        let (phase, serving) = watch::channel(Phase::Serving);
        let threads = start_threads(&sockets, &serving, &counting.vitals.lateness)?;
        let bindings = [settings.metrics_binding(), settings.api_binding()];
        let doors = settings.listeners().len();
        let for_admin = gates::beyond(&mut sockets, doors + bindings.iter().flatten().count());
        let for_http = gates::beyond(&mut sockets, doors);
        let backends = Backends::new(settings.limits.max_handshakes, Arc::clone(&pam), &counting.checks)
            .context("cannot start the password checkers")?;
        let gatehouse = Gatehouse::new(Arc::clone(&pam), backends.memory());
        let means = Means {
            backends,
            reactors: threads.iter().map(|thread| thread.reactor.clone()).collect(),
            phase: serving,
            counting: Arc::clone(&counting),
            beside: Beside {
                descriptors: build::descriptors_beside(settings),
                listeners: gates::addresses_of(&for_http),
            },
        };
        let regimes = Regimes::begin(means, basis, sockets, |regime, seats| {
            let books: [Arc<dyn Witness>; 3] =
                [counting.sessions.clone(), counting.today.clone(), counting.vitals.denials.clone()];
            let witnesses = books.into_iter().chain(history).collect();
            let roster = Roster::new(settings.limits.max_handshakes, witnesses);
            sessions::follow(&counting.metrics, Arc::clone(&counting.sessions), Arc::clone(&roster));
            let seats = Seats::new(seats);
            seats::follow(&counting.metrics, Arc::clone(&seats));
            let beside = (Arc::clone(&counting.readiness), Arc::clone(&counting.quotas));
            let world = World::new(roster, seats, regime, beside, &counting.metrics);
            if past.is_some() {
                remember(&world);
            }
            world
        })?;
        let world = regimes.world();
        pam.follow(&counting.metrics);
        follow_penalties(&counting.metrics, &world);
        rule_hits::follow(&counting.metrics, Arc::clone(&world));
        let pacer = start_pacer(&world).context("cannot start a thread")?;
        let record = audit.map(Arc::new);
        if let Some(record) = &record {
            record.follow(&counting.metrics);
        }
        // Beside the history, where the sandbox lets the worker write.
        let workshop =
            Workshop::new(past.as_deref().and_then(Path::parent).map(|place| place.join("policy")).as_deref());
        let office = Arc::new(Office {
            metrics: Arc::clone(&counting.metrics),
            readiness: Arc::clone(&counting.readiness),
            world: Arc::clone(&world),
            today: Arc::clone(&counting.today),
            past: past.map(Past::of),
            lately: Lately::default(),
            register: Register::default(),
            reloads: Arc::clone(&reloads),
            record,
            paces: Paces::default(),
            gatehouse,
            effective,
            concessions,
            workshop,
            blueprint: plan,
            journal,
            loudness,
            vitals: Arc::clone(&counting.vitals),
        });
        let pulse = Pulse::start(Arc::clone(&counting), Arc::clone(&office), place.as_deref(), replaces)
            .context("cannot start a thread")?;
        start_watches(&office).context("cannot start a thread")?;
        start_reload_book(&office).context("cannot start a thread")?;
        let admin =
            open_admin(settings, for_admin, admin, Arc::clone(&office)).context("cannot serve the admin socket")?;
        certificates.follow(&counting.metrics);
        let manners = manners(settings, tokens, certificates);
        let for_http = listeners(settings, for_http, manners);
        let http = private_socket.map(|private_socket| Http::start(for_http, private_socket, Arc::clone(&office)));
        let http = http.transpose().context("cannot serve HTTP")?;
        Ok((Self { world, counting, http, admin, office, phase, threads, pacer, pulse, pam, reloads }, regimes))
    }

    pub(super) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    /// Counts the lines that the log could not write.
    pub(super) fn lines_lost(&self) -> IntCounter {
        self.counting.lines_lost.clone()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.counting.metrics
    }

    /// The monitor has been told that we live.
    pub(super) fn note_beat(&self) {
        self.counting.vitals.note_beat(Timestamp::now());
    }

    /// How many are in now.
    pub(super) fn sessions(&self) -> usize {
        self.world.roster.count()
    }

    /// The names of the threads that have done nothing since the last call, not even their rounds.
    pub(super) fn silent_threads(&mut self) -> Vec<wire::ThreadName> {
        let silent = self.threads.iter().filter(|thread| thread.is_silent());
        let mut silent: Vec<_> = silent.map(|thread| wire::ThreadName::new(&thread.name)).collect();
        let beats = self.world.bandwidth.beats();
        if std::mem::replace(&mut self.pacer.seen, beats) == beats {
            silent.push(wire::ThreadName::new(Bandwidth::THREAD));
        }
        silent
    }

    /// The monitor has looked at a file.
    pub(super) fn note_look(&self, ticket: Ticket, look: Look) {
        self.reloads.note_look(ticket, look);
    }

    /// Accepts nothing more.
    pub(super) fn close_doors(&self) {
        self.world.readiness.drain();
        self.phase.send_replace(Phase::Draining);
    }

    /// Answers no operator any more: whoever asks means the worker that serves.
    pub(super) fn close_office(&mut self) {
        self.reloads.close();
        self.office.end_watches();
        if let Some(admin) = self.admin.take() {
            admin.stop();
        }
        if let Some(http) = self.http.take() {
            http.stop();
        }
    }

    /// Ends what is left and returns how many sessions that were.
    pub(super) fn clear(mut self) -> u32 {
        self.close_doors();
        let roster = &self.world.roster;
        let remaining = roster.count();
        let deadline = Instant::now() + LAST_LINES;
        while roster.count() > 0 && Instant::now() < deadline {
            roster.end_all(ByHouse::Stopped);
            std::thread::sleep(LOOK);
        }
        if let Some(troubles) = self.pam.troubles() {
            tracing::warn!(troubles, "PAM could not always be asked");
        }
        self.phase.send_replace(Phase::Over);
        std::mem::take(&mut self.threads).into_iter().for_each(RelayThread::join);
        self.world.bandwidth.end();
        self.close_office();
        let _panicked = self.pacer.thread.join();
        drop(self.pulse);
        u32::try_from(remaining).unwrap_or(u32::MAX)
    }
}

/// Finds out what everybody has carried before, so that whoever comes first is judged by it as everybody after him.
fn remember(world: &World) {
    if !world.quotas.know_all_within(REMEMBERING) {
        tracing::warn!(
            waited_secs = REMEMBERING.as_secs(),
            "the history's database does not say yet what was carried before; until it does, quotas count what they know"
        );
    }
    world.quotas.round(&world.roster, &world.bandwidth, Timestamp::now());
}

fn start_pacer(world: &Arc<World>) -> io::Result<Pacer> {
    let bandwidth = Arc::clone(&world.bandwidth);
    let thread = std::thread::Builder::new().name(Bandwidth::THREAD.to_owned());
    Ok(Pacer { thread: thread.spawn(move || bandwidth.look_after())?, seen: 0 })
}

/// As many threads as sockets were handed over for: a socket that nobody accepts on would keep clients waiting for ever.
fn start_threads(
    handed: &[Handed],
    phase: &watch::Receiver<Phase>,
    late: &Arc<Lateness>,
) -> anyhow::Result<Vec<RelayThread>> {
    let last = handed.iter().map(|handed| handed.thread).max().context("there is no listening socket")?;
    (0..=last).map(|number| RelayThread::start(number, phase.clone(), Arc::clone(late))).collect()
}

/// Of each HTTP listener, in the order in which the monitor was asked for their sockets.
fn manners(settings: &Settings, tokens: Arc<ArcSwap<Tokens>>, certificates: Shown) -> Vec<Manners> {
    let Shown { api: of_api, metrics: of_metrics } = certificates;
    let metrics = settings.metrics_binding().map(|_| build::metrics_manners(&settings.metrics, of_metrics));
    let api = settings.api_binding().map(|_| build::api_manners(&settings.api, of_api, tokens));
    metrics.into_iter().chain(api).collect()
}

/// Each HTTP listener's sockets with its manners.
fn listeners(settings: &Settings, mut sockets: Vec<Handed>, manners: Vec<Manners>) -> Vec<(Vec<OwnedFd>, Manners)> {
    let first = settings.listeners().len();
    let mut own = |index| gates::of_listener(&mut sockets, index).into_iter().map(|handed| handed.socket).collect();
    (first..).zip(manners).map(|(index, manners)| (own(index), manners)).collect()
}

/// The admin frontend, if there is a socket for it.
fn open_admin(
    settings: &Settings,
    mut sockets: Vec<Handed>,
    terms: Terms,
    office: Arc<Office>,
) -> io::Result<Option<Admin>> {
    let ceilings = settings.admin_bindings().into_iter().zip([Role::Admin, Role::Read]);
    let ceilings = ceilings.filter_map(|(binding, ceiling)| binding.map(|_| ceiling));
    let first = sockets.iter().map(|handed| usize::from(handed.index)).min().unwrap_or_default();
    // In the order in which the monitor was asked for their sockets.
    let entrances = (first..).zip(ceilings).map(|(index, ceiling)| {
        let own = gates::of_listener(&mut sockets, index);
        Entrance { sockets: own.into_iter().map(|handed| handed.socket).collect(), ceiling }
    });
    let entrances: Vec<Entrance> = entrances.collect();
    if entrances.is_empty() {
        return Ok(None);
    }
    Admin::start(entrances, terms, office).map(Some)
}

/// Takes texts back that nobody confirms, as long as this worker serves.
fn start_watches(office: &Arc<Office>) -> io::Result<()> {
    for store in Store::ALL {
        let office = Arc::clone(office);
        let thread = std::thread::Builder::new().name(format!("{}-watch", store.word()));
        thread.spawn(move || office.keep_watch(store)).map(drop)?;
    }
    Ok(())
}

/// Keeps what reloads bring, as long as this worker serves.
fn start_reload_book(office: &Arc<Office>) -> io::Result<()> {
    let office = Arc::clone(office);
    let thread = std::thread::Builder::new().name("reload-book".to_owned());
    thread.spawn(move || office.keep_reload_book()).map(drop)
}

/// Lets each scrape see who is turned away before a session begins.
fn follow_penalties(metrics: &Metrics, world: &Arc<World>) {
    let counted = Arc::clone(world);
    metrics.totals(
        "rustsocks_turned_away_total",
        "Connections that were closed before anything was said, by reason; they are no sessions.",
        "reason",
        move || counted.penalties.tally.totals(),
    );
    let sources = metrics.gauge("rustsocks_penalised_sources", "Sources that are turned away now.");
    let world = Arc::clone(world);
    metrics.before_each_scrape(move || {
        sources.set(i64::try_from(world.penalties.turned_away_sources()).unwrap_or(i64::MAX));
    });
}
