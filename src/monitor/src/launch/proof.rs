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
    /// To be made before anything is given up: the helper keeps of its capabilities those that are there.
    pub(super) fn of(profile: &Profile, is_root: bool) -> Result<Self, LaunchError> {
        let now = look()?;
        let wanted = match (profile, is_root) {
            (Profile::Worker(account), true) => other_user(account.ok_or(LaunchError::NoAccount)?),
            (Profile::PamHelper, true) => bounded_root(now.capabilities, mask(profile.kept())),
            (Profile::Worker(_) | Profile::PamHelper, false) => same_user(now, mask(profile.kept())),
        };
        Ok(Self { wanted, was_root: is_root && matches!(profile, Profile::Worker(_)) })
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

fn other_user(Account { uid, gid }: Account) -> Standing {
    Standing {
        users: [uid; 4],
        groups: [gid; 4],
        further_groups: Vec::new(),
        capabilities: Capabilities::default(),
        no_new_privileges: true,
        threads: 1,
    }
}

fn bounded_root(had: Capabilities, kept: u64) -> Standing {
    let capabilities = Capabilities {
        permitted: had.permitted & kept,
        effective: had.permitted & kept,
        bounding: had.bounding & kept,
        ..Capabilities::default()
    };
    Standing { capabilities, ..other_user(Account { uid: 0, gid: 0 }) }
}

/// Without root the ids stay, and the bounding set too unless `CAP_SETPCAP` is there.
fn same_user(now: Standing, kept: u64) -> Standing {
    let may_drop = now.capabilities.effective & Capability::CAP_SETPCAP.bitmask() != 0;
    let bounding = now.capabilities.bounding & if may_drop { kept } else { u64::MAX };
    let capabilities = Capabilities { bounding, ..Capabilities::default() };
    Standing { capabilities, no_new_privileges: true, threads: 1, ..now }
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
