//! Users: those of the users file, and whoever else is in; what each may have, has now, and had in the last day.

use std::collections::BTreeMap;
use std::time::Instant;

use ::acl::Subject;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::sight::{masked, seconds};
use super::{No, Office};
use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::sum::{By, Sum};
use crate::state::limits::allowance::Portion;
use crate::state::session::facts::{Identity, Origin};
use crate::state::session::ticket::Session;
use crate::state::users::Known;

/// Users whose last day is summed up.
const MOST: u32 = 10_000;

/// One user, of the users file or only in sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) name: String,
    /// Whether the users file has them, and lets them in.
    listed: Option<bool>,
    pub(crate) groups: Vec<String>,
    pub(crate) sessions: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// Bytes a second in both directions.
    pub(crate) rate: u64,
    /// When the latest session that is in began, in microseconds since 1970, and where from.
    pub(crate) latest: Option<(i64, String)>,
    /// What the users file says that they may have.
    portion: Portion,
}

impl Person {
    pub(crate) fn state(&self) -> &'static str {
        match self.listed {
            Some(true) => "enabled",
            Some(false) => "disabled",
            None => "elsewhere",
        }
    }

    pub(crate) fn json(&self) -> Value {
        let Self { name, groups, sessions, up, down, rate, latest, .. } = self;
        json!({
            "name": name, "state": self.state(), "groups": groups, "sessions": sessions, "up": up, "down": down, "rate": rate,
            "last_seen": latest.as_ref().map(|(at, _)| seconds(*at)), "last_src": latest.as_ref().map(|(_, source)| source),
            "limits": limits(&self.portion),
        })
    }

    fn of_file(known: &Known, now: Timestamp) -> Self {
        Self {
            name: known.user.name.to_string(),
            listed: Some(known.is_usable(now)),
            groups: known.user.groups.iter().map(ToString::to_string).collect(),
            portion: known.portion(),
            ..Self::default()
        }
    }

    fn is_in(&mut self, session: &Session, rate: u64, source: String) {
        self.sessions += 1;
        self.up += session.up.bytes();
        self.down += session.down.bytes();
        self.rate += rate;
        let began = i64::try_from(session.id.get_timestamp().map_or(0, |time| micros(time.to_unix()))).unwrap_or(0);
        if self.latest.as_ref().is_none_or(|(latest, _)| *latest < began) {
            self.latest = Some((began, source));
        }
    }
}

impl Office {
    /// By name; those whom PAM knows as far as they are in.
    pub(crate) fn everybody(&self, is_masked: bool) -> BTreeMap<String, Person> {
        let (mut everybody, now) = (BTreeMap::<String, Person>::new(), Timestamp::now());
        for known in self.world.regime().snapshot.users.all() {
            everybody.insert(known.user.name.to_string(), Person::of_file(known, now));
        }
        let rates = self.paces.rates(&self.world.roster, Instant::now());
        self.world.roster.each(|session| {
            let facts = session.facts();
            let Some(Identity::User(user)) = facts.proof.as_ref().map(|proof| &proof.identity) else { return };
            let person = everybody.entry(user.name.to_string()).or_default();
            if person.listed.is_none() {
                person.name = user.name.to_string();
                person.groups = user.groups.iter().map(ToString::to_string).collect();
            }
            let rate = rates.get(&session.number).map_or(0, |(up, down)| up + down);
            person.is_in(session, rate, source(session, is_masked));
        });
        everybody
    }

    /// Who is in which group, with the rules of each.
    pub(crate) fn groups(&self) -> Value {
        let mut groups = BTreeMap::<String, (Vec<String>, u64)>::new();
        for (name, person) in self.everybody(true) {
            for group in person.groups {
                let of_group = groups.entry(group).or_default();
                of_group.0.push(name.clone());
                of_group.1 += person.sessions;
            }
        }
        let regime = self.world.regime();
        let policy = regime.snapshot.rules.set().policy();
        for group in &policy.groups {
            groups.entry(group.name.to_string()).or_default();
        }
        let rules = |name: &str| policy.groups.iter().find(|group| *group.name == *name).map_or(0, |it| it.rules.len());
        let row = |(name, (members, sessions)): (&String, &(Vec<String>, u64))| json!({ "name": name, "members": members, "sessions": sessions, "rules": rules(name) });
        json!({ "groups": groups.iter().map(row).collect::<Vec<_>>() })
    }

    /// How many rules are about a user: their own, those of their groups, and everybody's.
    pub(crate) fn rules_about(&self, person: &Person) -> Value {
        let regime = self.world.regime();
        let policy = regime.snapshot.rules.set().policy();
        let of = |is: &dyn Fn(&Subject) -> bool| -> usize {
            policy.users.iter().filter(|user| is(&user.subject)).map(|user| user.rules.len()).sum()
        };
        let own = of(&|subject| matches!(subject, Subject::Named(name) if **name == *person.name));
        let everybody = of(&|subject| *subject == Subject::Everyone);
        let is_in = |group: &str| person.groups.iter().any(|name| name == group);
        let groups: usize = policy.groups.iter().filter(|it| is_in(&it.name)).map(|it| it.rules.len()).sum();
        json!({ "own": own, "groups": groups, "everybody": everybody })
    }

    /// The last day of each user, if a history is kept.
    ///
    /// # Errors
    /// The history cannot be read in time.
    pub(crate) fn last_days(&self, user: Option<&str>) -> Result<Option<BTreeMap<String, Value>>, No> {
        let Some(past) = &self.past else { return Ok(None) };
        let since = Timestamp::now() - SignedDuration::from_hours(24);
        let filter = Filter { user: user.map(str::to_owned), since: Some(since.as_microsecond()), ..Filter::default() };
        let sums = past.sums(&filter, By::User, MOST)?;
        let shown = |sum: Sum| {
            let Sum { of, sessions, bytes_sent, bytes_received, rejected, failed } = sum;
            let day = json!({
                "sessions": sessions, "up": bytes_sent, "down": bytes_received, "denied": rejected, "failed": failed,
            });
            Some((of?, day))
        };
        Ok(Some(sums.into_iter().filter_map(shown).collect()))
    }

    /// The last session of a user that the history has.
    ///
    /// # Errors
    /// The history cannot be read in time.
    pub(crate) fn last_session(&self, user: &str) -> Result<Option<Value>, No> {
        let Some(past) = &self.past else { return Ok(None) };
        let filter = Filter { user: Some(user.to_owned()), ..Filter::default() };
        Ok(past.page(&filter, 1)?.first().and_then(|row| serde_json::to_value(row).ok()))
    }
}

fn source(session: &Session, is_masked: bool) -> String {
    match session.origin() {
        Origin::Address(address) if is_masked => masked(address.ip()),
        Origin::Address(address) => address.ip().to_string(),
        Origin::Local => "local".to_owned(),
    }
}

fn micros((seconds, nanos): (u64, u32)) -> u64 {
    seconds * 1_000_000 + u64::from(nanos / 1_000)
}

/// What is said of a user, and nothing of what is not.
fn limits(portion: &Portion) -> Value {
    let bits = |rate: Option<u64>| rate.map(|rate| rate.saturating_mul(8));
    let bound = |bound: Option<crate::state::limits::allowance::Bound>| bound.map(|bound| bound.most().unwrap_or(0));
    let rate = |bound: Option<crate::state::limits::allowance::Bound<u64>>| bound.map(|it| it.most().unwrap_or(0));
    let said = [
        ("conns", bound(portion.at_once).map(u64::from)),
        ("sources", bound(portion.sources).map(u64::from)),
        ("max_age_s", bound(portion.max_age).map(u64::from)),
        ("idle_s", bound(portion.idle).map(u64::from)),
        ("up_bps", bits(rate(portion.up))),
        ("down_bps", bits(rate(portion.down))),
        ("guaranteed_bps", bits(portion.guaranteed)),
        ("burst", portion.burst),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect()
}
