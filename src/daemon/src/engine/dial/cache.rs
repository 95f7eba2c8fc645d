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
