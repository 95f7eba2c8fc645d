//! What each user had in the last day, as the history said it some moments ago: to look at it waits for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Office;
use crate::engine::history::archive::day::Days;

/// After so long the history is asked again, if anybody still looks.
const FRESH: Duration = Duration::from_mins(1);

/// What was found, for all who look.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    days: Option<Arc<Days>>,
    /// When somebody last went to ask.
    asked: Option<Instant>,
}

impl Lately {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Office {
    /// The days as they were known last; nothing where no history is kept, and before it has answered for the first time.
    pub(crate) fn days(&self) -> Option<Arc<Days>> {
        self.lately.kept().days.clone()
    }

    /// Whether somebody should ask the history again, and nobody does.
    pub(crate) fn is_due_to_look_back(&self) -> bool {
        self.past.is_some() && self.lately.kept().asked.is_none_or(|asked| asked.elapsed() >= FRESH)
    }

    /// Whoever calls this goes to ask.
    pub(crate) fn will_look_back(&self) {
        self.lately.kept().asked = Some(Instant::now());
    }

    /// Asks the history, which may take a moment. Whoever asks in vain leaves what was known before.
    pub(crate) fn look_back(&self) {
        if let Ok(Some(days)) = self.last_days() {
            self.lately.kept().days = Some(days);
        }
    }
}
