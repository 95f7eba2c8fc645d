//! What a program may still do once it runs, and how that is written on the launcher's command line.

use std::fmt;
use std::str::FromStr;

use caps::Capability;

/// The rights of a program behind the launcher.
///
/// All of them lose every descriptor but the three standard ones, core dumps, the working directory, ambient and inheritable
/// capabilities, and the ability to gain privileges by exec(2).
/// Without root, ids and groups stay those of the monitor, since they cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// It has no capability at all. If the monitor is root, it is this account with no further groups; root without an account is refused.
    Worker(Option<Account>),
    /// It is uid 0, gid 0 with no further groups, and has those capabilities of [`Profile::kept`] that the monitor has.
    PamHelper,
}

/// A user and a group by number; neither is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Profile {
    /// The capabilities that are not given up.
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
            Self::Worker(_) => &[],
            Self::PamHelper => &[
                Capability::CAP_DAC_READ_SEARCH,
                Capability::CAP_SETGID,
                Capability::CAP_SETUID,
                Capability::CAP_AUDIT_WRITE,
            ],
        }
    }
}

const WORKER: &str = "worker";
const PAM_HELPER: &str = "pam-helper";

impl fmt::Display for Profile {
    /// `worker`, `worker:UID:GID` or `pam-helper`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(None) => f.write_str(WORKER),
            Self::Worker(Some(Account { uid, gid })) => write!(f, "{WORKER}:{uid}:{gid}"),
            Self::PamHelper => f.write_str(PAM_HELPER),
        }
    }
}

impl FromStr for Profile {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let mut parts = word.split(':');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(WORKER), None, None, None) => Ok(Self::Worker(None)),
            (Some(PAM_HELPER), None, None, None) => Ok(Self::PamHelper),
            (Some(WORKER), Some(uid), Some(gid), None) => Ok(Self::Worker(Some(Account::parse(uid, gid).ok_or(())?))),
            _ => Err(()),
        }
    }
}

impl Account {
    fn parse(uid: &str, gid: &str) -> Option<Self> {
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
        for profile in
            [Profile::Worker(None), Profile::Worker(Some(Account { uid: 990, gid: 991 })), Profile::PamHelper]
        {
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
