//! What the operator lets each user, group and source have.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use limits::{Pace, Share, Terms};

use super::Key;

/// `[limits]` and its groups, ready for use.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    pub(crate) of_source: Terms,
    pub(crate) of_user: Terms,
    /// Sources at once.
    pub(crate) sources_of_user: Option<u32>,
    pub(crate) groups: HashMap<Arc<str>, GroupAllowance>,
    pub(crate) bandwidth: Rates,
}

/// What holds for a group.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GroupAllowance {
    /// Sessions at once of all its users together.
    pub(crate) at_once: Option<u32>,
    pub(crate) of_user: Portion,
    /// What its users together may carry, with its place in the file; `None` if nothing is said of it.
    pub(crate) bandwidth: Option<(usize, Share)>,
}

/// How much may be carried, in each direction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) all: Share,
    pub(crate) of_user: Share,
    pub(crate) of_session: Share,
    /// Whether somebody has a number of his own.
    pub(crate) has_exceptions: bool,
}

impl Rates {
    /// Whether anybody is limited.
    pub(crate) fn is_any(&self) -> bool {
        let Self { all, of_user, of_session, has_exceptions } = self;
        *has_exceptions || [all, of_user, of_session].iter().any(|share| share.ceiling.is_some())
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
    /// Bytes a second of all sessions together, in each direction.
    pub(crate) bandwidth: Option<Bound<u64>>,
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
            bandwidth: most(self, groups, |portion| portion.bandwidth),
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
