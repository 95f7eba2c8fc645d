//! What came of orders that have a name of the client's own: the same one is not carried out twice.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use wire::admin::{Code, Refusal};

/// How long an outcome is remembered.
const REMEMBERED: Duration = Duration::from_mins(10);

/// How many; beyond them, orders with names have to wait.
const MOST: usize = 4_096;

/// Whose order it is, and its name.
pub(super) type Name = (u32, String);

#[derive(Debug, Default)]
pub(super) struct Outcomes(Mutex<HashMap<Name, (Instant, State)>>);

#[derive(Debug, Clone)]
enum State {
    Running,
    Over(Result<Value, Refusal>),
}

/// What is known of an order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Running,
    Applied(Value),
    Failed(Refusal),
    Never,
}

impl Outcomes {
    /// Begins an order, unless it has begun before.
    ///
    /// # Errors
    /// What is to be answered instead of carrying it out.
    pub(super) fn begin(&self, name: Name, now: Instant) -> Result<(), Result<Value, Refusal>> {
        let mut known = self.known(now);
        match known.get(&name) {
            Some((_, State::Over(outcome))) => Err(outcome.clone()),
            Some((_, State::Running)) => {
                Err(Err(Refusal::new(Code::Busy, "an order of this name is being carried out").for_now()))
            }
            None if known.len() >= MOST => Err(Err(Refusal::new(Code::Busy, "too many orders have names").for_now())),
            None => {
                known.insert(name, (now, State::Running));
                Ok(())
            }
        }
    }

    pub(super) fn end(&self, name: Name, outcome: &Result<Value, Refusal>, now: Instant) {
        let outcome = outcome.as_ref().map(without_secret).map_err(Clone::clone);
        self.known(now).insert(name, (now, State::Over(outcome)));
    }

    pub(super) fn of(&self, name: &Name, now: Instant) -> Known {
        match self.known(now).get(name).map(|(_, state)| state.clone()) {
            None => Known::Never,
            Some(State::Running) => Known::Running,
            Some(State::Over(Ok(outcome))) => Known::Applied(outcome),
            Some(State::Over(Err(refusal))) => Known::Failed(refusal),
        }
    }

    /// Those that are not too old; one that runs is never.
    fn known(&self, now: Instant) -> MutexGuard<'_, HashMap<Name, (Instant, State)>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, state)| {
            matches!(state, State::Running) || now.saturating_duration_since(*at) < REMEMBERED
        });
        known
    }
}

/// A password that was made is told once and not remembered.
fn without_secret(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("secret");
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_carried_out_once_within_ten_minutes() {
        let (outcomes, start) = (Outcomes::default(), Instant::now());
        let name = |user| (user, "x".to_owned());
        assert_eq!(outcomes.of(&name(1), start), Known::Never);
        assert_eq!(outcomes.begin(name(1), start), Ok(()));
        assert_eq!(outcomes.of(&name(1), start), Known::Running);
        assert!(matches!(outcomes.begin(name(1), start), Err(Err(refusal)) if refusal.code == Code::Busy));
        outcomes.end(name(1), &Ok(7.into()), start);
        assert_eq!(outcomes.begin(name(1), start), Err(Ok(7.into())));
        assert_eq!(outcomes.begin(name(2), start), Ok(()), "names are everybody's own");
        assert_eq!(outcomes.begin(name(1), start + REMEMBERED), Ok(()));
    }
}
