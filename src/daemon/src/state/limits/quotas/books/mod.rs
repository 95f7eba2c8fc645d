//! Who has carried how much, and what that means: the accounts of all users before the quotas in force.
//!
//! What this process has seen and what the history knows of all others are kept apart, so that nothing counts twice: the
//! history is asked only for what other processes wrote.
//! The time of day comes in with every question.

mod holder;
pub(super) mod level;
mod scales;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;
use limits::quota::account::{Account, Carried, Quarter};
use limits::quota::calendar::Span;
use limits::quota::gauge::Gauge;

use self::holder::{Holder, groups_of, levels};
use self::level::{Level, Told};
use self::scales::{Granted, Scales};
use super::concession::{Concession, Grantee, What};
use super::meter::{Meter, Verdict};
use super::quota::{Action, Quota};
use crate::state::limits::allowance::Bound;
use crate::state::limits::tuning::{Tuned, Tuning};
use crate::state::session::facts::User;
use crate::state::snapshot::Snapshot;

/// Seconds that are kept: the longest month, and a clock that is set by some days.
const KEPT: i64 = 40 * 86_400;

/// How long a concession that is over is remembered, in seconds: the clock may be set back.
const REMEMBERED: i64 = 2 * 86_400;

#[derive(Debug, Default)]
pub(super) struct Books {
    policy: Option<Arc<Snapshot>>,
    /// The period of each quota that it is now.
    spans: Vec<Span>,
    holders: HashMap<Arc<str>, Holder>,
    /// Of each quota, for those who share it.
    shared: Vec<Level>,
    pub(super) concessions: Vec<Concession>,
    /// Something is new besides bytes.
    is_stale: bool,
    /// It knows some of what processes before this one have written.
    is_taught: bool,
    /// It knows all of that.
    pub(super) knows_all: bool,
    /// When it last forgot something.
    forgot: Quarter,
}

/// One line of the list that operators see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) quota: Arc<str>,
    pub(crate) whose: Option<Grantee>,
    pub(crate) used: u64,
    /// 0 is no limit.
    pub(crate) most: u64,
    pub(crate) is_spent: bool,
    pub(crate) span: Span,
}

impl Books {
    /// Lets these quotas hold from now on, and judges everybody by them at once. What is written of a quota may change; what was
    /// used of it stays.
    pub(super) fn adopt(&mut self, policy: Arc<Snapshot>, now: Timestamp) -> Vec<Told> {
        let before: Vec<Quota> = self.quotas().to_vec();
        let of_before: Vec<Option<usize>> = policy
            .allowance
            .quotas
            .iter()
            .map(|quota| before.iter().position(|other| other.name == quota.name && other.is_shared == quota.is_shared))
            .collect();
        let gauge = |levels: &[Level], at: usize| levels.get(at).map(|level| level.gauge).unwrap_or_default();
        self.shared = of_before
            .iter()
            .map(|at| Level { gauge: at.map_or(Gauge::default(), |at| gauge(&self.shared, at)), ..Level::default() })
            .collect();
        for (name, holder) in &mut self.holders {
            // Who is in keeps the groups that the login found.
            if holder.is_away() {
                holder.groups = groups_of(&policy, name);
            }
            let known = std::mem::take(&mut holder.levels);
            holder.levels = levels(&policy.allowance.quotas, &holder.groups);
            for (level, at) in holder.levels.iter_mut().zip(&of_before) {
                let gauge = at.and_then(|at| known.get(at).copied().flatten()).map(|level| level.gauge);
                if let Some((level, gauge)) = level.as_mut().zip(gauge) {
                    level.gauge = gauge;
                }
            }
        }
        self.policy = Some(policy);
        self.spans.clear();
        self.look_at_clock(now);
        self.weigh(now)
    }

    /// A session of this user begins, and its meter is this one. Whoever comes for the first time is judged at once.
    pub(super) fn meter(&mut self, user: &User, now: Timestamp) -> (Arc<Meter>, Vec<Told>) {
        let Some(policy) = self.policy.clone() else { return Default::default() };
        let groups = policy.rules.groups_of(user);
        self.look_at_clock(now);
        let holder = self.holders.entry(Arc::clone(&user.name)).or_default();
        let is_new = holder.levels.len() != self.spans.len() || holder.groups != groups;
        if is_new {
            holder.groups = groups;
            holder.levels = levels(&policy.allowance.quotas, &holder.groups);
            holder.sum_up(&policy.allowance.quotas, &self.spans);
        }
        let told = if is_new {
            let granted = Granted::at(now, &self.concessions);
            Scales { policy: &policy, spans: &self.spans, shared: &self.shared, granted }.weigh(&user.name, holder)
        } else {
            Vec::new()
        };
        (Arc::clone(&holder.meter), told)
    }

    /// Takes what the sessions have put on their meters, and says what came of it.
    pub(super) fn round(&mut self, now: Timestamp) -> (Tuning, Vec<Told>) {
        self.look_at_clock(now);
        let quarter = Quarter::of(now.as_second());
        let quotas = self.policy.as_ref().map_or(&[][..], |policy| &policy.allowance.quotas);
        for holder in self.holders.values_mut() {
            let carried = holder.meter.take();
            if carried != Carried::default() {
                holder.own.add(quarter, carried);
                for (level, quota) in holder.levels.iter_mut().zip(quotas) {
                    if let Some(level) = level {
                        level.used = level.used.saturating_add(quota.of(carried));
                    }
                }
            }
        }
        // Whose last bytes have just been taken is remembered.
        if quarter != self.forgot {
            self.forgot = quarter;
            self.forget(now);
        }
        let told = self.weigh(now);
        (self.tuning(now), told)
    }

    /// Whether somebody may not even stay.
    pub(super) fn ends_somebody(&self) -> bool {
        self.holders.values().any(|holder| holder.meter.verdict() == Verdict::Ended)
    }

    /// Everything that other processes have written of these users, instead of what was known of that.
    pub(super) fn learn(&mut self, past: Vec<(Arc<str>, Quarter, Carried)>) {
        let Some(policy) = self.policy.clone() else { return };
        for holder in self.holders.values_mut() {
            holder.past = Account::default();
        }
        for (user, quarter, carried) in past {
            let holder = self.holders.entry(user).or_insert_with_key(|name| {
                let groups = groups_of(&policy, name);
                Holder { levels: levels(&policy.allowance.quotas, &groups), groups, ..Holder::default() }
            });
            holder.past.add(quarter, carried);
        }
        if !std::mem::replace(&mut self.is_taught, true) {
            // Nobody is told of what a process before this one has told him.
            let taught = self.holders.values_mut().filter(|holder| !holder.past.is_empty());
            let levels = taught.flat_map(|holder| holder.levels.iter_mut().flatten());
            levels.for_each(|level| level.gauge = Gauge::default());
            self.shared.iter_mut().for_each(|level| level.gauge = Gauge::default());
        }
        self.is_stale = true;
    }

    /// Since when what was carried matters, in seconds since 1970-01-01T00:00:00Z; nothing without quotas.
    pub(super) fn matters_since(&mut self, now: Timestamp) -> Option<i64> {
        self.look_at_clock(now);
        self.spans.iter().map(|span| span.begins).min()
    }

    /// Forgets what no quota asks about any more, and who has nothing left.
    fn forget(&mut self, now: Timestamp) {
        let before = Quarter::of(now.as_second() - KEPT);
        for holder in self.holders.values_mut() {
            holder.own.forget_before(before);
            holder.past.forget_before(before);
        }
        self.holders.retain(|_, holder| !(holder.is_away() && holder.own.is_empty() && holder.past.is_empty()));
        self.concessions.retain(|concession| now.as_second() < concession.until.as_second() + REMEMBERED);
    }

    /// Each quota of each user, and those that are shared.
    pub(super) fn standings(&self) -> Vec<Standing> {
        let mut all = Vec::new();
        let standing = |at: usize, quota: &Quota, level: &Level, whose| {
            let Level { used, most, is_spent, .. } = *level;
            Some(Standing { quota: Arc::clone(&quota.name), whose, used, most, is_spent, span: *self.spans.get(at)? })
        };
        for (at, (quota, level)) in self.quotas().iter().zip(&self.shared).enumerate() {
            if quota.is_shared {
                all.extend(standing(at, quota, level, quota.group.clone().map(Grantee::Group)));
            }
        }
        for (name, holder) in &self.holders {
            for (at, (quota, level)) in self.quotas().iter().zip(&holder.levels).enumerate() {
                if let Some(level) = level.as_ref().filter(|_| !quota.is_shared) {
                    all.extend(standing(at, quota, level, Some(Grantee::User(Arc::clone(name)))));
                }
            }
        }
        all
    }

    /// Who was turned away, and how often.
    pub(super) fn refused(&self) -> HashMap<Arc<str>, u64> {
        let refused = self.holders.iter().map(|(name, holder)| (Arc::clone(name), holder.meter.refused()));
        refused.filter(|(_, count)| *count > 0).collect()
    }

    /// The quotas of which this one can be given more: a user those that he has for himself, a group those that it shares.
    pub(super) fn held_by(&self, to: &Grantee) -> Vec<Arc<str>> {
        let Some(policy) = &self.policy else { return Vec::new() };
        let is_held = |quota: &&Quota| match to {
            Grantee::Group(name) => quota.is_shared && quota.group.as_ref() == Some(name),
            Grantee::User(name) => {
                let known = policy.users.find(name.as_bytes()).map(|_| groups_of(policy, name));
                let groups = self.holders.get(name).map(|holder| &holder.groups).into_iter().chain(&known);
                // Of whom neither a file nor a login says anything, PAM may know the groups.
                !quota.is_shared && (known.is_none() || groups.into_iter().any(|groups| quota.is_for(groups)))
            }
        };
        self.quotas().iter().filter(is_held).map(|quota| Arc::clone(&quota.name)).collect()
    }

    /// Whether any quotas hold yet, be it none.
    pub(super) fn is_in_force(&self) -> bool {
        self.policy.is_some()
    }

    /// The quotas in force.
    pub(super) fn quotas(&self) -> &[Quota] {
        self.policy.as_ref().map_or(&[], |policy| &policy.allowance.quotas)
    }

    /// Looks which periods it is now, and sums up anew what was carried in them where that is not known.
    fn look_at_clock(&mut self, now: Timestamp) {
        let Some(policy) = self.policy.clone() else { return };
        let quotas = &policy.allowance.quotas;
        let second = now.as_second();
        let is_right = self.spans.len() == quotas.len() && self.spans.iter().all(|span| span.contains(second));
        if is_right && !self.is_stale {
            return;
        }
        let before = std::mem::take(&mut self.spans);
        self.spans = quotas.iter().map(|quota| quota.calendar.span(now)).collect();
        let has_begun: Vec<bool> = self
            .spans
            .iter()
            .enumerate()
            .map(|(at, span)| before.get(at).is_some_and(|before| before != span))
            .collect();
        for holder in self.holders.values_mut() {
            holder.sum_up(quotas, &self.spans);
            for (level, _) in holder.levels.iter_mut().zip(&has_begun).filter(|(_, has_begun)| **has_begun) {
                if let Some(level) = level {
                    level.gauge = Gauge::at_zero();
                }
            }
        }
        for (level, _) in self.shared.iter_mut().zip(&has_begun).filter(|(_, has_begun)| **has_begun) {
            level.gauge = Gauge::at_zero();
        }
        self.is_stale = false;
    }

    /// Finds out whose quotas are used up.
    fn weigh(&mut self, now: Timestamp) -> Vec<Told> {
        let Some(policy) = self.policy.clone() else { return Vec::new() };
        let (mut told, quotas) = (Vec::new(), &policy.allowance.quotas);
        let granted = Granted::at(now, &self.concessions);
        for (at, quota) in quotas.iter().enumerate().filter(|(_, quota)| quota.is_shared) {
            let of_each = self.holders.values().filter_map(|holder| holder.levels.get(at).copied().flatten());
            let level = &mut self.shared[at];
            level.used = of_each.fold(0, |sum: u64, level| sum.saturating_add(level.used));
            let whose = quota.group.clone().map(Grantee::Group);
            let more = whose.as_ref().map_or(0, |group| granted.more(quota, group));
            level.look(quota, quota.bytes, more, |level, percent| {
                told.push(Told::of(quota, whose.clone(), level, (percent, self.spans[at])));
            });
        }
        let scales = Scales { policy: &policy, spans: &self.spans, shared: &self.shared, granted };
        for (name, holder) in &mut self.holders {
            told.extend(scales.weigh(name, holder));
        }
        told
    }

    /// Who is slowed down now, and what operators have lifted or lowered.
    fn tuning(&self, now: Timestamp) -> Tuning {
        let mut tuning = Tuning::default();
        for (at, quota) in self.quotas().iter().enumerate() {
            let Action::Slow(rate) = quota.action else { continue };
            if let Some(group) = quota.group.as_ref().filter(|_| quota.is_shared && self.shared[at].is_spent) {
                slow(tuning.groups.entry(Arc::clone(group)).or_default(), rate);
            }
            let is_spent =
                |holder: &Holder| holder.levels.get(at).is_some_and(|level| level.is_some_and(|level| level.is_spent));
            for (name, _) in self.holders.iter().filter(|(_, holder)| !quota.is_shared && is_spent(holder)) {
                slow(tuning.users.entry(Arc::clone(name)).or_default(), rate);
            }
        }
        for Concession { to, what, .. } in self.concessions.iter().filter(|concession| concession.is_valid(now)) {
            let What::Override { bandwidth, at_once } = what else { continue };
            let tuned = match to {
                Grantee::User(name) => tuning.users.entry(Arc::clone(name)).or_default(),
                Grantee::Group(name) => tuning.groups.entry(Arc::clone(name)).or_default(),
            };
            tuned.bandwidth = bandwidth.map(Bound::written).or(tuned.bandwidth);
            tuned.at_once = at_once.map(Bound::written).or(tuned.at_once);
        }
        tuning
    }
}

fn slow(tuned: &mut Tuned, rate: NonZeroU64) {
    tuned.slowed = tuned.slowed.into_iter().chain([rate]).min();
}
