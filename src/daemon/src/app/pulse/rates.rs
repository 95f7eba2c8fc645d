//! What happened within the last second, from numbers that only grow.

use std::time::{Duration, Instant};

use super::super::counting::Counting;
use crate::engine::auth::counted;
use crate::frontends::office::Office;
use crate::state::metrics::recent::Recent;
use crate::state::metrics::sessions;
use crate::state::vitals::Usage;
use crate::state::vitals::series::{Key, Sample};

#[derive(Debug)]
pub(super) struct Rates {
    before: Option<Before>,
    connections: Recent,
}

#[derive(Debug, Clone, Copy)]
struct Before {
    at: Instant,
    sessions: sessions::Totals,
    logins: counted::Totals,
    processor: f64,
}

impl Rates {
    pub(super) fn new() -> Self {
        Self { before: None, connections: Recent::default() }
    }

    pub(super) fn look(
        &mut self,
        counting: &Counting,
        office: &Office,
        (usage, lag): (Usage, Duration),
        now: Instant,
    ) -> Sample {
        self.connections.look([counting.sessions.connected()]);
        let is = Before {
            at: now,
            sessions: counting.sessions.totals(),
            logins: counting.checks.totals(),
            processor: usage.processor,
        };
        let was = self.before.replace(is);
        let rate = |of: fn(&Before) -> u64| {
            let was = was.as_ref()?;
            Some(float(of(&is).saturating_sub(of(was))) / seconds(now, was.at))
        };
        let processor = was.map(|was| (is.processor - was.processor) * 100.0 / seconds(now, was.at));
        Sample::EMPTY
            .with(Key::Sessions, float(office.world.roster.count() as u64))
            .with(Key::New, rate(|totals| totals.sessions.opened))
            .with(Key::Up, rate(|totals| totals.sessions.sent))
            .with(Key::Down, rate(|totals| totals.sessions.received))
            .with(Key::Denied, rate(|totals| totals.sessions.denied))
            .with(Key::Connect, self.connections.quantile(0.99, 1).map(|seconds| seconds * 1e3))
            .with(Key::LoggedIn, rate(|totals| totals.logins.accepted))
            .with(Key::NotLoggedIn, rate(|totals| totals.logins.refused))
            .with(Key::Unchecked, rate(|totals| totals.logins.unchecked))
            .with(Key::Lag, lag.as_secs_f64() * 1e3)
            .with(Key::Processor, processor)
            .with(Key::Memory, float(usage.resident))
    }
}

fn seconds(now: Instant, then: Instant) -> f64 {
    now.saturating_duration_since(then).as_secs_f64().max(0.001)
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown, not accounted")]
fn float(count: u64) -> f64 {
    count as f64
}
