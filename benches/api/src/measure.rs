//! Asks routes one after the other, at an even pace, and notes how long each answer took.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::world::World;

/// Between two questions of one thread.
const PAUSE: Duration = Duration::from_millis(10);

/// What nothing may delay.
pub(crate) const QUICK: &[&str] = &["/health", "/metrics", "/stats"];

/// What somebody who looks after the proxy asks.
pub(crate) const ALL: &[&str] = &[
    "/health",
    "/metrics",
    "/stats",
    "/api/sessions/active?limit=100",
    "/api/sessions/active?user=alice",
    "/api/sessions/history?limit=100",
    "/api/sessions/history?user=user7&limit=100",
    "/api/sessions/history?dest_ip=198.51.100.7&limit=100",
    "/api/sessions/history?status=failed&limit=100",
    "/api/sessions/stats?hours=1",
    "/api/sessions/sums?by=user&hours=1",
    "/api/acl/rules",
];

/// How long one route took.
pub(crate) struct Times {
    pub(crate) route: &'static str,
    /// In order.
    pub(crate) took: Vec<Duration>,
    /// Answers other than 200, and none.
    pub(crate) failed: usize,
}

impl Times {
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let place = self.took.len().saturating_sub(1) * percent / 100;
        self.took.get(place).copied().unwrap_or(Duration::MAX)
    }
}

/// Each route as often as there is time for.
pub(crate) fn measured(world: &World, routes: &[&'static str], during: Duration) -> Vec<Times> {
    let (address, token) = (world.api.endpoint().addr(), world.api.token("read"));
    let mut all: Vec<Times> = routes.iter().map(|route| Times { route, took: Vec::new(), failed: 0 }).collect();
    let end = Instant::now() + during;
    while Instant::now() < end {
        for times in &mut all {
            let began = Instant::now();
            match asked(address, token, times.route) {
                Some(200) => times.took.push(began.elapsed()),
                Some(_) | None => times.failed += 1,
            }
            thread::sleep(PAUSE);
        }
    }
    for times in &mut all {
        times.took.sort_unstable();
    }
    all
}

/// The status of the answer to a GET, when all of it has come.
pub(crate) fn asked(address: SocketAddr, token: &str, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let head = answer.get(..12).and_then(|head| std::str::from_utf8(head).ok())?;
    head.split(' ').nth(1)?.parse().ok()
}
