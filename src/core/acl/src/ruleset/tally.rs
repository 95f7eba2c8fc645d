//! Which of the rules that fit a request decides it: any that blocks, else any that allows, else the default.
//!
//! Priority and place in the file only choose among those that decide alike.

use crate::decision::{By, Decision, RuleId, Ruling};
use crate::policy::{Action, Mode};
use crate::request::ServiceId;
use crate::ruleset::entry::{Entry, Finding, Rank};

/// The best of each kind of rule that fits.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    block: Option<Rank>,
    allow: Option<Rank>,
    shadow_block: Option<Rank>,
    shadow_allow: Option<Rank>,
    asking_block: Option<(Rank, ServiceId)>,
    asking_allow: Option<(Rank, ServiceId)>,
}

impl Tally {
    pub(crate) fn count(&mut self, entry: &Entry, finding: Finding) {
        let best = match (finding, entry.mode, entry.action) {
            (Finding::Misses(_), _, _) | (Finding::Asks(_), Mode::Shadow, _) => return,
            (Finding::Asks(service), Mode::Enforced, Action::Block) => {
                return improve(&mut self.asking_block, (entry.rank, service));
            }
            (Finding::Asks(service), Mode::Enforced, Action::Allow) => {
                return improve(&mut self.asking_allow, (entry.rank, service));
            }
            (Finding::Fits, Mode::Enforced, Action::Block) => &mut self.block,
            (Finding::Fits, Mode::Enforced, Action::Allow) => &mut self.allow,
            (Finding::Fits, Mode::Shadow, Action::Block) => &mut self.shadow_block,
            (Finding::Fits, Mode::Shadow, Action::Allow) => &mut self.shadow_allow,
        };
        improve(best, entry.rank);
    }

    /// With an address: the last word, unless a service has to be asked whose answer matters.
    pub(crate) fn conclude(&self, default: Action) -> Decision {
        if self.block.is_some() {
            return self.last_word(Ruling::Deny, self.block);
        }
        if let Some((_, service)) = self.asking_block {
            return asking(service);
        }
        if self.allow.is_some() || default == Action::Allow {
            return self.last_word(Ruling::Allow, self.allow);
        }
        self.asking_allow.map_or_else(|| self.last_word(Ruling::Deny, None), |(_, service)| asking(service))
    }

    /// With a name alone: a refusal is the last word, and everything else depends on its addresses.
    /// `may_reach` says whether an address might be allowed although the name is not.
    pub(crate) fn conclude_for_name(&self, default: Action, may_reach: impl FnOnce() -> bool) -> Decision {
        let is_against = self.block.is_some() || self.asking_block.is_some();
        if is_against || !(self.allow.is_some() || default == Action::Allow || may_reach()) {
            return self.conclude(default);
        }
        let by = self.allow.map_or(By::Default, |rank| By::Rule(rank.rule()));
        Decision { verdict: Ruling::Resolve, by, shadow: None }
    }

    fn last_word(&self, verdict: Ruling, rank: Option<Rank>) -> Decision {
        let by = rank.map_or(By::Default, |rank| By::Rule(rank.rule()));
        Decision { verdict, by, shadow: self.shadow() }
    }

    /// The rule that would be credited if shadow rules were enforced, if it is one of them.
    fn shadow(&self) -> Option<RuleId> {
        let first = |shadow: Option<Rank>, enforced: Option<Rank>| {
            shadow.filter(|shadow| enforced.is_none_or(|enforced| *shadow < enforced))
        };
        let found = match (self.block, self.shadow_block) {
            (None, None) => first(self.shadow_allow, self.allow),
            (enforced, shadow) => first(shadow, enforced),
        };
        found.map(Rank::rule)
    }
}

fn improve<T: Ord>(best: &mut Option<T>, found: T) {
    if best.as_ref().is_none_or(|best| found < *best) {
        *best = Some(found);
    }
}

fn asking(service: ServiceId) -> Decision {
    Decision { verdict: Ruling::Ask(service), by: By::Default, shadow: None }
}
