//! The relay threads: one current-thread runtime each, with listening sockets of its own; a session never changes threads.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::Context;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::engine::sys::turn;
use crate::state::vitals::Lateness;

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
    pub(super) reactor: Handle,
    calls: watch::Sender<Instant>,
    has_answered: Arc<AtomicBool>,
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
        let (calls, called) = watch::channel(Instant::now());
        let has_answered = Arc::new(AtomicBool::new(true));
        let answer = Answer { called, has_answered: Arc::clone(&has_answered), late };
        let work = move || {
            if let Err(error) = turn::shorten() {
                tracing::debug!(%error, "this thread has turns as long as any");
            }
            runtime.block_on(serve(phase, answer));
        };
        let handle = std::thread::Builder::new().name(name.clone()).spawn(work).context("cannot start a thread")?;
        Ok(Self { name, reactor, calls, has_answered, handle })
    }

    /// Whether it has not answered since this was asked last, a heartbeat ago. Once it has, it is called again.
    pub(super) fn is_silent(&self) -> bool {
        let has_answered = self.has_answered.swap(false, AcqRel);
        if has_answered {
            self.calls.send_replace(Instant::now());
        }
        !has_answered
    }

    pub(super) fn join(self) {
        let _panicked = self.handle.join();
    }
}

/// Waits for a phase.
pub(super) async fn until(phase: &mut watch::Receiver<Phase>, is_reached: impl Fn(Phase) -> bool) {
    let _house_is_gone = phase.wait_for(|phase| is_reached(*phase)).await;
}

async fn serve(mut phase: watch::Receiver<Phase>, answer: Answer) {
    tokio::spawn(answer.calls());
    until(&mut phase, |phase| phase == Phase::Over).await;
}

/// How a thread shows that its reactor turns. It needs no timer for that: while one runs, every turn of the reactor has to see when
/// it ends, which took a twelfth of the instructions of a relayed message.
struct Answer {
    called: watch::Receiver<Instant>,
    has_answered: Arc<AtomicBool>,
    late: Arc<Lateness>,
}

impl Answer {
    /// Answers calls as long as there are any. An answer that comes late waited for a session that did not give way, or for a
    /// processor.
    async fn calls(mut self) {
        while self.called.changed().await.is_ok() {
            let called = *self.called.borrow_and_update();
            self.late.note(called.elapsed());
            self.has_answered.store(true, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const HELD: Duration = Duration::from_millis(50);

    #[test]
    fn a_reactor_that_does_not_turn_is_silent_and_its_answer_late() {
        let (_phase, phases) = watch::channel(Phase::Serving);
        let late = Arc::<Lateness>::default();
        let thread = RelayThread::start(0, phases, Arc::clone(&late)).unwrap();
        let ((is_held, held), (release, released)) = (mpsc::channel(), mpsc::channel::<()>());
        thread.reactor.spawn(async move {
            is_held.send(()).unwrap();
            let _let_go = released.recv();
        });
        held.recv().unwrap();
        assert!(!thread.is_silent(), "nobody has called it yet");
        std::thread::sleep(HELD);
        assert!(thread.is_silent() && thread.is_silent());
        drop(release);
        while thread.is_silent() {
            std::thread::yield_now();
        }
        assert!(late.take() >= HELD, "it is late by the whole time, however often it was looked for");
    }
}
