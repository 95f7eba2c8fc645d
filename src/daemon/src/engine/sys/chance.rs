//! Chance, where nothing secret hangs on it.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that a stranger cannot foretell: the standard library keys its hashers at random.
pub(crate) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}
