//! All limited sessions under one hierarchy: those of one direction, or of both where both count together.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use limits::{LeafId, Need, Share, Tree};
use uuid::Uuid;

use super::Standing;
use super::way::Direction;
use crate::state::limits::share::Class;
use crate::state::session::ticket::Session;

#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) tree: Tree<Class>,
    leaves: HashMap<(Uuid, Direction), Waiter>,
    sessions: HashMap<LeafId, Weak<Session>>,
    /// Kept so that nothing is allocated for each question.
    pub(super) woken: Vec<LeafId>,
}

#[derive(Debug, Clone, Copy)]
struct Waiter {
    leaf: LeafId,
    since: Option<u64>,
}

impl Lanes {
    pub(super) fn new(all: Share) -> Self {
        Self { tree: Tree::new(all, 0), leaves: HashMap::new(), sessions: HashMap::new(), woken: Vec::new() }
    }

    pub(super) fn attach(
        &mut self,
        (session, direction): (&Arc<Session>, Direction),
        classes: &[(Class, Share)],
        share: Share,
        now: u64,
    ) {
        let leaf = self.tree.attach(classes, share, now);
        self.leaves.insert((session.id, direction), Waiter { leaf, since: None });
        self.sessions.insert(leaf, Arc::downgrade(session));
    }

    pub(super) fn detach(&mut self, session: &Session, now: u64) {
        for direction in [Direction::Up, Direction::Down] {
            if let Some(Waiter { leaf, .. }) = self.leaves.remove(&(session.id, direction)) {
                self.sessions.remove(&leaf);
                self.tree.detach(leaf, now);
            }
        }
    }

    /// What a session is granted, and how long it has waited for it; `None` if nothing limits it.
    pub(super) fn ask(
        &mut self,
        asks: (Uuid, Direction),
        want: u64,
        need: Need,
        now: u64,
    ) -> Option<(u64, Option<u64>)> {
        let waiter = self.leaves.get_mut(&asks)?;
        let granted = self.tree.ask(waiter.leaf, want, need, now, &mut self.woken);
        if granted == 0 {
            if need == Need::Now {
                waiter.since.get_or_insert(now);
            }
            return Some((0, None));
        }
        Some((granted, waiter.since.take().map(|since| now.saturating_sub(since))))
    }

    pub(super) fn give_back(&mut self, gives: (Uuid, Direction), bytes: u64, now: u64) {
        if let Some(Waiter { leaf, .. }) = self.leaves.get(&gives).copied() {
            self.tree.give_back(leaf, bytes, now);
        }
    }

    pub(super) fn take_woken(&mut self) -> Vec<Arc<Session>> {
        let sessions = &self.sessions;
        self.woken.drain(..).filter_map(|leaf| sessions.get(&leaf)?.upgrade()).collect()
    }

    /// Every class with what holds for it in this direction, that of all together first.
    pub(super) fn standings(&self, direction: Direction, now: u64) -> Vec<Standing> {
        let standing = |it: limits::Standing<'_, Class>| {
            let (up, down) = match direction {
                Direction::Up => (it.share, Share::default()),
                Direction::Down => (Share::default(), it.share),
            };
            let limits::Standing { waiting, filled, lately, held_by, .. } = it;
            let (class, parent) = (it.class.cloned(), it.parent.cloned());
            Standing { class, parent, up, down, waiting, filled, lately, held_by }
        };
        self.tree.standings(now).into_iter().map(standing).collect()
    }

    /// Those that are in; one whose directions count together comes twice.
    pub(super) fn sessions(&self) -> impl Iterator<Item = Arc<Session>> {
        self.sessions.values().filter_map(Weak::upgrade)
    }
}
