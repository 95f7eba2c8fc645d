//! What a letter to the history is about: a session, and how it ended if it has.

use std::sync::Arc;
use std::time::Duration;

use crate::state::session::ending::Ending;
use crate::state::session::ticket::Session;

#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) session: Arc<Session>,
    /// Nothing while it is not over.
    pub(crate) closing: Option<Closing>,
}

/// That a session is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    pub(crate) ending: Ending,
    /// Microseconds from its first byte to its last.
    pub(crate) lasted: u64,
}

impl Note {
    pub(crate) fn of(session: &Arc<Session>) -> Self {
        Self { session: Arc::clone(session), closing: None }
    }

    pub(crate) fn of_end(session: &Arc<Session>, ending: Ending) -> Self {
        let closing = Closing { ending, lasted: micros(session.opened.elapsed()) };
        Self { session: Arc::clone(session), closing: Some(closing) }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
