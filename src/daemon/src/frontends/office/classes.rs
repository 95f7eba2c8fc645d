//! Who has which part of the bandwidth, and who waits for it.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;
use limits::{HeldBy, Share};
use serde_json::{Value, json};

use super::Office;
use super::census::Census;
use super::limits::target;
use super::sight::masked;
use crate::state::limits::bandwidth::Standing;
use crate::state::limits::bandwidth::way::Direction;
use crate::state::limits::quotas::concession::What;
use crate::state::limits::share::{Class, Client, Lot, bandwidth};
use crate::state::limits::tuning::Tuning;
use crate::state::penalties::source::Source;
use crate::state::rules::Rules;
use crate::state::snapshot::Snapshot;
use crate::state::users::Known;

/// A class as it is now; rates are bytes a second, and nothing is no limit.
#[derive(Debug, Clone)]
pub(crate) struct ClassNow {
    /// What tells it from all others, with whole addresses: not to be shown to those who may not see them.
    pub(crate) whole_name: String,
    /// `global`, `group/staff`, `user/alice`, a source that nobody logged in from, what a rule lets one of these have, or `session`.
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
    /// Bytes that those have carried who are in, likewise.
    carried: (u64, u64),
    pub(crate) sessions: u64,
    /// Sessions that wait.
    pub(crate) waiting: u64,
    /// Sessions that it may have at once.
    pub(crate) most_sessions: Option<u64>,
    /// Who came and was turned away since the first of those came who are in.
    pub(crate) refused: u64,
    /// Where its limit comes from, if it has one: users, config, rule, override or quota.
    pub(crate) origin: Option<&'static str>,
    /// Seconds that an override of an operator's holds on.
    pub(crate) override_left: Option<u64>,
    /// What of 100 of a quota of its own is used up, of several the one furthest.
    pub(crate) quota: Option<u64>,
    /// What of 100 may pass at once.
    pub(crate) bucket: Option<u8>,
    /// Hundredths of the last minute in which somebody of it was held back.
    pub(crate) throttled: u32,
    /// Milliseconds that all but a twentieth of the waits of the last minute took at most.
    pub(crate) wait: Option<u64>,
    /// What held back the last of them: its own ceiling, its parent's, what its siblings want, or a ceiling below it.
    pub(crate) held_by: Option<&'static str>,
}

impl ClassNow {
    /// How much of its ceiling is used, out of 100; nothing without one.
    pub(crate) fn percent(&self) -> Option<u64> {
        let part = |using: u64, ceiling: Option<u64>| Some(using.saturating_mul(100) / ceiling?.max(1));
        let [up, down] = self.ceiling;
        part(self.using.0, up).max(part(self.using.1, down))
    }

    /// Bytes in both directions.
    pub(crate) fn carried(&self) -> u64 {
        self.carried.0 + self.carried.1
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
        let Self { using, carried, sessions, waiting, most_sessions, origin, override_left, .. } = self;
        let Self { refused, quota, bucket, throttled, wait, held_by, .. } = self;
        json!({
            "name": name, "parent": parent, "kind": kind, "ceiling_up": ceiling[0], "ceiling_down": ceiling[1],
            "guaranteed": guaranteed, "burst": burst, "priority": priority, "using_up": using.0, "using_down": using.1,
            "pct": self.percent(), "sessions": sessions, "most_sessions": most_sessions, "waiting": waiting, "origin": origin,
            "override_left_s": override_left, "bytes_up": carried.0, "bytes_down": carried.1, "bucket_pct": bucket,
            "throttled_pct": throttled, "wait_p95_ms": wait, "held_by": held_by, "refused": refused, "quota_pct": quota,
        })
    }
}

impl Office {
    /// Every class, those first who were held back longest within the last minute, then the fullest.
    pub(crate) fn classes(&self, is_masked: bool) -> Vec<ClassNow> {
        let (regime, tuning) = (self.world.regime(), self.world.quotas.tuning());
        let snapshot = &regime.snapshot;
        let census = self.census(snapshot, &tuning);
        let look = Look {
            most: self.world.seats.bound(),
            overrides: self.overrides_left(),
            quotas: self.quotas_used(),
            turned_away: self.world.quotas.refused(),
            snapshot,
            tuning: &tuning,
            census: &census,
            is_masked,
        };
        let mut standings = self.world.bandwidth.classes();
        let alone = standings.iter().filter(|it| matches!(it.class, Some(Class::Session(..))) && it.waits_alone());
        let session = look.of_session(self.world.bandwidth.held_alone() + alone.count());
        let there: HashSet<Option<String>> = standings.iter().map(|standing| look.whole_name(standing)).collect();
        let others = census.present().map(|class| Standing { class: Some(class), ..Standing::default() });
        standings.extend(others.filter(|it| !there.contains(&look.whole_name(it)) && look.is_limited_otherwise(it)));
        let mut classes: Vec<ClassNow> =
            standings.iter().filter_map(|standing| look.class(standing)).chain(session).collect();
        classes.sort_by(|one, other| {
            let pressure = |it: &ClassNow| (it.throttled, it.waiting, it.percent());
            pressure(other).cmp(&pressure(one)).then_with(|| one.name.cmp(&other.name))
        });
        classes
    }

    /// Seconds that overrides of operators hold on, by the class that they are of; of several the first.
    fn overrides_left(&self) -> HashMap<String, u64> {
        let now = Timestamp::now();
        let mut left = HashMap::new();
        for it in self.world.quotas.concessions() {
            if matches!(it.what, What::Override { .. }) && it.is_valid(now) {
                let seconds = u64::try_from(it.until.duration_since(now).as_secs()).unwrap_or(0);
                left.entry(target(&it.to)).or_insert(seconds);
            }
        }
        left
    }

    /// Of the quota that is used up furthest, how much of 100 is, by the class that it is of.
    fn quotas_used(&self) -> HashMap<String, u64> {
        let mut used = HashMap::new();
        for standing in self.world.quotas.standings().iter().filter(|standing| standing.most > 0) {
            let class = standing.whose.as_ref().map_or_else(|| "global".to_owned(), target);
            let percent: &mut u64 = used.entry(class).or_default();
            *percent = (*percent).max(standing.used.saturating_mul(100) / standing.most);
        }
        used
    }
}

/// What classes are told from.
struct Look<'a> {
    /// Sessions of everybody at once.
    most: usize,
    overrides: HashMap<String, u64>,
    quotas: HashMap<String, u64>,
    /// By quotas.
    turned_away: HashMap<Arc<str>, u64>,
    snapshot: &'a Snapshot,
    tuning: &'a Tuning,
    census: &'a Census,
    is_masked: bool,
}

impl Look<'_> {
    /// Nothing of what is no class that is shown.
    fn class(&self, standing: &Standing) -> Option<ClassNow> {
        let name = |class: &Class| named(class, &self.snapshot.rules, self.is_masked);
        let class = standing.class.as_ref();
        let (kind, own_name) = class.map_or_else(|| Some(("global", "global".to_owned())), name)?;
        let above = || standing.parent.as_ref().and_then(name).map_or_else(|| "global".to_owned(), |(_, name)| name);
        let whole_name = self.whole_name(standing)?;
        let sum = self.census.of(class, self.snapshot);
        let number = class.map(|class| self.census.number(class)).unwrap_or_default();
        let most = if class.is_none() { u64::try_from(self.most).ok() } else { number.most.map(u64::from) };
        let turned_away = match class {
            Some(Class::User(name, _)) => self.turned_away.get(name).copied().unwrap_or(0),
            Some(Class::Group(_) | Class::Source(_) | Class::Rule(..) | Class::Session(..)) | None => 0,
        };
        Some(ClassNow {
            parent: class.map(|_| above()),
            origin: self.origin(standing),
            override_left: self.overrides.get(&whole_name).copied(),
            quota: self.quotas.get(&whole_name).copied(),
            most_sessions: most,
            refused: number.refused + turned_away,
            ceiling: [standing.up, standing.down].map(|share| share.ceiling.map(NonZeroU64::get)),
            guaranteed: standing.up.guaranteed,
            burst: standing.up.burst.map(NonZeroU64::get),
            priority: standing.up.priority,
            using: sum.rates,
            carried: sum.carried,
            sessions: sum.sessions,
            waiting: standing.waiting as u64,
            bucket: standing.filled,
            throttled: standing.lately.held.div_ceil(10_000),
            wait: standing.lately.wait.map(|nanos| nanos.div_ceil(1_000_000)),
            held_by: standing.held_by.map(held_by),
            name: own_name,
            whole_name,
            kind,
        })
    }

    /// What each session may have, if there is a limit for each; in use is what the fastest one has.
    fn of_session(&self, waiting: usize) -> Option<ClassNow> {
        let rates = self.snapshot.allowance.bandwidth;
        if !rates.of_session.is_limited() {
            return None;
        }
        let share = [Direction::Up, Direction::Down].map(|way| rates.in_force(rates.of_session, way));
        Some(ClassNow {
            whole_name: "session".to_owned(),
            name: "session".to_owned(),
            parent: Some("global".to_owned()),
            kind: "session",
            ceiling: share.map(|share| share.ceiling.map(NonZeroU64::get)),
            guaranteed: 0,
            burst: share[0].burst.map(NonZeroU64::get),
            priority: 0,
            using: self.census.fastest,
            carried: self.census.all.carried,
            sessions: self.census.all.sessions,
            most_sessions: None,
            waiting: waiting as u64,
            origin: Some("config"),
            override_left: None,
            quota: None,
            refused: 0,
            bucket: None,
            throttled: 0,
            wait: None,
            held_by: Some(held_by(HeldBy::Own)).filter(|_| waiting > 0),
        })
    }

    fn whole_name(&self, standing: &Standing) -> Option<String> {
        let named = |class| named(class, &self.snapshot.rules, false).map(|(_, name)| name);
        standing.class.as_ref().map_or_else(|| Some("global".to_owned()), named)
    }

    /// Whether a number of sessions or a quota limits a class.
    fn is_limited_otherwise(&self, standing: &Standing) -> bool {
        let has_number = standing.class.as_ref().is_some_and(|class| self.census.number(class).most.is_some());
        has_number || self.whole_name(standing).is_some_and(|name| self.quotas.contains_key(&name))
    }

    /// Who says what its limit is: of its bandwidth, else of its sessions or of what it may carry.
    fn origin(&self, standing: &Standing) -> Option<&'static str> {
        let class = standing.class.as_ref();
        let is_limited = standing.up.ceiling.is_some() || standing.down.ceiling.is_some();
        let portion = match class {
            Some(Class::User(name, _)) => self.snapshot.users.find(name.as_bytes()).map(Known::portion),
            Some(Class::Group(_) | Class::Source(_) | Class::Rule(..) | Class::Session(..)) | None => None,
        };
        let portion = portion.unwrap_or_default();
        if let Some(cause) = class.and_then(|class| self.tuning.cause(class)) {
            return Some(cause);
        }
        if is_limited {
            let is_of_file = portion.up.is_some() || portion.down.is_some();
            let is_of_rule = matches!(class, Some(Class::Rule(..)));
            return Some(if is_of_rule {
                "rule"
            } else if is_of_file {
                "users"
            } else {
                "config"
            });
        }
        let class = class.filter(|class| matches!(class, Class::User(..) | Class::Group(_)))?;
        match () {
            () if self.tuning.has_number_of(class) => Some("override"),
            () if portion.at_once.is_some() => Some("users"),
            () => self.is_limited_otherwise(standing).then_some("config"),
        }
    }
}

fn held_by(it: HeldBy) -> &'static str {
    match it {
        HeldBy::Own => "own",
        HeldBy::Parent => "parent",
        HeldBy::Siblings => "siblings",
        HeldBy::Below => "below",
    }
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
pub(super) fn named(class: &Class, rules: &Rules, is_masked: bool) -> Option<(&'static str, String)> {
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
