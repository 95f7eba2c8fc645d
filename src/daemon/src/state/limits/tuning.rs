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
        let tuned = self.of(class)?;
        match (tuned.slowed, tuned.bandwidth) {
            (Some(_), _) => Some("quota"),
            (None, Some(_)) => Some("override"),
            (None, None) => None,
        }
    }

    /// Whether another number of sessions holds of a class than what is written.
    pub(crate) fn has_number_of(&self, class: &Class) -> bool {
        self.of(class).is_some_and(|tuned| tuned.at_once.is_some())
    }

    fn of(&self, class: &Class) -> Option<&Tuned> {
        match class {
            Class::User(name, _) => self.users.get(name),
            Class::Group(name) => self.groups.get(name),
            Class::Source(_) | Class::Rule(..) | Class::Session(..) => None,
        }
    }

    /// The classes above a session, with what holds now.
    ///
    /// Of the groups that say something, which are the one that it is below as it is `written` and those that are tuned, the one with the
    /// least is above it. Where another one lets less pass in one of the directions, the user has no more of that either.
    pub(super) fn tune(
        &self,
        classes: Vec<(Class, EachWay<Share>)>,
        groups: &[Arc<str>],
        written: impl Fn(&Arc<str>) -> Option<EachWay<Share>>,
    ) -> Vec<(Class, EachWay<Share>)> {
        let tuned = |name: &Arc<str>| {
            let by = self.groups.get(name).filter(|tuned| tuned.is_of_bandwidth())?;
            Some((Arc::clone(name), written(name).unwrap_or_default().map(|share| by.applied(share))))
        };
        let mut above: Vec<_> = groups.iter().filter_map(tuned).collect();
        for (class, shares) in &classes {
            if let Class::Group(name) = class
                && above.iter().all(|(other, _)| other != name)
            {
                above.push((Arc::clone(name), *shares));
            }
        }
        let least = above.iter().min_by_key(|(_, shares)| order(shares)).cloned();
        let (name, group) = least.map_or_else(Default::default, |(name, shares)| (Some(name), shares));
        let up = lowest(above.iter().map(|(_, shares)| shares.up));
        let down = lowest(above.iter().map(|(_, shares)| shares.down));
        let mut tuned: Vec<_> = name.clone().map(|name| (Class::Group(name), group)).into_iter().collect();
        for (class, share) in classes {
            match class {
                Class::Group(_) => {}
                Class::User(user, _) => {
                    let share = self.users.get(&user).map_or(share, |by| share.map(|share| by.applied(share)));
                    let share =
                        EachWay { up: below(share.up, group.up, up), down: below(share.down, group.down, down) };
                    tuned.push((Class::User(user, name.clone()), share));
                }
                class @ (Class::Source(_) | Class::Rule(..) | Class::Session(..)) => tuned.push((class, share)),
            }
        }
        tuned
    }
}

/// The one with less in one direction comes first.
fn order(shares: &EachWay<Share>) -> (u64, u64) {
    let [up, down] = [shares.up, shares.down].map(|share| share.ceiling.map_or(u64::MAX, NonZeroU64::get));
    (up.min(down), up.max(down))
}

fn lowest(shares: impl Iterator<Item = Share>) -> Option<NonZeroU64> {
    shares.filter_map(|share| share.ceiling).min()
}

/// What a user has below this group, if the least that any of his groups lets pass is another's.
fn below(share: Share, group: Share, least: Option<NonZeroU64>) -> Share {
    if least == group.ceiling { share } else { with_ceiling(share, share.ceiling.into_iter().chain(least).min()) }
}

fn with_ceiling(share: Share, ceiling: Option<NonZeroU64>) -> Share {
    let guaranteed = share.guaranteed.min(ceiling.map_or(u64::MAX, NonZeroU64::get));
    let burst = if ceiling == share.ceiling { share.burst } else { None };
    Share { ceiling, guaranteed, burst, ..share }
}

impl Tuned {
    fn is_of_bandwidth(&self) -> bool {
        self.bandwidth.is_some() || self.slowed.is_some()
    }

    fn applied(self, share: Share) -> Share {
        let written = self.bandwidth.map_or(share.ceiling, |instead| instead.most().and_then(NonZeroU64::new));
        with_ceiling(share, written.into_iter().chain(self.slowed).min())
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

    /// No group has a number of its own.
    fn unwritten(_: &Arc<str>) -> Option<EachWay<Share>> {
        None
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
            assert_eq!(
                tuning.tune(vec![user(None, written)], &[], unwritten),
                [user(None, expected)],
                "{by:?} {written}"
            );
        }
        let both = Tuned { slowed: NonZeroU64::new(2), ..raised(7) };
        assert_eq!(both.applied(Share { guaranteed: 4, ..share(3) }), Share { guaranteed: 2, ..share(2) });
    }

    #[test]
    fn a_slowed_group_is_above_its_users_unless_another_one_has_less() {
        let tuning = Tuning { groups: [("b".into(), slowed(5))].into(), ..Tuning::default() };
        let groups: Vec<Arc<str>> = vec!["a".into(), "b".into()];
        let expected = [group("b", 5), user(Some("b"), 3)];
        assert_eq!(tuning.tune(vec![user(None, 3)], &groups, unwritten), expected);
        assert_eq!(tuning.tune(vec![group("a", 9), user(Some("a"), 3)], &groups, unwritten), expected);
        assert_eq!(tuning.tune(vec![group("b", 9), user(Some("b"), 3)], &groups, |_| Some(both(9))), expected);
        for others in [vec![group("a", 4), user(Some("a"), 3)], vec![group("a", 4), user(Some("a"), 0)]] {
            assert_eq!(tuning.tune(others.clone(), &groups, unwritten), others, "the written group has less");
        }
        let others = vec![group("a", 9), user(Some("a"), 3)];
        assert_eq!(tuning.tune(others.clone(), &groups[..1], unwritten), others);
    }

    #[test]
    fn a_group_that_has_more_for_a_while_makes_nobody_faster_whom_another_group_holds() {
        let groups: Vec<Arc<str>> = vec!["a".into(), "b".into(), "c".into()];
        let written = vec![group("b", 4), user(Some("b"), 0)];
        for rate in [10, 0] {
            let tuning = Tuning { groups: [("a".into(), raised(rate))].into(), ..Tuning::default() };
            assert_eq!(tuning.tune(written.clone(), &groups, unwritten), written, "{rate}");
        }
        // Of several that are tuned it is the one with the least, too.
        let all = [("a".into(), raised(10)), ("b".into(), raised(9)), ("c".into(), slowed(8))];
        let tuning = Tuning { groups: all.into(), ..Tuning::default() };
        assert_eq!(tuning.tune(written.clone(), &groups, unwritten), [group("c", 8), user(Some("c"), 0)]);
        // One has less in one direction, and another one in the other.
        let uneven = (Class::Group("b".into()), EachWay { up: share(2), down: share(9) });
        let tuning = Tuning { groups: [("a".into(), raised(5))].into(), ..Tuning::default() };
        let own = EachWay { up: share(0), down: share(5) };
        let expected = [uneven.clone(), (Class::User("alice".into(), Some("b".into())), own)];
        assert_eq!(tuning.tune(vec![uneven, user(Some("b"), 0)], &groups, unwritten), expected);
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
