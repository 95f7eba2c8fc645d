//! Names that are guessed at from many sources: after too many failures a name is locked for strangers.
//!
//! A name that nobody has is treated like any other, so a lock tells nobody which names exist. Names are not kept,
//! only their hashes under a key of this process: what a stranger types as a name is sometimes a password.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::tariff::Lock;

/// Stands for a name, within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name(u64);

/// Makes [`Name`]s; whoever does not have it cannot foretell which two names are mistaken for one.
#[derive(Debug, Default)]
pub(crate) struct NameKey(RandomState);

impl NameKey {
    pub(crate) fn name(&self, bytes: &[u8]) -> Name {
        Name(self.0.hash_one(bytes))
    }
}

/// How often logins failed for which name.
#[derive(Debug)]
pub(crate) struct Names {
    tried: LruCache<Name, Tries>,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    failures: u32,
    last: Instant,
    locked_until: Option<Instant>,
}

impl Default for Names {
    fn default() -> Self {
        Self { tried: LruCache::unbounded() }
    }
}

impl Names {
    /// Notes that a login failed. Returns for how long the name is locked, if that begins now.
    pub(crate) fn failed(&mut self, name: Name, lock: Lock, most: usize, now: Instant) -> Option<Duration> {
        let fresh = || Tries { failures: 0, last: now, locked_until: None };
        let tries = self.tried.get_or_insert_mut(name, fresh);
        let begins = tries.add(lock, now);
        while self.tried.len() > most {
            self.tried.pop_lru();
        }
        begins.then_some(lock.time)
    }

    pub(crate) fn is_locked(&self, name: Name, now: Instant) -> bool {
        self.tried.peek(&name).and_then(|tries| tries.locked_until).is_some_and(|until| until > now)
    }
}

impl Tries {
    /// Notes a failure; whether it locks the name.
    fn add(&mut self, lock: Lock, now: Instant) -> bool {
        if self.locked_until.is_some_and(|until| until > now) {
            // It was under way when the lock began.
            return false;
        }
        let is_recent = now.saturating_duration_since(self.last) < lock.time;
        self.failures = if is_recent { self.failures + 1 } else { 1 };
        self.last = now;
        let begins = self.failures >= lock.failures.get();
        if begins {
            // After the lock the count begins anew.
            (self.failures, self.locked_until) = (0, Some(now + lock.time));
        }
        begins
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const LOCK: Lock = Lock { failures: NonZeroU32::new(3).unwrap(), time: Duration::from_mins(5) };

    fn secs(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn the_last_of_too_many_failures_locks_the_name_for_a_while() {
        let (mut names, key, start) = (Names::default(), NameKey::default(), Instant::now());
        let (alice, bob) = (key.name(b"alice"), key.name(b"bob"));
        let told: Vec<_> = (0..3).map(|second| names.failed(alice, LOCK, 10, secs(start, second))).collect();
        assert_eq!(told, [None, None, Some(LOCK.time)]);
        assert!(names.is_locked(alice, secs(start, 301)) && !names.is_locked(alice, secs(start, 302)));
        assert!(!names.is_locked(bob, start));
        assert_eq!(
            names.failed(alice, LOCK, 10, secs(start, 3)),
            None,
            "an attempt that was under way changes nothing"
        );
        assert!(names.is_locked(alice, secs(start, 301)));
        assert_eq!(names.failed(alice, LOCK, 10, secs(start, 302)), None, "after a lock the count begins anew");
    }

    #[test]
    fn failures_that_lie_far_apart_lock_nothing() {
        let (mut names, key, start) = (Names::default(), NameKey::default(), Instant::now());
        let alice = key.name(b"alice");
        assert!((0..20).all(|number| names.failed(alice, LOCK, 10, secs(start, number * 300)).is_none()));
    }

    #[test]
    fn the_name_that_was_not_tried_for_the_longest_time_is_forgotten_first() {
        let (mut names, key, start) = (Names::default(), NameKey::default(), Instant::now());
        let name = |number: u32| key.name(&number.to_be_bytes());
        for number in [1, 1, 2, 2, 1, 3] {
            names.failed(name(number), LOCK, 2, start);
        }
        assert_eq!(names.tried.len(), 2);
        assert!(names.is_locked(name(1), start));
        assert_eq!(names.failed(name(2), LOCK, 2, start), None, "its two failures are forgotten");
    }
}
