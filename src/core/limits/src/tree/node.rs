//! One class or leaf: its buckets, and those below it who want something.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU64;

use super::tally::Tally;
use super::{NodeId, Right, Share};
use crate::bucket::Bucket;

/// The least and the most that are given out in one turn, in bytes.
pub(super) const TURN: (u64, u64) = (4 * 1024, 1024 * 1024);

/// A turn is what a ceiling lets pass in so long, in milliseconds.
const TURN_MILLIS: u64 = 4;

/// Who waits for a ceiling waits until it lets pass what comes in so long, in milliseconds: one waking for much.
const WAIT_MILLIS: u64 = 8;

/// A bucket holds what comes in so long, in milliseconds, unless it is told otherwise.
const BURST_MILLIS: u64 = 200;

/// How many turns somebody who paused may be behind his siblings and still get them: so who had nothing to move for a moment,
/// because his machine was busy, loses nothing by it.
const MOST_BEHIND: u64 = 16;

/// Children of one priority.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// What whoever was served last had had before.
    clock: u64,
    /// Whoever has had least comes first.
    queue: BTreeSet<(u64, NodeId)>,
}

#[derive(Debug)]
pub(super) struct Node<K> {
    /// `None` for a leaf and for the root.
    pub(super) key: Option<K>,
    pub(super) parent: NodeId,
    pub(super) children: usize,
    pub(super) share: Share,
    pub(super) ceiling: Option<Bucket>,
    pub(super) assured: Option<Bucket>,
    /// Nothing passes before its alarm.
    pub(super) is_parked: bool,
    pub(super) alarm: Option<u64>,
    /// The children that want something: those with a guarantee in the order of their turns, and all of them by priority.
    pub(super) sure: VecDeque<NodeId>,
    pub(super) rest: BTreeMap<Reverse<u8>, Level>,
    /// Whether its parent has it in the first, and in the second.
    pub(super) is_in_sure: bool,
    pub(super) is_in_rest: bool,
    /// Bytes that it has had of the rest, as its siblings' clock counts them; `None` before the first.
    pub(super) had: Option<u64>,
    pub(super) wanted: u64,
    pub(super) granted: u64,
    /// By which right the last of it came: a bit for each node on the way up that is guaranteed it, the lowest for this one.
    pub(super) sure_heights: u32,
    /// Of a leaf: since when it has asked in vain and was given nothing.
    pub(super) since: Option<u64>,
    /// How it has fared; leaves have none.
    pub(super) tally: Option<Box<Tally>>,
}

impl<K> Node<K> {
    pub(super) fn new(key: Option<K>, parent: NodeId, share: Share, now: u64) -> Self {
        let mut node = Self {
            key,
            parent,
            children: 0,
            share,
            ceiling: None,
            assured: None,
            is_parked: false,
            alarm: None,
            sure: VecDeque::new(),
            rest: BTreeMap::new(),
            is_in_sure: false,
            is_in_rest: false,
            had: None,
            wanted: 0,
            granted: 0,
            sure_heights: 0,
            since: None,
            tally: None,
        };
        node.retune(share, now);
        node
    }

    /// The same as a class, of which it is counted how it fares.
    pub(super) fn counted(self, now: u64) -> Self {
        Self { tally: Some(Box::new(Tally::new(now))), ..self }
    }

    pub(super) fn retune(&mut self, share: Share, now: u64) {
        let bucket = |before: Option<Bucket>, rate: u64, burst: u64| match before {
            _ if rate == 0 => None,
            Some(bucket) => Some(bucket.retuned(rate, burst, now)),
            None => Some(Bucket::new(rate, burst, now)),
        };
        if self.share.priority != share.priority {
            self.had = None;
        }
        let ceiling = share.ceiling.map_or(0, NonZeroU64::get);
        self.ceiling = bucket(self.ceiling, ceiling, burst(ceiling, share.burst));
        self.assured = bucket(self.assured, share.guaranteed, burst(share.guaranteed, None));
        self.share = share;
    }

    pub(super) fn first(&self) -> Option<(NodeId, Right)> {
        let sure = self.sure.front().map(|child| (*child, Right::Guarantee));
        let rest = || self.rest.values().find_map(|level| level.queue.first());
        sure.or_else(|| rest().map(|(_, child)| (*child, Right::Rest)))
    }

    pub(super) fn wants_something(&self) -> bool {
        self.wanted > 0 || self.first().is_some()
    }

    /// Whether a child other than this one wants something.
    pub(super) fn has_others_beside(&self, child: NodeId) -> bool {
        self.rest.values().any(|level| level.queue.iter().any(|(_, other)| *other != child))
    }

    /// What passes in one turn.
    pub(super) fn turn_size(&self) -> u64 {
        self.share.ceiling.map_or(TURN.1, |ceiling| turn_of(ceiling.get()))
    }

    /// What whoever waits for its ceiling waits for.
    pub(super) fn wait_size(&self) -> u64 {
        self.share.ceiling.map_or(TURN.1, |ceiling| ceiling.get() / 1_000 * WAIT_MILLIS).max(TURN.0)
    }
}

impl Level {
    /// Lets a child wait that has had so much, where this passes in one turn; says what counts as had.
    pub(super) fn enqueue(&mut self, child: NodeId, had: Option<u64>, turn: u64) -> u64 {
        let had = had.map_or(self.clock, |had| had.max(self.clock.saturating_sub(turn.saturating_mul(MOST_BEHIND))));
        self.queue.insert((had, child));
        had
    }

    pub(super) fn dequeue(&mut self, child: NodeId, had: Option<u64>) {
        self.queue.remove(&(had.unwrap_or_default(), child));
    }

    /// A child that waits is served, and waits on.
    pub(super) fn serve(&mut self, child: NodeId, had: u64, bytes: u64) -> u64 {
        self.queue.remove(&(had, child));
        self.clock = self.clock.max(had);
        self.queue.insert((had + bytes, child));
        had + bytes
    }
}

pub(super) fn turn_of(rate: u64) -> u64 {
    (rate / 1_000 * TURN_MILLIS).clamp(TURN.0, TURN.1)
}

/// What a bucket of this rate holds; never less than two turns, so that a turn that comes late loses nothing.
fn burst(rate: u64, told: Option<NonZeroU64>) -> u64 {
    let usual = rate / 1_000 * BURST_MILLIS;
    told.map_or(usual, NonZeroU64::get).max(2 * TURN.0)
}
