//! Who has which part of the bandwidth, and who waits for it.

use std::collections::HashMap;
use std::time::Instant;

use jiff::Timestamp;
use limits::Share;
use serde_json::{Value, json};

use super::Office;
use super::sight::masked;
use crate::state::limits::Key;
use crate::state::limits::bandwidth::Standing;
use crate::state::limits::quotas::concession::{Grantee, What};
use crate::state::limits::share::{Class, Client, Lot, bandwidth, claim};
use crate::state::limits::tuning::Tuning;
use crate::state::penalties::source::Source;
use crate::state::rules::Rules;
use crate::state::session::facts::Identity;
use crate::state::snapshot::Snapshot;
use crate::state::users::Known;

/// A class as it is now; rates are bytes a second, and nothing is no limit.
#[derive(Debug, Clone)]
pub(crate) struct ClassNow {
    /// What tells it from all others, with whole addresses: not to be shown to those who may not see them.
    pub(crate) whole_name: String,
    /// `global`, `group/staff`, `user/alice`, a source that nobody logged in from, or what a rule lets one of these have.
    pub(crate) name: String,
    /// The class above.
    pub(crate) parent: Option<String>,
    pub(crate) kind: &'static str,
    ceiling: [Option<u64>; 2],
    guaranteed: u64,
    burst: Option<u64>,
    priority: u8,
    /// From the client and to it.
    using: (u64, u64),
    pub(crate) sessions: u64,
    /// Sessions that wait.
    pub(crate) waiting: u64,
    /// Sessions that it may have at once, where that is known: of users of the users file.
    pub(crate) most_sessions: Option<u64>,
    /// Where its limit comes from, if it has one: users, config, rule, override or quota.
    pub(crate) origin: Option<&'static str>,
    /// Seconds that an override of an operator's holds on.
    pub(crate) override_left: Option<u64>,
}

/// What sessions move, by whom they are of.
#[derive(Debug, Default)]
struct Moved {
    of_users: HashMap<String, (u64, u64, u64)>,
    of_sources: HashMap<Source, (u64, u64, u64)>,
    /// By the rule that let them in, and whose they are.
    of_rules: HashMap<(::acl::Identity, String), (u64, u64, u64)>,
    all: (u64, u64, u64),
}

impl ClassNow {
    /// How much of its ceiling is used, out of 100; nothing without one.
    pub(crate) fn percent(&self) -> Option<u64> {
        let part = |using: u64, ceiling: Option<u64>| Some(using.saturating_mul(100) / ceiling?.max(1));
        let [up, down] = self.ceiling;
        part(self.using.0, up).max(part(self.using.1, down))
    }

    pub(crate) fn using(&self) -> u64 {
        self.using.0 + self.using.1
    }

    /// Bytes a second that it has in any case.
    pub(crate) fn guaranteed(&self) -> Option<u64> {
        Some(self.guaranteed).filter(|rate| *rate > 0)
    }

    pub(crate) fn burst(&self) -> Option<u64> {
        self.burst
    }

    /// The lower ceiling of both directions.
    pub(crate) fn ceiling(&self) -> Option<u64> {
        self.ceiling.into_iter().flatten().min()
    }

    pub(crate) fn json(&self) -> Value {
        let Self { whole_name: _, name, parent, kind, ceiling, guaranteed, burst, priority, .. } = self;
        let Self { using, sessions, waiting, most_sessions, origin, override_left, .. } = self;
        json!({
            "name": name, "parent": parent, "kind": kind, "ceiling_up": ceiling[0], "ceiling_down": ceiling[1],
            "guaranteed": guaranteed, "burst": burst, "priority": priority, "using_up": using.0, "using_down": using.1,
            "pct": self.percent(), "sessions": sessions, "most_sessions": most_sessions, "waiting": waiting, "origin": origin,
            "override_left_s": override_left,
        })
    }
}

impl Office {
    /// Every class, those that somebody waits in first, then the fullest.
    pub(crate) fn classes(&self, is_masked: bool) -> Vec<ClassNow> {
        let (standings, moved) = (self.world.bandwidth.classes(), self.moved());
        let regime = self.world.regime();
        let rules = &regime.snapshot.rules;
        let name = |class: &Class| named(class, rules, is_masked);
        let (overrides, of_groups) = (self.overrides_left(), moved.of_groups(&standings));
        let tuning = self.world.quotas.tuning();
        let mut classes: Vec<ClassNow> = Vec::new();
        for standing in &standings {
            let Some((kind, own_name)) = standing.class.as_ref().map_or(Some(("global", "global".to_owned())), name)
            else {
                continue;
            };
            let whole = standing.class.as_ref().and_then(|class| named(class, rules, false));
            let ceiling = [standing.up, standing.down].map(|share| share.ceiling.map(std::num::NonZeroU64::get));
            let (up, down, sessions) = match &standing.class {
                None => moved.all,
                Some(Class::User(user, _)) => moved.of_users.get(&**user).copied().unwrap_or_default(),
                Some(Class::Source(source)) => moved.of_sources.get(source).copied().unwrap_or_default(),
                Some(Class::Group(group)) => of_groups.get(&**group).copied().unwrap_or_default(),
                Some(Class::Rule(rule, of)) => {
                    let of = named(of, rules, false).map(|(_, name)| name).unwrap_or_default();
                    moved.of_rules.get(&(*rule, of)).copied().unwrap_or_default()
                }
                Some(Class::Session(..)) => continue,
            };
            classes.push(ClassNow {
                parent: standing.class.as_ref().map(|_| {
                    standing.parent.as_ref().and_then(name).map_or_else(|| "global".to_owned(), |(_, name)| name)
                }),
                most_sessions: standing
                    .class
                    .as_ref()
                    .and_then(|class| most_sessions(&regime.snapshot, &tuning, class)),
                origin: origin(&regime.snapshot, &tuning, standing),
                override_left: overrides.get(&own_name).copied(),
                whole_name: whole.map_or_else(|| own_name.clone(), |(_, name)| name),
                name: own_name,
                kind,
                ceiling,
                guaranteed: standing.up.guaranteed,
                burst: standing.up.burst.map(std::num::NonZeroU64::get),
                priority: standing.up.priority,
                using: (up, down),
                sessions,
                waiting: standing.waiting as u64,
            });
        }
        classes.sort_by(|one, other| {
            let pressure = |it: &ClassNow| (it.waiting, it.percent());
            pressure(other).cmp(&pressure(one)).then_with(|| one.name.cmp(&other.name))
        });
        classes
    }

    fn moved(&self) -> Moved {
        let rates = self.paces.rates(&self.world.roster, Instant::now());
        let mut moved = Moved::default();
        self.world.roster.each(|session| {
            let (up, down) = rates.of(session.number).unwrap_or_default();
            let add = |sum: &mut (u64, u64, u64)| *sum = (sum.0 + up, sum.1 + down, sum.2 + 1);
            add(&mut moved.all);
            let facts = session.facts();
            let whose = match facts.proof.as_ref().map(|proof| &proof.identity) {
                Some(Identity::User(user)) => {
                    add(moved.of_users.entry(user.name.to_string()).or_default());
                    format!("user/{}", user.name)
                }
                Some(Identity::Anonymous) => {
                    let source = session.caller().map_or(Source::Local, |caller| caller.source);
                    add(moved.of_sources.entry(source).or_default());
                    source.to_string()
                }
                None => return,
            };
            if let Some(rule) = session.credit.rule() {
                add(moved.of_rules.entry((rule, whose)).or_default());
            }
        });
        moved
    }

    /// Seconds that overrides of operators hold on, by the class that they are of; of several the first.
    fn overrides_left(&self) -> HashMap<String, u64> {
        let now = Timestamp::now();
        let mut left = HashMap::new();
        for it in self.world.quotas.concessions() {
            if matches!(it.what, What::Override { .. }) && it.is_valid(now) {
                let class = match &it.to {
                    Grantee::User(name) => format!("user/{name}"),
                    Grantee::Group(name) => format!("group/{name}"),
                };
                let seconds = u64::try_from(it.until.duration_since(now).as_secs()).unwrap_or(0);
                left.entry(class).or_insert(seconds);
            }
        }
        left
    }
}

impl Moved {
    /// What the users below each group move together.
    fn of_groups<'a>(&self, standings: &'a [Standing]) -> HashMap<&'a str, (u64, u64, u64)> {
        let mut sums: HashMap<&str, (u64, u64, u64)> = HashMap::new();
        for standing in standings {
            if let Some(Class::User(user, Some(group))) = &standing.class
                && let Some(one) = self.of_users.get(&**user)
            {
                let sum = sums.entry(group).or_default();
                *sum = (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2);
            }
        }
        sums
    }
}

/// Of a user of the users file, with what holds for a while.
fn most_sessions(snapshot: &Snapshot, tuning: &Tuning, class: &Class) -> Option<u64> {
    let Class::User(name, _) = class else { return None };
    let known = snapshot.users.find(name.as_bytes())?;
    let mut keys = claim(snapshot, None, &Identity::User(known.user.clone())).keys;
    tuning.count(&mut keys);
    let own = keys.into_iter().find(|(key, _)| matches!(key, Key::User(user) if user == name));
    own.and_then(|(_, terms)| terms.at_once).map(u64::from)
}

/// Who says what its limit is.
fn origin(snapshot: &Snapshot, tuning: &Tuning, standing: &Standing) -> Option<&'static str> {
    let written = match &standing.class {
        Some(Class::User(name, _)) => {
            let portion = snapshot.users.find(name.as_bytes()).map(Known::portion).unwrap_or_default();
            let is_of_file = portion.up.is_some() || portion.down.is_some();
            if is_of_file { "users" } else { "config" }
        }
        Some(Class::Rule(..)) => "rule",
        Some(Class::Group(_) | Class::Source(_) | Class::Session(..)) | None => "config",
    };
    let is_limited = standing.up.ceiling.is_some() || standing.down.ceiling.is_some();
    standing.class.as_ref().and_then(|class| tuning.cause(class)).or_else(|| is_limited.then_some(written))
}

/// The names of the classes that limit what a client carries, the outermost first.
pub(crate) fn limiting((snapshot, tuning): (&Snapshot, &Tuning), client: Client<'_>, is_masked: bool) -> Vec<String> {
    let Some(Lot { up, down }) = bandwidth(snapshot, tuning, client) else { return Vec::new() };
    let all = snapshot.allowance.bandwidth.all.is_limited().then(|| "global".to_owned());
    let is_limited =
        |((_, up), (_, down)): &(&(Class, Share), &(Class, Share))| up.ceiling.is_some() || down.ceiling.is_some();
    let limited = up.classes.iter().zip(&down.classes).filter(is_limited);
    let names = limited.filter_map(|((class, _), _)| Some(named(class, &snapshot.rules, is_masked)?.1));
    all.into_iter().chain(names).collect()
}

/// The kind of a class and its name; sessions are none of their own.
fn named(class: &Class, rules: &Rules, is_masked: bool) -> Option<(&'static str, String)> {
    match class {
        Class::Group(name) => Some(("group", format!("group/{name}"))),
        Class::User(name, _) => Some(("user", format!("user/{name}"))),
        Class::Source(Source::Network(network)) if is_masked => Some(("source", masked(network.addr()))),
        Class::Source(source) => Some(("source", source.to_string())),
        Class::Rule(rule, of) => {
            let label = rules.bounded(*rule).map(|rule| rules.set().label(rule))?;
            named(of, rules, is_masked).map(|(_, of)| ("rule", format!("{of} by {label}")))
        }
        Class::Session(..) => None,
    }
}
