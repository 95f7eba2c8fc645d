//! One direction of a session: how much has been delivered.
//!
//! Whoever moves bytes adds here once per chunk, after the receiving socket took them;
//! everyone else only reads. Knows nothing of users, rules or sessions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(crate) struct Lane {
    bytes: AtomicU64,
    packets: AtomicU64,
    told: Told,
}

/// How much of it the one who keeps totals knows.
#[derive(Debug, Default)]
struct Told {
    bytes: AtomicU64,
    packets: AtomicU64,
}

/// What was delivered since it was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
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

    /// Whether anything was delivered that nobody was told of.
    pub(crate) fn has_news(&self) -> bool {
        self.bytes() > self.told.bytes.load(Relaxed) || self.packets() > self.told.packets.load(Relaxed)
    }

    /// What was delivered since this was last asked; whoever asks at the same time, each byte is told once.
    pub(crate) fn news(&self) -> News {
        News { bytes: untold(&self.told.bytes, self.bytes()), packets: untold(&self.told.packets, self.packets()) }
    }
}

/// How far `known` had to rise. Somebody who read earlier and comes here later finds that nothing is left for him.
fn untold(known: &AtomicU64, now: u64) -> u64 {
    now.saturating_sub(known.fetch_max(now, Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_told_once() {
        let lane = Lane::default();
        lane.carried_datagrams(2, 100);
        assert_eq!(lane.news(), News { bytes: 100, packets: 2 });
        assert_eq!(lane.news(), News { bytes: 0, packets: 0 });
        lane.carried(5);
        assert!(lane.has_news());
        assert_eq!(lane.news(), News { bytes: 5, packets: 0 });
        assert!(!lane.has_news());
    }

    #[test]
    fn a_reader_who_was_overtaken_takes_nothing_back() {
        let known = AtomicU64::new(0);
        assert_eq!((untold(&known, 150), untold(&known, 100), untold(&known, 160)), (150, 0, 10));
    }
}
