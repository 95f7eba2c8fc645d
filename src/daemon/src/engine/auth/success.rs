//! Remembers for a while that a password was right, so that a client that reconnects often does not cost an argon2 each time.
//!
//! What is kept says nothing about the password: a BLAKE2 code under a key that is drawn at start and never leaves the process.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use lru::LruCache;
use zeroize::Zeroizing;

/// Successes that are remembered; the one that was not used for the longest time goes first.
const MOST: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");

/// Stands for one user, password, stored hash and generation.
pub(super) type Key = [u8; 32];

#[derive(Debug)]
pub(crate) struct Memory {
    secret: Zeroizing<Key>,
    known: Mutex<LruCache<Key, Instant>>,
    asked: AtomicU64,
    found: AtomicU64,
}

impl Memory {
    /// How long a success counts.
    pub(crate) const LIFE: Duration = Duration::from_mins(10);

    /// # Errors
    /// The system has no randomness.
    pub(super) fn new() -> io::Result<Self> {
        let mut secret = Zeroizing::new(Key::default());
        getrandom::fill(&mut *secret)?;
        Ok(Self { secret, known: Mutex::new(LruCache::new(MOST)), asked: AtomicU64::new(0), found: AtomicU64::new(0) })
    }

    pub(super) fn key(&self, generation: u64, user: &[u8], password: &[u8], hash: &PasswordHash) -> Key {
        let mut code = Blake2sMac256::new_from_slice(&*self.secret).expect("a key of 32 bytes fits BLAKE2s");
        for part in [&generation.to_be_bytes()[..], user, password, hash.to_string().as_bytes()] {
            // With its length in front no part can be taken for the end of the one before.
            code.update(&(part.len() as u64).to_be_bytes());
            code.update(part);
        }
        code.finalize().into_bytes().into()
    }

    pub(super) fn remembers(&self, key: &Key) -> bool {
        let is_known = self.remembers_at(key, Instant::now());
        self.asked.fetch_add(1, Relaxed);
        self.found.fetch_add(u64::from(is_known), Relaxed);
        is_known
    }

    /// How often it was asked about the password of a user that there is, and how often it knew that one.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.asked.load(Relaxed), self.found.load(Relaxed))
    }

    pub(super) fn remember(&self, key: Key) {
        self.known().put(key, Instant::now());
    }

    fn remembers_at(&self, key: &Key, now: Instant) -> bool {
        self.known().get(key).is_some_and(|since| now.saturating_duration_since(*since) < Self::LIFE)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<Key, Instant>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash() -> PasswordHash {
        PasswordHash::new(&crate::engine::auth::password::hash(b"secret").unwrap()).unwrap()
    }

    #[test]
    fn a_success_counts_for_ten_minutes() {
        let memory = Memory::new().unwrap();
        let key = memory.key(1, b"alice", b"secret", &hash());
        assert!(!memory.remembers(&key));
        memory.remember(key);
        let now = Instant::now();
        assert!(memory.remembers_at(&key, now + Memory::LIFE.saturating_sub(Duration::from_secs(1))));
        assert!(!memory.remembers_at(&key, now + Memory::LIFE));
    }

    #[test]
    fn every_part_and_the_secret_make_another_key() {
        let (memory, hash) = (Memory::new().unwrap(), hash());
        let key = memory.key(1, b"alice", b"secret", &hash);
        assert_eq!(key, memory.key(1, b"alice", b"secret", &hash));
        for other in [
            memory.key(2, b"alice", b"secret", &hash),
            memory.key(1, b"alices", b"ecret", &hash),
            memory.key(1, b"alic", b"esecret", &hash),
            memory.key(1, b"alice", b"secret", &self::hash()),
            Memory::new().unwrap().key(1, b"alice", b"secret", &hash),
        ] {
            assert_ne!(key, other);
        }
    }
}
