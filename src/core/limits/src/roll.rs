//! Who is in, by as many keys as each has, and who comes too often.
//!
//! Somebody counts under all of his keys or under none. What is remembered is bounded: whoever is in is counted; of whoever is
//! out only an unfilled bucket is kept, of these a bounded number, and the one that is full soonest is forgotten first.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::pace::{Moments, Pace};

/// What holds for one key; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// So many may be in at once.
    pub at_once: Option<u32>,
    /// So fast they may come.
    pub pace: Option<Pace>,
}

/// Which of the terms stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// As many as may be are in.
    TooMany,
    /// They come faster than they may.
    TooFast,
}

/// Who may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch {
    /// The position, from 0, of the key whose terms stood in the way.
    pub at: usize,
    /// Which of them.
    pub excess: Excess,
}

/// Everybody who is in, by key.
#[derive(Debug)]
pub struct Roll<K> {
    accounts: HashMap<K, Account>,
    /// Those with nobody in, by when their bucket is full.
    idle: BTreeSet<(u64, K)>,
    most_idle: usize,
}

#[derive(Debug, Default)]
struct Account {
    inside: u32,
    /// Who was turned away since this is remembered.
    refused: u64,
    bucket: Moments,
}

impl<K: Hash + Ord + Clone> Roll<K> {
    /// A roll that remembers at most `most_idle` keys under which nobody is in.
    #[must_use]
    pub fn new(most_idle: usize) -> Self {
        Self { accounts: HashMap::new(), idle: BTreeSet::new(), most_idle }
    }

    /// Lets one in who counts under each of these keys, no two of which are the same; `now` never goes back.
    ///
    /// # Errors
    /// The first key whose terms do not allow it; nothing was counted or taken.
    pub fn enter(&mut self, keys: &[(K, Terms)], now: u64) -> Result<(), TooMuch> {
        self.forget_full(now);
        for (key, terms) in keys {
            self.fit(key, *terms, now);
        }
        let in_the_way =
            |(at, (key, terms)): (usize, &(K, Terms))| Some(TooMuch { at, excess: self.excess(key, *terms, now)? });
        if let Some(too_much) = keys.iter().enumerate().find_map(in_the_way) {
            self.turn_away(&keys[too_much.at].0);
            return Err(too_much);
        }
        for (key, terms) in keys {
            self.count(key, *terms, now);
        }
        Ok(())
    }

    /// One leaves who was let in with these keys.
    pub fn leave<'k>(&mut self, keys: impl IntoIterator<Item = &'k K>, now: u64)
    where
        K: 'k,
    {
        for key in keys {
            let Some(account) = self.accounts.get_mut(key) else { continue };
            account.inside = account.inside.saturating_sub(1);
            if account.inside == 0 {
                self.idle.insert((account.bucket.full_at(), key.clone()));
            }
        }
        self.forget_full(now);
        while self.idle.len() > self.most_idle {
            self.forget_soonest();
        }
    }

    /// How many are in under this key.
    #[must_use]
    pub fn inside(&self, key: &K) -> u32 {
        self.accounts.get(key).map_or(0, |account| account.inside)
    }

    /// One was turned away under this key, for whatever reason.
    pub fn turn_away(&mut self, key: &K) {
        if let Some(account) = self.accounts.get_mut(key) {
            account.refused = account.refused.saturating_add(1);
        }
    }

    /// How many were turned away under this key since it is remembered.
    #[must_use]
    pub fn refused(&self, key: &K) -> u64 {
        self.accounts.get(key).map_or(0, |account| account.refused)
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.accounts.len()
    }

    /// Whatever pace held before, this one holds now.
    fn fit(&mut self, key: &K, terms: Terms, now: u64) {
        let Some((account, pace)) = self.accounts.get_mut(key).zip(terms.pace) else { return };
        let before = account.bucket.full_at();
        account.bucket.fit(pace, now);
        if account.inside == 0 && account.bucket.full_at() != before {
            self.idle.remove(&(before, key.clone()));
            self.idle.insert((account.bucket.full_at(), key.clone()));
        }
    }

    fn excess(&self, key: &K, terms: Terms, now: u64) -> Option<Excess> {
        let account = self.accounts.get(key);
        let inside = account.map_or(0, |account| account.inside);
        if terms.at_once.is_some_and(|most| inside >= most) {
            return Some(Excess::TooMany);
        }
        let bucket = account.map_or(Moments::default(), |account| account.bucket);
        terms.pace.filter(|pace| !bucket.has_one(*pace, now)).map(|_| Excess::TooFast)
    }

    fn count(&mut self, key: &K, terms: Terms, now: u64) {
        let account = self.accounts.entry(key.clone()).or_default();
        if account.inside == 0 {
            self.idle.remove(&(account.bucket.full_at(), key.clone()));
        }
        account.inside += 1;
        if let Some(pace) = terms.pace {
            account.bucket.take(pace, now);
        }
    }

    /// A full bucket is what a stranger has.
    fn forget_full(&mut self, now: u64) {
        while self.idle.first().is_some_and(|(full_at, _)| *full_at <= now) {
            self.forget_soonest();
        }
    }

    fn forget_soonest(&mut self) {
        if let Some((_, key)) = self.idle.pop_first() {
            self.accounts.remove(&key);
        }
    }
}
