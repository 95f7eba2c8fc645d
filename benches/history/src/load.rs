//! Short sessions at an even pace, and one that relays a message after the other beside them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use rig::socks5::{CONNECT, greeted, rep};
use rig::visitor::visit;

const VISITORS: u32 = 8;

/// What one load was.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// All that got everything back, and the one that relayed messages.
    pub(crate) sessions: usize,
    pub(crate) took: Duration,
    /// From the first SYN to the proxy's reply, in order.
    pub(crate) replies: Vec<Duration>,
    /// There and back, in order.
    pub(crate) messages: Vec<Duration>,
}

impl Load {
    pub(crate) fn join(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.took += other.took;
        self.replies.extend(other.replies);
        self.messages.extend(other.messages);
        self.replies.sort_unstable();
        self.messages.sort_unstable();
    }
}

/// So many a second by this proxy to this target, for so long; all of them must end well.
pub(crate) fn run((proxy, target): (SocketAddr, SocketAddr), a_second: u32, lasts: Duration) -> Result<Load> {
    let (began, is_over) = (Instant::now(), AtomicBool::new(false));
    let (end, pause, is_over) = (began + lasts, Duration::from_secs(1) * VISITORS / a_second.max(1), &is_over);
    scope(|scope| {
        let visitors: Vec<_> =
            (0..VISITORS).map(|_| scope.spawn(move || visits_until(proxy, target, pause, end))).collect();
        let relayed = scope.spawn(move || messages_until(proxy, target, is_over));
        let replies = visitors.into_iter().map(|visitor| visitor.join().map_err(|_| anyhow!("a visitor panicked"))?);
        let replies = replies.collect::<Result<Vec<_>>>();
        let took = began.elapsed();
        is_over.store(true, Relaxed);
        let messages = relayed.join().map_err(|_| anyhow!("the relay panicked"))?;
        let (mut load, replies) = (Load::default(), replies?.concat());
        load.join(Load { sessions: replies.len() + 1, took, replies, messages: messages? });
        Ok(load)
    })
}

fn visits_until(proxy: SocketAddr, target: SocketAddr, pause: Duration, end: Instant) -> Result<Vec<Duration>> {
    let (mut replies, mut due) = (Vec::new(), Instant::now());
    while Instant::now() < end {
        let visit = visit(proxy, target, b"visit").map_err(|failure| anyhow!("a session failed: {failure:?}"))?;
        replies.push(visit.until_reply);
        due += pause;
        sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(replies)
}

fn messages_until(proxy: SocketAddr, target: SocketAddr, is_over: &AtomicBool) -> Result<Vec<Duration>> {
    let mut client = greeted(proxy);
    ensure!(client.ask(CONNECT, target).code == rep::SUCCEEDED, "the relay is refused");
    let mut took = Vec::new();
    while !is_over.load(Relaxed) {
        let began = Instant::now();
        client.send(&[b'.'; 64]);
        let _: [u8; 64] = client.receive();
        took.push(began.elapsed());
    }
    Ok(took)
}
