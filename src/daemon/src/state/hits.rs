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
}

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
            let tally = self.of(rule);
            tally.count.fetch_add(1, Relaxed);
            tally.last.store(Timestamp::now().as_second(), Relaxed);
        }
    }

    pub(crate) fn of(&self, rule: RuleId) -> &Tally {
        &self.0[rule.index()]
    }
}

impl Tally {
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
