//! The series of each user: a bounded number of names, and one for all others.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::Metrics;
use crate::state::session::facts::{ANONYMOUS, Identity};

/// Names that have series of their own.
const MOST: usize = 1_000;

/// Who comes when there are as many.
const OTHER: &str = "_other";

/// Only names that were proven come here: what a client merely says of itself makes no series.
#[derive(Debug)]
pub(super) struct Users {
    known: RwLock<HashMap<Arc<str>, Arc<User>>>,
    other: Arc<User>,
    anonymous: Arc<User>,
    families: Families,
}

#[derive(Debug)]
struct Families {
    bytes: IntCounterVec,
    active: IntGaugeVec,
    decisions: IntCounterVec,
}

/// What is counted of one user.
#[derive(Debug)]
pub(super) struct User {
    pub(super) sent: IntCounter,
    pub(super) received: IntCounter,
    /// Sessions at the last look.
    pub(super) active: IntGauge,
    /// Requests that the rules and the guard let pass, and those that they did not.
    pub(super) allowed: IntCounter,
    pub(super) blocked: IntCounter,
}

impl Users {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let families = Families {
            bytes: metrics.counters(
                "rustsocks_user_bytes_total",
                "Payload delivered for each user; sent is what came from the client.",
                &["user", "direction"],
            ),
            active: metrics.gauges(
                "rustsocks_user_active_sessions",
                "Sessions of each user that are in now.",
                &["user"],
            ),
            decisions: metrics.counters(
                "rustsocks_acl_decisions_total",
                "Requests of each user that the rules and the guard decided.",
                &["user", "decision"],
            ),
        };
        let user = |name: &str| Arc::new(families.user(name));
        Self { known: RwLock::default(), other: user(OTHER), anonymous: user(ANONYMOUS), families }
    }

    pub(super) fn of(&self, identity: &Identity) -> Arc<User> {
        match identity {
            Identity::Anonymous => Arc::clone(&self.anonymous),
            Identity::User(user) => self.find(&user.name).unwrap_or_else(|| self.meet(&user.name)),
        }
    }

    /// Everybody with series of their own, and the two who stand for many.
    pub(super) fn all(&self) -> Vec<Arc<User>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().chain([&self.other, &self.anonymous]).map(Arc::clone).collect()
    }

    fn find(&self, name: &str) -> Option<Arc<User>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone)
    }

    fn meet(&self, name: &Arc<str>) -> Arc<User> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(name) {
            return Arc::clone(&self.other);
        }
        let user = known.entry(Arc::clone(name));
        Arc::clone(user.or_insert_with(|| Arc::new(self.families.user(name))))
    }
}

impl Families {
    fn user(&self, name: &str) -> User {
        let bytes = |direction| self.bytes.with_label_values(&[name, direction]);
        let active = self.active.with_label_values(&[name]);
        let decisions = |decision| self.decisions.with_label_values(&[name, decision]);
        User {
            sent: bytes("sent"),
            received: bytes("received"),
            active,
            allowed: decisions("allow"),
            blocked: decisions("block"),
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector;

    use super::*;
    use crate::state::session::facts;

    #[test]
    fn as_many_as_fit_have_series_of_their_own_and_the_others_share_one() {
        let users = Users::new(&Metrics::default());
        let identity = |number: usize| {
            Identity::User(facts::User { name: format!("user{number}").into(), groups: Vec::new().into() })
        };
        for number in 0..MOST + 500 {
            users.of(&identity(number)).sent.inc();
        }
        assert_eq!(users.families.bytes.collect()[0].get_metric().len(), 2 * (MOST + 2));
        let sent = |user| users.families.bytes.with_label_values(&[user, "sent"]).get();
        assert_eq!((sent("user0"), sent(OTHER), sent(ANONYMOUS)), (1, 500, 0));
        users.of(&identity(MOST)).sent.inc();
        users.of(&Identity::Anonymous).sent.inc();
        assert_eq!((sent("user0"), sent(OTHER), sent(ANONYMOUS)), (1, 501, 1));
    }
}
