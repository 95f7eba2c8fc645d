//! Who came and who went lately, for operators who watch: kept only while somebody does, and within a bound.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::ending::Ending;
use super::ticket::Session;
use super::witness::Witness;

/// Comings and goings that are kept.
const KEPT: usize = 4_096;

/// The last ones, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Comings {
    watchers: AtomicUsize,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// How many there have been while somebody watched.
    count: u64,
    last: VecDeque<Coming>,
}

/// A session that has asked for something, or is over.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    /// Counts them, from 1.
    pub(crate) number: u64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) session: Arc<Session>,
    /// How it ended, once it has.
    pub(crate) went: Option<Ending>,
}

/// What somebody who watches has not seen yet.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    pub(crate) comings: Vec<Coming>,
    /// How many were forgotten before anybody looked.
    pub(crate) lost: u64,
}

/// Somebody watches as long as this lives.
#[derive(Debug)]
pub(crate) struct Watching {
    comings: Arc<Comings>,
    /// The number of the last one that was seen.
    seen: u64,
}

impl Comings {
    /// From now on.
    pub(crate) fn watch(self: &Arc<Self>) -> Watching {
        self.watchers.fetch_add(1, Relaxed);
        Watching { seen: self.book().count, comings: Arc::clone(self) }
    }

    fn note(&self, session: &Arc<Session>, went: Option<Ending>) {
        if self.watchers.load(Relaxed) == 0 {
            return;
        }
        let (at, session) = (Timestamp::now().as_microsecond(), Arc::clone(session));
        let mut book = self.book();
        // The last who watched may have gone meanwhile.
        if self.watchers.load(Relaxed) == 0 {
            return;
        }
        book.count += 1;
        let number = book.count;
        // What it was, and the last that knew of it, go without the lock.
        let _forgotten = if book.last.len() == KEPT { book.last.pop_front() } else { None };
        book.last.push_back(Coming { number, at, session, went });
        drop(book);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Comings {
    fn opened(&self, _: &Session) {}

    fn asked(&self, session: &Arc<Session>) {
        self.note(session, None);
    }

    fn set_up(&self, _: &Session) {}

    fn closed(&self, session: &Arc<Session>, ending: Ending) {
        self.note(session, Some(ending));
    }
}

impl Watching {
    /// What came since it was looked last.
    pub(crate) fn unseen(&mut self) -> Unseen {
        let book = self.comings.book();
        let comings: Vec<Coming> = book.last.iter().filter(|coming| coming.number > self.seen).cloned().collect();
        let lost = book.count.saturating_sub(self.seen).saturating_sub(comings.len() as u64);
        self.seen = book.count;
        Unseen { comings, lost }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.comings.watchers.fetch_sub(1, Relaxed) == 1 {
            // Sessions are not kept for nobody.
            let forgotten = std::mem::take(&mut self.comings.book().last);
            drop(forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::session::ending::ByPeer;
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    fn visit(roster: &Arc<Roster>) {
        let ticket = Ticket::for_tests(roster, Arc::new(Snapshot::for_tests()));
        ticket.put_on_record();
        ticket.close(Ending::Client(ByPeer::Closed));
    }

    #[test]
    fn whoever_watches_sees_who_comes_and_goes_and_how_much_was_missed() {
        let roster = Roster::new(1, Vec::new());
        visit(&roster);
        let mut watching = roster.comings().watch();
        assert!(watching.unseen().comings.is_empty(), "nobody watched before");
        visit(&roster);
        let Unseen { comings, lost } = watching.unseen();
        let went: Vec<_> = comings.iter().map(|coming| coming.went.map(Ending::label)).collect();
        assert_eq!((went, lost), (vec![None, Some("client_closed")], 0));
        (0..KEPT).for_each(|_| visit(&roster));
        let Unseen { comings, lost } = watching.unseen();
        assert_eq!((comings.len(), lost), (KEPT, KEPT as u64));
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let roster = Roster::new(1, Vec::new());
        let watching = roster.comings().watch();
        visit(&roster);
        let other = roster.comings().watch();
        drop(watching);
        assert_eq!(roster.comings().book().last.len(), 2);
        drop(other);
        visit(&roster);
        assert!(roster.comings().book().last.is_empty());
    }
}
