//! Everybody who is in now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use dashmap::DashMap;
use uuid::Uuid;

use super::comings::Comings;
use super::ending::ByHouse;
use super::handshakes::Handshakes;
use super::ticket::Session;
use super::witness::Witness;

/// So many that a walk past ten thousand holds up whoever comes or goes for less than four hundred of them.
const SHARDS: usize = 64;

/// Sessions that are looked at one right after the other, so that their memory is fetched side by side: to lock in between, or to do more, waits for each.
const TOGETHER: usize = 32;

#[derive(Debug)]
pub(crate) struct Roster {
    sessions: DashMap<Uuid, Arc<Session>>,
    handshakes: Arc<Handshakes>,
    witnesses: Vec<Arc<dyn Witness>>,
    comings: Arc<Comings>,
    /// How many have been in so far.
    numbers: AtomicU64,
}

impl Roster {
    /// A roster that keeps at most `max_handshakes` sessions in their handshake, and whose sessions the witnesses hear of, in this order.
    pub(crate) fn new(max_handshakes: usize, witnesses: Vec<Arc<dyn Witness>>) -> Arc<Self> {
        Arc::new(Self {
            sessions: DashMap::with_shard_amount(SHARDS),
            handshakes: Handshakes::new(max_handshakes),
            witnesses,
            comings: Arc::default(),
            numbers: AtomicU64::new(0),
        })
    }

    /// Keeps so many in their handshake from now on.
    pub(crate) fn allow_handshakes(&self, most: usize) {
        self.handshakes.allow(most);
    }

    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Who came and went lately, for those who watch.
    pub(crate) fn comings(&self) -> &Arc<Comings> {
        &self.comings
    }

    /// The unauthenticated.
    pub(crate) fn handshakes(&self) -> &Arc<Handshakes> {
        &self.handshakes
    }

    /// The session with this id, if it is in.
    pub(crate) fn find(&self, id: Uuid) -> Option<Arc<Session>> {
        self.sessions.get(&id).map(|session| Arc::clone(&session))
    }

    /// Orders every session to end.
    pub(crate) fn end_all(&self, reason: ByHouse) {
        self.each(|session| session.course.end(reason));
    }

    /// Shows every session to `visit`, which must not touch the roster; waking a task does not.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        self.each_seen(|_, _| (), |session, ()| visit(session));
    }

    /// The same with what `look` sees of each and its id, which does nothing else.
    pub(crate) fn each_seen<S>(&self, look: impl Fn(Uuid, &Session) -> S, mut visit: impl FnMut(&Arc<Session>, S)) {
        let mut everybody = self.sessions.iter();
        let (mut together, mut seen) = (Vec::with_capacity(TOGETHER), Vec::with_capacity(TOGETHER));
        loop {
            together.extend(everybody.by_ref().take(TOGETHER));
            if together.is_empty() {
                return;
            }
            for session in &together {
                session.fetch();
            }
            seen.extend(together.iter().map(|session| look(*session.key(), session.value())));
            together.iter().zip(seen.drain(..)).for_each(|(session, seen)| visit(session.value(), seen));
            together.clear();
        }
    }

    /// A number that no other session of this worker has.
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Relaxed) + 1
    }

    pub(super) fn enter(&self, session: &Arc<Session>) {
        self.sessions.insert(session.id, Arc::clone(session));
    }

    pub(super) fn leave(&self, session: &Session) {
        self.sessions.remove(&session.id);
    }

    pub(super) fn tell(&self, news: impl Fn(&dyn Witness)) {
        self.witnesses.iter().for_each(|witness| news(&**witness));
        news(&*self.comings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    #[test]
    fn a_closed_session_is_gone_and_gives_its_place_back() {
        let roster = Roster::new(1, Vec::new());
        let open = || Ticket::for_tests(&roster, Arc::new(Snapshot::for_tests()));
        drop(open());
        assert_eq!(roster.count(), 0);
        assert_eq!(open().session().course.ordered(), None);
    }
}
