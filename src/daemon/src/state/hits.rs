//! How often each rule decided, and when it last did; a rule that outlives a reload keeps its count.
//!
//! Counting takes no lock: each rule has a place of its own, which the rules of later generations share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use acl::{Decision, Identity, RuleId, Ruleset};
use jiff::Timestamp;

/// One place for each rule, by [`RuleId::index`].
#[derive(Debug)]
pub(crate) struct Hits(Box<[Arc<Tally>]>);

/// What is known of one rule.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: AtomicU64,
    /// In seconds since 1970; 0 before the first.
    last: AtomicI64,
    /// The hour of `this_hour`, counted since 1970.
    hour: AtomicI64,
    this_hour: AtomicU64,
    /// Of the hour before it.
    hour_before: AtomicU64,
}

const HOUR: i64 = 3_600;

impl Hits {
    /// Of rules that nothing was decided by yet.
    pub(crate) fn new(rules: &Ruleset) -> Self {
        Self(rules.rules().map(|_| Arc::default()).collect())
    }

    /// Of rules that take the place of others: whichever are the same go on counting.
    pub(crate) fn after(&self, former: &Ruleset, rules: &Ruleset) -> Self {
        let known: HashMap<Identity, RuleId> = former.rules().map(|rule| (former.identity(rule), rule)).collect();
        let kept = |rule| known.get(&rules.identity(rule)).map(|former| Arc::clone(&self.0[former.index()]));
        Self(rules.rules().map(|rule| kept(rule).unwrap_or_default()).collect())
    }

    /// The rule that decided was right for one more request, and so was the shadow rule that would have.
    pub(crate) fn count(&self, decision: &Decision) {
        for rule in decision.rule().into_iter().chain(decision.shadow) {
            self.of(rule).count_at(Timestamp::now().as_second());
        }
    }

    pub(crate) fn of(&self, rule: RuleId) -> &Tally {
        &self.0[rule.index()]
    }
}

impl Tally {
    fn count_at(&self, now: i64) {
        let (hour, known) = (now / HOUR, self.hour.load(Relaxed));
        // Whoever comes first in an hour turns the page; what others count meanwhile may be in the hour before.
        if hour > known && self.hour.compare_exchange(known, hour, Relaxed, Relaxed).is_ok() {
            let counted = self.this_hour.swap(0, Relaxed);
            self.hour_before.store(if hour == known + 1 { counted } else { 0 }, Relaxed);
        }
        self.this_hour.fetch_add(1, Relaxed);
        self.count.fetch_add(1, Relaxed);
        self.last.store(now, Relaxed);
    }

    /// About so many in the hour before this second: of the hour that is over, the part that is not yet an hour ago.
    pub(crate) fn per_hour(&self, now: i64) -> u64 {
        let [this, before] = [&self.this_hour, &self.hour_before].map(|count| count.load(Relaxed));
        let left = u64::try_from(HOUR - now.rem_euclid(HOUR)).unwrap_or(0);
        let part = |count: u64| count.saturating_mul(left) / HOUR.unsigned_abs();
        match now / HOUR - self.hour.load(Relaxed) {
            ..=0 => this + part(before),
            1 => part(this),
            _ => 0,
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// In seconds since 1970.
    pub(crate) fn last(&self) -> Option<i64> {
        Some(self.last.load(Relaxed)).filter(|last| *last > 0)
    }
}

#[cfg(test)]
mod tests {
    use acl::{By, PrivateByName, Ruling};

    use super::*;

    fn rules(text: &str) -> Ruleset {
        let text = format!("[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"alice\"\n{text}");
        Ruleset::new(config::rules::load("acl.toml", &text, &|_| true).unwrap(), PrivateByName::default())
    }

    fn rule(destination: &str) -> String {
        format!("[[users.rules]]\naction = \"allow\"\ndestinations = [\"{destination}\"]\n")
    }

    #[test]
    fn the_last_hour_slides() {
        let tally = Tally::default();
        let start = 1_000 * HOUR;
        (0..60).for_each(|minute| tally.count_at(start + minute * 60));
        assert_eq!((tally.per_hour(start + HOUR - 1), tally.count()), (60, 60));
        assert_eq!(tally.per_hour(start + HOUR + HOUR / 2), 30, "half of them are more than an hour ago");
        tally.count_at(start + HOUR + HOUR / 2);
        assert_eq!(tally.per_hour(start + HOUR + HOUR / 2), 31);
        assert_eq!(tally.per_hour(start + 2 * HOUR), 1);
        assert_eq!(tally.per_hour(start + 9 * HOUR), 0);
        tally.count_at(start + 9 * HOUR);
        assert_eq!((tally.per_hour(start + 9 * HOUR), tally.count()), (1, 62));
    }

    fn by(rules: &Ruleset, index: usize) -> Decision {
        let rule = rules.rules().nth(index).unwrap();
        Decision { verdict: Ruling::Allow, by: By::Rule(rule), shadow: None }
    }

    #[test]
    fn a_rule_keeps_its_count_wherever_it_stands() {
        let former = rules(&[rule("a.example"), rule("b.example"), rule("b.example")].concat());
        let hits = Hits::new(&former);
        for index in [0, 0, 0, 1, 1, 2] {
            hits.count(&by(&former, index));
        }
        let now = rules(&[rule("b.example"), rule("c.example"), rule("a.example")].concat());
        let later = hits.after(&former, &now);
        let counts: Vec<u64> = now.rules().map(|rule| later.of(rule).count()).collect();
        assert_eq!(counts, [2, 0, 3]);
        // Whoever came before the reload still counts.
        hits.count(&by(&former, 0));
        assert_eq!(later.of(now.rules().nth(2).unwrap()).count(), 4);
        assert!(later.of(now.rules().nth(2).unwrap()).last().is_some());
        assert_eq!(later.of(now.rules().nth(1).unwrap()).last(), None);
    }
}
