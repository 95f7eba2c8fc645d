//! How many connections are open, in all and from each source.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections at once.
const MOST: usize = 64;

/// Of these, from one source.
const MOST_FROM_ONE: usize = 8;

/// Who is behind a connection, as far as bounds go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// For IPv6 the network of 64 bits, which is the least that one customer has.
    Address(IpAddr),
    /// The user behind a Unix socket.
    User(u32),
}

#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<HashMap<Source, usize>>);

/// A place in the crowd, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    source: Source,
}

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl Crowd {
    /// A place, unless too many are taken.
    pub(super) fn enter(self: &Arc<Self>, source: Source) -> Option<Place> {
        let mut open = self.open();
        let from_there = open.get(&source).copied().unwrap_or(0);
        if from_there >= MOST_FROM_ONE || open.values().sum::<usize>() >= MOST {
            return None;
        }
        open.insert(source, from_there + 1);
        Some(Place { crowd: Arc::clone(self), source })
    }

    pub(super) fn count(&self) -> usize {
        self.open().values().sum()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.open();
        if let Some(count) = open.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        Source::of(address.parse().unwrap())
    }

    #[test]
    fn one_source_gets_its_share_and_all_together_theirs() {
        let crowd = Arc::new(Crowd::default());
        let mut places: Vec<_> = (0..20).filter_map(|_| crowd.enter(source("192.0.2.1"))).collect();
        assert_eq!(places.len(), MOST_FROM_ONE);
        places.extend(
            (2..100).flat_map(|host| [host; 3]).filter_map(|host| crowd.enter(source(&format!("192.0.2.{host}")))),
        );
        assert_eq!((places.len(), crowd.count()), (MOST, MOST));
        drop(places);
        assert_eq!(crowd.count(), 0);
        assert!(crowd.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_customer_of_ipv6_is_one_source() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
