//! How many may be in at once: one count per bound, one seat per holder, given back on drop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub(crate) struct Seats {
    taken: AtomicUsize,
    bound: AtomicUsize,
}

/// One or more seats of the same bound.
#[derive(Debug)]
pub(crate) struct Seat {
    bound: Arc<Seats>,
    places: usize,
}

impl Seats {
    pub(crate) fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), bound: AtomicUsize::new(bound) })
    }

    /// Allows so many from now on. Whoever sits stays, also when fewer are allowed than are taken.
    pub(crate) fn allow(&self, bound: usize) {
        self.bound.store(bound, Ordering::Release);
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound.load(Ordering::Acquire)
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// So many places, or `None` when fewer are free.
    pub(crate) fn take(self: &Arc<Self>, places: usize) -> Option<Seat> {
        let bound = self.bound.load(Ordering::Acquire);
        let more = |taken| (taken + places <= bound).then_some(taken + places);
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.ok().map(|_| Seat { bound: Arc::clone(self), places })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.bound.taken.fetch_sub(self.places, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_given_back_can_be_taken_again() {
        let seats = Seats::new(2);
        let seat = seats.take(1).unwrap();
        assert!(seats.take(2).is_none());
        drop(seat);
        assert!(seats.take(2).is_some());
    }

    #[test]
    fn a_lower_bound_takes_nobodys_seat_and_holds_for_the_next() {
        let seats = Seats::new(2);
        let sitting = [seats.take(1).unwrap(), seats.take(1).unwrap()];
        seats.allow(1);
        let [first, _second] = sitting;
        drop(first);
        assert!(seats.take(1).is_none());
        seats.allow(2);
        assert!(seats.take(1).is_some());
    }
}
