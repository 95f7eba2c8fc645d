//! Leaves that want all they can get, with time passed in.

use std::collections::HashMap;

use limits::{LeafId, Need, Share, Tree};

use crate::{SECOND, WANT};

/// Leaves that want all they can get, and what each has got.
pub(crate) struct Greedy {
    pub(crate) tree: Tree<&'static str>,
    pub(crate) now: u64,
    pub(crate) got: HashMap<LeafId, u64>,
    pub(crate) hungry: Vec<LeafId>,
}

impl Greedy {
    pub(crate) fn new(all: Share) -> Self {
        Self { tree: Tree::new(all, 0), now: 0, got: HashMap::new(), hungry: Vec::new() }
    }

    pub(crate) fn add(&mut self, classes: &[(&'static str, Share)], leaf: Share) -> LeafId {
        let leaf = self.tree.attach(classes, leaf, self.now);
        self.got.insert(leaf, 0);
        self.hungry.push(leaf);
        leaf
    }

    pub(crate) fn remove(&mut self, leaf: LeafId) {
        self.tree.detach(leaf, self.now);
        self.got.remove(&leaf);
        self.hungry.retain(|other| *other != leaf);
    }

    /// Everybody asks, and again whenever he is told to, until then.
    pub(crate) fn live(&mut self, until: u64) {
        let mut woken = std::mem::take(&mut self.hungry);
        loop {
            while let Some(leaf) = woken.pop() {
                let Some(got) = self.got.get_mut(&leaf) else { continue };
                loop {
                    match self.tree.ask(leaf, WANT, Need::Now, self.now, &mut woken) {
                        0 => break,
                        granted => *got += granted,
                    }
                }
            }
            match self.tree.next() {
                Some(next) if next <= until => self.now = self.now.max(next),
                _ => break,
            }
            self.tree.run(self.now, &mut woken);
        }
        self.now = until;
    }

    /// What each gets in a second from now on.
    pub(crate) fn second(&mut self, leaves: &[LeafId]) -> Vec<u64> {
        let before: Vec<u64> = leaves.iter().map(|leaf| self.got[leaf]).collect();
        self.live(self.now + SECOND);
        leaves.iter().zip(before).map(|(leaf, before)| self.got[leaf] - before).collect()
    }
}
