//! The groups of a user, by name, as the system's name service knows them (nsswitch.conf(5)): files, SSSD, LDAP.

use std::ffi::{CStr, CString};

use nix::errno::Errno;
use nix::unistd::{Gid, Group, User, getgrouplist};

/// The names of all groups of `user`, the primary one among them.
///
/// A user whom the system does not know has none: PAM may know users that the name service does not.
/// A group without a name is left out, for no rule could name it.
///
/// # Errors
/// The name service failed: a list with a gap might be a hole in the rules.
pub(crate) fn of(user: &str) -> Result<Vec<String>, Errno> {
    let Some(known) = User::from_name(user)? else { return Ok(Vec::new()) };
    let name = CString::new(user).map_err(|_| Errno::EINVAL)?;
    let mut names = gids(&name, known.gid)?
        .into_iter()
        .filter_map(|gid| name_of(gid).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn gids(user: &CStr, primary: Gid) -> Result<Vec<Gid>, Errno> {
    getgrouplist(user, primary)
}

fn name_of(gid: Gid) -> Result<Option<String>, Errno> {
    Ok(Group::from_gid(gid)?.map(|group| group.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_in_its_own_group_and_nobody_unknown_is_in_any() {
        assert!(of("root").expect("known").contains(&"root".to_owned()));
        assert_eq!(of("no-such-user-here").expect("no failure"), Vec::<String>::new());
    }
}
