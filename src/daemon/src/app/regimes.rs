//! Makes regimes: builds the next one beside the one in force, all of it or nothing, and puts it in force with one swap.
//!
//! Knows no text and no file; what it builds from has been read and checked.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use config::Settings;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::build;
use super::counting::Counting;
use super::gates::{self, Built, Gate, Handed};
use super::threads::Phase;
use crate::engine::auth::Backends;
use crate::engine::dial::Dialer;
use crate::engine::sys::descriptors::{self, Budget};
use crate::frontends::socks::{Door, DoorNumber, Regime, World};
use crate::state::rules::Rules;
use crate::state::users::Users;

/// What a regime is built from.
#[derive(Debug, Clone)]
pub(super) struct Basis<'a> {
    pub(super) settings: &'a Settings,
    pub(super) users: &'a Arc<Users>,
    pub(super) rules: &'a Arc<Rules>,
    /// The reload that it comes from.
    pub(super) generation: u64,
}

/// What lasts from one regime to the next.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) backends: Backends,
    /// One for each relay thread.
    pub(super) reactors: Vec<Handle>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) counting: Arc<Counting>,
    pub(super) beside: Beside,
}

/// What other frontends have of what a regime counts with.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) descriptors: usize,
    /// Where they listen.
    pub(super) listeners: HashSet<SocketAddr>,
}

/// The regime in force, and what it takes to make another one.
#[derive(Debug)]
pub(super) struct Regimes {
    means: Means,
    world: Arc<World>,
    budget: Budget,
    gates: Vec<Gate>,
    /// How many gates have had a number so far.
    numbers: usize,
}

/// A regime that is not in force yet.
#[derive(Debug)]
pub(super) struct Next {
    regime: Regime,
    budget: Budget,
    handshakes: usize,
    /// In the order of the settings' listeners.
    places: Vec<Place>,
}

#[derive(Debug)]
enum Place {
    /// The gate that is held at this position stays.
    Kept(usize),
    New(Built),
}

/// What there is before the next regime; at first nothing.
#[derive(Debug, Default)]
struct Before<'a> {
    regime: Option<&'a Regime>,
    gates: &'a [Gate],
    numbers: usize,
}

impl Regimes {
    /// Puts the first regime in force, in a world that is made of it and of how many sessions fit.
    ///
    /// # Errors
    /// Whatever the settings ask for and this host does not have.
    pub(super) fn begin(
        means: Means,
        basis: &Basis<'_>,
        handed: Vec<Handed>,
        world: impl FnOnce(Regime, usize) -> World,
    ) -> anyhow::Result<Self> {
        let Next { regime, budget, handshakes: _, places } = means.build(basis, handed, &Before::default())?;
        warn_if_short(&budget);
        let world = Arc::new(world(regime, budget.sessions));
        let mut regimes = Self { means, world, budget, gates: Vec::new(), numbers: 0 };
        regimes.open(places);
        Ok(regimes)
    }

    pub(super) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    /// The regime that these settings and users make, with sockets for the listeners that are new.
    ///
    /// # Errors
    /// Whatever they ask for and this host does not have; nothing has changed.
    pub(super) fn next(&self, basis: &Basis<'_>, handed: Vec<Handed>) -> anyhow::Result<Next> {
        let regime = self.world.regime();
        self.means.build(basis, handed, &Before { regime: Some(&regime), gates: &self.gates, numbers: self.numbers })
    }

    /// Puts it in force, and returns the gates that it does not have: they are open until they are dropped.
    pub(super) fn establish(&mut self, next: Next) -> Vec<Gate> {
        let Next { regime, budget, handshakes, places } = next;
        if budget != self.budget {
            warn_if_short(&budget);
            self.budget = budget;
        }
        self.world.establish(regime);
        self.world.quotas.adopt(&self.world.regime().snapshot);
        self.world.bandwidth.retune(Arc::clone(&self.world.regime().snapshot), &self.world.roster);
        self.world.seats.allow(budget.sessions);
        self.world.roster.allow_handshakes(handshakes);
        self.open(places)
    }

    fn open(&mut self, places: Vec<Place>) -> Vec<Gate> {
        let mut before: Vec<Option<Gate>> = std::mem::take(&mut self.gates).into_iter().map(Some).collect();
        for place in places {
            let gate = match place {
                Place::Kept(position) => before[position].take().expect("no two places keep the same gate"),
                Place::New(built) => built.open(&self.world, &self.means.phase),
            };
            self.numbers = self.numbers.max(gate.number.0 + 1);
            self.gates.push(gate);
        }
        before.into_iter().flatten().collect()
    }
}

impl Means {
    fn build(&self, basis: &Basis<'_>, handed: Vec<Handed>, before: &Before<'_>) -> anyhow::Result<Next> {
        let Basis { settings, users, rules, generation } = basis;
        let limits = &settings.limits;
        let budget = descriptors::plan(limits.max_connections, limits.max_handshakes, self.beside.descriptors);
        let budget = budget.map_err(anyhow::Error::msg)?;
        let places = self.places(settings, handed, before)?;
        let gates = || places.iter().map(|place| place.gate(before.gates));
        let own = gates::addresses(gates()).union(&self.beside.listeners).copied().collect();
        let snapshot = build::snapshot(settings, Arc::clone(users), Arc::clone(rules), *generation, own);
        let doors = gates().zip(settings.listeners()).map(|(gate, listener)| {
            (gate.number, Arc::new(build::door(listener, settings, &self.backends, &self.counting)))
        });
        let regime = Regime {
            snapshot: Arc::new(snapshot.context("cannot list this host's addresses")?),
            dialer: self.dialer(settings, before).context("cannot prepare connections to targets")?,
            vouchers: self.backends.vouchers(rules.set().services()),
            doors: doors.chain(leaving(&places, before)).collect(),
        };
        Ok(Next { regime, budget, handshakes: limits.max_handshakes, places })
    }

    fn places(&self, settings: &Settings, mut handed: Vec<Handed>, before: &Before<'_>) -> anyhow::Result<Vec<Place>> {
        let mut free: Vec<usize> = (0..before.gates.len()).collect();
        let mut numbers = before.numbers..;
        let mut places = Vec::new();
        for (index, listener) in settings.listeners().into_iter().enumerate() {
            let kept = free.iter().position(|position| before.gates[*position].is_at(&listener.binding));
            if let Some(at) = kept {
                places.push(Place::Kept(free.remove(at)));
                continue;
            }
            let sockets = gates::of_listener(&mut handed, index);
            let number = DoorNumber(numbers.next().expect("a range without an end"));
            let built = Built::new(number, listener.binding, sockets, &self.reactors);
            places.push(Place::New(built.with_context(|| format!("cannot listen as {}", listener.name))?));
        }
        Ok(places)
    }

    fn dialer(&self, settings: &Settings, before: &Before<'_>) -> std::io::Result<Dialer> {
        let (options, lookups) = (build::dialing(settings), Arc::clone(&self.counting.lookups));
        match before.regime {
            Some(regime) => regime.dialer.with(options, lookups),
            None => Dialer::new(options, lookups),
        }
    }
}

impl Place {
    fn gate<'a>(&'a self, held: &'a [Gate]) -> &'a Gate {
        match self {
            Self::Kept(position) => &held[*position],
            Self::New(built) => &built.gate,
        }
    }
}

/// The doors of gates that are about to close, as they were: whoever has knocked already is let in.
fn leaving(places: &[Place], before: &Before<'_>) -> Vec<(DoorNumber, Arc<Door>)> {
    let stays = |gate: &Gate| places.iter().any(|place| place.gate(before.gates).number == gate.number);
    let leaving = before.gates.iter().filter(|gate| !stays(gate)).map(|gate| gate.number);
    let door = |number| Some((number, Arc::clone(before.regime?.doors.find(number)?)));
    leaving.filter_map(door).collect()
}

fn warn_if_short(budget: &Budget) {
    if budget.is_short() {
        tracing::warn!("fewer sessions than limits.max_connections fit under the descriptor limit: {budget}");
    }
}
