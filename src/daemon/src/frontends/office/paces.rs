//! How fast each session moves bytes: looked at while somebody wants to know, and not otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::state::session::roster::Roster;

/// Between two looks at everybody.
const LOOK: Duration = Duration::from_millis(950);

/// After so long without a look the next one begins anew: a rate over that time would say nothing of now.
const STALE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<Looks>);

/// Bytes a second from and to the client, by the number of the session.
pub(crate) type Rates = HashMap<u64, (u64, u64)>;

#[derive(Debug, Default)]
struct Looks {
    last: Option<Instant>,
    carried: HashMap<u64, (u64, u64)>,
    rates: Arc<Rates>,
}

impl Paces {
    /// The rates of now; a session that was not there at the look before has none.
    pub(crate) fn rates(&self, roster: &Roster, now: Instant) -> Arc<Rates> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.last.is_none_or(|last| now.saturating_duration_since(last) >= LOOK) {
            looks.take(roster, now);
        }
        Arc::clone(&looks.rates)
    }
}

impl Looks {
    fn take(&mut self, roster: &Roster, now: Instant) {
        let passed = self.last.map(|last| now.saturating_duration_since(last)).filter(|passed| *passed < STALE);
        let (mut carried, mut rates) = (HashMap::with_capacity(self.carried.len()), Rates::new());
        roster.each(|session| {
            let is = (session.up.bytes(), session.down.bytes());
            carried.insert(session.number, is);
            if let (Some(passed), Some(was)) = (passed, self.carried.get(&session.number)) {
                rates.insert(session.number, (per_second(is.0 - was.0, passed), per_second(is.1 - was.1, passed)));
            }
        });
        *self = Self { last: Some(now), carried, rates: Arc::new(rates) };
    }
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
