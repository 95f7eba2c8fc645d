//! What the operator lets each user, group and source have.

use std::collections::HashMap;
use std::sync::Arc;

use limits::{Pace, Terms};

use super::Key;
use crate::state::penalties::source::Source;
use crate::state::session::facts::Identity;
use crate::state::session::ticket::Session;
use crate::state::users::{Known, Users};

/// `[limits]` and its groups, ready for use.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    pub(crate) of_source: Terms,
    pub(crate) of_user: Terms,
    pub(crate) groups: HashMap<Arc<str>, GroupAllowance>,
}

/// What holds for a group; `None` is what holds otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GroupAllowance {
    /// All of its users together.
    pub(crate) at_once: Option<u32>,
    /// Each of its users.
    pub(crate) of_user: Option<Bound>,
}

/// How many at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    At(u32),
    Nowhere,
}

impl Bound {
    /// As it is written, where 0 is no limit.
    pub(crate) fn written(most: u32) -> Self {
        if most == 0 { Self::Nowhere } else { Self::At(most) }
    }

    /// The number, if there is one.
    pub(crate) fn most(self) -> Option<u32> {
        match self {
            Self::At(most) => Some(most),
            Self::Nowhere => None,
        }
    }
}

impl Allowance {
    pub(crate) fn new(of_source: (u32, Option<Pace>), of_user: (u32, Option<Pace>)) -> Self {
        let terms = |(most, pace)| Terms { at_once: Bound::written(most).most(), pace };
        Self { of_source: terms(of_source), of_user: terms(of_user), groups: HashMap::new() }
    }

    fn of_group(&self, name: &str) -> GroupAllowance {
        self.groups.get(name).copied().unwrap_or_default()
    }

    /// The user's own number outranks that of his groups, and of those the largest counts.
    fn of_one(&self, own: Option<Bound>, groups: &[Arc<str>]) -> Terms {
        let most_of_groups = || groups.iter().filter_map(|group| self.of_group(group).of_user).max();
        let bound = own.or_else(most_of_groups);
        Terms { at_once: bound.map_or(self.of_user.at_once, Bound::most), ..self.of_user }
    }

    fn of_user(&self, users: &Users, name: &Arc<str>, groups: &[Arc<str>]) -> Vec<(Key, Terms)> {
        let own = users.find(name.as_bytes()).and_then(Known::most_connections);
        let user = (Key::User(Arc::clone(name)), self.of_one(own, groups));
        let group = |name: &Arc<str>| {
            let terms = Terms { at_once: self.of_group(name).at_once, pace: None };
            (Key::Group(Arc::clone(name)), terms)
        };
        [user].into_iter().chain(groups.iter().map(group)).collect()
    }
}

/// Under what a session of this client counts, and what holds there by the policy of its hour.
pub(crate) fn keys(session: &Session, identity: &Identity) -> Vec<(Key, Terms)> {
    let snapshot = &session.snapshot;
    let mut keys = Vec::new();
    match session.caller().map(|caller| caller.source) {
        Some(source @ Source::Network(_)) => keys.push((Key::Source(source), snapshot.allowance.of_source)),
        Some(Source::Local) | None => {}
    }
    match identity {
        Identity::Anonymous => {}
        Identity::User(user) => {
            let groups = snapshot.rules.groups_of(user);
            keys.extend(snapshot.allowance.of_user(&snapshot.users, &user.name, &groups));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_number_outranks_the_groups_and_the_most_generous_group_counts() {
        let mut allowance = Allowance::new((0, None), (3, Pace::new(1, 2)));
        for (name, of_user) in
            [("few", Some(Bound::At(2))), ("many", Some(Bound::At(9))), ("all", Some(Bound::Nowhere)), ("silent", None)]
        {
            allowance.groups.insert(name.into(), GroupAllowance { at_once: None, of_user });
        }
        for (own, groups, most) in [
            (None, &[][..], Some(3)),
            (None, &["unknown", "silent"], Some(3)),
            (None, &["few", "silent"], Some(2)),
            (None, &["few", "many"], Some(9)),
            (None, &["many", "all"], None),
            (Some(Bound::At(1)), &["many", "all"], Some(1)),
            (Some(Bound::Nowhere), &["few"], None),
        ] {
            let groups: Vec<Arc<str>> = groups.iter().map(|name| Arc::from(*name)).collect();
            let terms = allowance.of_one(own, &groups);
            assert_eq!((terms.at_once, terms.pace), (most, Pace::new(1, 2)), "{own:?} {groups:?}");
        }
    }
}
