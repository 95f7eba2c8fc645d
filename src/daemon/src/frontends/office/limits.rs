//! How far quotas are used up, and what operators let somebody have for a while.

use jiff::Timestamp;
use limits::quota::calendar::Span;
use serde::{Deserialize, Serialize};

use super::moment::moment;
use super::record::Order;
use super::{Caller, No, Office};
use crate::engine::concessions;
use crate::state::limits::quotas::books::Standing;
use crate::state::limits::quotas::concession::{Concession, Grantee, What};
use crate::state::limits::quotas::quota::Quota;

/// As many hold at once.
const MOST: usize = 1_000;

/// Characters of a reason.
const LONGEST_REASON: usize = 1_000;

/// Bytes of a name.
const LONGEST_NAME: usize = 255;

/// The largest grant: a petabyte.
const MOST_BYTES: u64 = 1_000_000_000_000_000;

const MOST_CONNECTIONS: u32 = 1_000_000;

/// More of a quota.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    /// `user/alice` or `group/staff`.
    target: String,
    bytes: u64,
    /// All that the target has, if it is not said.
    quota: Option<String>,
    until: String,
    reason: Option<String>,
    /// The client's own name for the order.
    #[serde(skip)]
    pub(crate) idem: Option<String>,
}

/// Another rate, or another number of sessions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Override {
    target: String,
    bandwidth_limit_mbps: Option<f64>,
    max_connections: Option<u32>,
    until: String,
    reason: Option<String>,
    #[serde(skip)]
    pub(crate) idem: Option<String>,
}

/// Back to what is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    target: String,
    /// Only this one.
    id: Option<String>,
    #[serde(skip)]
    pub(crate) idem: Option<String>,
}

/// Until when something is conceded, and what is written down with it.
struct Occasion {
    until: String,
    reason: Option<String>,
    idem: Option<String>,
}

/// The nearest to its end first.
#[derive(Debug, Serialize)]
pub(crate) struct Quotas {
    quotas: Vec<Consumption>,
}

/// One quota of one user, or of those who share it.
#[derive(Debug, Serialize)]
struct Consumption {
    quota: String,
    /// Nothing where everybody who logs in shares it.
    target: Option<String>,
    used_bytes: u64,
    /// With what was granted; nothing is no limit.
    quota_bytes: Option<u64>,
    spent: bool,
    begins: Timestamp,
    ends: Timestamp,
}

#[derive(Debug, Serialize)]
pub(crate) struct Conceded {
    concessions: Vec<Shown>,
}

/// One concession, as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// No two that are remembered have the same.
    id: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth_limit_mbps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<u32>,
    until: Timestamp,
    reason: String,
    by: String,
    /// Whether a start knows it.
    kept: bool,
}

/// How many concessions are void now.
#[derive(Debug, Serialize)]
pub(crate) struct Voided {
    target: String,
    voided: usize,
}

impl Office {
    pub(super) fn quotas(&self, user: Option<&str>, limit: usize) -> Quotas {
        let mut standings = self.world.quotas.standings();
        if let Some(user) = user {
            standings.retain(|standing| matches!(&standing.whose, Some(Grantee::User(name)) if **name == *user));
        }
        let left = |standing: &Standing| match standing.most {
            0 => u64::MAX,
            most => most.saturating_sub(standing.used),
        };
        standings.sort_by(|one, other| left(one).cmp(&left(other)).then_with(|| one.quota.cmp(&other.quota)));
        Quotas { quotas: standings.into_iter().take(limit).map(Consumption::of).collect() }
    }

    pub(super) fn concessions(&self) -> Conceded {
        Conceded { concessions: self.valid().map(|concession| self.shown(concession)).collect() }
    }

    /// What `user/NAME` or `group/NAME` has: a user's groups are others.
    pub(crate) fn conceded_to(&self, name: &str) -> Vec<Shown> {
        let theirs = self.valid().filter(|concession| target(&concession.to) == name);
        theirs.map(|concession| self.shown(concession)).collect()
    }

    fn valid(&self) -> impl Iterator<Item = Concession> {
        let now = Timestamp::now();
        self.world.quotas.concessions().into_iter().filter(move |concession| concession.is_valid(now))
    }

    /// # Errors
    /// Something that cannot be granted, or cannot be kept.
    pub(super) fn grant(&self, caller: &Caller, order: Grant) -> Result<Shown, No> {
        let Grant { target, bytes, quota, until, reason, idem } = order;
        if !(1..=MOST_BYTES).contains(&bytes) {
            return Err(No::Invalid(format!("bytes: 1 to {MOST_BYTES}")));
        }
        self.can_grant(&target, quota.as_deref())?;
        let what = What::Grant { bytes, quota: quota.map(Into::into) };
        self.concede(caller, (&target, what), Occasion { until, reason, idem })
    }

    /// Refuses what could be granted and would add to nothing.
    fn can_grant(&self, target: &str, quota: Option<&str>) -> Result<(), No> {
        let to = grantee(target)?;
        let wanted = quota.map(|name| {
            let found = self.world.quotas.find(name);
            found.ok_or_else(|| No::Invalid(format!("there is no quota {name:?}")))
        });
        let (wanted, held) = (wanted.transpose()?, self.world.quotas.held_by(&to));
        if wanted.as_ref().map_or(!held.is_empty(), |quota| held.contains(&quota.name)) {
            return Ok(());
        }
        let has = if held.is_empty() { "no quota".to_owned() } else { held.join(", ") };
        let instead = match (&wanted, &to) {
            (Some(Quota { is_shared: true, group: Some(group), .. }), _) => {
                format!("name group/{group}, which shares it")
            }
            (Some(Quota { is_shared: true, group: None, .. }), _) => "everybody shares it".to_owned(),
            (_, Grantee::Group(_)) => "name user/NAME, as each user has his own".to_owned(),
            (Some(_), Grantee::User(_)) => "it is for the users of another group".to_owned(),
            (None, Grantee::User(_)) => "name group/NAME of one that shares a quota".to_owned(),
        };
        let of = wanted.map(|quota| format!(", and not {}", quota.name)).unwrap_or_default();
        Err(No::Invalid(format!("{target} has {has} for itself{of}: {instead}")))
    }

    /// # Errors
    /// Something that cannot be meant, or cannot be kept.
    pub(super) fn lay_over(&self, caller: &Caller, order: Override) -> Result<Shown, No> {
        let Override { target, bandwidth_limit_mbps, max_connections: at_once, until, reason, idem } = order;
        let bandwidth = bandwidth_limit_mbps.map(bytes_a_second).transpose()?;
        if bandwidth.is_none() && at_once.is_none() {
            return Err(No::Invalid("say bandwidth_limit_mbps, max_connections or both".to_owned()));
        }
        if at_once.is_some_and(|most| most > MOST_CONNECTIONS) {
            return Err(No::Invalid(format!("max_connections: 0 to {MOST_CONNECTIONS}")));
        }
        self.concede(caller, (&target, What::Override { bandwidth, at_once }), Occasion { until, reason, idem })
    }

    /// # Errors
    /// No target, nothing that has this id, or it cannot be kept that there is nothing more.
    pub(super) fn reset(&self, caller: &Caller, order: &Reset) -> Result<Voided, No> {
        let Reset { target, id, idem } = order;
        let (to, now) = (grantee(target)?, Timestamp::now());
        let is_meant = |it: &Concession| it.to == to && id.as_ref().is_none_or(|id| it.id == *id);
        if let Some(id) = id
            && !self.world.quotas.concessions().iter().any(|it| is_meant(it) && it.is_valid(now))
        {
            return Err(No::Invalid(format!("id: {target} has nothing {id:?} that holds now")));
        }
        let held = self.world.quotas.concessions();
        let changes = held.iter().filter(|it| is_meant(it) && it.is_valid(now)).map(in_words).collect();
        let deed = || {
            let mut voided = Vec::new();
            self.change(|all| {
                voided = all.extract_if(.., |it| is_meant(it)).filter(|it| it.is_valid(now)).collect();
            })?;
            Ok(voided)
        };
        let written =
            Order { op: "limits.reset", target: target.as_str().into(), changes, comment: None, idem: idem.as_deref() };
        let words = |voided: &Vec<Concession>| match &voided[..] {
            [] => "nothing was held".to_owned(),
            some => format!("void now: {}", some.iter().map(in_words).collect::<Vec<_>>().join("; ")),
        };
        let voided = self.on_record(caller, &written, deed, words)?.outcome.len();
        Ok(Voided { target: target.clone(), voided })
    }

    fn concede(&self, caller: &Caller, (target, what): (&str, What), occasion: Occasion) -> Result<Shown, No> {
        let Occasion { until, reason, idem } = occasion;
        let (to, until, now) = (grantee(target)?, moment(&until).map_err(No::Invalid)?, Timestamp::now());
        let reason = reason.unwrap_or_default();
        if until <= now {
            return Err(No::Invalid("until: it is over already".to_owned()));
        }
        if reason.chars().count() > LONGEST_REASON {
            return Err(No::Invalid(format!("reason: at most {LONGEST_REASON} characters")));
        }
        let mut concession = Concession { id: String::new(), to, what, until, reason, by: caller.name.clone() };
        let (comment, changes) = (concession.reason.clone(), vec![terms(&concession)]);
        if self.valid().count() >= MOST {
            return Err(No::Invalid(format!("{MOST} hold already; reset some first")));
        }
        let op = match concession.what {
            What::Grant { .. } => "limits.grant",
            What::Override { .. } => "limits.override",
        };
        let deed = || {
            self.change(|all| {
                concession.id = concessions::new_id(all);
                // A further grant adds to the former ones; of overrides the last one holds, as far as it goes.
                for other in all.iter_mut().filter(|other| other.to == concession.to) {
                    other.what.give_way_to(&concession.what);
                }
                all.retain(|other| !other.what.says_nothing());
                all.push(concession.clone());
            })?;
            Ok(concession)
        };
        let comment = Some(comment.as_str()).filter(|comment| !comment.is_empty());
        let order = Order { op, target: target.into(), changes, comment, idem: idem.as_deref() };
        let conceded = self.on_record(caller, &order, deed, in_words)?.outcome;
        Ok(self.shown(conceded))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Concession>)) -> Result<(), No> {
        self.concessions.change(&self.world.quotas, change).map_err(|error| {
            tracing::warn!(%error, "what an operator grants for a while cannot be kept");
            No::NotKept
        })
    }

    fn shown(&self, concession: Concession) -> Shown {
        let Concession { id, to, what, until, reason, by } = concession;
        let (bytes, quota, bandwidth, at_once) = match what {
            What::Grant { bytes, quota } => (Some(bytes), quota, None, None),
            What::Override { bandwidth, at_once } => (None, None, bandwidth, at_once),
        };
        Shown {
            id,
            target: target(&to),
            bytes,
            quota: quota.map(|quota| quota.to_string()),
            bandwidth_limit_mbps: bandwidth.map(megabits),
            max_connections: at_once,
            until,
            reason,
            by,
            kept: self.concessions.are_kept(),
        }
    }
}

impl Consumption {
    fn of(standing: Standing) -> Self {
        let Standing { quota, whose, used, most, is_spent, span: Span { begins, ends } } = standing;
        let moment = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        Self {
            quota: quota.to_string(),
            target: whose.as_ref().map(target),
            used_bytes: used,
            quota_bytes: (most > 0).then_some(most),
            spent: is_spent,
            begins: moment(begins),
            ends: moment(ends),
        }
    }
}

/// As it is written down: by the names that the API has for it.
fn in_words(concession: &Concession) -> String {
    format!("{}: {}", concession.id, terms(concession))
}

/// The same before it has an id.
fn terms(Concession { what, until, .. }: &Concession) -> String {
    let said = match what {
        What::Grant { bytes, quota: Some(quota) } => format!("{bytes} bytes more of {quota}"),
        What::Grant { bytes, quota: None } => format!("{bytes} bytes more of every quota"),
        What::Override { bandwidth, at_once } => {
            let rate = bandwidth.map(|rate| format!("bandwidth_limit_mbps {}", megabits(rate)));
            let number = at_once.map(|most| format!("max_connections {most}"));
            rate.into_iter().chain(number).collect::<Vec<_>>().join(", ")
        }
    };
    format!("{said} until {until}")
}

fn grantee(target: &str) -> Result<Grantee, No> {
    let (kind, name) = target.split_once('/').unwrap_or_default();
    let name = Some(name).filter(|name| (1..=LONGEST_NAME).contains(&name.len()));
    match (kind, name) {
        ("user", Some(name)) => Ok(Grantee::User(name.into())),
        ("group", Some(name)) => Ok(Grantee::Group(name.into())),
        _ => Err(No::Invalid("target: user/NAME or group/NAME".to_owned())),
    }
}

pub(super) fn target(to: &Grantee) -> String {
    match to {
        Grantee::User(name) => format!("user/{name}"),
        Grantee::Group(name) => format!("group/{name}"),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range before")]
fn bytes_a_second(megabits: f64) -> Result<u64, No> {
    let is_rate = megabits == 0.0 || (0.008..=1_000_000.0).contains(&megabits);
    let rate = is_rate.then(|| (megabits * 1e6 / 8.0).round() as u64);
    rate.ok_or_else(|| No::Invalid("bandwidth_limit_mbps: 0, or 0.008 to 1000000".to_owned()))
}

#[expect(clippy::cast_precision_loss, reason = "a rate in bytes a second is far below 2^53")]
pub(super) fn megabits(bytes: u64) -> f64 {
    bytes as f64 * 8.0 / 1e6
}
