//! Hash tables without a seed: they hold what the operator wrote, and a stranger who looks for collisions finds none
//! in them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

pub(crate) type Table<K, V> = HashMap<K, V, FixedState>;

/// The hash of a key for a table that is asked by hand.
pub(crate) fn hash(key: impl Hash) -> u64 {
    FixedState::default().hash_one(key)
}
