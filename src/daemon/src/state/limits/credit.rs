//! A session's place among those that the same rule let in.
//!
//! The rule is known when the first address is about to be dialled, or a peer has come; of a name with several addresses it is
//! that of the first one whose rule has room, whichever of them connects in the end. It is the session's rule for its whole
//! life, also when a reload changes what it says of limits.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use acl::{Identity, RuleId};
use limits::Terms;

use super::allowance::Bound;
use super::{Claim, Key, Limits, Presence, share};
use crate::state::session::refusal::Refusal;
use crate::state::snapshot::{Lifetimes, Snapshot};

/// None yet, and none ever for an association, of which each datagram has a rule of its own.
#[derive(Debug, Default)]
pub(crate) struct Credit {
    limits: OnceLock<Arc<Limits>>,
    given: OnceLock<Box<Given>>,
}

#[derive(Debug)]
struct Given {
    rule: Identity,
    /// If the rule says how long it may last.
    lifetimes: Option<Lifetimes>,
    /// Until the session is over.
    presence: Mutex<Option<Presence>>,
}

impl Credit {
    /// Counts the session here as soon as its rule is known.
    pub(crate) fn is_kept_by(&self, limits: &Arc<Limits>) {
        let _already_known = self.limits.set(Arc::clone(limits));
    }

    /// This rule lets the session in, which else lasts so long; the first rule stands.
    ///
    /// # Errors
    /// As many as may be are in by this rule.
    pub(crate) fn give(&self, snapshot: &Snapshot, rule: RuleId, otherwise: &Lifetimes) -> Result<(), Refusal> {
        let Some(limits) = self.limits.get().filter(|_| self.given.get().is_none()) else { return Ok(()) };
        let set = snapshot.rules.set();
        let (identity, bounds) = (set.identity(rule), set.rule(rule).bounds.as_deref().copied().unwrap_or_default());
        let terms = Terms { at_once: bounds.at_once.map(Bound::written).and_then(Bound::most), pace: None };
        let claim = Claim { keys: vec![(Key::Rule(identity), terms)], spot: None };
        let presence = Mutex::new(Some(limits.enter(claim, Instant::now())?));
        let given = Given { rule: identity, lifetimes: share::lifetimes_by(&bounds, *otherwise), presence };
        let _it_is_the_first = self.given.set(Box::new(given));
        Ok(())
    }

    /// The rule, once it is known.
    pub(crate) fn rule(&self) -> Option<Identity> {
        self.given.get().map(|given| given.rule)
    }

    /// How long the session may last, if its rule says so.
    pub(crate) fn lifetimes(&self) -> Option<&Lifetimes> {
        self.given.get()?.lifetimes.as_ref()
    }

    /// The session is over, whoever still looks at it.
    pub(crate) fn end(&self) {
        if let Some(given) = self.given.get() {
            given.presence.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}
