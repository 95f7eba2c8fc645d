//! How much each user has carried, and what happens when a quota is used up.
//!
//! Sessions are read once a second and at their end, so a user may carry for a second more than there is left.
//! Everybody who logs in is counted, whether there is a quota or not: so a quota that a reload brings knows what was carried.

pub(crate) mod books;
pub(crate) mod concession;
pub(crate) mod meter;
pub(crate) mod quota;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use limits::quota::account::{Carried, Quarter};
use prometheus::{IntCounterVec, IntGaugeVec};

use self::books::level::Told;
use self::books::{Books, Standing};
use self::concession::{Concession, Grantee};
use self::meter::{Metered, Toll, Verdict};
use self::quota::Quota;
use super::bandwidth::Bandwidth;
use super::tuning::Tuning;
use crate::state::metrics::Metrics;
use crate::state::session::ending::ByHouse;
use crate::state::session::facts::Identity;
use crate::state::session::refusal::Refusal;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::Session;
use crate::state::snapshot::Snapshot;

#[derive(Debug)]
pub(crate) struct Quotas {
    books: Mutex<Books>,
    /// Rung when the books know everything of before.
    bell: Condvar,
    tuning: ArcSwap<Tuning>,
    /// Thresholds that were reached, by quota.
    reached: IntCounterVec,
}

impl Quotas {
    /// Nobody has carried anything, and there are no quotas yet.
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        let reached = metrics.counters(
            "rustsocks_qos_quota_events_total",
            "Users and groups who reached a threshold of a quota (warned) or used it up (spent).",
            &["quota", "event"],
        );
        let spent = metrics.gauges(
            "rustsocks_qos_quota_spent",
            "Users, and groups that share a quota, who have nothing left of it now.",
            &["quota"],
        );
        let quotas =
            Arc::new(Self { books: Mutex::default(), bell: Condvar::new(), tuning: ArcSwap::default(), reached });
        let looked_at = Arc::downgrade(&quotas);
        metrics.before_each_scrape(move || {
            if let Some(quotas) = looked_at.upgrade() {
                quotas.show(&spent);
            }
        });
        quotas
    }

    /// Lets the quotas of this policy hold from now on, for everybody who is in.
    pub(crate) fn adopt(&self, policy: &Arc<Snapshot>) {
        for quota in &policy.allowance.quotas {
            for event in [WARNED, SPENT] {
                // So that the first one is a rise.
                let _series = self.reached.with_label_values(&[&*quota.name, event]);
            }
        }
        let told = self.books().adopt(Arc::clone(policy), Timestamp::now());
        self.tell(&told);
    }

    /// Whether any quotas hold yet, be it none: before, nobody knows what will matter.
    pub(crate) fn is_in_force(&self) -> bool {
        self.books().is_in_force()
    }

    /// Counts what a session whose client is known carries from now on; nobody in particular has no quota.
    ///
    /// # Errors
    /// A quota is used up.
    pub(crate) fn enter(&self, session: &Arc<Session>, identity: &Identity) -> Result<Option<Metered>, Refusal> {
        let Identity::User(user) = identity else { return Ok(None) };
        let (meter, told) = self.books().meter(user, Timestamp::now());
        self.tell(&told);
        match meter.verdict() {
            Verdict::Welcome => Ok(Some(Metered::begin(session, &meter))),
            Verdict::Refused | Verdict::Ended => {
                meter.turn_away();
                Err(Refusal::QuotaSpent)
            }
        }
    }

    /// Puts what the session has carried on its user's meter, if it has one.
    pub(crate) fn note(session: &Session) {
        Toll::pay(session);
    }

    /// Looks what everybody has carried as far as it was noted, and does what follows: tells, slows down, and ends.
    pub(crate) fn round(&self, roster: &Roster, bandwidth: &Bandwidth, now: Timestamp) {
        let mut books = self.books();
        let (tuning, told) = books.round(now);
        let has_to_end = books.ends_somebody();
        drop(books);
        self.tell(&told);
        if tuning != **self.tuning.load() {
            let tuning = Arc::new(tuning);
            self.tuning.store(Arc::clone(&tuning));
            bandwidth.tune(tuning, roster);
        }
        if has_to_end {
            roster.each(|session| {
                if Toll::is_ended(session) {
                    session.course.end(ByHouse::QuotaSpent);
                }
            });
        }
    }

    /// What holds for a while.
    pub(crate) fn tuning(&self) -> Arc<Tuning> {
        self.tuning.load_full()
    }

    /// Since when what other processes have written matters, in seconds since 1970-01-01T00:00:00Z; nothing without quotas.
    pub(crate) fn matters_since(&self, now: Timestamp) -> Option<i64> {
        self.books().matters_since(now)
    }

    /// All of that, instead of what was known of it.
    pub(crate) fn learn(&self, past: Vec<(Arc<str>, Quarter, Carried)>) {
        self.books().learn(past);
    }

    /// What was learnt is all that processes before this one have left.
    pub(crate) fn learnt_all(&self) {
        self.books().knows_all = true;
        self.bell.notify_all();
    }

    /// Waits until that is so, unless nothing of it matters; `false` if it takes longer than `limit`.
    pub(crate) fn know_all_within(&self, limit: Duration) -> bool {
        if self.matters_since(Timestamp::now()).is_none() {
            return true;
        }
        let is_ignorant = |books: &mut Books| !books.knows_all;
        let waited = self.bell.wait_timeout_while(self.books(), limit, is_ignorant);
        waited.unwrap_or_else(PoisonError::into_inner).0.knows_all
    }

    /// How far each quota is used up, by each user and by those who share one; in no order.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        self.books().standings()
    }

    /// Sessions of each user that were turned away because a quota is used up, of those to whom that happened.
    pub(crate) fn refused(&self) -> HashMap<Arc<str>, u64> {
        self.books().refused()
    }

    /// The quota of this name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<Quota> {
        self.books().quotas().iter().find(|quota| *quota.name == *name).cloned()
    }

    /// The quotas of which this one can be given more, by name, in the order of the file.
    pub(crate) fn held_by(&self, to: &Grantee) -> Vec<Arc<str>> {
        self.books().held_by(to)
    }

    /// What operators have conceded, also what is over.
    pub(crate) fn concessions(&self) -> Vec<Concession> {
        self.books().concessions.clone()
    }

    /// Lets these hold instead of the former ones, from the next round on.
    pub(crate) fn concede(&self, concessions: Vec<Concession>) {
        self.books().concessions = concessions;
    }

    fn tell(&self, told: &[Told]) {
        for Told { quota, whose, percent, used, most, ends } in told {
            let (user, group) = match whose {
                Some(Grantee::User(name)) => (Some(name.escape_debug()), None),
                Some(Grantee::Group(name)) => (None, Some(name.escape_debug())),
                None => (None, None),
            };
            let is_spent = *percent == 100;
            tracing::warn!(
                target: "quota",
                quota = %quota,
                user = user.map(tracing::field::display),
                group = group.map(tracing::field::display),
                percent,
                used_bytes = used,
                quota_bytes = most,
                until = Timestamp::from_second(*ends).ok().map(tracing::field::display),
                "{}",
                if is_spent { "quota used up" } else { "quota nearly used up" }
            );
            self.reached.with_label_values(&[&**quota, if is_spent { SPENT } else { WARNED }]).inc();
        }
    }

    /// The quotas in force and no others.
    fn show(&self, spent: &IntGaugeVec) {
        spent.reset();
        let books = self.books();
        for quota in books.quotas() {
            spent.with_label_values(&[&*quota.name]).set(0);
        }
        for standing in books.standings().iter().filter(|standing| standing.is_spent) {
            spent.with_label_values(&[&*standing.quota]).inc();
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words of the metric.
const WARNED: &str = "warned";
const SPENT: &str = "spent";
