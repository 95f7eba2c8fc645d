//! One login at a time from each source that nobody knows: the rest of a flood waits here and not before the password checkers,
//! where others wait too, and is gone when the source is found out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::state::penalties::source::Source;

#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<Queues>);

/// Somebody waits at each of these or has his turn; nothing else is kept.
type Queues = HashMap<Source, Weak<Semaphore>>;

/// A place in the queue of one source, and the turn once it has come.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    source: Source,
    queue: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits until nobody else from `source` has a turn. The turn is over when it is dropped.
    pub(crate) async fn wait(&self, source: Source) -> Turn<'_> {
        let queue = self.queue(source);
        let mut place = Turn { turns: self, source, queue: Some(Arc::clone(&queue)), permit: None };
        place.permit = queue.acquire_owned().await.ok();
        place
    }

    fn queue(&self, source: Source) -> Arc<Semaphore> {
        let mut queues = self.queues();
        if let Some(queue) = queues.get(&source).and_then(Weak::upgrade) {
            return queue;
        }
        let queue = Arc::new(Semaphore::new(1));
        queues.insert(source, Arc::downgrade(&queue));
        queue
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.permit = None;
        self.queue = None;
        let mut queues = self.turns.queues();
        if queues.get(&self.source).is_some_and(|queue| queue.strong_count() == 0) {
            queues.remove(&self.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;

    const AT_ONCE: Duration = Duration::from_millis(20);

    fn source(last: u8) -> Source {
        Source::Network(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)).into())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn each_source_has_one_turn_at_a_time_and_leaves_nothing_behind() {
        let turns = Turns::default();
        let first = turns.wait(source(1)).await;
        let other = turns.wait(source(2)).await;
        assert!(tokio::time::timeout(AT_ONCE, turns.wait(source(1))).await.is_err(), "it is somebody else's turn");
        let next = async {
            let _turn = turns.wait(source(1)).await;
        };
        let over = async { drop(first) };
        tokio::join!(next, over);
        drop(other);
        assert!(turns.queues().is_empty());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn whoever_gives_up_waiting_is_forgotten() {
        let turns = Turns::default();
        let first = turns.wait(source(1)).await;
        for _ in 0..3 {
            assert!(tokio::time::timeout(AT_ONCE, turns.wait(source(1))).await.is_err());
        }
        drop(first);
        assert!(turns.queues().is_empty());
    }
}
