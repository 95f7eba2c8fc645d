//! One user before the quotas: what was carried, and how far each quota is used up by that.

use std::sync::Arc;

use limits::quota::account::Account;
use limits::quota::calendar::Span;
use limits::quota::gauge::Gauge;

use super::super::meter::Meter;
use super::super::quota::Quota;
use super::level::Level;
use crate::state::session::facts::User;
use crate::state::snapshot::Snapshot;

/// One user.
#[derive(Debug, Default)]
pub(super) struct Holder {
    pub(super) meter: Arc<Meter>,
    pub(super) groups: Vec<Arc<str>>,
    /// What this process has seen.
    pub(super) own: Account,
    /// What others have.
    pub(super) past: Account,
    /// Of each quota; nothing of those that are not for this user.
    pub(super) levels: Vec<Option<Level>>,
}

impl Holder {
    /// Nobody of this user is in.
    pub(super) fn is_away(&self) -> bool {
        Arc::strong_count(&self.meter) == 1
    }

    pub(super) fn sum_up(&mut self, quotas: &[Quota], spans: &[Span]) {
        for ((level, quota), span) in self.levels.iter_mut().zip(quotas).zip(spans) {
            if let Some(level) = level {
                level.used = quota.of(self.own.within(*span) + self.past.within(*span));
            }
        }
    }
}

/// Those of a user who has not logged in here yet: what files say.
pub(super) fn groups_of(policy: &Snapshot, name: &Arc<str>) -> Vec<Arc<str>> {
    let stranger = || User { name: Arc::clone(name), groups: [].into() };
    let user = policy.users.find(name.as_bytes()).map_or_else(stranger, |known| known.user.clone());
    policy.rules.groups_of(&user)
}

/// Of each quota; nothing of those that are not for these groups.
pub(super) fn levels(quotas: &[Quota], groups: &[Arc<str>]) -> Vec<Option<Level>> {
    // Who is seen for the first time has used nothing yet, as far as anybody knows.
    let level = Level { gauge: Gauge::at_zero(), ..Level::default() };
    quotas.iter().map(|quota| quota.is_for(groups).then_some(level)).collect()
}
