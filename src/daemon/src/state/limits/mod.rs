//! Who is in, by user, group and source, and whether one more may come.
//!
//! It outlives every reload; what the operator wrote comes in as [`Allowance`](allowance::Allowance) with each question.
//! Everybody is counted, whether a limit holds or not: so a limit that a reload brings knows who is in already.
//! Knows nothing of sockets or clocks: whoever asks says what time it is.

pub(crate) mod allowance;
pub(crate) mod bandwidth;
pub(crate) mod share;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use limits::{Excess, Roll, Terms};

use super::penalties::source::Source;
use super::session::refusal::Refusal;

/// Users and sources that are remembered although none of their sessions is in, until they may come as if for the first time.
const MOST_ABSENT: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Limits {
    began: Instant,
    roll: Mutex<Roll<Key>>,
}

/// Under what a session is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Source(Source),
    User(Arc<str>),
    Group(Arc<str>),
}

/// That a session is counted; it is no longer when this is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    limits: Arc<Limits>,
    keys: Vec<(Key, Terms)>,
}

impl Limits {
    pub(crate) fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self { began: now, roll: Mutex::new(Roll::new(MOST_ABSENT)) })
    }

    /// Counts one more session under these keys.
    ///
    /// # Errors
    /// The terms of a key are against it; nothing was counted.
    pub(crate) fn enter(self: &Arc<Self>, keys: Vec<(Key, Terms)>, now: Instant) -> Result<Presence, Refusal> {
        match self.roll().enter(&keys, self.moment(now)) {
            Ok(()) => Ok(Presence { limits: Arc::clone(self), keys }),
            Err(too_much) => Err(refusal(&keys[too_much.at].0, too_much.excess)),
        }
    }

    /// Nanoseconds since it began.
    fn moment(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    fn roll(&self) -> MutexGuard<'_, Roll<Key>> {
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(key: &Key, excess: Excess) -> Refusal {
    match (key, excess) {
        (Key::Source(_), Excess::TooMany) => Refusal::TooManyOfSource,
        (Key::Source(_), Excess::TooFast) => Refusal::TooFastOfSource,
        (Key::User(_), Excess::TooMany) => Refusal::TooManyOfUser,
        (Key::User(_), Excess::TooFast) => Refusal::TooFastOfUser,
        (Key::Group(_), Excess::TooMany | Excess::TooFast) => Refusal::TooManyOfGroup,
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let now = self.limits.moment(Instant::now());
        self.limits.roll().leave(self.keys.iter().map(|(key, _)| key), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_makes_room() {
        let limits = Limits::new(Instant::now());
        let enter = |most| {
            let terms = Terms { at_once: Some(most), pace: None };
            limits.enter(
                vec![(Key::User("alice".into()), terms), (Key::Source(Source::Local), Terms::default())],
                Instant::now(),
            )
        };
        let first = enter(1).unwrap();
        assert_eq!(enter(1).err(), Some(Refusal::TooManyOfUser));
        let _second = enter(2).unwrap();
        drop(first);
        assert_eq!(limits.roll().inside(&Key::Source(Source::Local)), 1);
        assert_eq!(enter(1).err(), Some(Refusal::TooManyOfUser));
        let _third = enter(2).unwrap();
    }
}
