//! What the history could not keep, by kind, wherever it was lost: no room in memory, no room on the disk, or damaged there.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use history::Kind;

/// Counts since the start; they only grow.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    checkpoints: AtomicU64,
    openings: AtomicU64,
    endings: AtomicU64,
}

impl Losses {
    pub(crate) fn add(&self, kind: Kind, records: u64) {
        self.of(kind).fetch_add(records, Relaxed);
    }

    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.of(kind).load(Relaxed)
    }

    fn of(&self, kind: Kind) -> &AtomicU64 {
        match kind {
            Kind::Checkpoint => &self.checkpoints,
            Kind::Opened => &self.openings,
            Kind::Closed => &self.endings,
        }
    }
}
