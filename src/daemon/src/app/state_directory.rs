//! Where the daemon keeps what outlives it, when the configuration names no place.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::Uid;

use crate::engine::sys::accounts::Account;

/// systemd's `StateDirectory=` names it; otherwise it is the system's for root, and the user's own for everybody else
/// (XDG Base Directory Specification). Nothing for a user without a home.
pub(super) fn find() -> Option<PathBuf> {
    let of_service =
        variable("STATE_DIRECTORY").and_then(|list| Some(PathBuf::from(list.to_str()?.split(':').next()?)));
    let of_system = || Uid::effective().is_root().then(|| PathBuf::from("/var/lib/rustsocks"));
    let of_user = || {
        let base = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|base| base.is_absolute());
        let base = base.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))?;
        Some(base.join("rustsocks"))
    };
    of_service.or_else(of_system).or_else(of_user).filter(|directory| directory.is_absolute())
}

/// Makes the directory for `account`, who may not do so where its parent is the system's.
///
/// # Errors
/// The words of mkdir(2), also when the parent is missing.
pub(super) fn prepare(directory: &Path, account: Option<Account>) -> io::Result<()> {
    let Some(account) = account.filter(|_| !directory.exists()) else { return Ok(()) };
    DirBuilder::new().mode(0o750).create(directory)?;
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let made = OpenOptions::new().read(true).custom_flags(flags.bits()).open(directory)?;
    fchown(&made, Some(account.user.as_raw()), Some(account.group.as_raw()))
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
