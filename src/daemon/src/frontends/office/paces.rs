//! How fast each session moves bytes: looked at once a second, so that a first question has an answer too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::state::session::roster::Roster;
use crate::state::session::ticket::Session;

/// Between two looks at everybody.
const LOOK: Duration = Duration::from_millis(950);

/// After so long without a look, as when the host slept, the next one begins anew: a rate over that time would say nothing of now.
const STALE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<Looks>);

/// How fast each session was at the last look, by its number.
#[derive(Debug, Default)]
pub(crate) struct Rates(HashMap<u64, Pace, RandomState>);

/// Bytes from and to the client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) carried: (u64, u64),
    /// A second; nothing until it was there at two looks.
    pub(crate) rates: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Looks {
    last: Option<Instant>,
    rates: Arc<Rates>,
}

impl Paces {
    /// The rates of now.
    pub(crate) fn rates(&self, roster: &Roster, now: Instant) -> Arc<Rates> {
        let mut looks = self.looks();
        if looks.are_over(now) {
            looks.take(roster, now, |_, _| {});
        }
        Arc::clone(&looks.rates)
    }

    /// Shows everybody who is in to `visit`, which must not touch the roster, in one walk.
    pub(crate) fn each(&self, roster: &Roster, now: Instant, mut visit: impl FnMut(&Arc<Session>, Pace)) {
        let mut looks = self.looks();
        if looks.are_over(now) {
            return looks.take(roster, now, visit);
        }
        let rates = Arc::clone(&looks.rates);
        drop(looks);
        roster.each(|session| visit(session, Pace { carried: carried(session), rates: rates.of(session.number) }));
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rates {
    /// Bytes a second from and to the client of this session; nothing if it was not there at the look before.
    pub(crate) fn of(&self, session: u64) -> Option<(u64, u64)> {
        self.0.get(&session)?.rates
    }
}

impl Looks {
    fn are_over(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= LOOK)
    }

    fn take(&mut self, roster: &Roster, now: Instant, mut visit: impl FnMut(&Arc<Session>, Pace)) {
        let passed = self.last.map(|last| now.saturating_duration_since(last)).filter(|passed| *passed < STALE);
        let was = &self.rates.0;
        let mut paces = HashMap::with_capacity_and_hasher(roster.count(), RandomState::default());
        roster.each(|session| {
            let carried = carried(session);
            let since = |was: &Pace, passed| {
                (per_second(carried.0 - was.carried.0, passed), per_second(carried.1 - was.carried.1, passed))
            };
            let rates = passed.and_then(|passed| Some(since(was.get(&session.number)?, passed)));
            let pace = Pace { carried, rates };
            paces.insert(session.number, pace);
            visit(session, pace);
        });
        *self = Self { last: Some(now), rates: Arc::new(Rates(paces)) };
    }
}

fn carried(session: &Session) -> (u64, u64) {
    (session.up.bytes(), session.down.bytes())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is shown, not accounted"
)]
fn per_second(bytes: u64, passed: Duration) -> u64 {
    (bytes as f64 / passed.as_secs_f64()) as u64
}
