//! The relay threads: one current-thread runtime each, with listening sockets of its own; a session never changes threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::state::vitals::Lateness;

/// How often a thread shows that its reactor turns; twice as often as the heartbeat is sent.
const BEAT: Duration = Duration::from_millis(500);

/// How far the worker's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// Nothing new is accepted.
    Draining,
    /// The threads may go.
    Over,
}

/// A running thread.
#[derive(Debug)]
pub(super) struct RelayThread {
    pub(super) name: String,
    /// Grows as long as the reactor turns.
    pub(super) beats: Arc<AtomicU64>,
    pub(super) reactor: Handle,
    handle: JoinHandle<()>,
}

impl RelayThread {
    /// Starts a thread that does what its reactor is given until the phase is over.
    ///
    /// # Errors
    /// The kernel gives no thread or no epoll descriptor.
    pub(super) fn start(number: u16, phase: watch::Receiver<Phase>, late: Arc<Lateness>) -> anyhow::Result<Self> {
        let name = format!("relay-{number}");
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().build().context("cannot start a reactor")?;
        let reactor = runtime.handle().clone();
        let beats = Arc::new(AtomicU64::new(1));
        let pulse = Arc::clone(&beats);
        let work = move || runtime.block_on(serve(phase, pulse, late));
        let handle = std::thread::Builder::new().name(name.clone()).spawn(work).context("cannot start a thread")?;
        Ok(Self { name, beats, reactor, handle })
    }

    pub(super) fn join(self) {
        let _panicked = self.handle.join();
    }
}

/// Waits for a phase.
pub(super) async fn until(phase: &mut watch::Receiver<Phase>, is_reached: impl Fn(Phase) -> bool) {
    let _house_is_gone = phase.wait_for(|phase| is_reached(*phase)).await;
}

async fn serve(mut phase: watch::Receiver<Phase>, pulse: Arc<AtomicU64>, late: Arc<Lateness>) {
    tokio::spawn(beat(pulse, late));
    until(&mut phase, |phase| phase == Phase::Over).await;
}

/// Whatever comes later than its time waited for a session that did not give way, or for a processor.
async fn beat(pulse: Arc<AtomicU64>, late: Arc<Lateness>) {
    let mut clock = tokio::time::interval(BEAT);
    loop {
        let due = clock.tick().await;
        late.note(due.elapsed());
        pulse.fetch_add(1, Relaxed);
    }
}
