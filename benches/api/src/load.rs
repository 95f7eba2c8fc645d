//! What goes on beside the questions: connections that come and go, and readers of the whole history.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rig::visitor::visit;

use crate::measure::asked;
use crate::world::World;

const VISITORS: u32 = 8;

/// As many as may read the history at once, so that one always waits.
const READERS: usize = 3;

/// No rule is called so, and no index knows: every row is looked at, or the question is given up after 2 s.
const SCAN: &str = "/api/sessions/history?rule=nowhere&dest_ip=%2A.nowhere.test";

/// Threads that do something over and over, and count it.
struct Crowd {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
    began: Instant,
}

pub(crate) struct Connections(Crowd);

pub(crate) struct Readers(Crowd);

impl Connections {
    /// So many a second, each with a few bytes there and back.
    pub(crate) fn come(proxy: SocketAddr, target: SocketAddr, a_second: u32) -> Self {
        let pause = Duration::from_secs(1) * VISITORS / a_second.max(1);
        Self(Crowd::of(VISITORS as usize, move || {
            let due = Instant::now() + pause;
            let came = visit(proxy, target, b"hello").is_ok();
            thread::sleep(due.saturating_duration_since(Instant::now()));
            u64::from(came)
        }))
    }

    /// How many a second there were that got everything back.
    pub(crate) fn stop(self) -> f64 {
        self.0.stop()
    }
}

impl Readers {
    pub(crate) fn begin(world: &World) -> Self {
        let (address, token) = (world.api.endpoint().addr(), world.api.token("read").to_owned());
        Self(Crowd::of(READERS, move || u64::from(asked(address, &token, SCAN).is_some())))
    }

    /// How many questions a second were answered, or given up.
    pub(crate) fn stop(self) -> f64 {
        self.0.stop()
    }
}

impl Crowd {
    fn of(threads: usize, work: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
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

    fn stop(self) -> f64 {
        self.is_over.store(true, Relaxed);
        let lasted = self.began.elapsed().as_secs_f64();
        let done: u64 = self.threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
        #[expect(clippy::cast_precision_loss, reason = "there are no 2^52 of them")]
        let done = done as f64;
        done / lasted
    }
}
