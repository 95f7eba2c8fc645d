//! Looks whether what was given up is gone, by asking the kernel and by trying to take it back.

use std::fmt::Debug;

use caps::Capability;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use super::LaunchError;
use super::profile::{Account, Profile};
use crate::standing::{Capabilities, Standing};

/// What has to be so once everything has been given up.
#[derive(Debug)]
pub(super) struct Proof {
    wanted: Standing,
    /// Whether root was given up for somebody else, and must not come back.
    was_root: bool,
}

impl Proof {
    /// To be made before anything is given up: capabilities are kept only as far as they are there.
    pub(super) fn of(profile: &Profile, is_root: bool) -> Result<Self, LaunchError> {
        let now = look()?;
        let capabilities = capabilities(profile, is_root, now.capabilities);
        let mut wanted = Standing { capabilities, no_new_privileges: true, threads: 1, ..now };
        if is_root {
            let Account { uid, gid } = profile.account()?;
            (wanted.users, wanted.groups, wanted.further_groups) = ([uid; 4], [gid; 4], Vec::new());
        }
        Ok(Self { wanted, was_root: is_root && !profile.stays_root(is_root) })
    }

    /// # Errors
    /// The first thing that is not as it has to be.
    pub(super) fn holds(&self) -> Result<(), LaunchError> {
        if self.was_root {
            try_to_return()?;
        }
        let (wanted, found) = (&self.wanted, look()?);
        same("its user", &found.users, &wanted.users)?;
        same("its group", &found.groups, &wanted.groups)?;
        same("its groups", &found.further_groups, &wanted.further_groups)?;
        same("capabilities", &found.capabilities, &wanted.capabilities)?;
        same("new privileges", &found.no_new_privileges, &wanted.no_new_privileges)?;
        same("threads", &found.threads, &wanted.threads)?;
        let core = getrlimit(Resource::RLIMIT_CORE).map_err(|errno| LaunchError::Look { cause: errno.into() })?;
        same("core dumps", &core, &(0, 0))
    }
}

fn capabilities(profile: &Profile, is_root: bool, had: Capabilities) -> Capabilities {
    let kept = mask(profile.kept_by(is_root)) & had.permitted;
    let carried = if profile.stays_root(is_root) { 0 } else { kept };
    let may_drop = is_root || had.effective & Capability::CAP_SETPCAP.bitmask() != 0;
    let bounding = if may_drop { had.bounding & mask(profile.kept()) } else { had.bounding };
    Capabilities { inheritable: carried, permitted: kept, effective: kept, bounding, ambient: carried }
}

fn mask(capabilities: &[Capability]) -> u64 {
    capabilities.iter().map(Capability::bitmask).sum()
}

fn try_to_return() -> Result<(), LaunchError> {
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    for (call, outcome) in [
        ("setresuid", setresuid(user, user, user)),
        ("setresgid", setresgid(group, group, group)),
        ("setgroups", setgroups(&[group])),
    ] {
        if outcome.is_ok() {
            return Err(LaunchError::Regained { call });
        }
    }
    Ok(())
}

fn look() -> Result<Standing, LaunchError> {
    Standing::look().map_err(|cause| LaunchError::Look { cause })
}

fn same<T: Debug + PartialEq>(what: &'static str, found: &T, wanted: &T) -> Result<(), LaunchError> {
    if found == wanted {
        Ok(())
    } else {
        Err(LaunchError::Kept { what, found: format!("{found:?} in place of {wanted:?}") })
    }
}
