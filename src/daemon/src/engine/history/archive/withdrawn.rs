//! Whether a question has been taken back while it is being answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Shared by whoever asks and whoever answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Withdrawn(Arc<AtomicBool>);

impl Withdrawn {
    /// Nobody waits for the answer any more.
    pub(crate) fn withdraw(&self) {
        self.0.store(true, Relaxed);
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.0.load(Relaxed)
    }
}
