//! What the operator lets each user, group and source have.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use limits::{Pace, Share, Terms};

use super::Key;
use super::bandwidth::way::Direction;
use super::quotas::quota::Quota;

/// `[limits]` and its groups, ready for use.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    pub(crate) of_source: Terms,
    pub(crate) of_user: Terms,
    /// Sources at once.
    pub(crate) sources_of_user: Option<u32>,
    pub(crate) groups: HashMap<Arc<str>, GroupAllowance>,
    pub(crate) bandwidth: Rates,
    /// In the order of the file; no name twice.
    pub(crate) quotas: Vec<Quota>,
}

/// What holds for a group.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GroupAllowance {
    /// Sessions at once of all its users together.
    pub(crate) at_once: Option<u32>,
    pub(crate) of_user: Portion,
    /// What its users together may carry, with its place in the file; `None` if nothing is said of it.
    pub(crate) bandwidth: Option<(usize, EachWay<Share>)>,
}

/// How much may be carried.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) all: EachWay<Share>,
    pub(crate) of_user: EachWay<Share>,
    pub(crate) of_session: EachWay<Share>,
    /// Whether somebody has a number of his own.
    pub(crate) has_exceptions: bool,
    pub(crate) directions: Directions,
}

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Directions {
    /// Each direction has a hierarchy of its own.
    #[default]
    Separate,
    /// Both are in one.
    Together,
}

/// The same of each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EachWay<T> {
    /// From the client.
    pub(crate) up: T,
    /// To the client.
    pub(crate) down: T,
}

impl Rates {
    /// Whether anybody is limited.
    pub(crate) fn is_any(&self) -> bool {
        let Self { all, of_user, of_session, has_exceptions, directions: _ } = self;
        *has_exceptions || [all, of_user, of_session].into_iter().any(EachWay::is_limited)
    }

    /// What holds in a hierarchy: the one of a direction, or the first one for both.
    pub(crate) fn in_force(&self, shares: EachWay<Share>, direction: Direction) -> Share {
        match (self.directions, direction) {
            (Directions::Separate, Direction::Up) => shares.up,
            (Directions::Separate, Direction::Down) => shares.down,
            (Directions::Together, Direction::Up) => shares.together(),
            (Directions::Together, Direction::Down) => Share::default(),
        }
    }

    /// What all together have in it.
    pub(crate) fn all_in(&self, direction: Direction) -> Share {
        self.in_force(self.all, direction)
    }
}

impl<T> EachWay<T> {
    pub(crate) fn map<U>(self, change: impl Fn(T) -> U) -> EachWay<U> {
        EachWay { up: change(self.up), down: change(self.down) }
    }
}

impl EachWay<Share> {
    /// Whether either direction has a ceiling.
    pub(crate) fn is_limited(&self) -> bool {
        self.up.ceiling.is_some() || self.down.ceiling.is_some()
    }

    /// One for both directions: of two ceilings the higher one holds, and none is the highest.
    pub(super) fn together(self) -> Share {
        let ceiling = self.up.ceiling.zip(self.down.ceiling).map(|(up, down)| up.max(down));
        Share { ceiling, ..self.up }
    }
}

/// What one user may have, as far as somebody said so; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Portion {
    /// Sessions at once.
    pub(crate) at_once: Option<Bound>,
    /// Sources at once.
    pub(crate) sources: Option<Bound>,
    pub(crate) max_age: Option<Bound>,
    pub(crate) idle: Option<Bound>,
    pub(crate) half_closed: Option<Bound>,
    pub(crate) udp_idle: Option<Bound>,
    /// Bytes a second of all sessions together, from the client and to it.
    pub(crate) up: Option<Bound<u64>>,
    pub(crate) down: Option<Bound<u64>>,
    /// Bytes a second that they have in any case.
    pub(crate) guaranteed: Option<u64>,
    pub(crate) priority: Option<u8>,
    /// Bytes that may pass at once after a pause; 0 is the usual.
    pub(crate) burst: Option<u64>,
}

/// How much at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound<T = u32> {
    At(T),
    Nowhere,
}

impl<T: Default + PartialEq> Bound<T> {
    /// As it is written, where 0 is no limit.
    pub(crate) fn written(most: T) -> Self {
        if most == T::default() { Self::Nowhere } else { Self::At(most) }
    }

    /// The number, if there is one.
    pub(crate) fn most(self) -> Option<T> {
        match self {
            Self::At(most) => Some(most),
            Self::Nowhere => None,
        }
    }
}

impl Bound {
    /// The time, if there is one.
    pub(super) fn seconds(self) -> Option<Duration> {
        self.most().map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Portion {
    /// What the user's sessions together have, where this is what everyone's have.
    pub(super) fn shares(self, of_everyone: EachWay<Share>) -> EachWay<Share> {
        let Self { up, down, guaranteed, priority, burst, .. } = self;
        let share = |own: Option<Bound<u64>>, of_everyone: Share| Share {
            ceiling: own.map_or(of_everyone.ceiling, |own| own.most().and_then(NonZeroU64::new)),
            guaranteed: guaranteed.unwrap_or(of_everyone.guaranteed),
            burst: burst.map_or(of_everyone.burst, NonZeroU64::new),
            priority: priority.unwrap_or(of_everyone.priority),
        };
        EachWay { up: share(up, of_everyone.up), down: share(down, of_everyone.down) }
    }

    /// What a user is said to have; where nothing is said, the most that any of his groups gives him.
    pub(super) fn or_most_of(self, groups: &[Self]) -> Self {
        fn most<T: Ord>(own: Portion, groups: &[Portion], of: fn(&Portion) -> Option<T>) -> Option<T> {
            of(&own).or_else(|| groups.iter().filter_map(of).max())
        }
        Self {
            at_once: most(self, groups, |portion| portion.at_once),
            sources: most(self, groups, |portion| portion.sources),
            max_age: most(self, groups, |portion| portion.max_age),
            idle: most(self, groups, |portion| portion.idle),
            half_closed: most(self, groups, |portion| portion.half_closed),
            udp_idle: most(self, groups, |portion| portion.udp_idle),
            up: most(self, groups, |portion| portion.up),
            down: most(self, groups, |portion| portion.down),
            guaranteed: most(self, groups, |portion| portion.guaranteed),
            priority: most(self, groups, |portion| portion.priority),
            burst: most(self, groups, |portion| portion.burst),
        }
    }
}

impl Allowance {
    pub(crate) fn new(of_source: (u32, Option<Pace>), of_user: (u32, Option<Pace>)) -> Self {
        let terms = |(most, pace)| Terms { at_once: Bound::written(most).most(), pace };
        Self {
            of_source: terms(of_source),
            of_user: terms(of_user),
            sources_of_user: None,
            groups: HashMap::new(),
            bandwidth: Rates::default(),
            quotas: Vec::new(),
        }
    }

    pub(super) fn of_group(&self, name: &str) -> GroupAllowance {
        self.groups.get(name).copied().unwrap_or_default()
    }

    pub(super) fn of_user(&self, name: &Arc<str>, portion: Portion, groups: &[Arc<str>]) -> Vec<(Key, Terms)> {
        let at_once = portion.at_once.map_or(self.of_user.at_once, Bound::most);
        let user = (Key::User(Arc::clone(name)), Terms { at_once, ..self.of_user });
        let group = |name: &Arc<str>| {
            let terms = Terms { at_once: self.of_group(name).at_once, pace: None };
            (Key::Group(Arc::clone(name)), terms)
        };
        [user].into_iter().chain(groups.iter().map(group)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_number_outranks_the_groups_and_the_most_generous_group_counts() {
        let at_once = |bound| Portion { at_once: bound, ..Portion::default() };
        let (few, many, all) = (Some(Bound::At(2)), Some(Bound::At(9)), Some(Bound::Nowhere));
        for (own, groups, expected) in [
            (None, &[][..], None),
            (None, &[None], None),
            (None, &[few, None], few),
            (None, &[few, many], many),
            (None, &[many, all], all),
            (Some(Bound::At(1)), &[many, all], Some(Bound::At(1))),
            (all, &[few], all),
        ] {
            let groups: Vec<Portion> = groups.iter().map(|bound| at_once(*bound)).collect();
            assert_eq!(at_once(own).or_most_of(&groups), at_once(expected), "{own:?} {groups:?}");
        }
    }
}
