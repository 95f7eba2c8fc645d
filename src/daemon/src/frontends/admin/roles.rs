//! Who may do what: by groups of the system, as the kernel knows them of the process that asks.

use wire::admin::Role;

use crate::engine::sys::accounts::{group_number, user_name};
use crate::engine::sys::peer::Peer;
use nix::unistd::Uid;

/// What the kernel says of a user of whom this system knows nothing (`/proc/sys/kernel/overflowuid`).
const NOBODY_KNOWN: u32 = 65_534;

/// Groups by name and number, the least role first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roles {
    groups: Vec<(Role, String, u32)>,
    /// Who started the service may do everything, like root.
    owner: Option<u32>,
}

impl Roles {
    /// Looks the groups up; those that do not exist give nobody anything.
    pub(crate) fn find<'a>(named: impl IntoIterator<Item = (Role, &'a str)>) -> Self {
        let known = |(role, name): (Role, &str)| Some((role, name.to_owned(), group_number(name)?));
        Self { groups: named.into_iter().filter_map(known).collect(), owner: None }
    }

    /// The same with somebody who may do everything.
    pub(crate) fn owned_by(self, owner: Option<u32>) -> Self {
        Self { owner: owner.filter(|owner| *owner != NOBODY_KNOWN), ..self }
    }

    /// The most that this process may do.
    pub(super) fn of(&self, peer: &Peer) -> Option<Role> {
        if peer.user == 0 || self.owner == Some(peer.user) {
            return Some(Role::Admin);
        }
        if peer.user == NOBODY_KNOWN {
            return None;
        }
        self.those_of(peer).map(|(role, _)| role).max()
    }

    /// The names of those of its groups that give it a role.
    pub(super) fn groups_of(&self, peer: &Peer) -> Vec<String> {
        let mut names: Vec<String> = self.those_of(peer).map(|(_, name)| name.to_owned()).collect();
        names.dedup();
        names
    }

    /// The names of all groups that give a role.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.groups.iter().map(|(_, name, _)| name.as_str()).collect();
        names.dedup();
        names
    }

    fn those_of<'a>(&'a self, peer: &'a Peer) -> impl Iterator<Item = (Role, &'a str)> {
        let has = |group: &u32| peer.groups.contains(group);
        self.groups.iter().filter(move |(.., group)| has(group)).map(|(role, name, _)| (*role, name.as_str()))
    }
}

/// The name of a user, or the number if there is none.
pub(super) fn name_of(user: u32) -> String {
    user_name(Uid::from_raw(user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sys::peer::Traces;

    fn roles() -> Roles {
        let group = |role, number: u32| (role, format!("g{number}"), number);
        let groups = vec![group(Role::Admin, 3), group(Role::Operate, 2), group(Role::Read, 1)];
        Roles { groups, owner: None }.owned_by(Some(1_000))
    }

    fn peer(user: u32, groups: &[u32]) -> Peer {
        Peer { process: 1, user, groups: groups.to_vec(), traces: Traces::default() }
    }

    #[test]
    fn the_highest_role_of_any_group_holds() {
        for (user, groups, role) in [
            (0, &[][..], Some(Role::Admin)),
            (1_000, &[], Some(Role::Admin)),
            (7, &[], None),
            (7, &[9], None),
            (7, &[1], Some(Role::Read)),
            (7, &[1, 2], Some(Role::Operate)),
            (7, &[3, 1], Some(Role::Admin)),
            (NOBODY_KNOWN, &[3], None),
        ] {
            assert_eq!(roles().of(&peer(user, groups)), role, "{user} {groups:?}");
        }
        assert_eq!(roles().groups_of(&peer(7, &[1, 3, 9])), ["g3", "g1"]);
    }

    #[test]
    fn nobody_owns_what_nobody_started() {
        assert_eq!(roles().owned_by(Some(NOBODY_KNOWN)).of(&peer(NOBODY_KNOWN, &[])), None);
    }
}
