//! Users and groups of this system by name, and acting as one of them towards the file system.

use std::io;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, setfsgid, setfsuid};

/// A user and a group by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: Uid,
    pub(crate) group: Gid,
}

/// A user or group that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(
        "there is no user {name:?} on this system; `useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {name}` creates one"
    )]
    NoUser { name: String },
    #[error("there is no group {name:?} on this system; `groupadd --system {name}` creates one")]
    NoGroup { name: String },
    #[error("{name} is root, whose rights are to be given up")]
    Root { name: String },
    #[error("cannot look up {name:?}")]
    Lookup { name: String, source: Errno },
}

impl Account {
    /// The user of this name, with the group of that name or else the user's primary group.
    ///
    /// # Errors
    /// One of them does not exist, is root, or the system's databases do not answer.
    pub(crate) fn find(user: &str, group: Option<&str>) -> Result<Self, AccountError> {
        let lookup = |source| AccountError::Lookup { name: user.to_owned(), source };
        let no_user = || AccountError::NoUser { name: user.to_owned() };
        let found = User::from_name(user).map_err(lookup)?.ok_or_else(no_user)?;
        let account = Self { user: found.uid, group: group.map_or(Ok(found.gid), find_group)? };
        if account.user.is_root() {
            return Err(AccountError::Root { name: format!("user {user}") });
        }
        if account.group.as_raw() == 0 {
            return Err(AccountError::Root { name: format!("group {}", group.unwrap_or("0")) });
        }
        Ok(account)
    }

    /// Does something whose files are opened and created with this account's rights, and with its ownership.
    ///
    /// The calling thread alone is changed, and only for the file system; see setfsuid(2). Without root nothing changes.
    ///
    /// # Errors
    /// The rights cannot be taken on; then nothing was done.
    pub(crate) fn act<T>(self, deed: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _until_done = Disguise::put_on(self)?;
        deed()
    }
}

fn find_group(name: &str) -> Result<Gid, AccountError> {
    let lookup = |source| AccountError::Lookup { name: name.to_owned(), source };
    let group = Group::from_name(name).map_err(lookup)?;
    group.map(|group| group.gid).ok_or_else(|| AccountError::NoGroup { name: name.to_owned() })
}

/// The number of a group, if there is such a group.
pub(crate) fn group_number(name: &str) -> Option<u32> {
    Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
}

/// The name of a user, or the number if there is none.
pub(crate) fn user_name(user: Uid) -> String {
    let found = User::from_uid(user).ok().flatten();
    found.map_or_else(|| user.to_string(), |found| found.name)
}

/// Another account's file system rights, until dropped.
struct Disguise(Account);

impl Disguise {
    fn put_on(account: Account) -> io::Result<Self> {
        // The group first: changing it needs the user's rights.
        let group = setfsgid(account.group);
        let disguise = Self(Account { user: setfsuid(account.user), group });
        // Both calls return the id before, whether or not they succeeded; asking for an impossible one tells which it is now.
        let now = Account { user: setfsuid(Uid::from_raw(u32::MAX)), group: setfsgid(Gid::from_raw(u32::MAX)) };
        if now == account {
            return Ok(disguise);
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "root needs CAP_SETUID and CAP_SETGID, and a user who exists in its user namespace",
        ))
    }
}

impl Drop for Disguise {
    fn drop(&mut self) {
        setfsuid(self.0.user);
        setfsgid(self.0.group);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use nix::unistd::{getegid, geteuid};

    use super::*;

    #[test]
    fn who_does_not_exist_is_named_with_the_command_that_creates_them() {
        for (user, group, words) in [
            ("no-such-user", None, "useradd --system"),
            ("nobody", Some("no-such-group"), "groupadd --system"),
            ("root", None, "user root is root"),
            ("nobody", Some("root"), "group root is root"),
        ] {
            let error = Account::find(user, group).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn nobody_is_found_with_their_own_group_or_another() {
        let nobody = Account::find("nobody", None).unwrap();
        assert_eq!(user_name(nobody.user), "nobody");
        let daemon = Group::from_name("daemon").unwrap().unwrap().gid;
        assert_eq!(Account::find("nobody", Some("daemon")).unwrap(), Account { group: daemon, ..nobody });
    }

    #[test]
    fn a_file_made_as_somebody_is_theirs_and_what_they_may_not_do_fails() {
        if !geteuid().is_root() {
            let ourselves = Account { user: geteuid(), group: getegid() };
            assert!(Account { user: Uid::from_raw(1), ..ourselves }.act(|| Ok(())).is_err());
            return ourselves.act(|| Ok(())).unwrap();
        }
        let (directory, nobody) = (tempfile::tempdir().unwrap(), Account::find("nobody", None).unwrap());
        let path = directory.path().join("file");
        assert!(nobody.act(|| File::create(&path)).is_err(), "the directory is root's alone");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        nobody.act(|| File::create(&path)).unwrap();
        let made = fs::metadata(&path).unwrap();
        assert_eq!((made.uid(), made.gid()), (nobody.user.as_raw(), nobody.group.as_raw()));
        let ours = fs::metadata(tempfile::NamedTempFile::new().unwrap().path()).unwrap();
        assert_eq!(ours.uid(), 0, "afterwards we are ourselves again");
    }
}
