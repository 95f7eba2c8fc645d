//! What threads share, in every order in which they may meet: who is taken into a hierarchy, and what its buckets give out.
//!
//! Built and run by `make loom` alone.
#![cfg(loom)]

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use limits::{Gate, LeafId, Membership, Need, Share, Tree};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// One hierarchy with one member, as the daemon has them.
struct House {
    gate: Gate,
    member: Membership,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    limits: bool,
    attached: BTreeSet<u8>,
}

impl House {
    fn new(limits: bool) -> Arc<Self> {
        let inside = Inside { limits, attached: BTreeSet::new() };
        Arc::new(Self { gate: Gate::new(limits), member: Membership::new(), inside: Mutex::new(inside) })
    }

    fn enter(&self) {
        if self.gate.enter(&self.member) {
            self.attach(&mut self.inside.lock().unwrap());
        }
    }

    fn attach(&self, inside: &mut Inside) {
        if inside.limits && self.member.hold() {
            inside.attached.insert(1);
        }
    }

    fn leave(&self) {
        if self.member.leave() {
            self.inside.lock().unwrap().attached.clear();
        }
    }

    fn retune(&self, limits: bool) {
        let mut inside = self.inside.lock().unwrap();
        inside.limits = limits;
        self.gate.set(true);
        if self.member.is_in() {
            self.member.release();
            inside.attached.clear();
            self.attach(&mut inside);
        }
        self.gate.set(limits);
    }

    /// Whoever has to ask is one of the hierarchy, and nobody else.
    fn attached(&self) -> bool {
        let is_attached = !self.inside.lock().unwrap().attached.is_empty();
        assert_eq!(is_attached, self.member.is_held());
        is_attached
    }
}

#[test]
fn who_comes_while_a_limit_does_is_limited() {
    loom::model(|| {
        let house = House::new(false);
        let coming = thread::spawn({
            let house = Arc::clone(&house);
            move || house.enter()
        });
        house.retune(true);
        coming.join().unwrap();
        assert!(house.attached());
    });
}

#[test]
fn who_comes_while_the_limit_goes_is_not_limited() {
    loom::model(|| {
        let house = House::new(true);
        let coming = thread::spawn({
            let house = Arc::clone(&house);
            move || house.enter()
        });
        house.retune(false);
        coming.join().unwrap();
        assert!(!house.attached());
    });
}

#[test]
fn who_leaves_while_a_limit_comes_leaves_nothing_behind() {
    for before in [false, true] {
        loom::model(move || {
            let house = House::new(before);
            house.enter();
            let leaving = thread::spawn({
                let house = Arc::clone(&house);
                move || house.leave()
            });
            house.retune(true);
            leaving.join().unwrap();
            assert!(!house.attached());
        });
    }
}

/// What a bucket holds, and what is asked for.
const BURST: u64 = 8_192;

/// Bytes that come in a second.
const RATE: u64 = 1_000_000;

/// What a bucket may be overdrawn by.
const TURN: u64 = 4_096;

/// A tree behind a lock, with a bell for the one who gives turns, as the daemon has it.
struct Shared {
    inside: Mutex<Turns>,
    bell: Condvar,
}

struct Turns {
    tree: Tree<u8>,
    now: u64,
    next_look: Option<u64>,
    woken: Vec<LeafId>,
    is_over: bool,
}

impl Shared {
    /// Asks for all that there is; says what was granted.
    fn ask(&self, leaf: LeafId) -> u64 {
        let mut inside = self.inside.lock().unwrap();
        let Turns { tree, now, next_look, woken, .. } = &mut *inside;
        let granted = tree.ask(leaf, BURST, Need::Now, *now, woken);
        let is_sooner = tree.next().is_some_and(|next| next_look.is_none_or(|look| next < look));
        drop(inside);
        if is_sooner {
            self.bell.notify_one();
        }
        granted
    }

    /// Looks after those who wait, each time when something is to be had, until one has got it or nobody will ask any more.
    fn look(&self) {
        let mut inside = self.inside.lock().unwrap();
        while inside.woken.is_empty() && !inside.is_over {
            let Turns { tree, now, next_look, woken, .. } = &mut *inside;
            if let Some(at) = tree.next() {
                *now = at;
                tree.run(at, woken);
                continue;
            }
            *next_look = None;
            inside = self.bell.wait(inside).unwrap();
            inside.next_look = Some(0);
        }
    }

    fn end_unless_somebody_waits(&self, leaves: &[LeafId]) {
        let mut inside = self.inside.lock().unwrap();
        inside.is_over = !leaves.iter().any(|leaf| inside.tree.is_waiting(*leaf));
        if inside.is_over {
            self.bell.notify_one();
        }
    }
}

#[test]
fn nothing_is_given_out_twice_and_who_waits_is_not_forgotten() {
    loom::model(|| {
        let ceiling = Share { ceiling: NonZeroU64::new(RATE), burst: NonZeroU64::new(BURST), ..Share::default() };
        let mut tree = Tree::new(ceiling, 0);
        let leaves = [tree.attach(&[], Share::default(), 0), tree.attach(&[], Share::default(), 0)];
        let turns = Turns { tree, now: 0, next_look: Some(0), woken: Vec::new(), is_over: false };
        let shared = Arc::new(Shared { inside: Mutex::new(turns), bell: Condvar::new() });
        let looking = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.look()
        });
        let asking = thread::spawn({
            let shared = Arc::clone(&shared);
            move || (0..2).map(|_| shared.ask(leaves[1])).sum::<u64>()
        });
        let granted = (0..2).map(|_| shared.ask(leaves[0])).sum::<u64>() + asking.join().unwrap();
        // With somebody who waits, the one who looks must come to an end by himself.
        shared.end_unless_somebody_waits(&leaves);
        looking.join().unwrap();
        let now = shared.inside.lock().unwrap().now;
        let came = BURST + RATE * now / 1_000_000_000;
        assert!(granted <= came + TURN, "{granted} granted where {came} were there");
    });
}
