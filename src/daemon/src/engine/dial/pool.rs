//! A few threads for calls that block and cannot be stopped, and a short queue before them.
//! A full queue turns work away at once.
//!
//! Knows nothing of names. Dropping the pool lets its threads go when their present call returns.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

#[derive(Debug)]
pub(super) struct Pool {
    queue: SyncSender<Work>,
}

type Work = Box<dyn FnOnce() + Send>;

/// The queue is full.
#[derive(Debug)]
pub(super) struct Full;

impl Pool {
    /// `threads` threads called `name`, and `queue` places to wait for them.
    pub(super) fn new(name: &str, threads: usize, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new().name(name.to_owned()).spawn(move || serve(&receiver))?;
        }
        Ok(Self { queue: sender })
    }

    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Full> {
        self.queue.try_send(Box::new(work)).map_err(|_| Full)
    }
}

fn serve(queue: &Mutex<Receiver<Work>>) {
    while let Some(work) = next(queue) {
        work();
    }
}

fn next(queue: &Mutex<Receiver<Work>>) -> Option<Work> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_full_queue_turns_work_away_and_takes_it_again_later() {
        let pool = Pool::new("test", 1, 1).unwrap();
        let (started, has_started) = channel();
        let (release, is_released) = channel::<()>();
        pool.run(move || {
            started.send(()).unwrap();
            is_released.recv().unwrap();
        })
        .unwrap();
        has_started.recv().unwrap();

        let (done, is_done) = channel();
        pool.run(move || done.send(()).unwrap()).expect("one place in the queue");
        pool.run(|| ()).expect_err("the thread is busy and the queue is full");

        release.send(()).unwrap();
        is_done.recv().unwrap();
        pool.run(|| ()).expect("the queue is empty again");
    }
}
