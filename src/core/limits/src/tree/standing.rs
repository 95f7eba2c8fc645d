//! How the classes stand: what holds for each, who waits below it, how it has fared lately, and what holds it back.

use std::hash::Hash;

use super::tally::Lately;
use super::{LeafId, NodeId, ROOT, Share, Tree};

/// A class as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a, K> {
    /// Nothing for all together.
    pub class: Option<&'a K>,
    /// The class above; nothing if that is all together.
    pub parent: Option<&'a K>,
    /// What holds for it.
    pub share: Share,
    /// How many of the leaves below it have asked in vain and wait.
    pub waiting: usize,
    /// What of 100 is in the bucket of its ceiling; nothing without one.
    pub filled: Option<u8>,
    /// How it has fared within the last minute.
    pub lately: Lately,
    /// What held back the last who had to wait; nothing if nobody had to within the last minute.
    pub held_by: Option<HeldBy>,
}

/// What keeps the leaves of a class waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    /// Its own ceiling.
    Own,
    /// A ceiling above it, which it has for itself.
    Parent,
    /// A ceiling above it that others want to use at the same time.
    Siblings,
    /// The ceiling of a leaf or a class below it.
    Below,
}

impl<K: Hash + Eq + Clone> Tree<K> {
    /// Every class with what holds for it and how it fares, in no order; one without leaves may still be remembered.
    #[must_use]
    pub fn standings(&self, now: u64) -> Vec<Standing<'_, K>> {
        let mut found = Vec::new();
        for node in self.nodes.iter().flatten() {
            let Some(tally) = &node.tally else { continue };
            let lately = tally.lately(now);
            found.push(Standing {
                class: node.key.as_ref(),
                parent: self.node(node.parent).key.as_ref(),
                share: node.share,
                waiting: tally.waiting,
                filled: node.ceiling.map(|bucket| bucket.percent(now)),
                lately,
                held_by: tally.held_by.filter(|_| lately.held > 0),
            });
        }
        found
    }

    /// How many leaves wait for their own ceilings.
    #[must_use]
    pub fn held_leaves(&self) -> usize {
        self.nodes.iter().flatten().filter(|node| node.since.is_some() && node.is_parked).count()
    }

    /// Whether one of the leaves waits.
    #[must_use]
    pub fn is_waiting(&self, LeafId(leaf): LeafId) -> bool {
        self.node(leaf).since.is_some()
    }

    /// A leaf has asked in vain: from now on, unless it was so before.
    pub(super) fn is_held_back(&mut self, leaf: NodeId, now: u64) {
        if self.node(leaf).since.is_some() {
            return;
        }
        self.node_mut(leaf).since = Some(now);
        let (obstacle, shared) = self.in_the_way(leaf);
        let (mut id, mut height, mut is_above) = (leaf, 0, obstacle == Some(0));
        while id != ROOT {
            (id, height) = (self.node(id).parent, height + 1);
            let held_by = match () {
                () if self.node(id).is_parked => Some(HeldBy::Own),
                () if is_above => Some(HeldBy::Below),
                () if shared.is_some_and(|at| at >= height) => Some(HeldBy::Siblings),
                () => obstacle.map(|_| HeldBy::Parent),
            };
            is_above |= obstacle == Some(height);
            if let Some(tally) = self.node_mut(id).tally.as_deref_mut() {
                tally.begin(held_by, now);
            }
        }
    }

    /// A leaf is given something.
    pub(super) fn is_served(&mut self, leaf: NodeId, now: u64) {
        if let Some(since) = self.node_mut(leaf).since.take() {
            self.end_wait(leaf, Some(now.saturating_sub(since)), now);
        }
    }

    /// A leaf goes.
    pub(super) fn waits_no_more(&mut self, leaf: NodeId, now: u64) {
        if self.node_mut(leaf).since.take().is_some() {
            self.end_wait(leaf, None, now);
        }
    }

    fn end_wait(&mut self, mut id: NodeId, waited: Option<u64>, now: u64) {
        while id != ROOT {
            id = self.node(id).parent;
            if let Some(tally) = self.node_mut(id).tally.as_deref_mut() {
                tally.end(waited, now);
            }
        }
    }

    /// How far above a leaf the first node is whose ceiling is used up, and the last one below that which has others beside it who
    /// want something too.
    fn in_the_way(&self, leaf: NodeId) -> (Option<usize>, Option<usize>) {
        let (mut id, mut shared) = (leaf, None);
        for height in 0.. {
            if self.node(id).is_parked {
                return (Some(height), shared);
            }
            if id == ROOT {
                break;
            }
            let parent = self.node(id).parent;
            if self.node(parent).has_others_beside(id) {
                shared = Some(height);
            }
            id = parent;
        }
        (None, shared)
    }
}
