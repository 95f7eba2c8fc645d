//! How a class has fared lately: for how much of the last minute one of its leaves was held back, and how long each wait was.

use super::HeldBy;

/// Half of what is looked back on, in nanoseconds.
const HALF: u64 = 30_000_000_000;
const A_MINUTE: u64 = 2 * HALF;

/// Waits up to a power of two of this many nanoseconds are told apart: 2^17 is an eighth of a millisecond.
const FINEST: usize = 17;

/// The last one has all waits beyond four seconds.
const STEPS: usize = 16;

/// What is counted of one class.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// Leaves below it that have asked in vain and were given nothing yet.
    pub(super) waiting: usize,
    /// What held back the last one.
    pub(super) held_by: Option<HeldBy>,
    /// Until when the time that they waited is counted.
    counted: u64,
    /// The half minute before, and the one that it is.
    halves: [Half; 2],
}

#[derive(Debug, Clone, Copy)]
struct Half {
    began: u64,
    held: u64,
    waits: [u32; STEPS],
}

/// What has come of it within the last half to whole minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lately {
    /// Millionths of the time in which somebody was held back.
    pub held: u32,
    /// As long as all but a twentieth of the waits at most, in nanoseconds, to within a factor of two; nothing if nobody had to wait.
    pub wait: Option<u64>,
}

impl Tally {
    pub(super) fn new(now: u64) -> Self {
        Self { waiting: 0, held_by: None, counted: now, halves: [Half::new(now), Half::new(now)] }
    }

    /// One more leaf is held back.
    pub(super) fn begin(&mut self, held_by: Option<HeldBy>, now: u64) {
        self.count(now);
        self.waiting += 1;
        self.held_by = held_by;
    }

    /// One less; it was given something after so long, or is gone.
    pub(super) fn end(&mut self, waited: Option<u64>, now: u64) {
        self.count(now);
        self.waiting = self.waiting.saturating_sub(1);
        if let Some(waited) = waited {
            let step = &mut self.halves[1].waits[step(waited)];
            *step = step.saturating_add(1);
        }
    }

    pub(super) fn lately(&self, now: u64) -> Lately {
        let mut up_to_now = self.clone();
        up_to_now.count(now);
        let [before, current] = up_to_now.halves;
        let span = now.saturating_sub(before.began).max(1);
        let held = (before.held + current.held).min(span);
        let mut waits = before.waits;
        waits.iter_mut().zip(current.waits).for_each(|(all, more)| *all = all.saturating_add(more));
        let held = u32::try_from(u128::from(held) * 1_000_000 / u128::from(span)).unwrap_or(1_000_000);
        Lately { held, wait: most_of(&waits) }
    }

    fn count(&mut self, now: u64) {
        let held = if self.waiting > 0 { now.saturating_sub(self.counted) } else { 0 };
        self.counted = self.counted.max(now);
        self.halves[1].held += held;
        match now.saturating_sub(self.halves[1].began) {
            ..HALF => {}
            HALF..A_MINUTE => self.halves = [self.halves[1], Half::new(now)],
            A_MINUTE.. => {
                self.halves = [Half { held: held.min(HALF), ..Half::new(now - HALF) }, Half::new(now)];
            }
        }
    }
}

impl Half {
    fn new(now: u64) -> Self {
        Self { began: now, held: 0, waits: [0; STEPS] }
    }
}

fn step(waited: u64) -> usize {
    let bits = (u64::BITS - waited.leading_zeros()) as usize;
    bits.saturating_sub(FINEST).min(STEPS - 1)
}

/// The end of the step in which the wait is that all but a twentieth do not exceed.
fn most_of(waits: &[u32; STEPS]) -> Option<u64> {
    let all: u64 = waits.iter().map(|count| u64::from(*count)).sum();
    let mut left = all - all / 20;
    let step = waits.iter().position(|count| {
        left = left.saturating_sub(u64::from(*count));
        left == 0
    });
    step.filter(|_| all > 0).map(|step| 1 << (step + FINEST))
}
