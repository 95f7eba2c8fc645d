//! What checks of passwords work in: many MiB each, which a kernel takes as long to give as half a check lasts.

use std::sync::{Mutex, PoisonError};

use argon2::Block;

pub(super) type Slate = Vec<Block>;

/// Slates that nobody works in, kept only while others wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Slates(Mutex<Vec<Slate>>);

impl Slates {
    /// Does `work` in one that may have anything on it. If nobody waits afterwards, it is given back, with all others.
    pub(super) fn with<T>(&self, do_others_wait: impl Fn() -> bool, work: impl FnOnce(&mut Slate) -> T) -> T {
        let mut slate = self.change(Vec::pop).unwrap_or_default();
        let done = work(&mut slate);
        let over = self.change(|spare| {
            spare.push(slate);
            if do_others_wait() { Vec::new() } else { std::mem::take(spare) }
        });
        drop(over);
        done
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Slate>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slate_is_kept_for_whoever_waits() {
        let slates = Slates::default();
        let write = |slate: &mut Slate| {
            slate.resize(slate.len() + 1, Block::default());
            slate.len()
        };
        let waits = [true, true, false, false];
        assert_eq!(waits.map(|others_wait| slates.with(|| others_wait, write)), [1, 2, 3, 1]);
    }
}
