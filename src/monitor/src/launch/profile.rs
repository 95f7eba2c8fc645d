//! What a program may still do once it runs, and how that is written on the launcher's command line.

use std::fmt;
use std::str::FromStr;

use caps::Capability;
use nix::sys::stat::Mode;

use super::LaunchError;

/// The rights of a program behind the launcher.
///
/// All of them lose every descriptor but the three standard ones, core dumps, the working directory, ambient and inheritable
/// capabilities, and the ability to gain privileges by exec(2).
/// Without root, ids and groups stay those of the monitor, since they cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// It has no capability but what its sockets need. If the monitor is root, it is this account with no further groups; root without an
    /// account is refused.
    Worker { account: Option<Account>, sockets: Sockets },
    /// It is uid 0, gid 0 with no further groups, and has those capabilities of [`Profile::kept`] that the monitor has.
    PamHelper,
}

/// What a worker may do to its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// What everybody may.
    Plain,
    /// Give them a firewall mark (`SO_MARK`, socket(7)), with `CAP_NET_RAW`, which suffices since Linux 5.17.
    Marked,
}

/// A user and a group by number; neither is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Profile {
    /// The capabilities that are not given up, as far as the monitor has them.
    ///
    /// The helper's are those that Linux-PAM's modules use:
    /// - `CAP_DAC_READ_SEARCH`: `/etc/shadow` has mode 000 on some systems, and rhosts files lie in directories of their users;
    /// - `CAP_SETUID` and `CAP_SETGID`: modules take on the user's identity to read the user's files (`pam_modutil_drop_priv`);
    /// - `CAP_AUDIT_WRITE`: libpam writes to the audit log.
    ///
    /// `pam_faillock` needs none: its tally files are `USER:root` with mode 660, so that uid 0 with gid 0 writes to them by their group;
    /// those that the helper itself creates stay `root:root`, since it may not give them away.
    #[must_use]
    pub fn kept(&self) -> &'static [Capability] {
        match self {
            Self::Worker { sockets: Sockets::Plain, .. } => &[],
            Self::Worker { sockets: Sockets::Marked, .. } => &[Capability::CAP_NET_RAW],
            Self::PamHelper => &[
                Capability::CAP_DAC_READ_SEARCH,
                Capability::CAP_SETGID,
                Capability::CAP_SETUID,
                Capability::CAP_AUDIT_WRITE,
            ],
        }
    }
}

impl Profile {
    /// The account to become; only root can.
    pub(super) fn account(&self) -> Result<Account, LaunchError> {
        match self {
            Self::Worker { account, .. } => account.ok_or(LaunchError::NoAccount),
            Self::PamHelper => Ok(Account { uid: 0, gid: 0 }),
        }
    }

    /// A helper without root has no use for what is left.
    pub(super) fn kept_by(&self, is_root: bool) -> &'static [Capability] {
        match self {
            Self::Worker { .. } => self.kept(),
            Self::PamHelper if is_root => self.kept(),
            Self::PamHelper => &[],
        }
    }

    pub(super) fn stays_root(&self, is_root: bool) -> bool {
        is_root && *self == Self::PamHelper
    }

    /// `pam_faillock` writes to its files by their group.
    pub(super) fn umask(&self) -> Mode {
        match self {
            Self::Worker { .. } => Mode::S_IWGRP | Mode::S_IRWXO,
            Self::PamHelper => Mode::S_IRWXO,
        }
    }
}

const WORKER: &str = "worker";
const MARKING_WORKER: &str = "marking-worker";
const PAM_HELPER: &str = "pam-helper";

impl fmt::Display for Profile {
    /// `worker`, `worker:UID:GID`, the same with `marking-worker`, or `pam-helper`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Worker { account, sockets } = self else { return f.write_str(PAM_HELPER) };
        f.write_str(match sockets {
            Sockets::Plain => WORKER,
            Sockets::Marked => MARKING_WORKER,
        })?;
        account.map_or(Ok(()), |Account { uid, gid }| write!(f, ":{uid}:{gid}"))
    }
}

impl FromStr for Profile {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let (kind, account) = word.split_once(':').map_or((word, None), |(kind, account)| (kind, Some(account)));
        let account = account.map(|account| Account::parse(account).ok_or(())).transpose()?;
        match (kind, account) {
            (WORKER, account) => Ok(Self::Worker { account, sockets: Sockets::Plain }),
            (MARKING_WORKER, account) => Ok(Self::Worker { account, sockets: Sockets::Marked }),
            (PAM_HELPER, None) => Ok(Self::PamHelper),
            _ => Err(()),
        }
    }
}

impl Account {
    fn parse(text: &str) -> Option<Self> {
        let (uid, gid) = text.split_once(':')?;
        let account = Self { uid: uid.parse().ok()?, gid: gid.parse().ok()? };
        account.is_nobody_special().then_some(account)
    }

    /// Neither root nor `-1`, which means "leave it as it is" to setresuid(2).
    fn is_nobody_special(self) -> bool {
        [self.uid, self.gid].iter().all(|id| ![0, u32::MAX].contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood() {
        let accounts = [None, Some(Account { uid: 990, gid: 991 })];
        let workers = accounts
            .into_iter()
            .flat_map(|account| [Sockets::Plain, Sockets::Marked].map(|sockets| Profile::Worker { account, sockets }));
        for profile in workers.chain([Profile::PamHelper]) {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
    }

    #[test]
    fn root_and_nonsense_are_no_profiles() {
        for word in ["", "root", "worker:0:1", "worker:1:0", "worker:4294967295:1", "worker:1:4294967295", "worker:1"] {
            assert_eq!(word.parse::<Profile>(), Err(()), "{word}");
        }
        for word in ["worker:1:2:3", "worker:-1:2", "worker::", "pam-helper:1:2", "worker:4294967296:1"] {
            assert_eq!(word.parse::<Profile>(), Err(()), "{word}");
        }
    }
}
