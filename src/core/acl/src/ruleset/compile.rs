//! From rules as they were written to rules as they are asked.

use std::sync::Arc;

use crate::decision::RuleId;
use crate::policy::identity::{self, Identity};
use crate::policy::pattern::Pattern;
use crate::policy::ports::Ports;
use crate::policy::schedule::{Schedule, Zone};
use crate::policy::words::{Command, Set};
use crate::policy::{Action, Membership, Mode, Policy, PrivateByName, Rule, Subject};
use crate::realm::Realm;
use crate::request::ServiceId;
use crate::ruleset::entry::{Entry, Numbers};
use crate::ruleset::names::Names;
use crate::ruleset::networks::Networks;
use crate::ruleset::shelves::{Atom, Atoms, Book, Filing, OwnerId, Shelves};
use crate::ruleset::table::Table;
use crate::ruleset::{Owner, Reach, Ruleset, Site};

impl Ruleset {
    /// Compiles a policy.
    #[must_use]
    pub fn new(policy: Policy, private_by_name: PrivateByName) -> Self {
        let sites = sites(&policy);
        let mut registry = Registry::new(private_by_name);
        let entries = registry.entries(&policy, &sites);
        let mut files = Files::new();
        for (id, site) in numbered(&sites) {
            files.file(written(&policy, site), id, site.owner);
        }
        let Files { broad, names, networks, filings, atoms, .. } = files;
        let shelves = Shelves::new(filings, &atoms, |id| written(&policy, sites[id.index()]));
        let owners = rules_of_owners(&policy).map(|(owner, rules)| Owner::new(owner, rules, broad, &shelves));
        let mut owners: Vec<Owner> = owners.collect();
        for (site, entry) in sites.iter().zip(&entries) {
            owners[site.owner.0 as usize].services.extend(entry.service());
        }
        owners.iter_mut().for_each(Owner::settle);
        let People { users, groups, strangers, anonymous } = People::of(&policy);
        let identities = identities(&policy, &sites);
        let Registry { zones, services, .. } = registry;
        Self {
            policy,
            private_by_name,
            entries,
            sites,
            identities,
            names,
            networks,
            shelves,
            owners,
            users,
            groups,
            strangers,
            anonymous,
            zones,
            services,
        }
    }
}

impl Owner {
    fn new(owner: OwnerId, rules: &[Rule], broad: Broad, shelves: &Shelves) -> Self {
        Self {
            anything: shelves.stretch(broad.anything, owner),
            public: shelves.stretch(broad.public, owner),
            private: shelves.stretch(broad.private, owner),
            grants: grants(rules),
            reach: Reach::of(rules),
            services: Vec::new(),
        }
    }

    /// Each service once.
    fn settle(&mut self) {
        self.services.sort_unstable();
        self.services.dedup();
    }
}

/// Where each rule stands, in the order of the file.
fn sites(policy: &Policy) -> Vec<Site> {
    let mut placed: Vec<(u32, Site)> = Vec::with_capacity(policy.rule_count());
    for (owner, rules) in rules_of_owners(policy) {
        placed.extend((0..).zip(rules).map(|(index, rule)| (rule.line, Site { owner, index })));
    }
    // Stable, so that rules without a line keep the order of their owners.
    placed.sort_by_key(|(line, _)| *line);
    placed.into_iter().map(|(_, site)| site).collect()
}

fn rules_of_owners(policy: &Policy) -> impl Iterator<Item = (OwnerId, &[Rule])> {
    let users = policy.users.iter().map(|user| &user.rules[..]);
    let groups = policy.groups.iter().map(|group| &group.rules[..]);
    (0..).map(OwnerId).zip(users.chain(groups))
}

fn written(policy: &Policy, site: Site) -> &Rule {
    let owner = site.owner.0 as usize;
    let of_group = || &policy.groups[owner - policy.users.len()].rules;
    let rules = policy.users.get(owner).map_or_else(of_group, |user| &user.rules);
    &rules[site.index as usize]
}

fn numbered(sites: &[Site]) -> impl Iterator<Item = (RuleId, Site)> {
    (0..).map(RuleId).zip(sites.iter().copied())
}

fn grants(rules: &[Rule]) -> Set<Command> {
    let allowing = rules.iter().filter(|rule| is_granting(rule));
    allowing.fold(Set::default(), |all, rule| all.union(rule.carried_commands()))
}

fn is_granting(rule: &Rule) -> bool {
    rule.action == Action::Allow && rule.mode == Mode::Enforced
}

impl Reach {
    fn of(rules: &[Rule]) -> Option<Self> {
        let by_address = |rule: &&Rule| is_granting(rule) && rule.destinations.iter().any(Pattern::is_address);
        let rules: Vec<&Rule> = rules.iter().filter(by_address).collect();
        let ports = Ports::union(rules.iter().map(|rule| rule.ports.clone()))?;
        let commands = rules.iter().fold(Set::default(), |all, rule| all.union(rule.carried_commands()));
        Some(Self { ports, commands })
    }
}

fn identities(policy: &Policy, sites: &[Site]) -> Vec<Identity> {
    let users = policy.users.iter().map(|user| format!("users/{}", user.subject));
    let owners: Vec<String> = users.chain(policy.groups.iter().map(|group| format!("groups/{}", group.name))).collect();
    let mut seen: Table<u64, u32> = Table::default();
    let identity = |site: &Site| {
        let hash = identity::hash(&owners[site.owner.0 as usize], written(policy, *site));
        let copies = seen.entry(hash).or_default();
        let copy = *copies;
        *copies += 1;
        Identity { hash, copy }
    };
    sites.iter().map(identity).collect()
}

/// Numbers zones and services as they come.
struct Registry {
    zones: Vec<Zone>,
    services: Vec<Box<str>>,
    private_by_name: PrivateByName,
}

impl Registry {
    fn new(private_by_name: PrivateByName) -> Self {
        Self { zones: Vec::new(), services: Vec::new(), private_by_name }
    }

    fn entries(&mut self, policy: &Policy, sites: &[Site]) -> Vec<Entry> {
        let Self { zones, services, private_by_name } = self;
        let mut numbers = Numbers {
            zone: &mut |schedule: &Schedule| position(zones, schedule.zone().clone()),
            service: &mut |service: &str| {
                let at = position(services, service.into());
                ServiceId(u8::try_from(at).expect("a file names at most 64 services"))
            },
            private_by_name: *private_by_name,
        };
        numbered(sites).map(|(id, site)| Entry::new(written(policy, site), id, &mut numbers)).collect()
    }
}

/// Where the item is in the list, to which it is added if it is new.
fn position<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// The atoms of destinations that are no names and no networks.
#[derive(Clone, Copy)]
struct Broad {
    anything: Atom,
    public: Atom,
    private: Atom,
}

/// Files each rule under each of its destinations.
struct Files<'p> {
    atoms: Atoms,
    broad: Broad,
    named: Table<&'p Pattern, Atom>,
    names: Names,
    networks: Networks,
    filings: Vec<Filing>,
}

impl<'p> Files<'p> {
    fn new() -> Self {
        let mut atoms = Atoms::new();
        let broad = Broad { anything: atoms.next(), public: atoms.next(), private: atoms.next() };
        Self {
            atoms,
            broad,
            named: Table::default(),
            names: Names::default(),
            networks: Networks::default(),
            filings: Vec::new(),
        }
    }

    fn file(&mut self, rule: &'p Rule, id: RuleId, owner: OwnerId) {
        for (destination, pattern) in (0..).zip(&rule.destinations) {
            let atom = self.atom(pattern);
            self.filings.push(Filing { atom, owner, book: Book { rule: id, destination } });
        }
    }

    fn atom(&mut self, pattern: &'p Pattern) -> Atom {
        match pattern {
            Pattern::Anything => self.broad.anything,
            Pattern::Realm(Realm::Public) => self.broad.public,
            Pattern::Realm(Realm::Private) => self.broad.private,
            Pattern::Network(network) => self.networks.file(*network, || self.atoms.next()),
            Pattern::Name(_) | Pattern::Below(_) | Pattern::Wild(_) => {
                *self.named.entry(pattern).or_insert_with(|| {
                    let atom = self.atoms.next();
                    self.names.file(pattern, atom);
                    atom
                })
            }
        }
    }
}

/// Whose rules hold for whom.
struct People {
    users: Table<Box<str>, Arc<[OwnerId]>>,
    groups: Table<Box<str>, OwnerId>,
    strangers: Arc<[OwnerId]>,
    anonymous: Arc<[OwnerId]>,
}

impl People {
    fn of(policy: &Policy) -> Self {
        let mut ids = rules_of_owners(policy).map(|(owner, _)| owner);
        let of_users: Vec<OwnerId> = ids.by_ref().take(policy.users.len()).collect();
        let groups: Table<Box<str>, OwnerId> = policy.groups.iter().map(|group| group.name.clone()).zip(ids).collect();
        let joined = |group: &Membership| groups.get(&group.group).copied();
        let with_groups = |subject: &Subject| {
            let found = policy.users.iter().zip(&of_users).filter(|(user, _)| user.subject == *subject);
            found.flat_map(|(user, id)| std::iter::once(*id).chain(user.groups.iter().filter_map(joined))).collect()
        };
        let everyone: Vec<OwnerId> = with_groups(&Subject::Everyone);
        let mut users = Table::default();
        for (user, id) in policy.users.iter().zip(&of_users) {
            if let Subject::Named(name) = &user.subject {
                let own = std::iter::once(*id).chain(user.groups.iter().filter_map(joined));
                users.insert(name.clone(), ascending(own.chain(everyone.iter().copied())));
            }
        }
        let anonymous: Vec<OwnerId> = with_groups(&Subject::Anonymous);
        Self {
            anonymous: ascending(anonymous.into_iter().chain(everyone.iter().copied())),
            strangers: ascending(everyone.into_iter()),
            users,
            groups,
        }
    }
}

fn ascending(owners: impl Iterator<Item = OwnerId>) -> Arc<[OwnerId]> {
    let mut owners: Vec<OwnerId> = owners.collect();
    owners.sort_unstable();
    owners.dedup();
    owners.into()
}
