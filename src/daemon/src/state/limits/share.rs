//! What one client may have by the policy of its hour.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use acl::Bounds;
use limits::Share;
use uuid::Uuid;

use super::allowance::{Bound, EachWay, Portion};
use super::bandwidth::way::Direction;
use super::tuning::Tuning;
use super::{Claim, Key, Spot};
use crate::state::penalties::source::Source;
use crate::state::session::facts::{Identity, User};
use crate::state::snapshot::{Lifetimes, Snapshot};
use crate::state::users::Known;

/// What a session of a client from there is counted under.
pub(crate) fn claim(snapshot: &Snapshot, source: Option<Source>, identity: &Identity) -> Claim {
    let (mut keys, mut spot) = (Vec::new(), None);
    match source {
        Some(source @ Source::Network(_)) => keys.push((Key::Source(source), snapshot.allowance.of_source)),
        Some(Source::Local) | None => {}
    }
    match identity {
        Identity::Anonymous => {}
        Identity::User(user) => {
            let groups = snapshot.rules.groups_of(user);
            let portion = portion(snapshot, user, &groups);
            keys.extend(snapshot.allowance.of_user(&user.name, portion, &groups));
            let most = portion.sources.map_or(snapshot.allowance.sources_of_user, Bound::most);
            spot = match source {
                Some(source @ Source::Network(_)) => Some(Spot { user: Arc::clone(&user.name), source, most }),
                Some(Source::Local) | None => None,
            };
        }
    }
    Claim { keys, spot }
}

/// How long sessions of this client may last, if that is not what holds for everyone.
pub(crate) fn lifetimes(snapshot: &Snapshot, identity: &Identity) -> Option<Lifetimes> {
    let Identity::User(user) = identity else { return None };
    let portion = portion(snapshot, user, &snapshot.rules.groups_of(user));
    lifetimes_of(portion, snapshot.lifetimes)
}

/// How long a connection may last that a rule with these bounds lets in, if that is not what holds otherwise.
pub(crate) fn lifetimes_by(bounds: &Bounds, otherwise: Lifetimes) -> Option<Lifetimes> {
    let written = |seconds: Option<u32>| seconds.map(Bound::written);
    let said = Portion { max_age: written(bounds.max_age), idle: written(bounds.idle), ..Portion::default() };
    lifetimes_of(said, otherwise)
}

/// Who shares a bandwidth with others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client<'a> {
    /// `None` until a balancer's header names it.
    pub(crate) source: Option<Source>,
    pub(crate) identity: &'a Identity,
    /// The rule that let it in, if one did.
    pub(crate) rule: Option<acl::Identity>,
}

/// Whose bandwidth it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    Group(Arc<str>),
    /// A user, below a group if it has one that says something of bandwidth.
    User(Arc<str>, Option<Arc<str>>),
    /// Whoever did not log in and comes from there.
    Source(Source),
    /// The connections that this rule lets in, of whom this class is.
    Rule(acl::Identity, Box<Class>),
    /// A session whose directions count together, below this class.
    Session(Uuid, Option<Box<Class>>),
}

/// What a session is given of the bandwidth.
#[derive(Debug)]
pub(crate) struct Lot {
    pub(crate) up: Branch,
    /// Nothing holds in it where both directions count together.
    pub(crate) down: Branch,
}

/// The same in one hierarchy.
#[derive(Debug)]
pub(crate) struct Branch {
    /// The classes above the session, the outermost first.
    pub(crate) classes: Vec<(Class, Share)>,
    pub(crate) of_session: Share,
}

impl Class {
    /// The class of a session below these.
    pub(super) fn of_session(session: Uuid, above: &[(Self, Share)]) -> Self {
        Self::Session(session, above.last().map(|(class, _)| Box::new(class.clone())))
    }
}

/// What a session of this client is given; `None` if nothing limits it.
pub(crate) fn bandwidth(snapshot: &Snapshot, tuning: &Tuning, client: Client<'_>) -> Option<Lot> {
    let rates = snapshot.allowance.bandwidth;
    let mut classes = match client.identity {
        Identity::Anonymous => vec![(Class::Source(client.source.unwrap_or(Source::Local)), EachWay::default())],
        Identity::User(user) => {
            let written = |group: &Arc<str>| snapshot.allowance.of_group(group).bandwidth.map(|(_, shares)| shares);
            tuning.tune(classes_of(snapshot, user), &snapshot.rules.groups_of(user), written)
        }
    };
    classes.extend(class_by_rule(snapshot, client.rule, &classes));
    let is_limited = |(_, shares): &(Class, EachWay<Share>)| shares.is_limited();
    if !rates.all.is_limited() && !rates.of_session.is_limited() && !classes.iter().any(is_limited) {
        return None;
    }
    let branch = |direction| Branch {
        classes: classes.iter().map(|(class, shares)| (class.clone(), rates.in_force(*shares, direction))).collect(),
        of_session: rates.in_force(rates.of_session, direction),
    };
    Some(Lot { up: branch(Direction::Up), down: branch(Direction::Down) })
}

/// The class of those whom a rule let in, below these classes, if the rule limits what they carry.
fn class_by_rule(
    snapshot: &Snapshot,
    rule: Option<acl::Identity>,
    above: &[(Class, EachWay<Share>)],
) -> Option<(Class, EachWay<Share>)> {
    let (rule, (innermost, _)) = (rule?, above.last()?);
    let bounds = snapshot.rules.bounds(rule).filter(|bounds| bounds.limit_bandwidth())?;
    let share = |rate: Option<u64>| Share { ceiling: rate.and_then(NonZeroU64::new), ..Share::default() };
    Some((Class::Rule(rule, Box::new(innermost.clone())), EachWay { up: share(bounds.up), down: share(bounds.down) }))
}

fn classes_of(snapshot: &Snapshot, user: &User) -> Vec<(Class, EachWay<Share>)> {
    let groups = snapshot.rules.groups_of(user);
    let of_group = |name: &Arc<str>| {
        let (place, shares) = snapshot.allowance.of_group(name).bandwidth?;
        Some((place, Arc::clone(name), shares))
    };
    let group = groups.iter().filter_map(of_group).min_by_key(|(place, ..)| *place);
    let name = group.as_ref().map(|(_, name, _)| Arc::clone(name));
    let own = portion(snapshot, user, &groups).shares(snapshot.allowance.bandwidth.of_user);
    let class = (Class::User(Arc::clone(&user.name), name), own);
    group.map(|(_, name, shares)| (Class::Group(name), shares)).into_iter().chain([class]).collect()
}

fn portion(snapshot: &Snapshot, user: &User, groups: &[Arc<str>]) -> Portion {
    let own = snapshot.users.find(user.name.as_bytes()).map(Known::portion).unwrap_or_default();
    let of_groups: Vec<_> = groups.iter().map(|group| snapshot.allowance.of_group(group).of_user).collect();
    own.or_most_of(&of_groups)
}

/// `None` if nothing is different from what holds otherwise.
fn lifetimes_of(portion: Portion, otherwise: Lifetimes) -> Option<Lifetimes> {
    let Portion { max_age, idle, half_closed, udp_idle, .. } = portion;
    let time = |said: Option<Bound>, otherwise: Option<Duration>| said.map_or(otherwise, Bound::seconds);
    let is_said = [max_age, idle, half_closed, udp_idle].iter().any(Option::is_some);
    is_said.then(|| Lifetimes {
        max_age: time(max_age, otherwise.max_age),
        idle: time(idle, otherwise.idle),
        half_closed: time(half_closed, otherwise.half_closed),
        udp_idle: time(udp_idle, otherwise.udp_idle),
        ..otherwise
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_replaces_what_holds_for_everyone() {
        let everyone = Snapshot::for_tests().lifetimes;
        assert!(lifetimes_of(Portion { at_once: Some(Bound::At(1)), ..Portion::default() }, everyone).is_none());
        let said = Portion { max_age: Some(Bound::Nowhere), idle: Some(Bound::At(7)), ..Portion::default() };
        let lifetimes = lifetimes_of(said, everyone).unwrap();
        assert_eq!((lifetimes.max_age, lifetimes.idle), (None, Some(Duration::from_secs(7))));
        assert_eq!((lifetimes.half_closed, lifetimes.udp_idle), (everyone.half_closed, everyone.udp_idle));
    }
}
