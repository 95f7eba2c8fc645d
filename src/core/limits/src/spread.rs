//! From how many places each comes at once.
//!
//! Only whoever is in is remembered, so it is bounded by how many may be in.

use std::collections::HashMap;
use std::hash::Hash;

/// The places of everybody who is in, and how often each is in from there.
#[derive(Debug)]
pub struct Spread<K, P> {
    places: HashMap<K, HashMap<P, u32>>,
}

impl<K: Hash + Eq, P: Hash + Eq> Spread<K, P> {
    /// One in which nobody is in.
    #[must_use]
    pub fn new() -> Self {
        Self { places: HashMap::new() }
    }

    /// Whether one more may come from there who may be in from so many places; a place where he is already is no other one.
    #[must_use]
    pub fn has_room(&self, key: &K, place: &P, most: u32) -> bool {
        let Some(places) = self.places.get(key) else { return most > 0 };
        places.contains_key(place) || places.len() < most as usize
    }

    /// One comes in from there.
    pub fn enter(&mut self, key: K, place: P) {
        *self.places.entry(key).or_default().entry(place).or_default() += 1;
    }

    /// One leaves who came in from there.
    pub fn leave(&mut self, key: &K, place: &P) {
        let Some(places) = self.places.get_mut(key) else { return };
        if let Some(inside) = places.get_mut(place) {
            *inside -= 1;
            if *inside == 0 {
                places.remove(place);
            }
        }
        if places.is_empty() {
            self.places.remove(key);
        }
    }

    /// How many places this one is in from.
    #[must_use]
    pub fn count(&self, key: &K) -> usize {
        self.places.get(key).map_or(0, HashMap::len)
    }
}

impl<K: Hash + Eq, P: Hash + Eq> Default for Spread<K, P> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_once_however_many_are_in_from_there_and_until_the_last_one_leaves() {
        let mut spread = Spread::new();
        spread.enter("alice", 1);
        spread.enter("alice", 1);
        spread.enter("alice", 2);
        spread.enter("bob", 3);
        assert_eq!((spread.count(&"alice"), spread.count(&"bob")), (2, 1));
        assert!(spread.has_room(&"alice", &1, 2), "she is there already");
        assert!(spread.has_room(&"alice", &1, 1), "and stays when less is allowed");
        assert!(!spread.has_room(&"alice", &3, 2));
        spread.leave(&"alice", &1);
        assert!(!spread.has_room(&"alice", &3, 2), "she is still there once");
        spread.leave(&"alice", &1);
        assert!(spread.has_room(&"alice", &3, 2));
        spread.leave(&"alice", &2);
        spread.leave(&"bob", &3);
        assert!(spread.places.is_empty());
    }
}
