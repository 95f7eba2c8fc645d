//! A few threads for calls that block, with a bounded queue: when it is full, the caller is told at once.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(crate) struct Pool {
    jobs: SyncSender<Job>,
}

/// Every thread is at work and the queue is full, or the job panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting for a free thread")]
pub(crate) struct Busy;

impl Pool {
    /// Starts `threads` threads named after `name`; `queue` further jobs may wait.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(crate) fn start(name: &str, threads: usize, queue: usize) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Leaves `job` to one of the threads.
    ///
    /// # Errors
    /// [`Busy`], at once when nothing can wait any more.
    pub(crate) fn leave(&self, job: impl FnOnce() + Send + 'static) -> Result<(), Busy> {
        self.jobs.try_send(Box::new(job)).map_err(|_full| Busy)
    }

    /// Runs `job` on one of the threads and waits for what it returns. A caller that stops waiting loses the answer, not the thread.
    ///
    /// # Errors
    /// [`Busy`] when nothing can wait any more, or the job panicked.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.leave(move || {
            if !answer.is_closed() {
                let _nobody_waits = answer.send(job());
            }
        })?;
        answered.await.map_err(|_panicked| Busy)
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else {
            return;
        };
        // A job that panics must not take its thread along; its caller sees the answer's sender gone.
        let _panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_full_queue_refuses_at_once_and_a_panic_costs_no_thread() {
        let pool = Pool::start("test", 1, 1).unwrap();
        assert_eq!(pool.run(|| panic!("as planned")).await.map(|(): ()| ()), Err(Busy));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, begun) = oneshot::channel();
        let first = pool.run(move || {
            let _ = started.send(());
            held.recv().is_ok()
        });
        let others = async {
            begun.await.unwrap();
            let second = pool.run(|| true);
            tokio::pin!(second);
            assert!(futures_pending(&mut second).await);
            assert_eq!(pool.run(|| true).await, Err(Busy));
            release.send(()).unwrap();
            second.await
        };
        assert_eq!(tokio::join!(first, others), (Ok(true), Ok(true)));
    }

    async fn futures_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())).await
    }
}
