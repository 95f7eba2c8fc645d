//! Who is in, by user, group, source and rule, and whether one more may come.
//!
//! It outlives every reload; what the operator wrote comes in as [`Allowance`](allowance::Allowance) with each question.
//! Everybody is counted, whether a limit holds or not: so a limit that a reload brings knows who is in already.
//! Knows nothing of sockets or clocks: whoever asks says what time it is.

pub(crate) mod allowance;
pub(crate) mod bandwidth;
pub(crate) mod credit;
pub(crate) mod quotas;
pub(crate) mod share;
pub(crate) mod tuning;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use limits::{Excess, Roll, Spread, Terms};

use super::penalties::source::Source;
use super::session::refusal::Refusal;

/// Users and sources that are remembered although none of their sessions is in, until they may come as if for the first time.
const MOST_ABSENT: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Limits {
    began: Instant,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    roll: Roll<Key>,
    /// From which sources each user is in.
    spread: Spread<Arc<str>, Source>,
}

/// Under what a session is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Source(Source),
    User(Arc<str>),
    Group(Arc<str>),
    /// The rule that let it in.
    Rule(acl::Identity),
}

/// What a session is to be counted under, and what holds for each.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) keys: Vec<(Key, Terms)>,
    /// `None` for whoever did not log in or has no address.
    pub(crate) spot: Option<Spot>,
}

/// Where a user comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) user: Arc<str>,
    pub(crate) source: Source,
    /// From so many sources the user may be in at once.
    pub(crate) most: Option<u32>,
}

/// That a session is counted; it is no longer when this is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    limits: Arc<Limits>,
    claim: Claim,
}

impl Limits {
    pub(crate) fn new(now: Instant) -> Arc<Self> {
        let inside = Inside { roll: Roll::new(MOST_ABSENT), spread: Spread::new() };
        Arc::new(Self { began: now, inside: Mutex::new(inside) })
    }

    /// Counts one more session.
    ///
    /// # Errors
    /// Something that holds for it is against it; nothing was counted.
    pub(crate) fn enter(self: &Arc<Self>, claim: Claim, now: Instant) -> Result<Presence, Refusal> {
        let now = self.moment(now);
        self.inside().enter(&claim, now)?;
        Ok(Presence { limits: Arc::clone(self), claim })
    }

    /// How many are in under each of these keys, and how many were turned away since the first of them came.
    pub(crate) fn counts<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Vec<(u32, u64)> {
        let inside = self.inside();
        keys.map(|key| (inside.roll.inside(key), inside.roll.refused(key))).collect()
    }

    /// Nanoseconds since it began.
    fn moment(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn enter(&mut self, claim: &Claim, now: u64) -> Result<(), Refusal> {
        let Claim { keys, spot } = claim;
        let is_elsewhere = |spot: &Spot| {
            let room = |most| self.spread.has_room(&spot.user, &spot.source, most);
            !spot.most.is_none_or(room)
        };
        if let Some(spot) = spot.as_ref().filter(|spot| is_elsewhere(spot)) {
            self.roll.turn_away(&Key::User(Arc::clone(&spot.user)));
            return Err(Refusal::TooManySourcesOfUser);
        }
        // The last word, as it takes tokens.
        self.roll.enter(keys, now).map_err(|too_much| refusal(&keys[too_much.at].0, too_much.excess))?;
        if let Some(Spot { user, source, most: _ }) = spot {
            self.spread.enter(Arc::clone(user), *source);
        }
        Ok(())
    }

    fn leave(&mut self, claim: &Claim, now: u64) {
        self.roll.leave(claim.keys.iter().map(|(key, _)| key), now);
        if let Some(Spot { user, source, most: _ }) = &claim.spot {
            self.spread.leave(user, source);
        }
    }
}

fn refusal(key: &Key, excess: Excess) -> Refusal {
    match (key, excess) {
        (Key::Source(_), Excess::TooMany) => Refusal::TooManyOfSource,
        (Key::Source(_), Excess::TooFast) => Refusal::TooFastOfSource,
        (Key::User(_), Excess::TooMany) => Refusal::TooManyOfUser,
        (Key::User(_), Excess::TooFast) => Refusal::TooFastOfUser,
        (Key::Group(_), Excess::TooMany | Excess::TooFast) => Refusal::TooManyOfGroup,
        (Key::Rule(_), Excess::TooMany | Excess::TooFast) => Refusal::TooManyOfRule,
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let now = self.limits.moment(Instant::now());
        self.limits.inside().leave(&self.claim, now);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use limits::Pace;

    use super::*;

    #[test]
    fn whoever_leaves_makes_room() {
        let limits = Limits::new(Instant::now());
        let enter = |most| {
            let terms = Terms { at_once: Some(most), pace: None };
            let keys = vec![(Key::User("alice".into()), terms), (Key::Source(Source::Local), Terms::default())];
            limits.enter(Claim { keys, spot: None }, Instant::now())
        };
        let first = enter(1).unwrap();
        assert_eq!(enter(1).err(), Some(Refusal::TooManyOfUser));
        let _second = enter(2).unwrap();
        drop(first);
        assert_eq!(limits.inside().roll.inside(&Key::Source(Source::Local)), 1);
        assert_eq!(enter(1).err(), Some(Refusal::TooManyOfUser));
        let _third = enter(2).unwrap();
    }

    #[test]
    fn who_is_in_from_somewhere_may_come_again_from_there() {
        let limits = Limits::new(Instant::now());
        let enter = |address: [u8; 4], most| {
            let source = Source::Network(IpAddr::from(address).into());
            let pace = Pace::new(1, 3);
            let keys = vec![(Key::User("alice".into()), Terms { at_once: None, pace })];
            let spot = Some(Spot { user: "alice".into(), source, most: Some(most) });
            limits.enter(Claim { keys, spot }, Instant::now())
        };
        let first = enter([192, 0, 2, 1], 1).unwrap();
        for _ in 0..9 {
            assert_eq!(enter([192, 0, 2, 2], 1).err(), Some(Refusal::TooManySourcesOfUser));
        }
        let _second = enter([192, 0, 2, 1], 1).expect("the refused took no token");
        assert_eq!(limits.counts([Key::User("alice".into())].iter()), [(2, 9)]);
        drop(first);
        assert_eq!(enter([192, 0, 2, 2], 1).err(), Some(Refusal::TooManySourcesOfUser));
        let _third = enter([192, 0, 2, 2], 2).unwrap();
        assert_eq!(limits.inside().spread.count(&"alice".into()), 2);
    }
}
