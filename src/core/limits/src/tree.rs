//! Who may move how many bytes when: a hierarchy of classes with sessions as its leaves, in the manner of HTB (tc-htb(8)).
//!
//! A class has a ceiling that it never exceeds, and may have a rate that is guaranteed to it within what its parent has.
//! What is left goes to the classes that want it: strictly by priority, and where that is the same to whoever has had least.
//! A leaf asks for bytes and gets them at once, or later, when [`Tree::run`] says so; nobody is asked again meanwhile.
//!
//! Whoever moves more than the buckets hold leaves a debt of one turn at most, which is repaid before anything else is given.

mod node;
mod standing;
mod tally;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::num::NonZeroU64;

use self::node::{Node, turn_of};
pub use self::standing::{HeldBy, Standing};
pub use self::tally::Lately;

/// The root of every tree.
const ROOT: NodeId = NodeId(0);

/// What holds for a class or a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Bytes in a second that it never exceeds; `None` is no limit.
    pub ceiling: Option<NonZeroU64>,
    /// Bytes in a second that it gets before others get more than what is guaranteed to them; 0 is no guarantee.
    pub guaranteed: u64,
    /// Bytes that may pass at once after a pause; `None` is what the ceiling lets pass in a fifth of a second.
    pub burst: Option<NonZeroU64>,
    /// The higher comes first when what is left is given out.
    pub priority: u8,
}

/// One leaf, from [`Tree::attach`] to [`Tree::detach`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafId(NodeId);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct NodeId(u32);

/// The hierarchy of one direction. Times are nanoseconds of a clock that never goes back.
#[derive(Debug)]
pub struct Tree<K> {
    nodes: Vec<Option<Node<K>>>,
    free: Vec<NodeId>,
    classes: HashMap<K, NodeId>,
    /// When a node has something to give again, or may be forgotten; each has one at most.
    alarms: BTreeSet<(u64, NodeId)>,
}

/// When whoever asks needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// He is held back without it.
    Now,
    /// He has something left.
    Soon,
}

/// By which right something passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Guarantee,
    Rest,
}

impl<K: Hash + Eq + Clone> Tree<K> {
    /// A tree without classes, in which this holds for all together.
    #[must_use]
    pub fn new(all: Share, now: u64) -> Self {
        let root = Node::new(None, ROOT, all, now).counted(now);
        Self { nodes: vec![Some(root)], free: Vec::new(), classes: HashMap::new(), alarms: BTreeSet::new() }
    }

    /// Lets this hold for all together from now on.
    pub fn tune(&mut self, all: Share, now: u64) {
        self.retune(ROOT, all, now);
    }

    /// A new leaf below these classes, the outermost first; a class that is there already is told what holds for it now.
    ///
    /// The same key must always come below the same classes.
    pub fn attach(&mut self, classes: &[(K, Share)], leaf: Share, now: u64) -> LeafId {
        let mut parent = ROOT;
        for (key, share) in classes {
            parent = self.class(key, parent, *share, now);
        }
        LeafId(self.insert(Node::new(None, parent, leaf, now)))
    }

    /// Removes a leaf; what it was granted and has not taken goes back.
    pub fn detach(&mut self, LeafId(leaf): LeafId, now: u64) {
        let granted = std::mem::take(&mut self.node_mut(leaf).granted);
        self.put_back(leaf, granted, now);
        self.waits_no_more(leaf, now);
        self.remove(leaf, now);
    }

    /// Asks for up to `want` bytes, more than 0, and takes what has been granted. 0 means that the leaf will be named by a
    /// [run](Self::run) when it is worth while to ask again.
    pub fn ask(&mut self, leaf: LeafId, want: u64, need: Need, now: u64, woken: &mut Vec<LeafId>) -> u64 {
        let LeafId(id) = leaf;
        if self.node(id).granted == 0 {
            // A whole turn at least, so that many bytes come of one waking.
            self.node_mut(id).wanted = want.max(self.turn_below(id));
            self.queue(id, now);
            self.run(now, woken);
            woken.retain(|other| *other != leaf);
        }
        let node = self.node_mut(id);
        if node.granted > 0 {
            node.wanted = 0;
        }
        let granted = node.granted.min(want);
        node.granted -= granted;
        if granted == 0 && need == Need::Now {
            self.is_held_back(id, now);
        }
        granted
    }

    /// Returns bytes that were granted and not needed.
    pub fn give_back(&mut self, LeafId(leaf): LeafId, bytes: u64, now: u64) {
        self.put_back(leaf, bytes, now);
    }

    /// Gives out what there is, and adds those who got something to `woken`.
    pub fn run(&mut self, now: u64, woken: &mut Vec<LeafId>) {
        while let Some((at, node)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) {
            self.alarms.remove(&(at, node));
            self.ring(node, now);
        }
        let mut path = Vec::new();
        while self.may_pass(ROOT, Right::Rest, now) && self.pick(ROOT, now, &mut path) {
            woken.extend(self.serve(&path, now));
            path.clear();
        }
    }

    /// When it is worth while to [run](Self::run) again; `None` when nothing will happen by itself.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// How many classes there are.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    fn class(&mut self, key: &K, parent: NodeId, share: Share, now: u64) -> NodeId {
        if let Some(known) = self.classes.get(key).copied() {
            self.retune(known, share, now);
            return known;
        }
        let id = self.insert(Node::new(Some(key.clone()), parent, share, now).counted(now));
        self.classes.insert(key.clone(), id);
        id
    }

    fn retune(&mut self, id: NodeId, share: Share, now: u64) {
        if self.node(id).share == share {
            return;
        }
        let parent = self.node(id).parent;
        self.leave_queues(id, parent);
        self.node_mut(id).retune(share, now);
        if self.node(id).children == 0 && self.node(id).key.is_some() {
            // With another burst it may be full, and is not to be forgotten before whoever comes is in it.
            self.set_alarm(id, Some(now));
        } else {
            self.ring(id, now);
        }
    }

    /// Something has changed for a node: it may pass something, or is not needed any more.
    fn ring(&mut self, id: NodeId, now: u64) {
        self.set_alarm(id, None);
        self.node_mut(id).is_parked = false;
        if self.node(id).children == 0 && self.node(id).key.is_some() {
            self.forget_if_full(id, now);
        } else if self.node(id).wants_something() {
            self.queue(id, now);
        }
    }

    /// Puts a node that wants something where its turn will come, and its ancestors too.
    fn queue(&mut self, mut id: NodeId, now: u64) {
        while id != ROOT {
            let node = self.node_mut(id);
            if node.is_parked {
                return;
            }
            let guaranteed = node.share.guaranteed;
            let sure_at = node.assured.as_mut().map(|bucket| {
                bucket.refresh(now);
                if bucket.has_some() { now } else { bucket.has_at(turn_of(guaranteed)) }
            });
            let is_sure = sure_at == Some(now);
            let later = sure_at.filter(|at| *at > now && node.alarm.is_none());
            let (parent, priority) = (node.parent, Reverse(node.share.priority));
            let (into_sure, into_rest) = (is_sure && !node.is_in_sure, !node.is_in_rest);
            node.is_in_sure |= is_sure;
            node.is_in_rest = true;
            let had = node.had;
            if into_sure {
                self.node_mut(parent).sure.push_back(id);
            }
            if into_rest {
                let turn = self.turn_below(parent);
                let level = self.node_mut(parent).rest.entry(priority).or_default();
                self.node_mut(id).had = Some(level.enqueue(id, had, turn));
            }
            if later.is_some() {
                self.set_alarm(id, later);
            }
            id = parent;
        }
    }

    /// The way to the leaf whose turn it is, if any below this node may have something now.
    fn pick(&mut self, id: NodeId, now: u64, path: &mut Vec<(NodeId, Right)>) -> bool {
        loop {
            let Some((child, right)) = self.node(id).first() else { return self.node(id).wanted > 0 };
            if self.may_pass(child, right, now) {
                path.push((child, right));
                if self.pick(child, now, path) {
                    return true;
                }
                path.pop();
            }
            self.unqueue(id, child, right);
        }
    }

    /// Whether a node may pass something by this right; if not, it is told when to look again.
    fn may_pass(&mut self, id: NodeId, right: Right, now: u64) -> bool {
        let wait = self.node(id).wait_size();
        let node = self.node_mut(id);
        if node.is_parked {
            return false;
        }
        if let Some(bucket) = &mut node.ceiling {
            bucket.refresh(now);
            if !bucket.has_some() {
                node.is_parked = true;
                let at = bucket.has_at(wait);
                self.set_alarm(id, Some(at));
                return false;
            }
        }
        let Some(bucket) = node.assured.as_mut().filter(|_| right == Right::Guarantee) else {
            return right == Right::Rest;
        };
        bucket.refresh(now);
        if bucket.has_some() {
            return true;
        }
        let at = bucket.has_at(turn_of(node.share.guaranteed));
        self.set_alarm(id, Some(at));
        false
    }

    /// Gives the leaf at the end of the way its turn.
    fn serve(&mut self, path: &[(NodeId, Right)], now: u64) -> Option<LeafId> {
        let (leaf, _) = *path.last()?;
        let turn = self.turn_below(leaf);
        let sure =
            path.iter().rev().enumerate().map(|(height, (_, right))| u32::from(*right == Right::Guarantee) << height);
        let node = self.node_mut(leaf);
        let granted = turn.min(node.wanted);
        node.wanted -= granted;
        node.granted += granted;
        node.sure_heights = sure.sum();
        self.is_served(leaf, now);
        self.take(ROOT, Right::Rest, granted);
        for (id, right) in path {
            self.take(*id, *right, granted);
            self.pass_turn_on(*id, *right, granted);
        }
        Some(LeafId(leaf))
    }

    /// What passes in one turn on the way to this node.
    fn turn_below(&self, mut id: NodeId) -> u64 {
        let mut turn = self.node(ROOT).turn_size();
        while id != ROOT {
            turn = turn.min(self.node(id).turn_size());
            id = self.node(id).parent;
        }
        turn
    }

    fn take(&mut self, id: NodeId, right: Right, bytes: u64) {
        let node = self.node_mut(id);
        if let Some(bucket) = &mut node.ceiling {
            bucket.take(bytes);
        }
        if let Some(bucket) = node.assured.as_mut().filter(|_| right == Right::Guarantee) {
            bucket.take(bytes);
        }
    }

    /// Whoever has had his turn comes after those who have had less.
    fn pass_turn_on(&mut self, id: NodeId, right: Right, bytes: u64) {
        let node = self.node(id);
        let (parent, priority, had) = (node.parent, Reverse(node.share.priority), node.had.unwrap_or_default());
        match right {
            Right::Guarantee => self.node_mut(parent).sure.rotate_left(1),
            Right::Rest => {
                let level = self.node_mut(parent).rest.entry(priority).or_default();
                let has_had = level.serve(id, had, bytes);
                self.node_mut(id).had = Some(has_had);
            }
        }
    }

    /// Whatever it took from is as if it had not been taken: also its turn, and what was guaranteed.
    fn put_back(&mut self, mut id: NodeId, bytes: u64, now: u64) {
        if bytes == 0 {
            return;
        }
        let sure_heights = self.node(id).sure_heights;
        for height in 0.. {
            let node = self.node_mut(id);
            let was_sure = sure_heights >> height & 1 == 1;
            if let Some(bucket) = node.assured.as_mut().filter(|_| was_sure) {
                bucket.refresh(now);
                bucket.put(bytes);
            } else {
                self.has_had_less(id, bytes);
            }
            let node = self.node_mut(id);
            if let Some(bucket) = &mut node.ceiling {
                bucket.refresh(now);
                bucket.put(bytes);
                if node.is_parked && bucket.has_some() {
                    self.ring(id, now);
                }
            }
            if id == ROOT {
                return;
            }
            id = self.node(id).parent;
        }
    }

    fn has_had_less(&mut self, id: NodeId, bytes: u64) {
        let node = self.node_mut(id);
        let before = node.had;
        node.had = before.map(|had| had.saturating_sub(bytes));
        if !node.is_in_rest {
            return;
        }
        let (parent, priority, now) = (node.parent, Reverse(node.share.priority), node.had);
        let turn = self.turn_below(parent);
        let level = self.node_mut(parent).rest.entry(priority).or_default();
        level.dequeue(id, before);
        let has_had = level.enqueue(id, now, turn);
        self.node_mut(id).had = Some(has_had);
    }

    /// Takes a child from the front of a queue in which it has nothing to get now.
    fn unqueue(&mut self, parent: NodeId, child: NodeId, right: Right) {
        match right {
            Right::Guarantee => {
                self.node_mut(parent).sure.pop_front();
                self.node_mut(child).is_in_sure = false;
            }
            Right::Rest => {
                self.leave_rest(child, parent);
                self.node_mut(child).is_in_rest = false;
            }
        }
    }

    fn leave_queues(&mut self, id: NodeId, parent: NodeId) {
        let node = self.node_mut(id);
        let (was_in_sure, was_in_rest) = (std::mem::take(&mut node.is_in_sure), std::mem::take(&mut node.is_in_rest));
        if was_in_sure {
            self.node_mut(parent).sure.retain(|other| *other != id);
        }
        if was_in_rest {
            self.leave_rest(id, parent);
        }
    }

    fn leave_rest(&mut self, child: NodeId, parent: NodeId) {
        let (priority, had) = (Reverse(self.node(child).share.priority), self.node(child).had);
        if let Some(level) = self.node_mut(parent).rest.get_mut(&priority) {
            level.dequeue(child, had);
        }
    }

    fn set_alarm(&mut self, id: NodeId, at: Option<u64>) {
        let before = std::mem::replace(&mut self.node_mut(id).alarm, at);
        if let Some(before) = before {
            self.alarms.remove(&(before, id));
        }
        if let Some(at) = at {
            self.alarms.insert((at, id));
        }
    }

    fn insert(&mut self, node: Node<K>) -> NodeId {
        self.node_mut(node.parent).children += 1;
        if let Some(id) = self.free.pop() {
            self.nodes[index(id)] = Some(node);
            return id;
        }
        self.nodes.push(Some(node));
        NodeId(u32::try_from(self.nodes.len() - 1).expect("fewer nodes than descriptors"))
    }

    fn remove(&mut self, id: NodeId, now: u64) {
        let parent = self.node(id).parent;
        self.leave_queues(id, parent);
        self.set_alarm(id, None);
        if let Some(key) = self.node_mut(id).key.take() {
            self.classes.remove(&key);
        }
        self.nodes[index(id)] = None;
        self.free.push(id);
        self.node_mut(parent).children -= 1;
        if parent != ROOT && self.node(parent).children == 0 {
            self.forget_if_full(parent, now);
        }
    }

    /// A class without leaves is remembered until its buckets are full: leaving and coming back brings nobody a new burst.
    fn forget_if_full(&mut self, id: NodeId, now: u64) {
        let node = self.node_mut(id);
        // Its alarm has another meaning from now on; whoever comes back is looked at anew.
        node.is_parked = false;
        let full_at = node.ceiling.as_mut().map_or(now, |bucket| {
            bucket.refresh(now);
            bucket.has_at(u64::MAX)
        });
        if full_at <= now {
            self.remove(id, now);
        } else {
            self.set_alarm(id, Some(full_at));
        }
    }

    fn node(&self, id: NodeId) -> &Node<K> {
        self.nodes[index(id)].as_ref().expect("no queue names a node that is gone")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node<K> {
        self.nodes[index(id)].as_mut().expect("no queue names a node that is gone")
    }
}

fn index(NodeId(id): NodeId) -> usize {
    id as usize
}
