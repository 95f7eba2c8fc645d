//! What a user is judged by, and the judgement.

use std::sync::Arc;

use jiff::Timestamp;
use limits::quota::calendar::Span;

use super::super::concession::{Concession, Grantee};
use super::super::meter::Verdict;
use super::super::quota::{Action, Quota};
use super::holder::Holder;
use super::level::{Level, Told};
use crate::state::snapshot::Snapshot;

/// What one user is judged by.
pub(super) struct Scales<'b> {
    pub(super) policy: &'b Snapshot,
    pub(super) spans: &'b [Span],
    pub(super) shared: &'b [Level],
    pub(super) granted: Granted<'b>,
}

/// Concessions that are valid now.
pub(super) struct Granted<'b>(Vec<&'b Concession>);

impl Scales<'_> {
    /// Looks at each quota of the user, and lets the meter say what follows.
    pub(super) fn weigh(&self, name: &Arc<str>, holder: &mut Holder) -> Vec<Told> {
        let (mut told, mut verdict) = (Vec::new(), Verdict::Welcome);
        let whose = Grantee::User(Arc::clone(name));
        let known = self.policy.users.find(name.as_bytes());
        for (at, quota) in self.policy.allowance.quotas.iter().enumerate() {
            let Some(level) = holder.levels.get_mut(at).and_then(Option::as_mut) else { continue };
            let is_spent = if quota.is_shared {
                self.shared[at].is_spent
            } else {
                let written = known.and_then(|known| known.quota(&quota.name)).unwrap_or(quota.bytes);
                level.look(quota, written, self.granted.more(quota, &whose), |level, percent| {
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

impl<'b> Granted<'b> {
    pub(super) fn at(now: Timestamp, concessions: &'b [Concession]) -> Self {
        Self(concessions.iter().filter(|concession| concession.is_valid(now)).collect())
    }

    /// Bytes that were granted besides.
    pub(super) fn more(&self, quota: &Quota, to: &Grantee) -> u64 {
        self.0.iter().fold(0, |sum: u64, concession| sum.saturating_add(concession.bytes(&quota.name, to)))
    }
}
