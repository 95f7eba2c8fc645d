//! What rules denied within the last hour: who wanted to go where, and which rule said no.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::state::session::ending::Ending;
use crate::state::session::facts::{ANONYMOUS, Facts, Identity};
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;
use crate::state::session::witness::Witness;

/// A part of the hour, in seconds, and how many of them are kept.
const PART: i64 = 600;
const PARTS: usize = 6;

/// Different denials of one part; what is more is counted together.
const MOST: usize = 1_000;

/// Who wanted to go where, and by what rule it was denied.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Denial {
    pub(crate) user: Arc<str>,
    /// As it was asked for, with its port.
    pub(crate) destination: String,
    pub(crate) rule: String,
}

/// Kept as a witness of each session.
#[derive(Debug, Default)]
pub(crate) struct Denials(Mutex<VecDeque<Part>>);

#[derive(Debug)]
struct Part {
    number: i64,
    counts: HashMap<Denial, u64>,
}

impl Denials {
    /// The most frequent of the last hour, to ten minutes, with how often.
    pub(crate) fn most(&self, limit: usize, now: Timestamp) -> Vec<(Denial, u64)> {
        let mut sums: HashMap<Denial, u64> = HashMap::new();
        for (denial, count) in self.parts(now).iter().flat_map(|part| &part.counts) {
            *sums.entry(denial.clone()).or_default() += count;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by(|(one, count), (other, its)| (Reverse(count), one).cmp(&(Reverse(its), other)));
        sums.truncate(limit);
        sums
    }

    fn note(&self, denial: Denial, now: Timestamp) {
        let mut parts = self.parts(now);
        let number = now.as_second().div_euclid(PART);
        if parts.back().is_none_or(|last| last.number != number) {
            parts.push_back(Part { number, counts: HashMap::new() });
        }
        let Some(part) = parts.back_mut() else { return };
        let has_room = part.counts.len() < MOST || part.counts.contains_key(&denial);
        *part.counts.entry(if has_room { denial } else { Denial::other() }).or_default() += 1;
    }

    /// Without those that are too old, or from a time that has not come yet.
    fn parts(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Part>> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_second().div_euclid(PART);
        let kept = i64::try_from(PARTS).unwrap_or(i64::MAX);
        parts.retain(|part| (number - kept + 1..=number).contains(&part.number));
        parts
    }
}

impl Witness for Denials {
    fn opened(&self, _: &Session) {}

    fn set_up(&self, _: &Session) {}

    fn closed(&self, session: &Arc<Session>, ending: Ending) {
        if ending != Ending::Refused(Refusal::Denied) {
            return;
        }
        let (user, destination, rule) = {
            let facts = session.facts();
            (user_of(&facts), destination_of(&facts), facts.decision.and_then(|decision| decision.rule()))
        };
        let rule = rule.map_or("default", |rule| session.rule(rule)).to_owned();
        self.note(Denial { user, destination, rule }, Timestamp::now());
    }
}

impl Denial {
    fn other() -> Self {
        Self { user: "other".into(), destination: "-".to_owned(), rule: "-".to_owned() }
    }
}

fn user_of(facts: &Facts) -> Arc<str> {
    match facts.proof.as_ref().map(|proof| &proof.identity) {
        Some(Identity::User(user)) => Arc::clone(&user.name),
        Some(Identity::Anonymous) | None => ANONYMOUS.into(),
    }
}

fn destination_of(facts: &Facts) -> String {
    facts.request.as_ref().map_or_else(|| "-".to_owned(), |request| request.target.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(user: &str, destination: &str) -> Denial {
        Denial { user: user.into(), destination: destination.to_owned(), rule: "default".to_owned() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_most_frequent_come_first_and_an_hour_later_they_are_gone() {
        let denials = Denials::default();
        for (second, user) in [(0, "eve"), (700, "bob"), (1_300, "bob"), (1_300, "eve"), (1_300, "bob")] {
            denials.note(denial(user, "10.0.0.1:22"), at(second));
        }
        let told = |limit, second| -> Vec<(String, u64)> {
            denials
                .most(limit, at(second))
                .into_iter()
                .map(|(denial, count)| (denial.user.to_string(), count))
                .collect()
        };
        assert_eq!(told(9, 1_400), [("bob".to_owned(), 3), ("eve".to_owned(), 2)]);
        assert_eq!(told(1, 3_700), [("bob".to_owned(), 3)]);
        assert_eq!(told(9, 3_700)[1], ("eve".to_owned(), 1));
        assert_eq!(told(9, 10_000), []);
    }

    #[test]
    fn whoever_makes_destinations_up_fills_nothing() {
        let denials = Denials::default();
        (0..5 * MOST).for_each(|number| denials.note(denial("eve", &format!("{number}.example:1")), at(1)));
        let all = denials.most(usize::MAX, at(1));
        assert_eq!((all.len(), all[0].1), (MOST + 1, 4 * MOST as u64));
    }
}
