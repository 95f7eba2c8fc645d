//! The limits that a session would be under, by the functions that a session asks.

use std::fmt::Write as _;

use acl::{Bounds, Command, RuleId};
use limits::{Share, Terms};
use serde::Serialize;

use super::Book;
use super::trial::{Outcome, Trial};
use crate::state::limits::allowance::{Directions, EachWay};
use crate::state::limits::bandwidth::way::Direction;
use crate::state::limits::share::{Class, Client, Lot, bandwidth, claim, lifetimes, lifetimes_by};
use crate::state::limits::tuning::Tuning;
use crate::state::limits::{Claim, Key};
use crate::state::penalties::source::Source;
use crate::state::rules::Rules;
use crate::state::session::facts::{Identity, User};
use crate::state::snapshot::Snapshot;

/// What holds for one of those that a session counts for; what is not limited is left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Limit {
    /// Such as `user alice`.
    of: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
    #[serde(flatten)]
    rates: Rates,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_secs: Option<u64>,
}

/// Megabits a second: the same each way, or of each direction, or of both together.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Rates {
    #[serde(rename = "megabits_per_second", skip_serializing_if = "Option::is_none")]
    each_way: Option<f64>,
    #[serde(rename = "megabits_per_second_sent", skip_serializing_if = "Option::is_none")]
    sent: Option<f64>,
    #[serde(rename = "megabits_per_second_received", skip_serializing_if = "Option::is_none")]
    received: Option<f64>,
    #[serde(rename = "megabits_per_second_together", skip_serializing_if = "Option::is_none")]
    together: Option<f64>,
}

/// Those that would hold for this client, its own and then those of all; none are known of a rule file by itself.
pub(crate) fn of(book: &Book, trial: &Trial<'_>, outcome: &Outcome) -> Vec<Limit> {
    let Some(snapshot) = &book.snapshot else { return Vec::new() };
    let identity = identity(book, trial);
    let source = trial.source.map(|address| Source::around(address, snapshot.penalties.prefixes));
    let Claim { keys, spot } = claim(snapshot, source, &identity);
    let mut limits: Vec<Limit> = keys.into_iter().map(|(key, terms)| counted(&key, terms)).collect();
    limits.extend(spot.map(|spot| Limit { of: format!("user {}", spot.user), sources: spot.most, ..Limit::default() }));
    let directions = snapshot.allowance.bandwidth.directions;
    let rule = rule(trial, outcome);
    let set = book.rules.set();
    let bounds = rule.and_then(|rule| set.rule(rule).bounds.as_deref().copied()).unwrap_or_default();
    if let Some(rule) = rule {
        let sessions = bounds.at_once.filter(|most| *most > 0);
        limits.push(Limit { of: format!("rule {}", set.label(rule)), sessions, ..Limit::default() });
    }
    let client = Client { source, identity: &identity, rule: rule.map(|rule| set.identity(rule)) };
    for (class, shares) in shares(snapshot, client) {
        limits.push(Limit { of: class, rates: Rates::of(directions, shares), ..Limit::default() });
    }
    limits.push(times(snapshot, &identity, &bounds));
    limits.retain(Limit::says_something);
    limits
}

/// The rule that would let a connection in.
fn rule(trial: &Trial<'_>, outcome: &Outcome) -> Option<RuleId> {
    match trial.command {
        Command::Connect | Command::Bind => outcome.decision.rule().filter(|_| outcome.is_allowed),
        Command::UdpAssociate | Command::Resolve => None,
    }
}

fn identity(book: &Book, trial: &Trial<'_>) -> Identity {
    let Some(user) = trial.name() else { return Identity::Anonymous };
    let given = trial.groups.iter().map(|group| group.as_str().into());
    let groups = book.groups_of(user).into_iter().chain(given).collect();
    Identity::User(User { name: user.into(), groups })
}

fn counted(key: &Key, terms: Terms) -> Limit {
    let of = match key {
        Key::Source(source) => format!("source {source}"),
        Key::User(name) => format!("user {name}"),
        Key::Group(name) => format!("group {name}"),
        Key::Rule(rule) => format!("rule {rule}"),
    };
    let (new_per_second, burst) = terms.pace.map(|pace| (pace.per_sec(), pace.burst())).unzip();
    Limit { of, sessions: terms.at_once, new_per_second, burst, ..Limit::default() }
}

fn shares(snapshot: &Snapshot, client: Client<'_>) -> Vec<(String, EachWay<Share>)> {
    let Some(Lot { up, down }) = bandwidth(snapshot, &Tuning::default(), client) else { return Vec::new() };
    let rates = snapshot.allowance.bandwidth;
    let of_class = |((class, up), (_, down)): ((Class, Share), (Class, Share))| {
        let of = name(&class, &snapshot.rules);
        (of, EachWay { up, down })
    };
    let of_session = ("the session".to_owned(), EachWay { up: up.of_session, down: down.of_session });
    let all = EachWay { up: rates.all_in(Direction::Up), down: rates.all_in(Direction::Down) };
    let classes = up.classes.into_iter().zip(down.classes).map(of_class);
    classes.chain([of_session, ("everybody together".to_owned(), all)]).collect()
}

fn name(class: &Class, rules: &Rules) -> String {
    match class {
        Class::Group(name) => format!("group {name}"),
        Class::User(name, _) => format!("user {name}"),
        Class::Source(source) => format!("source {source}"),
        Class::Rule(rule, of) => {
            let rule = rules.bounded(*rule).map(|rule| rules.set().label(rule)).unwrap_or_default();
            format!("{}, by {rule}", name(of, rules))
        }
        Class::Session(..) => "the session".to_owned(),
    }
}

fn times(snapshot: &Snapshot, identity: &Identity, bounds: &Bounds) -> Limit {
    let of_user = lifetimes(snapshot, identity).unwrap_or(snapshot.lifetimes);
    let times = lifetimes_by(bounds, of_user).unwrap_or(of_user);
    Limit {
        of: "the session".to_owned(),
        max_age_secs: times.max_age.map(|time| time.as_secs()),
        idle_secs: times.idle.map(|time| time.as_secs()),
        ..Limit::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate in bytes a second is far below 2^53")]
fn megabits(share: Share) -> Option<f64> {
    share.ceiling.map(|bytes| bytes.get() as f64 * 8.0 / 1e6)
}

impl Rates {
    fn of(directions: Directions, shares: EachWay<Share>) -> Self {
        let EachWay { up, down } = shares.map(megabits);
        let none = Self::default();
        match directions {
            Directions::Together => Self { together: up, ..none },
            Directions::Separate if up == down => Self { each_way: up, ..none },
            Directions::Separate => Self { sent: up, received: down, ..none },
        }
    }

    fn words(&self) -> impl Iterator<Item = String> {
        let Self { each_way, sent, received, together } = self;
        let named = [
            (each_way, "each way"),
            (sent, "from the client"),
            (received, "to the client"),
            (together, "both ways together"),
        ];
        named.into_iter().filter_map(|(rate, way)| rate.map(|rate| format!("{rate} Mbit/s {way}")))
    }
}

impl Limit {
    fn says_something(&self) -> bool {
        let Self { of: _, sessions, sources, new_per_second, burst: _, rates, max_age_secs, idle_secs } = self;
        sessions.is_some()
            || sources.is_some()
            || new_per_second.is_some()
            || *rates != Rates::default()
            || max_age_secs.is_some()
            || idle_secs.is_some()
    }

    /// One line for people.
    pub(crate) fn words(&self) -> String {
        let mut words = format!("  {:<28}", self.of);
        let mut push = |text: String| write!(words, " {text};").expect("a string takes everything");
        self.sessions.into_iter().for_each(|most| push(format!("{most} sessions at once")));
        self.sources.into_iter().for_each(|most| push(format!("{most} sources at once")));
        if let (Some(rate), Some(burst)) = (self.new_per_second, self.burst) {
            push(format!("{rate} new ones a second, {burst} after a pause"));
        }
        self.rates.words().for_each(&mut push);
        self.max_age_secs.into_iter().for_each(|time| push(format!("{time} s in all")));
        self.idle_secs.into_iter().for_each(|time| push(format!("{time} s without a byte")));
        words.trim_end_matches(';').to_owned()
    }
}
