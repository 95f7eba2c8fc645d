//! Which files the process can still open: Landlock rules (landlock(7)), which bind whatever the permissions of files allow.
//!
//! Rules hold for directories, because files are replaced: a rule for a file would be gone with it.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};
use nix::unistd::{AccessFlags, access};

use super::{Names, Needs};

/// The newest rules that were tried with this program.
/// Newer ones would restrict connections to Unix sockets, which the system's resolver makes.
const NEWEST: ABI = ABI::V7;

/// Where resolv.conf may lead as a link, now or after the next change of network.
const RESOLVERS: &[&str] = &["/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/connman"];

/// What the C library reads and loads to look names up (nsswitch.conf(5)).
const NAME_SERVICES: &[&str] = &[
    "/etc",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share",
    "/run/nscd",
    "/run/systemd",
    "/var/lib/sss",
    "/var/db",
    "/var/lib/libvirt",
    "/var/lib/extrausers",
    "/dev/null",
    "/dev/urandom",
];

/// What the standard library reads, which is how many processors there are, and its memory map when it panics; and time zones for rules.
const OURS: &[&str] = &["/proc/self", "/sys/fs/cgroup", "/etc/localtime", "/usr/share/zoneinfo"];

/// Lets the process open nothing but what it needs, and reach no process outside with signals or abstract sockets.
///
/// Returns the version of the rules that hold.
///
/// # Errors
/// Why there are no rules, for the report.
pub(super) fn confine(needs: &Needs) -> Result<u32, String> {
    let status = restrict(needs).map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotImplemented) => {
            Err("the kernel has none, or a filter hides it".to_owned())
        }
        (RulesetStatus::NotEnforced, _) => Err("the kernel has it switched off".to_owned()),
        (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
            let kernel = kernel_abi.and_then(|abi| u32::try_from(abi).ok());
            Ok(kernel.unwrap_or(effective_abi as u32).min(NEWEST as u32))
        }
        (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => {
            Err("the kernel contradicts itself".to_owned())
        }
    }
}

fn restrict(needs: &Needs) -> Result<RestrictionStatus, RulesetError> {
    let mut rules =
        Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?.scope(Scope::from_all(NEWEST))?.create()?;
    for place in readable(needs) {
        rules = allow(rules, &place, make_bitflags!(AccessFs::{ReadFile | ReadDir}))?;
    }
    for place in writable(needs) {
        rules = allow(rules, &place, make_bitflags!(AccessFs::{WriteFile | MakeReg}))?;
    }
    let ours = make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile});
    for place in &needs.keep {
        rules = allow(rules, place, ours)?;
    }
    rules.restrict_self()
}

/// A place that does not exist, or that this user cannot reach, needs no rule.
fn allow(rules: RulesetCreated, place: &Path, what: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    match PathFd::new(place) {
        Ok(place) => rules.add_rule(PathBeneath::new(place, what)),
        Err(_) => Ok(rules),
    }
}

fn readable(needs: &Needs) -> Vec<PathBuf> {
    let system = match needs.names {
        Names::Ourselves => &[],
        Names::System => NAME_SERVICES,
    };
    let fixed = OURS.iter().chain(RESOLVERS).chain(system).map(PathBuf::from);
    let named =
        needs.read.iter().flat_map(|file| [Some(folder(file)), fs::canonicalize(file).ok().as_deref().map(folder)]);
    fixed.chain(named.flatten()).chain(needs.look.iter().cloned()).collect()
}

/// The folders of the files, and the folder above if this user can do no harm there: then a folder that is removed and made anew
/// is still writable, and other folders are so only as far as their permissions say.
fn writable(needs: &Needs) -> Vec<PathBuf> {
    let folders = needs.append.iter().map(|file| folder(file));
    folders
        .flat_map(|folder| {
            let above = folder.parent().filter(|above| access(*above, AccessFlags::W_OK).is_err()).map(Path::to_owned);
            [Some(folder), above]
        })
        .flatten()
        .collect()
}

fn folder(file: &Path) -> PathBuf {
    file.parent().unwrap_or(file).to_owned()
}
