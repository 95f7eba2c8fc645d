//! Gives up, step by step and each one verified by the next file, everything that is not in the profile.
//!
//! The order matters: ids can only change while the capabilities for it are there, and the bounding set only before the ids.

use std::error::Error;
use std::fs;
use std::io;
use std::os::fd::RawFd;

use caps::{CapSet, Capability, CapsHashSet};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::umask;
use nix::unistd::{Gid, Uid, chdir, close, geteuid, setgroups, setresgid, setresuid};

use super::LaunchError;
use super::profile::{Account, Profile};
use super::proof::Proof;

/// What an administrator can do when a step fails, by what the step needs.
const SETPCAP: &str = "root needs CAP_SETPCAP for it (CapabilityBoundingSet= in a unit, --cap-add for a container), or start it as another user";
const SETGID: &str = "root needs CAP_SETGID and a group that exists in its user namespace, or start it as another user";
const SETUID: &str = "root needs CAP_SETUID and a user who exists in its user namespace, or start it as another user";
const PROC: &str = "mount /proc";
const KERNEL: &str = "this kernel is too old or forbids it";

/// Gives up everything beyond the profile.
///
/// # Errors
/// The first step that failed, or what a look at the result still found. The process is then in no state to start anything.
pub(super) fn shed(profile: &Profile) -> Result<(), LaunchError> {
    let is_root = geteuid().is_root();
    let proof = Proof::of(profile, is_root)?;

    step("inherited descriptors", PROC, close_descriptors())?;
    step("core dumps", KERNEL, setrlimit(Resource::RLIMIT_CORE, 0, 0))?;
    // What it creates is for its user and, to read, for its group.
    umask(profile.umask());
    step("the working directory", KERNEL, chdir("/"))?;
    step("ambient capabilities", KERNEL, caps::clear(None, CapSet::Ambient))?;
    step("capabilities for good", SETPCAP, drop_bounding(profile, is_root))?;
    if is_root {
        // Otherwise the change of ids would take the permitted set too, before it is cut to what is kept.
        step("ids without capabilities", KERNEL, prctl::set_keepcaps(!profile.kept().is_empty()))?;
        become_account(profile.account()?)?;
    }
    step("capabilities", KERNEL, keep_capabilities(profile, is_root))?;
    step("outliving the monitor", KERNEL, prctl::set_pdeathsig(Signal::SIGKILL))?;
    step("new privileges", KERNEL, prctl::set_no_new_privs())?;
    proof.holds()
}

fn step<T, E: Error>(what: &'static str, advice: &'static str, done: Result<T, E>) -> Result<T, LaunchError> {
    done.map_err(|error| LaunchError::Shed { what, cause: error.to_string(), advice })
}

/// Everything above standard error. Nothing in this process owns any of them: it has only just begun.
fn close_descriptors() -> io::Result<()> {
    for descriptor in open_descriptors()? {
        match close(descriptor) {
            // The descriptor of the list itself is gone already.
            Ok(()) | Err(Errno::EBADF) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn open_descriptors() -> io::Result<Vec<RawFd>> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let number: Option<RawFd> = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        open.extend(number.filter(|number| *number > 2));
    }
    Ok(open)
}

/// Without root the bounding set stays as it is unless `CAP_SETPCAP` is there: no-new-privileges says the same.
fn drop_bounding(profile: &Profile, is_root: bool) -> Result<(), caps::errors::CapsError> {
    let may = caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)?;
    for capability in caps::read(None, CapSet::Bounding)? {
        if (may || is_root) && !profile.kept().contains(&capability) {
            caps::drop(None, CapSet::Bounding, capability)?;
        }
    }
    Ok(())
}

fn become_account(Account { uid, gid }: Account) -> Result<(), LaunchError> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    step("its groups", SETGID, setgroups(&[]))?;
    step("its group", SETGID, setresgid(gid, gid, gid))?;
    step("its user", SETUID, setresuid(uid, uid, uid))
}

/// Cuts every set to what is kept.
fn keep_capabilities(profile: &Profile, is_root: bool) -> Result<(), caps::errors::CapsError> {
    let had = caps::read(None, CapSet::Permitted)?;
    let kept = profile.kept_by(is_root).iter().copied().filter(|capability| had.contains(capability));
    let kept: CapsHashSet = kept.collect();
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    // Whoever is not uid 0 has after exec(2) what is ambient, and only that.
    let carried = if profile.stays_root(is_root) { CapsHashSet::new() } else { kept };
    caps::set(None, CapSet::Inheritable, &carried)?;
    caps::set(None, CapSet::Ambient, &carried)
}
