//! Which rules stand beside a rule: for whoever compares them.

use std::sync::Arc;

use crate::canonical::{Destination, HostName};
use crate::decision::RuleId;
use crate::policy::Subject;
use crate::policy::pattern::{Front, Pattern};
use crate::realm::Realm;
use crate::ruleset::Ruleset;
use crate::ruleset::shelves::OwnerId;

impl Ruleset {
    /// The owners whose rules hold for whomever this rule holds for, in ascending order.
    pub(crate) fn always_with(&self, rule: RuleId) -> Arc<[OwnerId]> {
        let owner = self.sites[rule.index()].owner;
        let of_group = || {
            let mut owners: Vec<OwnerId> = self.strangers.iter().copied().chain([owner]).collect();
            owners.sort_unstable();
            owners.dedup();
            owners.into()
        };
        self.policy.users.get(owner.0 as usize).map_or_else(of_group, |user| match &user.subject {
            Subject::Everyone => Arc::clone(&self.strangers),
            Subject::Anonymous => Arc::clone(&self.anonymous),
            Subject::Named(name) => Arc::clone(&self.users[name]),
        })
    }

    /// Every set of owners whose rules hold for somebody: the users of the file, strangers, and who did not authenticate.
    pub(crate) fn all_views(&self) -> impl Iterator<Item = &[OwnerId]> {
        self.users.values().chain([&self.strangers, &self.anonymous]).map(|owners| &**owners)
    }

    /// The rules of these owners that have a destination which may cover this one; a rule may come several times.
    pub(crate) fn met_on_the_way(&self, pattern: &Pattern, owners: &[OwnerId]) -> Vec<RuleId> {
        let mut found = self.broad(owners);
        let mut meet = |atom| {
            let books = self.shelves.stretches(atom, owners).flat_map(|stretch| self.shelves.within(stretch));
            found.extend(books.map(|book| book.rule));
        };
        match pattern {
            Pattern::Anything | Pattern::Realm(_) => {}
            Pattern::Network(network) => {
                self.networks.around(*network).for_each(meet);
            }
            Pattern::Name(_) | Pattern::Below(_) | Pattern::Wild(_) => {
                if let Some(name) = example(pattern) {
                    self.names.look_up(&name, &mut meet);
                }
            }
        }
        found
    }

    /// Rules for anything and for halves of the address space.
    fn broad(&self, owners: &[OwnerId]) -> Vec<RuleId> {
        let owners = owners.iter().map(|OwnerId(owner)| &self.owners[*owner as usize]);
        let stretches = owners.flat_map(|owner| [owner.anything, owner.public, owner.private]);
        stretches.flat_map(|stretch| self.shelves.within(stretch)).map(|book| book.rule).collect()
    }
}

/// A name that the pattern fits, if it is not too long for one.
fn example(pattern: &Pattern) -> Option<HostName> {
    let text = match pattern {
        Pattern::Name(name) => return Some(name.clone()),
        Pattern::Below(name) => format!("x.{name}"),
        Pattern::Wild(wildcard) => {
            let front = if wildcard.front() == Front::Labels { "x." } else { "" };
            format!("{front}{}", wildcard.labels().map(|label| label.replace('*', "x")).collect::<Vec<_>>().join("."))
        }
        Pattern::Anything | Pattern::Network(_) | Pattern::Realm(Realm::Public | Realm::Private) => return None,
    };
    match Destination::parse_name(text.as_bytes()) {
        Ok(Destination::Name(name)) => Some(name),
        Ok(Destination::Address(_)) | Err(_) => None,
    }
}
