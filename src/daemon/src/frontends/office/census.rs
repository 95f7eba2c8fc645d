//! Who is in now, by whom they are of: how many, what they have carried and how fast they do, and how many of them may be in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::Office;
use super::classes::named;
use crate::state::limits::Key;
use crate::state::limits::share::{Class, claim};
use crate::state::limits::tuning::Tuning;
use crate::state::penalties::source::Source;
use crate::state::session::facts::{Identity, User};
use crate::state::snapshot::Snapshot;

/// What some sessions have together; pairs are from the client and to it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) sessions: u64,
    /// Bytes.
    pub(super) carried: (u64, u64),
    /// Bytes a second.
    pub(super) rates: (u64, u64),
}

/// How many of some may be in, and how it goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Number {
    pub(super) most: Option<u32>,
    pub(super) inside: u32,
    /// Turned away since the first of those came who are in.
    pub(super) refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) all: Sum,
    /// What the session moves that moves most.
    pub(super) fastest: (u64, u64),
    users: HashMap<Arc<str>, (User, Sum)>,
    groups: HashMap<Arc<str>, Sum>,
    sources: HashMap<Source, Sum>,
    /// By the rule that let them in, and whose they are.
    rules: HashMap<(::acl::Identity, String), Sum>,
    numbers: HashMap<Key, Number>,
}

impl Sum {
    fn add(&mut self, other: Self) {
        let both = |one: (u64, u64), other: (u64, u64)| (one.0 + other.0, one.1 + other.1);
        self.sessions += other.sessions;
        (self.carried, self.rates) = (both(self.carried, other.carried), both(self.rates, other.rates));
    }
}

impl Office {
    pub(super) fn census(&self, snapshot: &Snapshot, tuning: &Tuning) -> Census {
        let mut census = Census::default();
        self.paces.each(&self.world.roster, Instant::now(), |session| {
            let (up, down) = session.pace.rates().unwrap_or_default();
            let one = Sum { sessions: 1, carried: (session.up.bytes(), session.down.bytes()), rates: (up, down) };
            census.all.add(one);
            census.fastest = (census.fastest.0.max(up), census.fastest.1.max(down));
            let facts = session.facts();
            let Some(proof) = &facts.proof else { return };
            let whose = match &proof.identity {
                Identity::User(user) => {
                    let known = census.users.entry(Arc::clone(&user.name));
                    known.or_insert_with(|| (user.clone(), Sum::default())).1.add(one);
                    format!("user/{}", user.name)
                }
                Identity::Anonymous => {
                    let source = session.caller().map_or(Source::Local, |caller| caller.source);
                    census.sources.entry(source).or_default().add(one);
                    source.to_string()
                }
            };
            if let Some(rule) = session.credit.rule() {
                census.rules.entry((rule, whose)).or_default().add(one);
            }
        });
        census.count(self, snapshot, tuning);
        census
    }
}

impl Census {
    /// Finds the groups of everybody, and how many may be in.
    fn count(&mut self, office: &Office, snapshot: &Snapshot, tuning: &Tuning) {
        for (user, sum) in self.users.values() {
            let mut keys = claim(snapshot, None, &Identity::User(user.clone())).keys;
            tuning.count(&mut keys);
            for (key, terms) in keys {
                if let Key::Group(name) = &key {
                    self.groups.entry(Arc::clone(name)).or_default().add(*sum);
                }
                self.numbers.insert(key, Number { most: terms.at_once, ..Number::default() });
            }
        }
        for source in self.sources.keys().filter(|source| **source != Source::Local) {
            let most = snapshot.allowance.of_source.at_once;
            self.numbers.insert(Key::Source(*source), Number { most, ..Number::default() });
        }
        let counts = office.world.limits.counts(self.numbers.keys());
        for (number, (inside, refused)) in self.numbers.values_mut().zip(counts) {
            (number.inside, number.refused) = (inside, refused);
        }
    }

    /// Users and groups who are in.
    pub(super) fn present(&self) -> impl Iterator<Item = Class> {
        let users = self.users.keys().map(|name| Class::User(Arc::clone(name), None));
        users.chain(self.groups.keys().map(|name| Class::Group(Arc::clone(name))))
    }

    /// What those of a class have together; nothing in particular means everybody.
    pub(super) fn of(&self, class: Option<&Class>, snapshot: &Snapshot) -> Sum {
        let found = match class {
            None => Some(self.all),
            Some(Class::User(name, _)) => self.users.get(name).map(|(_, sum)| *sum),
            Some(Class::Group(name)) => self.groups.get(name).copied(),
            Some(Class::Source(source)) => self.sources.get(source).copied(),
            Some(Class::Rule(rule, of)) => {
                let (_, of) = named(of, &snapshot.rules, false).unwrap_or_default();
                self.rules.get(&(*rule, of)).copied()
            }
            Some(Class::Session(..)) => None,
        };
        found.unwrap_or_default()
    }

    /// How many of a class may be in; nothing of what has no number of its own.
    pub(super) fn number(&self, class: &Class) -> Number {
        let key = match class {
            Class::User(name, _) => Key::User(Arc::clone(name)),
            Class::Group(name) => Key::Group(Arc::clone(name)),
            Class::Source(source) => Key::Source(*source),
            Class::Rule(..) | Class::Session(..) => return Number::default(),
        };
        self.numbers.get(&key).copied().unwrap_or_default()
    }
}
