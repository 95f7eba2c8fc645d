//! What checks of passwords work in: many MiB each, which a kernel takes as long to give as half a check lasts.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;

use crate::engine::sys::pool::{Busy, Pool, Urgency};

pub(super) type Slate = Vec<Block>;

/// A pool of threads, and slates that nobody works in, kept only while somebody waits for a thread.
#[derive(Debug)]
pub(super) struct Slates {
    spare: Mutex<Vec<Slate>>,
    pub(super) pool: Pool,
}

/// Of a job, from when it begins to wait until it is over or let go of; then all spare slates are given back if nobody else waits.
#[derive(Debug)]
struct Turn(Arc<Slates>);

impl Slates {
    pub(super) fn new(pool: Pool) -> Self {
        Self { spare: Mutex::default(), pool }
    }

    /// Does `work` on one of the threads, in a slate that may have anything on it.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        urgency: Urgency,
        work: impl FnOnce(&mut Slate) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turn = Turn(Arc::clone(self));
        self.pool.run(urgency, move || turn.take(work)).await
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Slate>) -> T) -> T {
        change(&mut self.spare.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Turn {
    fn take<T>(&self, work: impl FnOnce(&mut Slate) -> T) -> T {
        let mut slate = self.0.change(Vec::pop).unwrap_or_default();
        let done = work(&mut slate);
        self.0.change(|spare| spare.push(slate));
        done
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.0.pool.waiting() == 0 {
            let over = self.0.change(std::mem::take);
            drop(over);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::engine::sys::pool::Order;

    #[test]
    fn slates_are_kept_for_whoever_waits_and_go_with_the_last_turn_taken_or_not() {
        let slates = Arc::new(Slates::new(Pool::start("test", 1, 4, Order::OldestFirst).unwrap()));
        let turn = || Turn(Arc::clone(&slates));
        let write = || {
            turn().take(|slate| {
                slate.resize(slate.len() + 1, Block::default());
                slate.len()
            })
        };
        let (release, held) = mpsc::channel::<()>();
        let (is_held, begun) = mpsc::channel();
        let keep_busy = move || {
            is_held.send(()).unwrap();
            let _let_go = held.recv();
        };
        slates.pool.leave(Urgency::Usual, keep_busy).unwrap();
        begun.recv().unwrap();
        assert_eq!([write(), write()], [1, 1], "nobody waits");
        let untaken = turn();
        let (is_over, over) = mpsc::channel::<()>();
        slates.pool.leave(Urgency::Usual, move || drop((untaken, is_over))).unwrap();
        assert_eq!([write(), write()], [1, 2], "somebody waits");
        drop(release);
        assert!(over.recv().is_err(), "it is dropped");
        assert_eq!(write(), 1);
    }
}
