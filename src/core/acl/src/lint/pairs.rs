//! Rules held against each other: which contradict, which repeat, which never get a turn.

use crate::decision::RuleId;
use crate::lint::coverage::covers;
use crate::lint::remark::{Concern, Remark};
use crate::policy::{Action, Mode};
use crate::ruleset::Ruleset;

/// Comparisons of two rules in one run: a file of rules that are all alike has more pairs than anyone would wait for.
const MOST_COMPARISONS: usize = 3_000_000;

/// Goes through the pairs that can matter: a rule and those that are met on the way to its first destination.
pub(super) struct Pairs<'r> {
    rules: &'r Ruleset,
    left: usize,
}

impl<'r> Pairs<'r> {
    pub(super) fn new(rules: &'r Ruleset) -> Self {
        Self { rules, left: MOST_COMPARISONS }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.left > 0
    }

    /// The most telling thing that another rule makes of this one.
    pub(super) fn remark(&mut self, rule: RuleId) -> Option<Remark> {
        if self.rules.rule(rule).mode == Mode::Shadow {
            return None;
        }
        let found = self.covering(rule).into_iter().filter_map(|other| self.relation(rule, other));
        let (relation, other) = found.min()?;
        let (concern, words) = relation.meaning();
        Some(self.rules.remark_beside(rule, other, concern, words))
    }

    /// Other rules that always hold together with this one and fit all that it fits.
    fn covering(&mut self, id: RuleId) -> Vec<RuleId> {
        let rule = self.rules.rule(id);
        let Some(first) = rule.destinations.first() else { return Vec::new() };
        let mut found = self.rules.met_on_the_way(first, &self.rules.always_with(id));
        found.sort_unstable();
        found.dedup();
        found.truncate(self.left);
        self.left -= found.len();
        found.retain(|other| {
            let outer = self.rules.rule(*other);
            *other != id && outer.mode == Mode::Enforced && covers(outer, rule)
        });
        found
    }

    /// What a rule is to one that covers it.
    fn relation(&self, id: RuleId, other: RuleId) -> Option<(Relation, RuleId)> {
        let (rule, outer) = (self.rules.rule(id), self.rules.rule(other));
        let is_first = self.rules.entry(other).rank < self.rules.entry(id).rank;
        let relation = match (rule.action, outer.action) {
            (Action::Allow, Action::Block) if covers(rule, outer) => Relation::Contradicted,
            (Action::Allow, Action::Block) => Relation::Blocked,
            (Action::Block, Action::Allow) => return None,
            _ if self.is_copy(id, other) => Relation::Copy,
            _ if is_first => Relation::Late,
            _ => return None,
        };
        Some((relation, other))
    }

    /// Whether a rule says the same as an earlier one of the same owner.
    fn is_copy(&self, id: RuleId, other: RuleId) -> bool {
        let (own, of_other) = (self.rules.identity(id), self.rules.identity(other));
        own.hash == of_other.hash && of_other.copy < own.copy
    }
}

/// What a rule is to another one that covers it; the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    /// It says the same again.
    Copy,
    /// It allows exactly what the other blocks.
    Contradicted,
    /// It allows a part of what the other blocks.
    Blocked,
    /// The other is credited with all that it could decide.
    Late,
}

impl Relation {
    fn meaning(self) -> (Concern, &'static str) {
        match self {
            Self::Copy => (Concern::Duplicate, "says the same as"),
            Self::Contradicted => (Concern::Conflicting, "allows nothing, since exactly the same is blocked by"),
            Self::Blocked => (Concern::Shadowed, "allows nothing, since all of it is blocked by"),
            Self::Late => (Concern::Unreachable, "never decides anything, since all of it is decided before by"),
        }
    }
}
