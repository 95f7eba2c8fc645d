//! The proxy's own front: SOCKS5, SOCKS4(a) and HTTP CONNECT on one port.
//!
//! One file per step of a connection, in the order in which a connection meets them.

pub(crate) mod accept;
mod admission;
mod serve;

mod handshake;
mod inbox;
mod login;
mod on_record;

pub(crate) mod associate;
pub(crate) mod bind;
mod connect;
mod resolve;
mod vouching;

mod farewell;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use jiff::Timestamp;
use socks::Offer;

use crate::engine::auth::turns::Turns;
use crate::engine::auth::{Backend, Entrance, Vouchers};
use crate::engine::dial::Dialer;
use crate::state::limits::Limits;
use crate::state::limits::bandwidth::Bandwidth;
use crate::state::limits::quotas::Quotas;
use crate::state::logins::Logins;
use crate::state::metrics::Metrics;
use crate::state::penalties::Penalties;
use crate::state::readiness::Readiness;
use crate::state::session::facts::{AuthMethod, Origin};
use crate::state::session::revoke::{expire, revoke};
use crate::state::session::roster::Roster;
use crate::state::session::seats::Seats;
use crate::state::session::ticket::Ticket;
use crate::state::snapshot::Snapshot;

/// The handles that serving a connection needs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) roster: Arc<Roster>,
    /// Sessions with a complete request.
    pub(crate) seats: Arc<Seats>,
    /// The same sessions, by who they are and where they come from.
    pub(crate) limits: Arc<Limits>,
    pub(crate) bandwidth: Arc<Bandwidth>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) penalties: Penalties,
    pub(crate) logins: Logins,
    pub(crate) turns: Turns,
    pub(crate) readiness: Arc<Readiness>,
    regime: ArcSwap<Regime>,
    /// The snapshots that sessions may still keep although another one is in force.
    former: Mutex<Vec<Weak<Snapshot>>>,
}

/// All that follows from what the operator wrote, and is replaced as a whole: who may do what, the doors, and the way out.
/// A connection is served by the regime of its hour until its bytes flow, and keeps the snapshot for its life.
#[derive(Debug)]
pub(crate) struct Regime {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) dialer: Dialer,
    pub(crate) vouchers: Vouchers,
    pub(crate) doors: Doors,
}

/// The doors of one regime, by number.
#[derive(Debug)]
pub(crate) struct Doors(Vec<Option<Arc<Door>>>);

/// Which door: it stays the same from regime to regime, and no later door has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoorNumber(pub(crate) usize);

/// One listener's manners.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) name: Arc<str>,
    pub(crate) offer: Offer,
    /// What a client has to pass before its first word is read.
    pub(crate) address_check: Option<Arc<dyn Backend>>,
    pub(crate) entrance: Entrance,
    /// The same for operators who try a name and a password.
    pub(crate) trial: Entrance,
    /// What is asked of clients here, for operators.
    pub(crate) ways: Vec<Way>,
    /// Whose connections must begin with a PROXY protocol header.
    pub(crate) proxied_from: Vec<IpNet>,
    pub(crate) bind: bind::Options,
    pub(crate) udp: associate::Options,
}

/// A way in.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) method: AuthMethod,
    /// The PAM service that is asked, if one is.
    pub(crate) service: Option<Arc<str>>,
    /// Before the client's first word is read.
    pub(crate) is_first: bool,
}

/// One client's visit: who serves it, where it came in, and its ticket.
#[derive(Debug)]
struct Visit {
    world: Arc<World>,
    regime: Arc<Regime>,
    door: Arc<Door>,
    ticket: Ticket,
}

impl World {
    pub(crate) fn new(
        roster: Arc<Roster>,
        seats: Arc<Seats>,
        regime: Regime,
        (readiness, quotas): (Arc<Readiness>, Arc<Quotas>),
        metrics: &Metrics,
    ) -> Self {
        let policy = Arc::clone(&regime.snapshot);
        quotas.adopt(&policy);
        Self {
            roster,
            seats,
            limits: Limits::new(Instant::now()),
            bandwidth: Bandwidth::new(policy, metrics, Instant::now()),
            quotas,
            penalties: Penalties::default(),
            logins: Logins::default(),
            turns: Turns::default(),
            readiness,
            regime: ArcSwap::from_pointee(regime),
            former: Mutex::default(),
        }
    }

    /// What is in force now.
    pub(crate) fn regime(&self) -> Arc<Regime> {
        self.regime.load_full()
    }

    /// Puts another regime in force, for whoever comes from now on.
    pub(crate) fn establish(&self, regime: Regime) {
        let former = self.regime.swap(Arc::new(regime));
        let mut kept = self.former();
        kept.retain(|snapshot| snapshot.strong_count() > 0);
        kept.push(Arc::downgrade(&former.snapshot));
    }

    /// Ends the sessions that the regime in force would not have let begin; returns how many that were at once.
    pub(crate) fn revoke(&self) -> usize {
        let former: Vec<_> = self.former().iter().filter_map(Weak::upgrade).collect();
        revoke(&self.roster, &former, &self.regime().snapshot)
    }

    /// Ends the sessions of users whose time was over after `since` and is by now, if the operator wants that; returns how many.
    pub(crate) fn expire(&self, since: Timestamp, now: Timestamp) -> usize {
        expire(&self.roster, &self.regime().snapshot, since, now)
    }

    /// Makes every guard know the addresses that this host has now, also those of sessions that came under another regime.
    pub(crate) fn follow_own_addresses(&self, now: &HashSet<IpAddr>) {
        let former: Vec<_> = self.former().iter().filter_map(Weak::upgrade).collect();
        for snapshot in former.iter().chain([&self.regime().snapshot]) {
            snapshot.follow_own_addresses(now);
        }
    }

    fn former(&self) -> MutexGuard<'_, Vec<Weak<Snapshot>>> {
        self.former.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doors {
    /// The door with this number, if this regime has it.
    pub(crate) fn find(&self, number: DoorNumber) -> Option<&Arc<Door>> {
        self.0.get(number.0)?.as_ref()
    }

    /// Those of this regime, in the order of their numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Door>> {
        self.0.iter().flatten()
    }
}

impl FromIterator<(DoorNumber, Arc<Door>)> for Doors {
    fn from_iter<T: IntoIterator<Item = (DoorNumber, Arc<Door>)>>(doors: T) -> Self {
        let mut numbered = Vec::new();
        for (DoorNumber(number), door) in doors {
            numbered.resize_with(numbered.len().max(number + 1), || None);
            numbered[number] = Some(door);
        }
        Self(numbered)
    }
}

impl Door {
    /// Whether a connection from there must begin with a PROXY protocol header, which tells who the client is.
    fn expects_introduction(&self, origin: Origin) -> bool {
        origin.ip().is_some_and(|peer| self.proxied_from.iter().any(|network| network.contains(&peer)))
    }
}
