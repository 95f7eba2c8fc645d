//! The rules of one generation, and what time it is for them.

use std::sync::Arc;

use acl::{LocalMinute, Moment, RuleId, Ruleset, Zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Compiled rules with the clocks that they go by.
#[derive(Debug)]
pub(crate) struct Rules {
    set: Arc<Ruleset>,
    /// As many as [`Ruleset::zones`], in that order.
    clocks: Vec<TimeZone>,
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
        Ok(Self { set, clocks })
    }

    /// Everything is allowed that the guard does not hold.
    #[cfg(test)]
    pub(crate) fn open() -> Self {
        let policy = acl::Policy::without_rules(acl::Action::Allow);
        Self { set: Arc::new(Ruleset::new(policy, acl::PrivateByName::default())), clocks: Vec::new() }
    }

    /// Whether a rule may go by the clock of this zone.
    pub(crate) fn knows_zone(name: &str) -> bool {
        TimeZone::get(name).is_ok()
    }

    pub(crate) fn set(&self) -> &Arc<Ruleset> {
        &self.set
    }

    /// A rule as people know it: whose it is, which one, and what it is for.
    pub(crate) fn describe(&self, rule: RuleId) -> String {
        let (label, description) = (self.set.label(rule), &self.set.rule(rule).description);
        if description.is_empty() { label } else { format!("{label}: {}", description.escape_debug()) }
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
