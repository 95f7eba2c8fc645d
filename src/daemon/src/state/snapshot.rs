//! What the operator wrote, compiled for use and immutable. A connection takes the snapshot of its hour
//! and keeps it for its life.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acl::{Exception, Guard};
use arc_swap::{ArcSwap, ArcSwapOption};
use socks::Command;

use super::limits::allowance::Allowance;
use super::penalties::tariff::Tariff;
use super::rules::Rules;
use super::users::Users;

/// One generation of policy.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The reload that it comes from; 1 is the start of the service.
    pub(crate) generation: u64,
    pub(crate) users: Arc<Users>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) lifetimes: Lifetimes,
    /// Those that are switched on.
    pub(crate) commands: Vec<Command>,
    pub(crate) penalties: Tariff,
    pub(crate) allowance: Allowance,
    /// Whether the operator wants sessions ended that would not be let begin any more.
    pub(crate) ends_refused: bool,
    /// Replaced whole when the host's own addresses change; not the operator's doing, so not a new generation.
    pub(crate) guard: ArcSwap<Guard>,
    /// A later one that refuses some of what this one allowed, if the operator wants such sessions ended.
    pub(crate) revoked_by: ArcSwapOption<Snapshot>,
    surroundings: Surroundings,
    own_addresses: Mutex<HashSet<IpAddr>>,
}

/// What holds for every session of a generation.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) rules: Arc<Rules>,
    pub(crate) lifetimes: Lifetimes,
    /// Those that are switched on.
    pub(crate) commands: Vec<Command>,
    pub(crate) penalties: Tariff,
    pub(crate) allowance: Allowance,
    /// Whether the operator wants sessions ended that would not be let begin any more.
    pub(crate) ends_refused: bool,
}

/// What the guard is made of besides the addresses of this host.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) own_listeners: HashSet<SocketAddr>,
    /// Addresses by which others reach us although no interface has them: those that we advertise.
    pub(crate) advertised: HashSet<IpAddr>,
}

impl Snapshot {
    pub(crate) fn new(
        generation: u64,
        users: Arc<Users>,
        policy: Policy,
        surroundings: Surroundings,
        own_addresses: HashSet<IpAddr>,
    ) -> Self {
        let Policy { rules, lifetimes, commands, penalties, allowance, ends_refused } = policy;
        let guard = ArcSwap::from_pointee(surroundings.guard(&own_addresses));
        Self {
            generation,
            users,
            rules,
            lifetimes,
            commands,
            penalties,
            allowance,
            ends_refused,
            guard,
            revoked_by: ArcSwapOption::empty(),
            surroundings,
            own_addresses: Mutex::new(own_addresses),
        }
    }

    /// Makes the guard know the addresses that this host has now.
    pub(crate) fn follow_own_addresses(&self, now: &HashSet<IpAddr>) {
        let mut known = self.own_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != *now {
            self.guard.store(Arc::new(self.surroundings.guard(now)));
            known.clone_from(now);
        }
    }
}

impl Surroundings {
    fn guard(&self, own_addresses: &HashSet<IpAddr>) -> Guard {
        let ours = own_addresses.iter().chain(&self.advertised).copied();
        Guard::new(&self.exceptions, ours, self.own_listeners.iter().copied())
    }
}

/// How long each stage of a session may last; `None` is without limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    /// From the first byte to the complete request.
    pub(crate) handshake: Duration,
    /// Names and addresses together.
    pub(crate) connect: Duration,
    /// A BIND waits for its peer.
    pub(crate) bind: Duration,
    /// Without a byte in either direction.
    pub(crate) idle: Option<Duration>,
    /// Without a byte after one side has finished.
    pub(crate) half_closed: Option<Duration>,
    /// Without a datagram in either direction.
    pub(crate) udp_idle: Option<Duration>,
    /// From the first byte to the last.
    pub(crate) max_age: Option<Duration>,
}

#[cfg(test)]
impl Snapshot {
    /// Everything on, nothing excepted, deadlines as tests name them.
    pub(crate) fn for_tests() -> Self {
        Self::of_users(Arc::new(Users::default()))
    }

    /// One with these users.
    pub(crate) fn of_users(users: Arc<Users>) -> Self {
        Self::of(users, Rules::open())
    }

    /// One with these rules.
    pub(crate) fn of_rules(rules: Rules) -> Self {
        Self::of(Arc::new(Users::default()), rules)
    }

    fn of(users: Arc<Users>, rules: Rules) -> Self {
        let secs = Duration::from_secs;
        let lifetimes = Lifetimes {
            handshake: secs(10),
            connect: secs(15),
            bind: secs(60),
            idle: Some(secs(300)),
            half_closed: Some(secs(60)),
            udp_idle: Some(secs(120)),
            max_age: Some(secs(3600)),
        };
        let surroundings =
            Surroundings { exceptions: Vec::new(), own_listeners: HashSet::new(), advertised: HashSet::new() };
        let (rules, penalties, allowance) = (Arc::new(rules), Tariff::for_tests(), Allowance::default());
        let policy = Policy { rules, lifetimes, commands: Vec::new(), penalties, allowance, ends_refused: true };
        Self::new(1, users, policy, surroundings, HashSet::new())
    }
}
