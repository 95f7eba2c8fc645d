//! Whether descriptors, ports and the kernel's tables suffice for the sessions that the configuration allows.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};

use super::finding::{Finding, Remedy};
use super::patient::Patient;
use crate::app::build;
use crate::engine::sys::descriptors::Budget;

/// What administrators write changes of the unit into (`systemctl edit rustsocks`).
const DROP_IN: &str = "/etc/systemd/system/rustsocks.service.d/override.conf";

/// What administrators write settings of the kernel into (sysctl.d(5)).
const SYSCTL: &str = "/etc/sysctl.d/60-rustsocks.conf";

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let limits = &patient.settings().limits;
    let mut found = vec![descriptors(patient)];
    let backlog = patient.settings().server.backlog as usize;
    found.extend(kernel("net.core.somaxconn", backlog, |has| {
        format!("the kernel lets {has} connections wait to be accepted, and server.backlog asks for {backlog}")
    }));
    let sessions = limits.max_connections;
    // The client's connection and the target's.
    found.extend(kernel("net.netfilter.nf_conntrack_max", 2 * sessions, |has| {
        format!("the firewall follows {has} connections, and {sessions} sessions have two each")
    }));
    found
}

fn descriptors(patient: &Patient<'_>) -> Finding {
    let settings = patient.settings();
    let (whose, limit) = match patient.file().and_then(of_service) {
        Some(limit) => ("the service that runs", limit),
        None => ("this shell", of_ourselves()),
    };
    let limits = &settings.limits;
    let budget = Budget::of(limit, limits.max_connections, limits.max_handshakes, build::descriptors_beside(settings));
    if !budget.is_short() {
        return Finding::fine(format!("{} sessions fit under {whose}'s limit of {limit} descriptors", budget.sessions));
    }
    let change = format!("[Service] LimitNOFILE={}", budget.needed());
    Finding::problem(format!("{whose} may have too few descriptors: {budget}"))
        .with(Remedy::of_file(Path::new(DROP_IN), change))
}

/// The hard limit of the worker that was started with this configuration.
fn of_service(configuration: &Path) -> Option<usize> {
    let processes = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    let mut workers = processes.filter(|process| is_worker(process, configuration));
    hard_limit(&fs::read_to_string(workers.next()?.join("limits")).ok()?)
}

fn is_worker(process: &Path, configuration: &Path) -> bool {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    line.starts_with(b"rustsocks: worker") && words.any(|word| word == configuration.as_os_str().as_bytes())
}

fn of_ourselves() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(usize::MAX, |(_, hard)| usize::try_from(hard).unwrap_or(usize::MAX))
}

/// `Max open files            1024                 524288               files`
fn hard_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

/// A setting of the kernel that is lower than `wanted`; one that this kernel does not have limits nothing.
fn kernel(name: &str, wanted: usize, words: impl FnOnce(usize) -> String) -> Option<Finding> {
    let file = Path::new("/proc/sys").join(name.replace('.', "/"));
    let has: usize = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let remedy = || Remedy::of_file(Path::new(SYSCTL), format!("{name} = {wanted}"));
    (has < wanted).then(|| Finding::warning(words(has)).with(remedy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(hard_limit(limits), Some(524_288));
        assert_eq!(hard_limit("Max open files 1024 unlimited files"), Some(usize::MAX));
        assert_eq!(hard_limit("Max processes 1 2 processes"), None);
    }
}
