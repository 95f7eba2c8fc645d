//! A few threads for calls that block, with bounded queues: when one is full, the caller is told at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

/// Which jobs are taken first when no thread is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Urgency {
    High,
    Usual,
    Low,
}

/// Which of equally urgent jobs is taken first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    /// For jobs that somebody keeps coming with: when not all can be done in time, the oldest would wait in vain anyway,
    /// and whoever comes now need not.
    NewestFirst,
}

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    order: Order,
    /// Of each urgency.
    most_waiting: usize,
}

#[derive(Default)]
struct Waiting {
    /// By urgency.
    jobs: [VecDeque<Job>; 3],
    is_over: bool,
}

/// Every thread is at work and the queue is full, or the job panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting for a free thread")]
pub(crate) struct Busy;

impl Pool {
    /// Starts `threads` threads named after `name`; `queue` further jobs of each urgency may wait.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(crate) fn start(name: &str, threads: usize, queue: usize, order: Order) -> io::Result<Self> {
        let shared = Shared { waiting: Mutex::default(), changed: Condvar::new(), order, most_waiting: queue };
        let pool = Self { shared: Arc::new(shared) };
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&shared))?;
        }
        Ok(pool)
    }

    /// Jobs that wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.waiting().jobs.iter().map(VecDeque::len).sum()
    }

    /// Leaves `job` to one of the threads.
    ///
    /// # Errors
    /// [`Busy`], at once when nothing can wait any more.
    pub(crate) fn leave(&self, urgency: Urgency, job: impl FnOnce() + Send + 'static) -> Result<(), Busy> {
        let mut waiting = self.shared.waiting();
        let queue = &mut waiting.jobs[urgency as usize];
        if queue.len() >= self.shared.most_waiting {
            return Err(Busy);
        }
        queue.push_back(Box::new(job));
        drop(waiting);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Runs `job` on one of the threads and waits for what it returns. A caller that stops waiting loses the answer, not the thread.
    ///
    /// # Errors
    /// [`Busy`] when nothing can wait any more, or the job panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.leave(urgency, move || {
            if !answer.is_closed() {
                let _nobody_waits = answer.send(job());
            }
        })?;
        answered.await.map_err(|_panicked| Busy)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.waiting().is_over = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the most urgent job; `None` when there will be no more.
    fn next(&self) -> Option<Job> {
        let is_quiet = |waiting: &mut Waiting| !waiting.is_over && waiting.jobs.iter().all(VecDeque::is_empty);
        let waiting = self.changed.wait_while(self.waiting(), is_quiet);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        waiting.jobs.iter_mut().find_map(match self.order {
            Order::OldestFirst => VecDeque::pop_front,
            Order::NewestFirst => VecDeque::pop_back,
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("most_waiting", &self.most_waiting).finish_non_exhaustive()
    }
}

fn work(shared: &Shared) {
    while let Some(job) = shared.next() {
        // A job that panics must not take its thread along; its caller sees the answer's sender gone.
        let _panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_full_queue_refuses_at_once_and_a_panic_costs_no_thread() {
        let pool = Pool::start("test", 1, 1, Order::OldestFirst).unwrap();
        assert_eq!(pool.run(Urgency::Usual, || panic!("as planned")).await.map(|(): ()| ()), Err(Busy));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, begun) = oneshot::channel();
        let first = pool.run(Urgency::Usual, move || {
            let _ = started.send(());
            held.recv().is_ok()
        });
        let others = async {
            begun.await.unwrap();
            let second = pool.run(Urgency::Usual, || true);
            tokio::pin!(second);
            assert!(futures_pending(&mut second).await);
            assert_eq!(pool.run(Urgency::Usual, || true).await, Err(Busy));
            release.send(()).unwrap();
            second.await
        };
        assert_eq!(tokio::join!(first, others), (Ok(true), Ok(true)));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_urgent_does_not_wait_for_what_is_not() {
        use Urgency::{High, Low, Usual};
        let jobs = [(Low, 'a'), (Low, 'b'), (Usual, 'c'), (High, 'd'), (High, 'e')];
        assert_eq!(done_in(Order::OldestFirst, &jobs).await, "decab");
        assert_eq!(done_in(Order::NewestFirst, &jobs).await, "edcba");
    }

    /// Leaves all jobs to a pool that is busy, and returns in which order they are done.
    async fn done_in(order: Order, jobs: &[(Urgency, char)]) -> String {
        let pool = Pool::start("test", 1, 2, order).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, begun) = oneshot::channel();
        let first = move || {
            let _ = started.send(());
            let _ = held.recv();
        };
        pool.leave(Urgency::Low, first).unwrap();
        begun.await.unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        for &(urgency, job) in jobs {
            let tell = tell.clone();
            pool.leave(urgency, move || tell.send(job).unwrap()).unwrap();
        }
        assert_eq!(pool.leave(Urgency::Low, || ()), Err(Busy), "each urgency has places of its own");
        release.send(()).unwrap();
        told.iter().take(jobs.len()).collect()
    }

    async fn futures_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())).await
    }
}
