//! What came of orders that have a name of the client's own: the same one is not carried out twice.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use wire::admin::{Code, Refusal};

use super::conversation::Parameters;

/// How long an outcome is remembered.
const REMEMBERED: Duration = Duration::from_mins(10);

/// How many; beyond them, orders with names have to wait.
const MOST: usize = 4_096;

/// Whose order it is, and its name.
pub(super) type Name = (u32, String);

/// What is ordered, as far as one order is told from another by it: its operation and its parameters, which may have a password among
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print(u64);

#[derive(Debug, Default)]
pub(super) struct Outcomes {
    known: Mutex<HashMap<Name, Remembered>>,
    /// Nobody outside this process can tell what a print was made of.
    salt: RandomState,
}

#[derive(Debug)]
struct Remembered {
    print: Print,
    at: Instant,
    state: State,
}

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
    pub(super) fn print_of(&self, op: &str, p: &Parameters) -> Print {
        Print(self.salt.hash_one((op, p)))
    }

    /// Begins an order, unless it has begun before.
    ///
    /// # Errors
    /// What is to be answered instead of carrying it out.
    pub(super) fn begin(&self, name: Name, print: Print, now: Instant) -> Result<(), Result<Value, Refusal>> {
        let for_now = |why| Err(Err(Refusal::new(Code::Busy, why).for_now()));
        let mut known = self.known(now);
        match known.get(&name) {
            Some(remembered) if remembered.print != print => {
                let why = "idem: another order has had this name within the last 10 minutes";
                Err(Err(Refusal::new(Code::Conflict, why)))
            }
            Some(Remembered { state: State::Over(outcome), .. }) => Err(outcome.clone()),
            Some(Remembered { state: State::Running, .. }) => for_now("an order of this name is being carried out"),
            None if known.len() >= MOST => for_now("too many orders have names"),
            None => {
                known.insert(name, Remembered { print, at: now, state: State::Running });
                Ok(())
            }
        }
    }

    pub(super) fn end(&self, name: &Name, outcome: &Result<Value, Refusal>, now: Instant) {
        let outcome = outcome.as_ref().map(without_secret).map_err(Clone::clone);
        if let Some(remembered) = self.known(now).get_mut(name) {
            (remembered.at, remembered.state) = (now, State::Over(outcome));
        }
    }

    pub(super) fn of(&self, name: &Name, now: Instant) -> Known {
        match self.known(now).get(name).map(|remembered| remembered.state.clone()) {
            None => Known::Never,
            Some(State::Running) => Known::Running,
            Some(State::Over(Ok(outcome))) => Known::Applied(outcome),
            Some(State::Over(Err(refusal))) => Known::Failed(refusal),
        }
    }

    /// Those that are not too old; one that runs is never.
    fn known(&self, now: Instant) -> MutexGuard<'_, HashMap<Name, Remembered>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, Remembered { at, state, .. }| {
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
        let begin = |user, at| outcomes.begin(name(user), Print(1), at);
        assert_eq!(outcomes.of(&name(1), start), Known::Never);
        assert_eq!(begin(1, start), Ok(()));
        assert_eq!(outcomes.of(&name(1), start), Known::Running);
        assert!(matches!(begin(1, start), Err(Err(refusal)) if refusal.code == Code::Busy));
        outcomes.end(&name(1), &Ok(7.into()), start);
        assert_eq!(begin(1, start), Err(Ok(7.into())));
        assert_eq!(begin(2, start), Ok(()), "names are everybody's own");
        assert_eq!(begin(1, start + REMEMBERED), Ok(()));
    }

    #[test]
    fn another_order_of_the_same_name_is_refused_and_changes_nothing_of_what_is_known() {
        let (outcomes, now) = (Outcomes::default(), Instant::now());
        let name = (1, "x".to_owned());
        let p = |src: &str| [("src".to_owned(), Value::from(src))].into_iter().collect::<Parameters>();
        let print = |op, src| outcomes.print_of(op, &p(src));
        outcomes.begin(name.clone(), print("auth.unban", "192.0.2.7"), now).unwrap();
        outcomes.end(&name, &Ok(7.into()), now);
        for other in [print("auth.unban", "192.0.2.8"), print("auth.ban", "192.0.2.7")] {
            assert!(matches!(outcomes.begin(name.clone(), other, now), Err(Err(no)) if no.code == Code::Conflict));
        }
        assert_eq!(outcomes.begin(name.clone(), print("auth.unban", "192.0.2.7"), now), Err(Ok(7.into())));
    }
}
