//! What is decided, and by what.

use crate::guard::Reason;
use crate::request::ServiceId;

/// The answer to one request.
#[must_use = "a request that was not decided must not be served"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What happens to the request.
    pub verdict: Ruling,
    /// What decided it.
    pub by: By,
    /// The shadow rule that would have decided it, had it been enforced.
    pub shadow: Option<RuleId>,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It may be served, at exactly the address that was asked about.
    Allow,
    /// It is refused.
    Deny,
    /// Nothing is against the name: look it up, and ask again about each address. [`Decision::by`] is the rule that
    /// allows the name, or the default when none does and an address may still be allowed.
    Resolve,
    /// It depends on a PAM service: ask it, and then ask again.
    Ask(ServiceId),
}

/// What decided a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// This rule: of those that fit and decide alike, the one of the highest priority, then the first in the file.
    Rule(RuleId),
    /// No rule fits.
    Default,
    /// The hard guard holds the address, whatever the rules say.
    Guard(Reason),
}

/// A rule of one [`Ruleset`](crate::Ruleset), by its place in the file; means nothing in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(crate) u32);

impl RuleId {
    /// Counts from 0, without gaps: an index for counters beside the rules.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Decision {
    /// The rule that decided.
    #[must_use]
    pub fn rule(&self) -> Option<RuleId> {
        match self.by {
            By::Rule(rule) => Some(rule),
            By::Default | By::Guard(_) => None,
        }
    }

    pub(crate) fn guarded(reason: Reason) -> Self {
        Self { verdict: Ruling::Deny, by: By::Guard(reason), shadow: None }
    }
}
