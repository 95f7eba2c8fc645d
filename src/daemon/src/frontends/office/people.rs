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
use crate::state::session::facts::{AuthMethod, Identity, Origin, Proof};
use crate::state::session::ticket::Session;
use crate::state::users::Known;

/// Users, in the order of their names.
pub(crate) type People = Vec<Arc<Person>>;

/// Everybody at one moment: those who are known, and in their places those who are in.
#[derive(Debug)]
pub(crate) struct Everybody {
    known: Arc<People>,
    /// In the order of their names.
    present: Vec<Present>,
}

#[derive(Debug)]
struct Present {
    person: Arc<Person>,
    /// Where among the known: in the place of that one, or before it.
    place: usize,
    is_known: bool,
}

/// One user, of the users file or only in sessions. There may be fifty thousand, of whom each look makes anew those who are in.
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

    pub(super) fn of_file(known: &Known, now: Timestamp) -> Self {
        Self {
            name: Arc::clone(&known.user.name),
            listed: Some(known.is_usable(now)),
            groups: Arc::clone(&known.user.groups),
            portion: known.portion(),
            ..Self::default()
        }
    }

    /// Somebody who is not here; if nobody got in by the name, it was only said.
    pub(super) fn of_day(name: &str, day: &Day) -> Self {
        Self { name: name.into(), is_unknown: day.sessions == 0, ..Self::default() }
    }

    /// What the last day was; nobody who is here has been seen later.
    pub(super) fn had(&mut self, day: &Arc<Day>, is_masked: bool) {
        self.latest = day.last.as_ref().map(|(at, source)| (*at, shown(source.as_deref(), is_masked).into()));
        self.day = Some(Arc::clone(day));
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

impl Everybody {
    fn of(known: Arc<People>, present: impl Iterator<Item = Person>) -> Self {
        let placed = |person: Person| {
            let found = place(&known, &person.name);
            Present { person: Arc::new(person), is_known: found.is_ok(), place: found.unwrap_or_else(|before| before) }
        };
        let mut present: Vec<Present> = present.map(placed).collect();
        present.sort_unstable_by(|one, other| one.person.name.cmp(&other.person.name));
        Self { known, present }
    }

    /// In the order of their names, each with the number by which this finds them again.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Arc<Person>)> {
        let known = |place: usize| (place, &self.known[place]);
        let mut behind = 0;
        let pieces = self.present.iter().zip(self.known.len()..).flat_map(move |(present, number)| {
            let before = behind..present.place;
            behind = present.behind();
            before.map(known).chain([(number, &present.person)])
        });
        let rest = self.present.last().map_or(0, Present::behind)..self.known.len();
        pieces.chain(rest.map(known))
    }

    /// The one of this number.
    pub(crate) fn get(&self, number: usize) -> Option<&Arc<Person>> {
        let present = || self.present.get(number - self.known.len()).map(|present| &present.person);
        self.known.get(number).or_else(present)
    }

    /// The one of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Person>> {
        match self.present.binary_search_by(|present| (*present.person.name).cmp(name)) {
            Ok(place) => Some(&self.present[place].person),
            Err(_) => find(&self.known, name),
        }
    }
}

impl Present {
    /// The place of the next one who is known.
    fn behind(&self) -> usize {
        self.place + usize::from(self.is_known)
    }
}

impl Office {
    /// Everybody, with what they have now and, if the days are known, with what the last one was for each; those whom PAM knows
    /// only as far as they are in.
    pub(crate) fn everybody(&self, is_masked: bool, days: Option<&Arc<Days>>) -> Everybody {
        let mut present: HashMap<Arc<str>, Person, RandomState> = HashMap::default();
        let known = self.known(is_masked, days);
        let quiet = days.map(|_| Arc::default());
        self.paces.each(&self.world.roster, Instant::now(), |session| {
            let facts = session.facts();
            let Some(Proof { identity: Identity::User(user), method }) = &facts.proof else { return };
            let person = present.entry_ref(&user.name).or_insert_with(|| {
                let person = find(&known, &user.name).map(|known| Person { latest: None, ..Person::clone(known) });
                person.unwrap_or_else(|| Person {
                    name: Arc::clone(&user.name),
                    day: quiet.clone(),
                    ..Person::default()
                })
            });
            if person.listed.is_none() {
                person.is_unknown = false;
                person.proof = Some(*method);
                person.groups = Arc::clone(&user.groups);
            }
            let rate = session.pace.rates().map_or(0, |(up, down)| up + down);
            person.is_in(session, rate, is_masked);
        });
        Everybody::of(known, present.into_values())
    }

    /// What the users file says of how a user logs in: what the password is kept as, and until when that is.
    pub(crate) fn written_of(&self, user: &str) -> Option<Value> {
        let regime = self.world.regime();
        let known = regime.snapshot.users.find(user.as_bytes())?;
        let (algorithm, memory, passes) = known.kept_as();
        let password = json!({ "kept_as": algorithm, "memory_kib": memory, "passes": passes });
        Some(json!({ "password": password, "expires": known.expires() }))
    }

    /// Whether a user may log in, if the users file has them.
    pub(super) fn may_log_in(&self, user: &str) -> Option<bool> {
        let regime = self.world.regime();
        Some(regime.snapshot.users.find(user.as_bytes())?.is_usable(Timestamp::now()))
    }

    /// Who is in which group, with the rules of each.
    pub(crate) fn groups(&self) -> Value {
        let mut groups = BTreeMap::<String, (Vec<String>, u64)>::new();
        for (_, person) in self.everybody(true, None).numbered() {
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

    /// The last day of each user, if a history is kept.
    ///
    /// # Errors
    /// The history cannot be read in time.
    pub(crate) fn last_days(&self) -> Result<Option<Arc<Days>>, No> {
        let since = (Timestamp::now() - SignedDuration::from_hours(24)).as_microsecond();
        self.past.as_ref().map(|past| past.days(since).map(Arc::new)).transpose()
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

/// The one of this name.
fn find<'p>(people: &'p People, name: &str) -> Option<&'p Arc<Person>> {
    place(people, name).ok().map(|place| &people[place])
}

/// Where the one of this name is, or would be.
fn place(people: &[Arc<Person>], name: &str) -> Result<usize, usize> {
    people.binary_search_by(|person| (*person.name).cmp(name))
}

/// The groups of a user as they are told.
pub(crate) fn group_names(groups: &[Arc<str>]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}

/// An address of the history for somebody who may see it whole or not.
fn shown(source: Option<&str>, is_masked: bool) -> String {
    let address = source.and_then(|source| source.parse::<IpAddr>().ok());
    address.map_or_else(|| Origin::LOCAL.to_owned(), |it| if is_masked { masked(it) } else { it.to_string() })
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
        Origin::Local => Origin::LOCAL.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_in_stands_in_the_place_of_the_name() {
        let person = |name: &str, sessions| Person { name: name.into(), sessions, ..Person::default() };
        let known = ["alice", "carol", "eve"].map(|name| Arc::new(person(name, 0)));
        let present = [("frank", 1), ("carol", 2), ("bob", 3), ("adam", 4)];
        let everybody =
            Everybody::of(Arc::new(known.into()), present.into_iter().map(|(name, sessions)| person(name, sessions)));
        let shown: Vec<_> = everybody.numbered().map(|(_, person)| (&*person.name, person.sessions)).collect();
        assert_eq!(shown, [("adam", 4), ("alice", 0), ("bob", 3), ("carol", 2), ("eve", 0), ("frank", 1)]);
        for (number, person) in everybody.numbered() {
            assert!(everybody.get(number).is_some_and(|found| Arc::ptr_eq(found, person)));
            assert!(everybody.find(&person.name).is_some_and(|found| Arc::ptr_eq(found, person)));
        }
        assert!(everybody.find("dave").is_none());
    }
}
