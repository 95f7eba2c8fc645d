//! The rules of one generation, and what time it is for them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use acl::{Bounds, Identity, LocalMinute, Moment, Policy, RuleId, Ruleset, Subject, Zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::hits::Hits;
use super::session::facts::User;

/// Whom the rule file means by this name.
const EVERYONE: &str = "*";

/// Compiled rules with the clocks that they go by.
#[derive(Debug)]
pub(crate) struct Rules {
    set: Arc<Ruleset>,
    /// As many as [`Ruleset::zones`], in that order.
    clocks: Vec<TimeZone>,
    /// The groups that the rule file gives to a user.
    memberships: HashMap<Box<str>, Box<[Arc<str>]>>,
    hits: Hits,
    /// What [`Rules::describe`] says of each, once somebody has asked.
    names: Box<[OnceLock<Box<str>>]>,
    /// The rules that say how much their connections may have.
    bounded: HashMap<Identity, RuleId>,
    /// What they were read from, if they were written.
    text: Option<Arc<str>>,
    /// What the file of tests beside them says, if they were written; it is empty where there is none.
    tests: Option<Arc<str>>,
}

/// A time zone that this host does not know.
#[derive(Debug, thiserror::Error)]
#[error("the rules go by the time zone {name:?}, which this host does not know: {cause}")]
pub(crate) struct UnknownZone {
    name: String,
    cause: jiff::Error,
}

impl Rules {
    /// # Errors
    /// The rules name a time zone that is not in the tz database.
    pub(crate) fn new(set: Arc<Ruleset>) -> Result<Self, UnknownZone> {
        let clocks = set.zones().iter().map(clock).collect::<Result<_, _>>()?;
        let memberships = memberships(set.policy());
        let hits = Hits::new(&set);
        let names = set.rules().map(|_| OnceLock::new()).collect();
        let bounded = bounded(&set);
        Ok(Self { set, clocks, memberships, hits, names, bounded, text: None, tests: None })
    }

    /// The same, read from this text.
    #[must_use]
    pub(crate) fn written_as(self, text: &Arc<str>) -> Self {
        Self { text: Some(Arc::clone(text)), ..self }
    }

    /// What they were read from, if they were written.
    pub(crate) fn text(&self) -> Option<&Arc<str>> {
        self.text.as_ref()
    }

    /// The same with these tests beside them.
    #[must_use]
    pub(crate) fn tested_by(self, tests: Option<&str>) -> Self {
        Self { tests: tests.map(Arc::from), ..self }
    }

    /// What the file of tests beside them says.
    pub(crate) fn tests(&self) -> Option<&Arc<str>> {
        self.tests.as_ref()
    }

    /// The same in the place of others, whose hits it goes on counting.
    #[must_use]
    pub(crate) fn after(self, former: &Self) -> Self {
        let hits = former.hits.after(&former.set, &self.set);
        Self { hits, ..self }
    }

    /// Everything is allowed that the guard does not hold.
    #[cfg(test)]
    pub(crate) fn open() -> Self {
        let policy = Policy::without_rules(acl::Action::Allow);
        Self::new(Arc::new(Ruleset::new(policy, acl::PrivateByName::default()))).expect("there is no zone")
    }

    /// Whether a rule may go by the clock of this zone.
    pub(crate) fn knows_zone(name: &str) -> bool {
        TimeZone::get(name).is_ok()
    }

    pub(crate) fn set(&self) -> &Arc<Ruleset> {
        &self.set
    }

    pub(crate) fn hits(&self) -> &Hits {
        &self.hits
    }

    /// A rule as people know it: whose it is, which one, and what it is for.
    pub(crate) fn describe(&self, rule: RuleId) -> &str {
        self.names[rule.index()].get_or_init(|| {
            let (label, description) = (self.set.label(rule), &self.set.rule(rule).description);
            let name = if description.is_empty() { label } else { format!("{label}: {}", description.escape_debug()) };
            name.into()
        })
    }

    /// How much the connections of a rule may have, if this policy has the rule and it says so.
    pub(crate) fn bounds(&self, rule: Identity) -> Option<&Bounds> {
        self.set.rule(self.bounded(rule)?).bounds.as_deref()
    }

    /// The rule itself.
    pub(crate) fn bounded(&self, rule: Identity) -> Option<RuleId> {
        self.bounded.get(&rule).copied()
    }

    /// Whether some rule limits what its connections carry.
    pub(crate) fn limit_bandwidth(&self) -> bool {
        let of = |rule: &RuleId| self.set.rule(*rule).bounds.as_deref();
        self.bounded.values().filter_map(of).any(Bounds::limit_bandwidth)
    }

    /// Every group of a user, each once: those that the authentication found and those of the rule file.
    pub(crate) fn groups_of(&self, user: &User) -> Vec<Arc<str>> {
        let written = [&*user.name, EVERYONE].map(|name| self.memberships.get(name));
        let written = written.into_iter().flatten().flat_map(|groups| groups.iter());
        let mut groups: Vec<_> = user.groups.iter().chain(written).cloned().collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Moment {
        self.at(Timestamp::now())
    }

    /// A moment by the clocks of the rules.
    pub(crate) fn at(&self, moment: Timestamp) -> Moment {
        let mut clocks = self.clocks.iter();
        self.set.moment(moment.as_second(), |_zone| {
            let clock = clocks.next().expect("there is a clock for each zone");
            local(moment, clock.clone())
        })
    }
}

/// Who belongs to what, of those who belong to anything.
fn memberships(policy: &Policy) -> HashMap<Box<str>, Box<[Arc<str>]>> {
    let of = |user: &acl::User| -> Option<(Box<str>, _)> {
        let name = match &user.subject {
            Subject::Everyone => EVERYONE.into(),
            Subject::Named(name) => name.clone(),
            Subject::Anonymous => return None,
        };
        let groups: Box<[Arc<str>]> = user.groups.iter().map(|membership| Arc::from(&*membership.group)).collect();
        (!groups.is_empty()).then_some((name, groups))
    };
    policy.users.iter().filter_map(of).collect()
}

fn bounded(set: &Ruleset) -> HashMap<Identity, RuleId> {
    let bounded = set.rules().filter(|rule| set.rule(*rule).bounds.is_some());
    bounded.map(|rule| (set.identity(rule), rule)).collect()
}

/// The clock of a zone.
///
/// # Errors
/// The tz database has no such zone.
fn clock(zone: &Zone) -> Result<TimeZone, UnknownZone> {
    match zone {
        Zone::Host => Ok(TimeZone::system()),
        Zone::Named(name) => TimeZone::get(name).map_err(|cause| UnknownZone { name: name.to_string(), cause }),
    }
}

fn local(now: Timestamp, clock: TimeZone) -> LocalMinute {
    let there = now.to_zoned(clock);
    let minute = u16::from(there.hour().unsigned_abs()) * 60 + u16::from(there.minute().unsigned_abs());
    LocalMinute::new(there.weekday().to_monday_zero_offset().unsigned_abs(), minute)
}
