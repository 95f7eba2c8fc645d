//! The rules, compiled: whatever their number, a request meets only those that its destination leads to.

pub(crate) mod entry;
pub(crate) mod judge;
pub(crate) mod shelves;
pub(crate) mod table;
pub(crate) mod view;

mod beside;
mod compile;
mod crowd;
mod names;
mod networks;
mod reached;
mod tally;

use std::sync::Arc;

use crate::decision::RuleId;
use crate::policy::identity::Identity;
use crate::policy::ports::Ports;
use crate::policy::schedule::{LocalMinute, Zone};
use crate::policy::words::{Command, Set};
use crate::policy::{Policy, PrivateByName, Rule};
use crate::request::{Moment, ServiceId};
use crate::ruleset::entry::Entry;
use crate::ruleset::names::Names;
use crate::ruleset::networks::Networks;
use crate::ruleset::shelves::{OwnerId, Shelves, Stretch};
use crate::ruleset::table::Table;

/// A policy in the form in which it is asked; immutable.
#[derive(Debug)]
pub struct Ruleset {
    policy: Policy,
    private_by_name: PrivateByName,
    /// In the order of the file; so are the next two.
    entries: Vec<Entry>,
    sites: Vec<Site>,
    identities: Vec<Identity>,
    names: Names,
    networks: Networks,
    shelves: Shelves,
    /// Users in the order of the file, then groups.
    owners: Vec<Owner>,
    users: Table<Box<str>, Arc<[OwnerId]>>,
    groups: Table<Box<str>, OwnerId>,
    /// Whose rules hold for a user without a table, and for whoever did not authenticate.
    strangers: Arc<[OwnerId]>,
    anonymous: Arc<[OwnerId]>,
    zones: Vec<Zone>,
    services: Vec<Box<str>>,
}

/// Where a rule stands in the policy.
#[derive(Debug, Clone, Copy)]
struct Site {
    owner: OwnerId,
    /// Among the owner's rules, from 0.
    index: u32,
}

/// What has to be known of an owner at once.
#[derive(Debug, Default)]
struct Owner {
    anything: Stretch,
    public: Stretch,
    private: Stretch,
    /// Commands that some rule of it allows somewhere.
    grants: Set<Command>,
    /// What its rules might allow by addresses alone.
    reach: Option<Reach>,
    /// The PAM services on which its rules depend, each once.
    services: Vec<ServiceId>,
}

/// At most what some rules allow.
#[derive(Debug)]
struct Reach {
    ports: Ports,
    commands: Set<Command>,
}

impl Ruleset {
    /// The rules as they were written.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What holds for private addresses where a rule does not say.
    #[must_use]
    pub fn private_by_name(&self) -> PrivateByName {
        self.private_by_name
    }

    /// Every rule, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> {
        (0..).map(RuleId).take(self.entries.len())
    }

    /// A rule as it was written.
    ///
    /// # Panics
    /// When the rule is of another ruleset that has more of them.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> &Rule {
        let Site { owner, index } = self.sites[rule.index()];
        &self.written(owner).1[index as usize]
    }

    /// What people call a rule: `users/alice#2` is the second one of alice.
    ///
    /// # Panics
    /// When the rule is of another ruleset that has more of them.
    #[must_use]
    pub fn label(&self, rule: RuleId) -> String {
        let Site { owner, index } = self.sites[rule.index()];
        format!("{}#{}", self.owner_label(owner), index + 1)
    }

    /// Whose rule it is: `users/alice`, `groups/developers`.
    ///
    /// # Panics
    /// When the rule is of another ruleset that has more of them.
    #[must_use]
    pub fn owner(&self, rule: RuleId) -> String {
        self.owner_label(self.sites[rule.index()].owner)
    }

    /// What stays the same of a rule across reloads.
    ///
    /// # Panics
    /// When the rule is of another ruleset that has more of them.
    #[must_use]
    pub fn identity(&self, rule: RuleId) -> Identity {
        self.identities[rule.index()]
    }

    /// Whether a group has rules.
    #[must_use]
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }

    /// The PAM services that the rules name, each once.
    pub fn services(&self) -> impl Iterator<Item = (ServiceId, &str)> {
        (0u8..).map(ServiceId).zip(self.services.iter().map(|service| &**service))
    }

    /// The name of a PAM service.
    ///
    /// # Panics
    /// When the service is of another ruleset that has more of them.
    #[must_use]
    pub fn service(&self, service: ServiceId) -> &str {
        &self.services[usize::from(service.0)]
    }

    /// The time zones that the rules name, each once; mostly none.
    #[must_use]
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// A moment as these rules see it: the seconds since 1970, and `local` for the minute of the week in each of
    /// [`Ruleset::zones`]. It may be kept for as long as the minute lasts.
    #[must_use]
    pub fn moment(&self, seconds: i64, local: impl FnMut(&Zone) -> LocalMinute) -> Moment {
        Moment { seconds, local: self.zones.iter().map(local).collect() }
    }

    /// About how many bytes all of it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let Self { entries, sites, identities, names, networks, shelves, owners, .. } = self;
        let lists = entries.capacity() * size_of::<Entry>()
            + sites.capacity() * size_of::<Site>()
            + identities.capacity() * size_of::<Identity>()
            + owners.capacity() * size_of::<Owner>();
        let entries = entries.iter().map(Entry::memory).sum::<usize>();
        lists + entries + names.memory() + networks.memory() + shelves.memory() + self.policy.memory() + self.people()
    }

    /// Bytes of who is who.
    fn people(&self) -> usize {
        let list = |list: &Arc<[OwnerId]>| size_of_val(&**list) + 2 * size_of::<usize>();
        let users = self.users.iter().map(|(name, owners)| name.len() + list(owners)).sum::<usize>();
        let groups = self.groups.keys().map(|name| name.len()).sum::<usize>();
        let user_slots = self.users.capacity() * (size_of::<(Box<str>, Arc<[OwnerId]>)>() + 1);
        user_slots + self.groups.capacity() * (size_of::<(Box<str>, OwnerId)>() + 1) + users + groups
    }

    pub(crate) fn entry(&self, rule: RuleId) -> &Entry {
        &self.entries[rule.index()]
    }

    pub(crate) fn owner_of(&self, rule: RuleId) -> OwnerId {
        self.sites[rule.index()].owner
    }

    pub(crate) fn is_owned_by(&self, rule: RuleId, owners: &[OwnerId]) -> bool {
        owners.binary_search(&self.sites[rule.index()].owner).is_ok()
    }

    fn owner_label(&self, owner: OwnerId) -> String {
        self.written(owner).0
    }

    /// The label and the rules of an owner.
    fn written(&self, OwnerId(owner): OwnerId) -> (String, &[Rule]) {
        let (owner, users) = (owner as usize, &self.policy.users);
        if let Some(user) = users.get(owner) {
            return (format!("users/{}", user.subject), &user.rules);
        }
        let group = &self.policy.groups[owner - users.len()];
        (format!("groups/{}", group.name), &group.rules)
    }
}

impl Reach {
    fn admits(&self, port: u16, command: Command) -> bool {
        self.ports.contains(port) && self.commands.contains(command)
    }
}
