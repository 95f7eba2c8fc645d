//! Thousands of short sessions a second: each has one row, and who relays meanwhile does not feel whether there is a history.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};

use crate::{echoing, history_of, launch, length, rate};

const VISITORS: u32 = 8;

/// Together; a slow machine makes fewer.
const A_SECOND: u32 = 5_000;

/// How much longer the slowest hundredth of messages may take on a machine on which other tests run too.
const NOISE: Duration = Duration::from_millis(20);

/// One load: how many sessions there were, and how long messages of another session took, in order.
struct Load {
    sessions: usize,
    took: Duration,
    messages: Vec<Duration>,
}

#[test]
fn of_thousands_of_short_sessions_a_second_each_has_one_row_and_no_relay_waits_for_it() {
    let without = launch("[sessions]\nenabled = false\n").start();
    let service = launch("").start();
    let target = echoing();
    // As many short turns as make up the length, so that both see the same noise.
    let turn = (length(Duration::from_secs(4)) / 6).max(Duration::from_secs(1));
    let turns = length(Duration::from_secs(4)).as_millis() / turn.as_millis();
    let (mut with_history, mut none) = (Load::nothing(), Load::nothing());
    for _ in 0..turns {
        with_history.join(load(&service, target, turn));
        none.join(load(&without, target, turn));
    }
    let all = with_history.sessions;
    let history = history_of(&service);
    let closed = || {
        let counted = history.ask("SELECT count(*) AS rows FROM sessions WHERE status = 'closed'").unwrap_or_default();
        counted.first().map_or(0, |row| usize::try_from(row.number("rows")).expect("counts fit"))
    };
    assert!(eventually(PATIENCE, || closed() == all), "{} rows of {all} sessions", closed());
    measured(format!("{all} sessions, {} a second, and as many rows", with_history.rate()));
    measured(format!("{} sessions without history, {} a second", none.sessions, none.rate()));
    assert_eq!(history.count(), all, "and no session has another one");
    let lost = service.log.lines().into_iter().find(|line| line.text("message").contains("were lost"));
    assert!(lost.is_none(), "{lost:?}");

    let [median, slow] = [50, 99].map(|percent| (with_history.message(percent), none.message(percent)));
    measured(format!("a message took {median:?}, one in a hundred {slow:?}, with and without history"));
    assert!(slow.0 < slow.1 * 2 + NOISE, "one message in a hundred takes {slow:?} with and without history");
}

/// Short sessions for so long, while another one relays a message after the other.
fn load(service: &Service, target: SocketAddr, lasts: Duration) -> Load {
    let (began, is_over) = (Instant::now(), AtomicBool::new(false));
    let end = began + lasts;
    let (is_over, proxy) = (&is_over, service.addr());
    scope(|scope| {
        let visitors: Vec<_> = (0..VISITORS).map(|_| scope.spawn(|| visits_until(proxy, target, end))).collect();
        let relayed = scope.spawn(|| messages_until(proxy, target, is_over));
        let sessions = visitors.into_iter().map(|visitor| visitor.join().expect("all is well")).sum::<usize>();
        let took = began.elapsed();
        is_over.store(true, Relaxed);
        // The one that relayed has a row too.
        Load { sessions: sessions + 1, took, messages: relayed.join().expect("all is well") }
    })
}

fn visits_until(proxy: SocketAddr, target: SocketAddr, end: Instant) -> usize {
    let pause = Duration::from_secs(1) * VISITORS / A_SECOND;
    let (mut visits, mut due) = (0, Instant::now());
    while Instant::now() < end {
        let _visit = visit(proxy, target, b"visit").expect("all is well");
        visits += 1;
        due += pause;
        sleep(due.saturating_duration_since(Instant::now()));
    }
    visits
}

fn messages_until(proxy: SocketAddr, target: SocketAddr, is_over: &AtomicBool) -> Vec<Duration> {
    let mut client = greeted(proxy);
    assert_eq!(client.ask(CONNECT, target).code, rep::SUCCEEDED);
    let mut took = Vec::new();
    while !is_over.load(Relaxed) {
        let began = Instant::now();
        client.send(&[b'.'; 64]);
        let _: [u8; 64] = client.receive();
        took.push(began.elapsed());
    }
    took
}

impl Load {
    fn nothing() -> Self {
        Self { sessions: 0, took: Duration::ZERO, messages: Vec::new() }
    }

    fn join(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.took += other.took;
        self.messages.extend(other.messages);
        self.messages.sort_unstable();
    }

    fn rate(&self) -> u128 {
        rate(self.sessions, self.took)
    }

    /// So many per cent of the messages took no longer.
    fn message(&self, percent: usize) -> Duration {
        self.messages[(self.messages.len() - 1) * percent / 100]
    }
}
