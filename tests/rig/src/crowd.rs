//! Threads that do something over and over until they are told to stop, and count it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::visitor::visit;

const VISITORS: u32 = 8;

/// The threads.
#[derive(Debug)]
pub struct Crowd {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
    began: Instant,
}

impl Crowd {
    /// So many threads; `work` says how much of it was done.
    #[must_use]
    pub fn of(threads: usize, work: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let (is_over, work) = (Arc::new(AtomicBool::new(false)), Arc::new(work));
        let began = Instant::now();
        let threads = (0..threads).map(|_| {
            let (is_over, work) = (Arc::clone(&is_over), Arc::clone(&work));
            thread::spawn(move || {
                let mut done = 0;
                while !is_over.load(Relaxed) {
                    done += work();
                }
                done
            })
        });
        Self { threads: threads.collect(), is_over, began }
    }

    /// So many connections a second, each with a few bytes there and back; those count that got everything back.
    #[must_use]
    pub fn of_visitors(proxy: SocketAddr, target: SocketAddr, a_second: u32) -> Self {
        let pause = Duration::from_secs(1) * VISITORS / a_second.max(1);
        Self::of(VISITORS as usize, move || {
            let due = Instant::now() + pause;
            let came = visit(proxy, target, b"hello").is_ok();
            thread::sleep(due.saturating_duration_since(Instant::now()));
            u64::from(came)
        })
    }

    /// How much a second was done.
    #[must_use]
    pub fn stop(self) -> f64 {
        self.is_over.store(true, Relaxed);
        let lasted = self.began.elapsed().as_secs_f64();
        let done: u64 = self.threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
        #[expect(clippy::cast_precision_loss, reason = "there are no 2^52 of them")]
        let done = done as f64;
        done / lasted
    }
}
