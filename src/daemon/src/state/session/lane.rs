//! One direction of a session: how much has been delivered.
//!
//! Whoever moves bytes adds here once per chunk, after the receiving socket took them;
//! everyone else only reads. Knows nothing of users, rules or sessions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(crate) struct Lane {
    bytes: AtomicU64,
    packets: AtomicU64,
}

impl Lane {
    /// Notes `bytes` of a stream as delivered.
    pub(crate) fn carried(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Notes `packets` datagrams with `bytes` of payload in all as delivered.
    pub(crate) fn carried_datagrams(&self, packets: usize, bytes: usize) {
        self.packets.fetch_add(packets as u64, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Bytes delivered so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Datagrams delivered so far; 0 for a stream.
    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Relaxed)
    }
}
