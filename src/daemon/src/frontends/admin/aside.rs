//! A look that may take long: others make it, and what they find is told at a later one.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use super::desk::Desk;
use super::lanes::Lane;
use crate::engine::sys::pool::Urgency;
use crate::frontends::office::Office;

/// The look that is under way, if one is: never more than one.
#[derive(Debug)]
pub(super) struct Aside<T>(Option<Receiver<T>>);

impl<T> Default for Aside<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Aside<T> {
    /// What the last look has found, once.
    pub(super) fn found(&mut self) -> Option<T> {
        let found = self.0.as_ref()?.try_recv();
        // One that panicked finds nothing, and the next may.
        if !matches!(found, Err(TryRecvError::Empty)) {
            self.0 = None;
        }
        found.ok()
    }

    /// Begins another look, unless one is under way or too much waits already; says whether it did.
    pub(super) fn begin(&mut self, desk: &Desk, look: impl FnOnce(&Office) -> T + Send + 'static) -> bool {
        if self.0.is_some() {
            return false;
        }
        let (tell, found) = sync_channel(1);
        let office = Arc::clone(&desk.office);
        let job = move || {
            let _nobody_listens_any_more = tell.send(look(&office));
        };
        let is_begun = desk.lanes.of(Lane::Looking).leave(Urgency::Usual, job).is_ok();
        self.0 = is_begun.then_some(found);
        is_begun
    }
}
