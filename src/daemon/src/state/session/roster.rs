//! Everybody who is in now.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use dashmap::DashMap;
use uuid::Uuid;

use super::course::Stage;
use super::ending::ByHouse;
use super::ticket::Session;

#[derive(Debug)]
pub(crate) struct Roster {
    sessions: DashMap<Uuid, Arc<Session>>,
    handshakes: Arc<Handshakes>,
}

impl Roster {
    /// A roster that keeps at most `max_handshakes` sessions in their handshake.
    pub(crate) fn new(max_handshakes: usize) -> Arc<Self> {
        Arc::new(Self { sessions: DashMap::new(), handshakes: Handshakes::new(max_handshakes) })
    }

    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Orders every session to end.
    pub(crate) fn end_all(&self, reason: ByHouse) {
        self.each(|session| session.course.end(reason));
    }

    /// Shows every session to `visit`, which must not touch the roster; waking a task does not.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Session)) {
        for session in &self.sessions {
            visit(session.value());
        }
    }

    pub(super) fn enter(&self, session: &Arc<Session>) -> HandshakePlace {
        self.sessions.insert(session.id, Arc::clone(session));
        self.handshakes.enter(session)
    }

    pub(super) fn leave(&self, session: &Session) {
        self.sessions.remove(&session.id);
    }
}

/// A place among the unauthenticated, given back on drop.
#[derive(Debug)]
pub(super) struct HandshakePlace(Arc<Handshakes>);

impl Drop for HandshakePlace {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The unauthenticated, oldest first, with a bound of their own: when one too many comes, the oldest goes,
/// so that slow strangers cannot keep everybody else out.
#[derive(Debug)]
struct Handshakes {
    open: AtomicUsize,
    bound: usize,
    queue: Mutex<VecDeque<Weak<Session>>>,
}

impl Handshakes {
    fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), bound, queue: Mutex::default() })
    }

    fn enter(self: &Arc<Self>, session: &Arc<Session>) -> HandshakePlace {
        let open = self.open.fetch_add(1, Ordering::AcqRel) + 1;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back(Arc::downgrade(session));
        if open > self.bound {
            shed_oldest(&mut queue);
        }
        if queue.len() > 2 * self.bound + 64 {
            queue.retain(|waiting| still_shaking_hands(waiting).is_some());
        }
        HandshakePlace(Arc::clone(self))
    }
}

fn shed_oldest(queue: &mut VecDeque<Weak<Session>>) {
    while let Some(waiting) = queue.pop_front() {
        if let Some(session) = still_shaking_hands(&waiting) {
            session.course.end_while(Stage::Handshake, ByHouse::HandshakeShed);
            return;
        }
    }
}

fn still_shaking_hands(waiting: &Weak<Session>) -> Option<Arc<Session>> {
    waiting.upgrade().filter(|session| session.course.stage() == Stage::Handshake)
}
