//! Who has carried how much, and what that means: the accounts of all users before the quotas in force.
//!
//! What this process has seen and what the history knows of all others are kept apart, so that nothing counts twice: the
//! history is asked only for what other processes wrote.
//! The time of day comes in with every question.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;
use limits::quota::account::{Account, Carried, Quarter};
use limits::quota::calendar::Span;
use limits::quota::gauge::Gauge;

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

/// One user.
#[derive(Debug, Default)]
struct Holder {
    meter: Arc<Meter>,
    groups: Vec<Arc<str>>,
    /// What this process has seen.
    own: Account,
    /// What others have.
    past: Account,
    /// Of each quota; nothing of those that are not for this user.
    levels: Vec<Option<Level>>,
}

/// How far one quota is used up by one user, or by those who share it.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    used: u64,
    /// Bytes with all that was granted; 0 is no limit.
    most: u64,
    gauge: Gauge,
    is_spent: bool,
}

/// What somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) quota: Arc<str>,
    /// Nobody in particular shares a quota without a group.
    pub(super) whose: Option<Grantee>,
    /// 100 is all of it.
    pub(super) percent: u8,
    pub(super) used: u64,
    pub(super) most: u64,
    /// When it begins anew, in seconds since 1970-01-01T00:00:00Z.
    pub(super) ends: i64,
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
            if holder.meter_is_unused() {
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
            Scales {
                policy: &policy,
                spans: &self.spans,
                shared: &self.shared,
                granted: granted(&self.concessions, now),
            }
            .weigh(&user.name, holder)
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
        self.holders.retain(|_, holder| !(holder.meter_is_unused() && holder.own.is_empty() && holder.past.is_empty()));
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
        let granted = granted(&self.concessions, now);
        for (at, quota) in quotas.iter().enumerate().filter(|(_, quota)| quota.is_shared) {
            let of_each = self.holders.values().filter_map(|holder| holder.levels.get(at).copied().flatten());
            let level = &mut self.shared[at];
            level.used = of_each.fold(0, |sum: u64, level| sum.saturating_add(level.used));
            let whose = quota.group.clone().map(Grantee::Group);
            let more = whose.as_ref().map_or(0, |group| more(&granted, quota, group));
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

/// What one user is judged by.
struct Scales<'b> {
    policy: &'b Snapshot,
    spans: &'b [Span],
    shared: &'b [Level],
    /// Concessions that are valid now.
    granted: Vec<&'b Concession>,
}

impl Scales<'_> {
    fn weigh(&self, name: &Arc<str>, holder: &mut Holder) -> Vec<Told> {
        let (mut told, mut verdict) = (Vec::new(), Verdict::Welcome);
        let whose = Grantee::User(Arc::clone(name));
        let known = self.policy.users.find(name.as_bytes());
        for (at, quota) in self.policy.allowance.quotas.iter().enumerate() {
            let Some(level) = holder.levels.get_mut(at).and_then(Option::as_mut) else { continue };
            let is_spent = if quota.is_shared {
                self.shared[at].is_spent
            } else {
                let written = known.and_then(|known| known.quota(&quota.name)).unwrap_or(quota.bytes);
                level.look(quota, written, more(&self.granted, quota, &whose), |level, percent| {
                    told.push(Told::of(quota, Some(whose.clone()), level, (percent, self.spans[at])));
                });
                level.is_spent
            };
            verdict = verdict.max(match quota.action {
                Action::Refuse if is_spent => Verdict::Refused,
                Action::End if is_spent => Verdict::Ended,
                Action::Refuse | Action::End | Action::Slow(_) => Verdict::Welcome,
            });
        }
        holder.meter.judge(verdict);
        told
    }
}

impl Holder {
    /// Nobody of this user is in.
    fn meter_is_unused(&self) -> bool {
        Arc::strong_count(&self.meter) == 1
    }

    fn sum_up(&mut self, quotas: &[Quota], spans: &[Span]) {
        for ((level, quota), span) in self.levels.iter_mut().zip(quotas).zip(spans) {
            if let Some(level) = level {
                level.used = quota.of(self.own.within(*span) + self.past.within(*span));
            }
        }
    }
}

impl Level {
    fn look(&mut self, quota: &Quota, written: u64, granted: u64, tell: impl FnOnce(&Self, u8)) {
        if written == 0 {
            (self.most, self.is_spent) = (0, false);
            return;
        }
        self.most = written.saturating_add(granted);
        let reading = self.gauge.look(self.used, self.most, &quota.warn_at);
        self.is_spent = reading.is_spent;
        if let Some(percent) = reading.news {
            tell(self, percent);
        }
    }
}

impl Told {
    fn of(quota: &Quota, whose: Option<Grantee>, level: &Level, (percent, span): (u8, Span)) -> Self {
        let Level { used, most, .. } = *level;
        Self { quota: Arc::clone(&quota.name), whose, percent, used, most, ends: span.ends }
    }
}

fn granted(concessions: &[Concession], now: Timestamp) -> Vec<&Concession> {
    concessions.iter().filter(|concession| concession.is_valid(now)).collect()
}

/// Bytes that were granted besides.
fn more(granted: &[&Concession], quota: &Quota, to: &Grantee) -> u64 {
    granted.iter().fold(0, |sum: u64, concession| sum.saturating_add(concession.bytes(&quota.name, to)))
}

fn slow(tuned: &mut Tuned, rate: NonZeroU64) {
    tuned.slowed = tuned.slowed.into_iter().chain([rate]).min();
}

/// Those of a user who has not logged in here yet: what files say.
fn groups_of(policy: &Snapshot, name: &Arc<str>) -> Vec<Arc<str>> {
    let stranger = || User { name: Arc::clone(name), groups: [].into() };
    let user = policy.users.find(name.as_bytes()).map_or_else(stranger, |known| known.user.clone());
    policy.rules.groups_of(&user)
}

fn levels(quotas: &[Quota], groups: &[Arc<str>]) -> Vec<Option<Level>> {
    // Who is seen for the first time has used nothing yet, as far as anybody knows.
    let level = Level { gauge: Gauge::at_zero(), ..Level::default() };
    quotas.iter().map(|quota| quota.is_for(groups).then_some(level)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use limits::quota::calendar::{Calendar, Period};
    use limits::quota::gauge::Counts;

    use super::*;

    fn daily(name: &str, bytes: u64, action: Action) -> Quota {
        Quota {
            name: name.into(),
            group: None,
            is_shared: false,
            bytes,
            counts: Counts::Both,
            calendar: Calendar::new(Period::Day, TimeZone::UTC, 0, 1).expect("it is in range"),
            action,
            warn_at: vec![50],
        }
    }

    fn policy(quotas: Vec<Quota>) -> Arc<Snapshot> {
        let mut snapshot = Snapshot::for_tests();
        snapshot.allowance.quotas = quotas;
        Arc::new(snapshot)
    }

    fn user(name: &str, groups: &[&str]) -> User {
        User { name: name.into(), groups: groups.iter().map(|group| Arc::from(*group)).collect() }
    }

    fn noon(day: i64) -> Timestamp {
        let first: Timestamp = "2026-11-22T12:00:00Z".parse().expect("it is a moment");
        Timestamp::from_second(first.as_second() + day * 86_400).expect("it is in range")
    }

    fn sent(bytes: u64) -> Carried {
        Carried { sent: bytes, received: 0 }
    }

    struct Desk {
        books: Books,
    }

    impl Desk {
        fn of(quotas: Vec<Quota>) -> Self {
            let mut books = Books::default();
            assert_eq!(books.adopt(policy(quotas), noon(0)), []);
            Self { books }
        }

        /// The user carries so much, and then: what is told, and what the user would hear who comes now.
        fn carry(&mut self, user: &User, bytes: u64, now: Timestamp) -> (Vec<u8>, Verdict) {
            let (meter, told) = self.books.meter(user, now);
            meter.put(sent(bytes));
            let (_, more) = self.books.round(now);
            (told.into_iter().chain(more).map(|told| told.percent).collect(), meter.verdict())
        }
    }

    #[test]
    fn a_day_is_used_up_and_the_next_one_begins_anew() {
        let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
        let alice = user("alice", &[]);
        for (day, bytes, told, verdict) in [
            (0, 40, vec![], Verdict::Welcome),
            (0, 20, vec![50], Verdict::Welcome),
            (0, 60, vec![100], Verdict::Refused),
            (1, 0, vec![], Verdict::Welcome),
            (1, 10, vec![], Verdict::Welcome),
            // The clock is set back, and forth again.
            (0, 0, vec![100], Verdict::Refused),
            (1, 89, vec![50], Verdict::Welcome),
            (1, 1, vec![100], Verdict::Refused),
        ] {
            assert_eq!(desk.carry(&alice, bytes, noon(day)), (told, verdict), "day {day}, {bytes} bytes");
        }
    }

    #[test]
    fn what_others_have_written_counts_besides_and_replaces_what_was_known_of_it() {
        let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
        let (alice, bob) = (user("alice", &[]), user("bob", &[]));
        assert_eq!(desk.carry(&alice, 30, noon(0)), (vec![], Verdict::Welcome));
        let quarter = |day| Quarter::of(noon(day).as_second());
        let past = |bytes| vec![("alice".into(), quarter(0), sent(bytes)), ("bob".into(), quarter(-1), sent(999))];
        desk.books.learn(past(60));
        // He was told of the half before.
        assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Welcome));
        desk.books.learn(past(70));
        assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![100], Verdict::Refused));
        assert_eq!(desk.carry(&bob, 0, noon(0)), (vec![], Verdict::Welcome));
        desk.books.learn(past(69));
        assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Welcome));
    }

    #[test]
    fn a_quota_that_a_reload_brings_knows_what_was_carried_before() {
        let mut desk = Desk::of(Vec::new());
        let alice = user("alice", &[]);
        assert_eq!(desk.carry(&alice, 100, noon(0)), (vec![], Verdict::Welcome));
        let told = desk.books.adopt(policy(vec![daily("daily", 100, Action::End)]), noon(0));
        assert_eq!(told.iter().map(|told| told.percent).collect::<Vec<_>>(), [100]);
        assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Ended));
        assert_eq!(desk.books.adopt(policy(vec![daily("daily", 0, Action::End)]), noon(0)), []);
        assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Welcome));
    }

    #[test]
    fn a_reload_hides_for_no_moment_who_has_used_up_what() {
        let own = daily("daily", 100, Action::Refuse);
        let together = Quota { group: Some("staff".into()), is_shared: true, ..daily("together", 100, Action::Refuse) };
        let quotas = vec![own, together];
        let mut desk = Desk::of(quotas.clone());
        let alice = user("alice", &["staff"]);
        assert_eq!(desk.carry(&alice, 100, noon(0)), (vec![100, 100], Verdict::Refused));
        let _is_in = desk.books.meter(&alice, noon(0));
        let before = desk.books.standings();
        assert_eq!(before.iter().filter(|standing| standing.is_spent && standing.used == 100).count(), 2, "{before:?}");
        assert_eq!(desk.books.adopt(policy(quotas), noon(0)), []);
        assert_eq!(desk.books.standings(), before);
    }

    #[test]
    fn a_group_shares_what_its_users_use_together_and_a_slow_one_is_slowed_as_a_whole() {
        let rate = NonZeroU64::new(7).expect("it is not 0");
        let staff = Quota { group: Some("staff".into()), is_shared: true, ..daily("together", 100, Action::Refuse) };
        let slow = Quota { action: Action::Slow(rate), name: "slow".into(), ..staff.clone() };
        let mut desk = Desk::of(vec![staff, slow]);
        let (alice, bob, carol) = (user("alice", &["staff"]), user("bob", &["staff"]), user("carol", &[]));
        assert_eq!(desk.carry(&alice, 49, noon(0)), (vec![], Verdict::Welcome));
        assert_eq!(desk.carry(&carol, 500, noon(0)), (vec![], Verdict::Welcome));
        assert_eq!(desk.carry(&bob, 51, noon(0)), (vec![100, 100], Verdict::Refused));
        assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Refused));
        assert_eq!(desk.carry(&carol, 0, noon(0)), (vec![], Verdict::Welcome));
        let (tuning, _) = desk.books.round(noon(0));
        assert_eq!(tuning.groups.get("staff").and_then(|tuned| tuned.slowed), Some(rate));
        assert!(tuning.users.is_empty());
    }

    #[test]
    fn a_grant_counts_until_its_end_for_the_one_who_has_it() {
        let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
        let (alice, bob) = (user("alice", &[]), user("bob", &[]));
        let evening = Timestamp::from_second(noon(0).as_second() + 6 * 3600).expect("it is in range");
        let grant = |bytes, quota: &str| Concession {
            id: quota.to_owned(),
            to: Grantee::User("alice".into()),
            what: What::Grant { bytes, quota: Some(quota.into()) },
            until: evening,
            reason: String::new(),
            by: "anna".to_owned(),
        };
        desk.books.concessions = vec![grant(50, "daily"), grant(25, "daily"), grant(1000, "another")];
        for (who, now, bytes, told, verdict) in [
            (&bob, noon(0), 100, vec![100], Verdict::Refused),
            (&alice, noon(0), 174, vec![50], Verdict::Welcome),
            (&alice, noon(0), 1, vec![100], Verdict::Refused),
            (&alice, evening, 0, vec![], Verdict::Refused),
            (&alice, noon(1), 99, vec![50], Verdict::Welcome),
        ] {
            assert_eq!(desk.carry(who, bytes, now), (told, verdict), "{who:?} {bytes}");
        }
    }

    #[test]
    fn an_override_holds_until_its_end() {
        let mut desk = Desk::of(Vec::new());
        let what = What::Override { bandwidth: Some(7), at_once: None };
        let to = Grantee::Group("staff".into());
        let (id, by) = ("00c0ffee".to_owned(), "anna".to_owned());
        let concession = Concession { id, to, what, until: noon(1), reason: String::new(), by };
        desk.books.concessions = vec![concession];
        let (tuning, _) = desk.books.round(noon(0));
        let tuned = Tuned { bandwidth: Some(Bound::At(7)), ..Tuned::default() };
        assert_eq!(tuning.groups.get("staff"), Some(&tuned));
        assert_eq!(desk.books.round(noon(1)).0, Tuning::default());
    }

    #[test]
    fn who_left_before_anybody_looked_is_counted_and_who_has_nothing_is_forgotten() {
        let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
        assert_eq!(desk.carry(&user("alice", &[]), 1, noon(0)), (vec![], Verdict::Welcome));
        assert_eq!(desk.carry(&user("bob", &[]), 0, noon(0)), (vec![], Verdict::Welcome));
        let _told = desk.books.round(noon(1));
        assert_eq!(desk.books.holders.keys().map(|name| &**name).collect::<Vec<_>>(), ["alice"]);
        let _told = desk.books.round(noon(41));
        assert!(desk.books.holders.is_empty());
    }
}
