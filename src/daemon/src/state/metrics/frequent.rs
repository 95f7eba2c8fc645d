//! The most frequent of very many lately, in bounded memory (Metwally et al., "Space-Saving", 2005).
//!
//! A newcomer takes the place of the rarest and inherits its weight as its possible error. Whatever occurs more often than
//! once in so many times as there are places is among those that are remembered.
//! Old occurrences weigh less and less, so that what was frequent last month makes room for what is frequent today.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// Occurrences for each place after which all weights are halved.
const WINDOW: u64 = 128;

/// Keys, and of each what somebody wants to know of it as long as it is remembered.
#[derive(Debug)]
pub(super) struct Frequent<K, V = ()> {
    places: usize,
    /// Every place that is taken, in the order in which it was.
    slots: Vec<Slot<K, V>>,
    slot_of: HashMap<K, usize>,
    /// Numbers of slots as a binary heap, the rarest first.
    heap: Vec<usize>,
    /// The weight of all occurrences.
    total: u64,
}

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    kept: V,
    /// How often it occurred since it has its place.
    seen: u64,
    /// Its occurrences and those of whom it displaced, the old ones discounted.
    weight: u64,
    /// How much of that may be somebody else's.
    error: u64,
    /// Where in the heap it stands.
    position: usize,
}

impl<K: Clone + Eq + Hash, V: Default> Frequent<K, V> {
    /// Remembers so many, at least one.
    pub(super) fn new(places: usize) -> Self {
        Self { places: places.max(1), slots: Vec::new(), slot_of: HashMap::new(), heap: Vec::new(), total: 0 }
    }

    /// Notes one occurrence, and gives what is kept of the key; its cost grows with the logarithm of the places.
    pub(super) fn count(&mut self, key: K) -> &mut V {
        let slot = match self.slot_of.get(&key) {
            Some(&slot) => slot,
            None if self.slots.len() < self.places => self.take_place(key),
            None => self.displace_rarest(key),
        };
        self.slots[slot].seen += 1;
        self.slots[slot].weight += 1;
        self.sink(self.slots[slot].position);
        self.total += 1;
        if self.total >= WINDOW * self.places as u64 {
            self.discount();
        }
        &mut self.slots[slot].kept
    }

    /// What is kept of the key, if it is remembered.
    pub(super) fn kept(&mut self, key: &K) -> Option<&mut V> {
        self.slot_of.get(key).map(|slot| &mut self.slots[*slot].kept)
    }

    /// Those that are certainly more frequent than anybody is who is not remembered, with how often they occurred since they are;
    /// at most so many, the most frequent first.
    pub(super) fn most(&self, limit: usize) -> Vec<(&K, u64)> {
        self.first(limit).map(|slot| (&slot.key, slot.seen)).collect()
    }

    /// The same with what is kept of them.
    pub(super) fn most_kept(&self, limit: usize) -> Vec<(&K, &V)> {
        self.first(limit).map(|slot| (&slot.key, &slot.kept)).collect()
    }

    fn first(&self, limit: usize) -> impl Iterator<Item = &Slot<K, V>> {
        let chance = self.total / self.places as u64;
        let mut most: Vec<_> = self.slots.iter().filter(|slot| slot.weight - slot.error > chance).collect();
        most.sort_by_key(|slot| Reverse(slot.weight - slot.error));
        most.into_iter().take(limit)
    }

    fn take_place(&mut self, key: K) -> usize {
        let slot = self.slots.len();
        self.slots.push(Slot { key: key.clone(), kept: V::default(), seen: 0, weight: 0, error: 0, position: slot });
        self.slot_of.insert(key, slot);
        self.heap.push(slot);
        self.rise(slot);
        slot
    }

    fn displace_rarest(&mut self, key: K) -> usize {
        let rarest = self.heap[0];
        let slot = &mut self.slots[rarest];
        let displaced = std::mem::replace(&mut slot.key, key.clone());
        (slot.kept, slot.seen, slot.error) = (V::default(), 0, slot.weight);
        self.slot_of.remove(&displaced);
        self.slot_of.insert(key, rarest);
        rarest
    }

    /// Halves every weight, which leaves their order as it is.
    fn discount(&mut self) {
        self.total /= 2;
        for slot in &mut self.slots {
            // The error first and rounded up, so that nobody becomes more certain.
            slot.error = slot.error.div_ceil(2).min(slot.weight / 2);
            slot.weight /= 2;
        }
    }

    fn rise(&mut self, mut position: usize) {
        while position > 0 && self.is_rarer(position, (position - 1) / 2) {
            self.swap(position, (position - 1) / 2);
            position = (position - 1) / 2;
        }
    }

    fn sink(&mut self, mut position: usize) {
        loop {
            let children = [2 * position + 1, 2 * position + 2].into_iter().filter(|child| *child < self.heap.len());
            let Some(rarer) = children.min_by_key(|child| self.slots[self.heap[*child]].weight) else { return };
            if !self.is_rarer(rarer, position) {
                return;
            }
            self.swap(rarer, position);
            position = rarer;
        }
    }

    fn is_rarer(&self, one: usize, other: usize) -> bool {
        self.slots[self.heap[one]].weight < self.slots[self.heap[other]].weight
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        for position in [one, other] {
            self.slots[self.heap[position]].position = position;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Keeps of each how often it occurred since it is remembered.
    fn counted(places: usize, keys: impl IntoIterator<Item = u32>) -> Frequent<u32, u64> {
        let mut frequent = Frequent::new(places);
        keys.into_iter().for_each(|key| *frequent.count(key) += 1);
        frequent
    }

    #[test]
    fn few_are_counted_exactly_and_the_most_frequent_come_first() {
        let frequent = counted(10, [1, 2, 2, 3, 3, 3]);
        assert_eq!(frequent.most(10), [(&3, 3), (&2, 2), (&1, 1)]);
        assert_eq!(frequent.most(1), [(&3, 3)]);
    }

    #[test]
    fn a_flood_of_strangers_leaves_only_the_frequent() {
        let flood = (0..100_000).flat_map(|stranger| [1000 + stranger, stranger % 3]);
        let frequent = counted(100, flood);
        let mut most: Vec<_> = frequent.most(100).into_iter().map(|(key, _)| *key).collect();
        most.sort_unstable();
        assert_eq!(most, [0, 1, 2]);
        assert!(frequent.slots.len() == 100 && frequent.slot_of.len() == 100 && frequent.heap.len() == 100);
    }

    #[test]
    fn a_newcomer_that_is_frequent_now_is_soon_among_the_most() {
        let long_ago = (0..1_000_000).map(|number| number % 10);
        let mut frequent = counted(10, long_ago);
        (0..4_000).for_each(|_| *frequent.count(77) += 1);
        assert_eq!(frequent.most(1), [(&77, 4_000)]);
        assert_eq!(frequent.kept(&77), Some(&mut 4_000));
        assert_eq!(frequent.kept(&78), None);
    }

    proptest! {
        #[test]
        fn nobody_is_said_to_be_more_frequent_than_it_is_and_no_frequent_one_is_missing(
            keys in prop::collection::vec(0_u32..30, 1..400), places in 1_usize..20,
        ) {
            let mut truth: HashMap<u32, u64> = HashMap::new();
            for key in &keys {
                *truth.entry(*key).or_default() += 1;
            }
            let frequent = counted(places, keys.iter().copied());
            for (key, count) in frequent.most(places) {
                prop_assert!(count <= truth[key]);
            }
            let kept: Vec<_> = frequent.most_kept(places).into_iter().map(|(key, kept)| (key, *kept)).collect();
            prop_assert_eq!(kept, frequent.most(places));
            let is_undiscounted = (keys.len() as u64) < WINDOW * places as u64;
            for (key, count) in truth.iter().filter(|_| is_undiscounted) {
                if *count > keys.len() as u64 / places as u64 {
                    prop_assert!(frequent.slot_of.contains_key(key));
                }
            }
            let is_heap = (1..frequent.heap.len()).all(|child| !frequent.is_rarer(child, (child - 1) / 2));
            prop_assert!(is_heap);
            prop_assert!(frequent.slots.iter().enumerate().all(|(slot, at)| frequent.heap[at.position] == slot));
        }
    }
}
