//! The rules as one client sees them: those of its own table, of its groups, and of everyone.

use std::sync::Arc;

use crate::decision::Decision;
use crate::guard::Guard;
use crate::policy::Action;
use crate::policy::words::Command;
use crate::request::{Request, ServiceId};
use crate::ruleset::Ruleset;
use crate::ruleset::shelves::OwnerId;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    /// Whoever did not authenticate.
    Anonymous,
    /// A user whose name was proven.
    User(&'a str),
}

/// The rules for one client; made once per session and kept with it.
#[derive(Debug, Clone)]
pub struct View {
    rules: Arc<Ruleset>,
    /// In ascending order.
    owners: Arc<[OwnerId]>,
}

impl View {
    /// The rules for this client. `groups` are those that its authentication found, besides those of the rule file;
    /// groups without rules are left out.
    #[must_use]
    pub fn new<'g>(rules: &Arc<Ruleset>, who: Who<'_>, groups: impl IntoIterator<Item = &'g str>) -> Self {
        let known = rules.owners_of(who);
        let further: Vec<OwnerId> = groups.into_iter().filter_map(|group| rules.groups.get(group).copied()).collect();
        let owners = if further.is_empty() { Arc::clone(known) } else { joined(known, further) };
        Self { rules: Arc::clone(rules), owners }
    }

    /// Decides a request. This is the one function for traffic, explanations and tests; it allocates nothing.
    pub fn decide(&self, request: &Request<'_>, guard: &Guard) -> Decision {
        self.rules.judge(&self.owners, request, guard, &mut ())
    }

    /// Whether any request of this kind could be allowed: a client that may send no datagram at all is better told at
    /// once. `true` promises nothing.
    #[must_use]
    pub fn may_ever(&self, command: Command) -> bool {
        self.rules.policy.default == Action::Allow || self.rules.grants(&self.owners, command)
    }

    /// The PAM services on which rules for this client depend, each once: no other is worth asking about it.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceId> {
        let owners = self.owners.iter().map(|OwnerId(owner)| &self.rules.owners[*owner as usize]);
        let mut services: Vec<ServiceId> = owners.flat_map(|owner| owner.services.iter().copied()).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// Whose rules hold, in ascending order.
    pub(crate) fn owners(&self) -> &[OwnerId] {
        &self.owners
    }

    /// The rules that it is a view of.
    #[must_use]
    pub fn rules(&self) -> &Arc<Ruleset> {
        &self.rules
    }
}

impl Ruleset {
    fn grants(&self, owners: &[OwnerId], command: Command) -> bool {
        owners.iter().any(|OwnerId(owner)| self.owners[*owner as usize].grants.contains(command))
    }

    fn owners_of(&self, who: Who<'_>) -> &Arc<[OwnerId]> {
        match who {
            Who::Anonymous => &self.anonymous,
            Who::User(name) => self.users.get(name).unwrap_or(&self.strangers),
        }
    }
}

fn joined(known: &[OwnerId], further: Vec<OwnerId>) -> Arc<[OwnerId]> {
    let mut owners: Vec<OwnerId> = known.iter().copied().chain(further).collect();
    owners.sort_unstable();
    owners.dedup();
    owners.into()
}
