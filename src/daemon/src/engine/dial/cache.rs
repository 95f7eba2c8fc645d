//! What is known of names, for as long as it holds: bounded in number and in time.
//!
//! Knows no clock: the time is an argument.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use lru::LruCache;

use super::options::CacheBounds;
use super::resolve::{Answer, Family, ResolveError};

/// Addresses, or why there are none.
pub(super) type Known = Result<Arc<[IpAddr]>, ResolveError>;

#[derive(Debug)]
pub(super) struct Cache {
    /// Both families of a name share a place; `None` keeps nothing.
    names: Option<LruCache<Box<str>, Entry>>,
    bounds: CacheBounds,
    edition: u64,
}

#[derive(Debug, Default)]
struct Entry {
    v4: Option<Fact>,
    v6: Option<Fact>,
}

#[derive(Debug)]
struct Fact {
    known: Known,
    until: Instant,
}

impl Cache {
    pub(super) fn new(bounds: CacheBounds) -> Self {
        let names = NonZeroUsize::new(bounds.capacity).map(LruCache::new);
        Self { names, bounds, edition: 0 }
    }

    /// Forgets everything when the resolver's edition is another than the last time.
    pub(super) fn follow(&mut self, edition: u64) {
        if self.edition != edition {
            self.edition = edition;
            self.names.iter_mut().for_each(LruCache::clear);
        }
    }

    pub(super) fn recall(&mut self, name: &str, family: Family, now: Instant) -> Option<Known> {
        let entry = self.names.as_mut()?.get_mut(name)?;
        let fact = entry.of(family).as_ref()?;
        (now < fact.until).then(|| fact.known.clone())
    }

    /// Keeps an answer for its TTL within the bounds, and an absence for `negative_ttl`. A failure is not kept:
    /// the next one who asks may have more luck.
    pub(super) fn keep(&mut self, name: &str, family: Family, told: &Result<Answer, ResolveError>, now: Instant) {
        let CacheBounds { min_ttl, max_ttl, negative_ttl, .. } = self.bounds;
        match told {
            Ok(answer) => {
                let ttl = answer.ttl.max(min_ttl).min(max_ttl);
                self.write(name, family, Ok(Arc::clone(&answer.addresses)), now + ttl);
            }
            Err(error @ (ResolveError::Missing | ResolveError::Silent)) => {
                self.write(name, family, Err(error.clone()), now + negative_ttl);
            }
            Err(ResolveError::Failed(_)) => {}
        }
    }

    fn write(&mut self, name: &str, family: Family, known: Known, until: Instant) {
        let Some(names) = &mut self.names else { return };
        let fact = Some(Fact { known, until });
        if let Some(entry) = names.get_mut(name) {
            *entry.of(family) = fact;
        } else {
            let mut entry = Entry::default();
            *entry.of(family) = fact;
            names.put(name.into(), entry);
        }
    }
}

impl Entry {
    fn of(&mut self, family: Family) -> &mut Option<Fact> {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BOUNDS: CacheBounds = CacheBounds {
        capacity: 2,
        min_ttl: Duration::from_secs(10),
        max_ttl: Duration::from_secs(100),
        negative_ttl: Duration::from_secs(5),
    };

    #[test]
    fn an_answer_holds_for_its_ttl_within_the_bounds() {
        for (ttl, held) in [(0, 10), (9, 10), (10, 10), (50, 50), (100, 100), (86_400, 100)] {
            check(&answer(ttl), held);
        }
    }

    #[test]
    fn an_absence_is_remembered_and_a_failure_is_not() {
        check(&Err(ResolveError::Missing), 5);
        check(&Err(ResolveError::Silent), 5);
        check(&Err(ResolveError::Failed("SERVFAIL".into())), 0);
    }

    #[test]
    fn the_families_of_a_name_are_kept_apart() {
        let (mut cache, now) = (Cache::new(BOUNDS), Instant::now());
        cache.keep("a", Family::V4, &answer(50), now);
        cache.keep("a", Family::V6, &Err(ResolveError::Missing), now);
        assert!(matches!(cache.recall("a", Family::V4, now), Some(Ok(_))));
        assert!(matches!(cache.recall("a", Family::V6, now), Some(Err(ResolveError::Missing))));
    }

    #[test]
    fn the_name_not_used_for_longest_gives_way() {
        let (mut cache, now) = (Cache::new(BOUNDS), Instant::now());
        for name in ["a", "b"] {
            cache.keep(name, Family::V4, &answer(50), now);
        }
        assert!(cache.recall("a", Family::V4, now).is_some());
        cache.keep("c", Family::V4, &answer(50), now);
        assert!(cache.recall("b", Family::V4, now).is_none());
        assert!(cache.recall("a", Family::V4, now).is_some());
    }

    #[test]
    fn another_edition_forgets_everything() {
        let (mut cache, now) = (Cache::new(BOUNDS), Instant::now());
        cache.keep("a", Family::V4, &answer(50), now);
        cache.follow(0);
        assert!(cache.recall("a", Family::V4, now).is_some());
        cache.follow(1);
        assert!(cache.recall("a", Family::V4, now).is_none());
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let (mut cache, now) = (Cache::new(CacheBounds { capacity: 0, ..BOUNDS }), Instant::now());
        cache.keep("a", Family::V4, &answer(50), now);
        assert!(cache.recall("a", Family::V4, now).is_none());
    }

    /// What is kept at some moment holds for `held` seconds and no longer.
    fn check(told: &Result<Answer, ResolveError>, held: u64) {
        let (mut cache, then) = (Cache::new(BOUNDS), Instant::now());
        cache.keep("a", Family::V6, told, then);
        let after = |seconds| then + Duration::from_secs(seconds);
        assert!(cache.recall("a", Family::V6, after(held)).is_none(), "{told:?} at its end");
        if let Some(earlier) = held.checked_sub(1) {
            assert!(cache.recall("a", Family::V6, after(earlier)).is_some(), "{told:?} before its end");
        }
    }

    fn answer(ttl: u64) -> Result<Answer, ResolveError> {
        Answer::new(["192.0.2.1".parse().unwrap()], Duration::from_secs(ttl))
    }
}
