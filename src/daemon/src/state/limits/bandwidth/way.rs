//! One direction of a session, for whoever moves bytes on it, and a session's end of the hierarchies.

use std::sync::{Arc, OnceLock};

use limits::{Membership, Need};

use super::Bandwidth;
use crate::state::session::lane::Lane;
use crate::state::session::ticket::Session;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// From the client.
    Up,
    /// To the client.
    Down,
}

/// A session's end of it.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    pub(super) bandwidth: OnceLock<Arc<Bandwidth>>,
    pub(super) membership: Membership,
}

/// That a session has a part in it; it has none any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    pub(super) bandwidth: Arc<Bandwidth>,
    pub(super) session: Arc<Session>,
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.session.tap.membership.leave() {
            self.bandwidth.leave(&self.session);
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'s> {
    session: &'s Session,
    direction: Direction,
}

impl<'s> Way<'s> {
    pub(crate) fn new(session: &'s Session, direction: Direction) -> Self {
        Self { session, direction }
    }

    /// Where it is counted.
    pub(crate) fn lane(self) -> &'s Lane {
        match self.direction {
            Direction::Up => &self.session.up,
            Direction::Down => &self.session.down,
        }
    }

    /// Whether one has to ask before anything is moved.
    pub(crate) fn is_limited(self) -> bool {
        self.session.tap.membership.is_held()
    }

    /// How many of these bytes may be moved now. With 0 the session's task is woken when it is worth while to ask again.
    pub(crate) fn may_carry(self, want: usize, need: Need) -> usize {
        self.bandwidth().map_or(want, |bandwidth| bandwidth.ask(self.session, self.direction, want, need))
    }

    /// Returns bytes that might have been moved and were not.
    pub(crate) fn has_left(self, bytes: usize) {
        if let Some(bandwidth) = self.bandwidth().filter(|_| bytes > 0) {
            bandwidth.give_back(self.session, self.direction, bytes);
        }
    }

    fn bandwidth(self) -> Option<&'s Arc<Bandwidth>> {
        self.session.tap.bandwidth.get().filter(|_| self.is_limited())
    }
}
