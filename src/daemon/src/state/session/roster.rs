//! Everybody who is in now.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use dashmap::DashMap;
use uuid::Uuid;

use super::course::Stage;
use super::ending::ByHouse;
use super::ticket::Session;
use super::witness::Witness;

#[derive(Debug)]
pub(crate) struct Roster {
    sessions: DashMap<Uuid, Arc<Session>>,
    handshakes: Arc<Handshakes>,
    witnesses: Vec<Arc<dyn Witness>>,
}

impl Roster {
    /// A roster that keeps at most `max_handshakes` sessions in their handshake, and whose sessions the witnesses hear of, in this order.
    pub(crate) fn new(max_handshakes: usize, witnesses: Vec<Arc<dyn Witness>>) -> Arc<Self> {
        Arc::new(Self { sessions: DashMap::new(), handshakes: Handshakes::new(max_handshakes), witnesses })
    }

    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Orders every session to end.
    pub(crate) fn end_all(&self, reason: ByHouse) {
        self.each(|session| session.course.end(reason));
    }

    /// Shows every session to `visit`, which must not touch the roster; waking a task does not.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Arc<Session>)) {
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

    pub(super) fn tell(&self, news: impl Fn(&dyn Witness)) {
        self.witnesses.iter().for_each(|witness| news(&**witness));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::session::facts::Origin;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    fn open(roster: &Arc<Roster>) -> Ticket {
        Ticket::open(roster, Origin::Local, "test".into(), Arc::new(Snapshot::for_tests()))
    }

    fn shed(tickets: &[Ticket]) -> Vec<bool> {
        let ordered = tickets.iter().map(|ticket| ticket.session().course.ordered());
        ordered.map(|order| order == Some(ByHouse::HandshakeShed)).collect()
    }

    #[test]
    fn one_handshake_too_many_costs_the_oldest_its_place() {
        let roster = Roster::new(2, Vec::new());
        let tickets = [open(&roster), open(&roster), open(&roster)];
        assert_eq!(shed(&tickets), [true, false, false]);
    }

    #[test]
    fn whoever_has_finished_its_handshake_counts_no_more_and_is_never_shed() {
        let roster = Roster::new(2, Vec::new());
        let mut first = open(&roster);
        first.leave_handshake();
        let tickets = [first, open(&roster), open(&roster)];
        assert_eq!(shed(&tickets), [false, false, false]);
        let [first, second, third] = tickets;
        let tickets = [first, second, third, open(&roster)];
        assert_eq!(shed(&tickets), [false, true, false, false]);
    }

    #[test]
    fn a_closed_session_is_gone_and_gives_its_place_back() {
        let roster = Roster::new(1, Vec::new());
        drop(open(&roster));
        assert_eq!(roster.count(), 0);
        assert_eq!(shed(&[open(&roster)]), [false]);
    }
}
