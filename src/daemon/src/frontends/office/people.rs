//! Users: those of the users file, and whoever else is in; what each may have, has now, and had in the last day.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ::acl::Subject;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::sight::{masked, seconds};
use super::{No, Office};
use crate::engine::history::archive::day::{Day, Days};
use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::order::Order;
use crate::engine::history::archive::sum::{By, Sum};
use crate::state::limits::allowance::{Bound, Portion};
use crate::state::session::facts::{ANONYMOUS, AuthMethod, Identity, Origin, Proof};
use crate::state::session::ticket::Session;
use crate::state::users::Known;

/// Users, by name.
pub(crate) type People = HashMap<Arc<str>, Person, RandomState>;

/// One user, of the users file or only in sessions. There may be fifty thousand, at each look of somebody who looks at them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) name: Arc<str>,
    /// Whether the users file has them, and lets them in.
    listed: Option<bool>,
    pub(crate) groups: Arc<[Arc<str>]>,
    pub(crate) sessions: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// Bytes a second in both directions.
    pub(crate) rate: u64,
    /// When the latest session that is in began, in microseconds since 1970, and where from.
    pub(crate) latest: Option<(i64, Arc<str>)>,
    /// What was in the last day, where that is known.
    pub(crate) day: Option<Arc<Day>>,
    /// Whether nobody has let this one in: it is a name that was only said.
    is_unknown: bool,
    /// How this one proved to be who it is, if the users file has them not.
    proof: Option<AuthMethod>,
    /// What the users file says that they may have.
    portion: Portion,
}

/// What the history has of one user.
#[derive(Debug)]
pub(crate) struct PastOfUser {
    /// But for logins that failed.
    pub(crate) day: Day,
    pub(crate) first: Option<Timestamp>,
    /// The last session as the history has it.
    pub(crate) last: Option<Value>,
}

impl Person {
    pub(crate) fn state(&self) -> &'static str {
        match self.listed {
            Some(true) => "enabled",
            Some(false) => "disabled",
            None if self.is_unknown => "unknown",
            None => "elsewhere",
        }
    }

    /// Who says that this is a user, if somebody does.
    pub(crate) fn vouched_by(&self) -> Option<&'static str> {
        match (self.listed, self.proof) {
            (Some(_), _) => Some("file"),
            (None, Some(AuthMethod::PamUsername | AuthMethod::PamAddress)) => Some("pam"),
            (None, Some(AuthMethod::None | AuthMethod::UserPass) | None) => None,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let Self { name, groups, sessions, up, down, rate, latest, .. } = self;
        json!({
            "name": &**name, "state": self.state(), "from": self.vouched_by(), "groups": group_names(groups),
            "sessions": sessions, "up": up, "down": down, "rate": rate,
            "last_seen": latest.as_ref().map(|(at, _)| seconds(*at)), "last_src": latest.as_ref().map(|(_, source)| &**source),
            "limits": limits(&self.portion),
        })
    }

    fn of_file(known: &Known, now: Timestamp) -> Self {
        Self {
            name: Arc::clone(&known.user.name),
            listed: Some(known.is_usable(now)),
            groups: Arc::clone(&known.user.groups),
            portion: known.portion(),
            ..Self::default()
        }
    }

    /// Somebody who is not here; if nobody got in by the name, it was only said.
    fn of_day(name: &str, day: &Day) -> Self {
        Self { name: name.into(), is_unknown: day.sessions == 0, ..Self::default() }
    }

    fn is_in(&mut self, session: &Session, rate: u64, is_masked: bool) {
        self.sessions += 1;
        self.up += session.up.bytes();
        self.down += session.down.bytes();
        self.rate += rate;
        let began = session.started();
        if self.latest.as_ref().is_none_or(|(latest, _)| *latest < began) {
            self.latest = Some((began, source(session, is_masked).into()));
        }
    }
}

impl Office {
    /// Those whom PAM knows as far as they are in.
    pub(crate) fn everybody(&self, is_masked: bool) -> People {
        let (regime, now) = (self.world.regime(), Timestamp::now());
        let of_file =
            regime.snapshot.users.all().map(|known| (Arc::clone(&known.user.name), Person::of_file(known, now)));
        let mut everybody: People = of_file.collect();
        self.paces.each(&self.world.roster, Instant::now(), |session| {
            let facts = session.facts();
            let Some(Proof { identity: Identity::User(user), method }) = &facts.proof else { return };
            let person = everybody.entry_ref(&user.name).or_default();
            if person.listed.is_none() {
                person.proof = Some(*method);
                person.name = Arc::clone(&user.name);
                person.groups = Arc::clone(&user.groups);
            }
            let rate = session.pace.rates().map_or(0, |(up, down)| up + down);
            person.is_in(session, rate, is_masked);
        });
        everybody
    }

    /// What the users file says of how a user logs in: what the password is kept as, and until when that is.
    pub(crate) fn written_of(&self, user: &str) -> Option<Value> {
        let regime = self.world.regime();
        let known = regime.snapshot.users.find(user.as_bytes())?;
        let (algorithm, memory, passes) = known.kept_as();
        let password = json!({ "kept_as": algorithm, "memory_kib": memory, "passes": passes });
        Some(json!({ "password": password, "expires": known.expires() }))
    }

    /// Who is in which group, with the rules of each.
    pub(crate) fn groups(&self) -> Value {
        let mut groups = BTreeMap::<String, (Vec<String>, u64)>::new();
        for person in in_order(&self.everybody(true)) {
            for group in &*person.groups {
                let of_group = groups.entry(group.to_string()).or_default();
                of_group.0.push(person.name.to_string());
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
        let is_in = |group: &str| person.groups.iter().any(|name| **name == *group);
        let groups: usize = policy.groups.iter().filter(|it| is_in(&it.name)).map(|it| it.rules.len()).sum();
        json!({ "own": own, "groups": groups, "everybody": everybody })
    }

    /// The same with whoever was not let in, and with what the last day was for each.
    pub(crate) fn everybody_lately(&self, is_masked: bool, days: Option<&Days>) -> People {
        let mut everybody = self.everybody(is_masked);
        // Who logged in as nobody in particular is no user.
        for (name, day) in days.into_iter().flatten().filter(|(name, _)| *name != ANONYMOUS) {
            let person = match everybody.get_mut(&**name) {
                Some(person) => person,
                None => everybody.entry(name.as_str().into()).insert(Person::of_day(name, day)).into_mut(),
            };
            if person.latest.is_none() {
                person.latest = day.last.as_ref().map(|(at, source)| (*at, shown(source.as_deref(), is_masked).into()));
            }
            person.day = Some(Arc::clone(day));
        }
        if days.is_some() {
            let quiet = Arc::new(Day::default());
            for person in everybody.values_mut().filter(|person| person.day.is_none()) {
                person.day = Some(Arc::clone(&quiet));
            }
        }
        everybody
    }

    /// The last day of each user, if a history is kept.
    ///
    /// # Errors
    /// The history cannot be read in time.
    pub(crate) fn last_days(&self) -> Result<Option<Days>, No> {
        let since = (Timestamp::now() - SignedDuration::from_hours(24)).as_microsecond();
        self.past.as_ref().map(|past| past.days(since)).transpose()
    }

    /// The last day of one user, if a history is kept, and when the first and the last session was that it has.
    ///
    /// # Errors
    /// The history cannot be read in time.
    pub(crate) fn past_of(&self, user: &str) -> Result<Option<PastOfUser>, No> {
        let Some(past) = &self.past else { return Ok(None) };
        let since = (Timestamp::now() - SignedDuration::from_hours(24)).as_microsecond();
        let of_user = Filter { user: Some(user.to_owned()), ..Filter::default() };
        let sums = past.sums(&Filter { since: Some(since), ..of_user.clone() }, By::User, 1)?;
        let sum = sums.into_iter().next().unwrap_or_default();
        let Sum { of: _, sessions, bytes_sent: up, bytes_received: down, rejected: denied, failed } = sum;
        let order = Order { is_ascending: true, ..Order::default() };
        let first = past.page(&Filter { order, ..of_user.clone() }, 1)?.into_iter().next();
        Ok(Some(PastOfUser {
            day: Day { sessions, up, down, denied, failed, ..Day::default() },
            first: first.map(|row| row.start_time),
            last: past.page(&of_user, 1)?.first().and_then(|row| serde_json::to_value(row).ok()),
        }))
    }
}

/// Everybody by name.
pub(crate) fn in_order(people: &People) -> Vec<&Person> {
    let mut all: Vec<&Person> = people.values().collect();
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    all
}

/// The groups of a user as they are told.
pub(crate) fn group_names(groups: &[Arc<str>]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}

/// An address of the history for somebody who may see it whole or not.
fn shown(source: Option<&str>, is_masked: bool) -> String {
    let address = source.and_then(|source| source.parse::<IpAddr>().ok());
    address.map_or_else(|| "local".to_owned(), |it| if is_masked { masked(it) } else { it.to_string() })
}

/// A day as it is told.
pub(crate) fn told(day: &Day) -> Value {
    let Day { sessions, up, down, denied, failed, fails, last: _ } = day;
    json!({ "sessions": sessions, "up": up, "down": down, "denied": denied, "failed": failed, "fails": fails })
}

fn source(session: &Session, is_masked: bool) -> String {
    match session.origin() {
        Origin::Address(address) if is_masked => masked(address.ip()),
        Origin::Address(address) => address.ip().to_string(),
        Origin::Local => "local".to_owned(),
    }
}

/// What is said of a user, and nothing of what is not.
fn limits(portion: &Portion) -> Value {
    let bits = |rate: Option<u64>| rate.map(|rate| rate.saturating_mul(8));
    let bound = |bound: Option<Bound>| bound.map(|bound| bound.most().unwrap_or(0));
    let rate = |bound: Option<Bound<u64>>| bound.map(|it| it.most().unwrap_or(0));
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
