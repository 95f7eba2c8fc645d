//! What holds for a while, besides or instead of what the operator wrote: who is slowed down because a quota is used up, and
//! what an operator has lifted or lowered until some moment.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use limits::{Share, Terms};

use super::Key;
use super::allowance::{Bound, EachWay};
use super::share::Class;

/// Nothing, most of the time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tuning {
    pub(super) users: HashMap<Arc<str>, Tuned>,
    pub(super) groups: HashMap<Arc<str>, Tuned>,
}

/// What holds for one user, or for the users of one group together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tuned {
    /// Bytes a second in each direction, instead of what is written.
    pub(super) bandwidth: Option<Bound<u64>>,
    /// Sessions at once, instead of what is written.
    pub(super) at_once: Option<Bound>,
    /// Bytes a second in each direction that it may have at most, whatever else holds.
    pub(super) slowed: Option<NonZeroU64>,
}

impl Tuning {
    /// Whether anybody's bandwidth is tuned.
    pub(crate) fn is_of_bandwidth(&self) -> bool {
        self.users.values().chain(self.groups.values()).any(Tuned::is_of_bandwidth)
    }

    /// What a session is counted under, with what holds now.
    pub(crate) fn count(&self, keys: &mut [(Key, Terms)]) {
        for (key, terms) in keys {
            let tuned = match key {
                Key::Source(_) | Key::Rule(_) => None,
                Key::User(name) => self.users.get(name),
                Key::Group(name) => self.groups.get(name),
            };
            if let Some(at_once) = tuned.and_then(|tuned| tuned.at_once) {
                terms.at_once = at_once.most();
            }
        }
    }

    /// Why something else holds of the bandwidth of a class than what is written: an operator's override, or a quota that is used up.
    pub(crate) fn cause(&self, class: &Class) -> Option<&'static str> {
        let tuned = match class {
            Class::User(name, _) => self.users.get(name),
            Class::Group(name) => self.groups.get(name),
            Class::Source(_) | Class::Rule(..) | Class::Session(..) => None,
        }?;
        match (tuned.slowed, tuned.bandwidth) {
            (Some(_), _) => Some("quota"),
            (None, Some(_)) => Some("override"),
            (None, None) => None,
        }
    }

    /// The classes above a session, with what holds now. One of the user's groups that is tuned takes the place of another one.
    pub(super) fn tune(
        &self,
        classes: Vec<(Class, EachWay<Share>)>,
        groups: &[Arc<str>],
    ) -> Vec<(Class, EachWay<Share>)> {
        let of_group = |name: &Arc<str>| self.groups.get(name).filter(|tuned| tuned.is_of_bandwidth());
        let group = groups.iter().find_map(|name| Some((name, *of_group(name)?)));
        let mut tuned = Vec::new();
        if let Some((name, by)) = group {
            let is_it =
                |(class, _): &&(Class, EachWay<Share>)| matches!(class, Class::Group(written) if written == name);
            let written = classes.iter().find(is_it).map(|(_, share)| *share).unwrap_or_default();
            tuned.push((Class::Group(Arc::clone(name)), written.map(|share| by.applied(share))));
        }
        for (class, share) in classes {
            match class {
                Class::Group(_) if group.is_some() => {}
                Class::User(name, above) => {
                    let share = self.users.get(&name).map_or(share, |by| share.map(|share| by.applied(share)));
                    let above = group.map(|(name, _)| Arc::clone(name)).or(above);
                    tuned.push((Class::User(name, above), share));
                }
                class @ (Class::Group(_) | Class::Source(_) | Class::Rule(..) | Class::Session(..)) => {
                    tuned.push((class, share));
                }
            }
        }
        tuned
    }
}

impl Tuned {
    fn is_of_bandwidth(&self) -> bool {
        self.bandwidth.is_some() || self.slowed.is_some()
    }

    fn applied(self, share: Share) -> Share {
        let written = self.bandwidth.map_or(share.ceiling, |instead| instead.most().and_then(NonZeroU64::new));
        let ceiling = written.into_iter().chain(self.slowed).min();
        let guaranteed = share.guaranteed.min(ceiling.map_or(u64::MAX, NonZeroU64::get));
        let burst = if ceiling == share.ceiling { share.burst } else { None };
        Share { ceiling, guaranteed, burst, ..share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(ceiling: u64) -> Share {
        Share { ceiling: NonZeroU64::new(ceiling), ..Share::default() }
    }

    fn both(ceiling: u64) -> EachWay<Share> {
        EachWay { up: share(ceiling), down: share(ceiling) }
    }

    fn user(group: Option<&str>, ceiling: u64) -> (Class, EachWay<Share>) {
        (Class::User("alice".into(), group.map(Into::into)), both(ceiling))
    }

    fn group(name: &str, ceiling: u64) -> (Class, EachWay<Share>) {
        (Class::Group(name.into()), both(ceiling))
    }

    fn slowed(rate: u64) -> Tuned {
        Tuned { slowed: NonZeroU64::new(rate), ..Tuned::default() }
    }

    fn raised(rate: u64) -> Tuned {
        Tuned { bandwidth: Some(Bound::written(rate)), ..Tuned::default() }
    }

    #[test]
    fn whoever_is_slowed_has_the_least_and_an_operator_s_word_replaces_what_is_written() {
        for (by, written, expected) in
            [(slowed(5), 0, 5), (slowed(5), 9, 5), (slowed(5), 3, 3), (raised(7), 3, 7), (raised(0), 3, 0)]
        {
            let tuning = Tuning { users: [("alice".into(), by)].into(), ..Tuning::default() };
            assert_eq!(tuning.tune(vec![user(None, written)], &[]), [user(None, expected)], "{by:?} {written}");
        }
        let both = Tuned { slowed: NonZeroU64::new(2), ..raised(7) };
        assert_eq!(both.applied(Share { guaranteed: 4, ..share(3) }), Share { guaranteed: 2, ..share(2) });
    }

    #[test]
    fn a_slowed_group_is_above_its_users_whatever_was_written_of_it() {
        let tuning = Tuning { groups: [("b".into(), slowed(5))].into(), ..Tuning::default() };
        let groups: Vec<Arc<str>> = vec!["a".into(), "b".into()];
        let expected = [group("b", 5), user(Some("b"), 3)];
        assert_eq!(tuning.tune(vec![user(None, 3)], &groups), expected);
        assert_eq!(tuning.tune(vec![group("a", 9), user(Some("a"), 3)], &groups), expected);
        assert_eq!(tuning.tune(vec![group("b", 9), user(Some("b"), 3)], &groups), expected);
        let others = vec![group("a", 9), user(Some("a"), 3)];
        assert_eq!(tuning.tune(others.clone(), &groups[..1]), others);
    }

    #[test]
    fn a_temporary_number_of_sessions_counts_instead_of_the_written_one() {
        let by = Tuned { at_once: Some(Bound::At(7)), ..Tuned::default() };
        let tuning = Tuning { users: [("alice".into(), by)].into(), ..Tuning::default() };
        let terms = Terms { at_once: Some(3), pace: None };
        let mut keys = [(Key::User("alice".into()), terms), (Key::Group("a".into()), terms)];
        tuning.count(&mut keys);
        assert_eq!(keys.map(|(_, terms)| terms.at_once), [Some(7), Some(3)]);
    }
}
