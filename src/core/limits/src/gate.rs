//! Who has to be in the hierarchy, so that nobody takes its lock on account of those who need not.
//!
//! Each member says once that it is in and once that it has left. Whoever keeps the hierarchy opens the gate before he looks
//! at the members that are in; a member that comes looks at the gate after it has said so. So at least one of the two sees the
//! other, and the member is taken into the hierarchy by exactly one of them.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};

use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

/// Whether there is anything that holds for anybody.
#[derive(Debug)]
pub struct Gate {
    is_open: AtomicBool,
}

/// One member's part in it.
#[derive(Debug)]
pub struct Membership {
    stage: AtomicU8,
}

/// How far a member has come.
const OUT: u8 = 0;
const IN: u8 = 1;
/// In, and in the hierarchy.
const HELD: u8 = 2;
const GONE: u8 = 3;

impl Gate {
    /// One that is open if there is something that holds for somebody.
    #[must_use]
    pub fn new(is_open: bool) -> Self {
        Self { is_open: AtomicBool::new(is_open) }
    }

    /// Whoever keeps the hierarchy opens it before he looks at the members, and may shut it after that.
    pub fn set(&self, is_open: bool) {
        self.is_open.store(is_open, Release);
        fence(SeqCst);
    }

    /// A member comes in; says whether it has to be taken into the hierarchy by whoever asks.
    #[must_use]
    pub fn enter(&self, member: &Membership) -> bool {
        member.stage.store(IN, Release);
        fence(SeqCst);
        self.is_open.load(Acquire)
    }
}

impl Membership {
    /// One that is not in yet.
    #[must_use]
    pub fn new() -> Self {
        Self { stage: AtomicU8::new(OUT) }
    }

    /// Takes a member that is in as one of the hierarchy; says whether it is one from now on. Only under the hierarchy's lock.
    #[must_use]
    pub fn hold(&self) -> bool {
        let held = |stage| (stage == IN || stage == HELD).then_some(HELD);
        self.stage.fetch_update(AcqRel, Acquire, held).is_ok()
    }

    /// It is no longer one of the hierarchy. Only under the hierarchy's lock.
    pub fn release(&self) {
        // A member that is gone stays gone.
        let _was_not_held = self.stage.compare_exchange(HELD, IN, AcqRel, Acquire);
    }

    /// Whether it has to ask the hierarchy: one look, for whoever moves bytes.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.stage.load(Relaxed) == HELD
    }

    /// Whether it has come in, and not left.
    #[must_use]
    pub fn is_in(&self) -> bool {
        matches!(self.stage.load(Acquire), IN | HELD)
    }

    /// It leaves for good; says whether it has to be taken out of the hierarchy.
    #[must_use]
    pub fn leave(&self) -> bool {
        self.stage.swap(GONE, AcqRel) == HELD
    }
}

impl Default for Membership {
    fn default() -> Self {
        Self::new()
    }
}
