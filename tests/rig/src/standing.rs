//! What a thread of another process is and may, by `/proc/PID/task/TID/status` (proc(5)).

use std::fs;

/// The credentials of one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Real, effective, saved and file system user id.
    pub users: Vec<u32>,
    /// Real, effective, saved and file system group id.
    pub groups: Vec<u32>,
    pub further_groups: Vec<u32>,
    pub inheritable: u64,
    pub permitted: u64,
    pub effective: u64,
    pub bounding: u64,
    pub ambient: u64,
    pub no_new_privileges: bool,
    /// 0 is none, 2 is a filter.
    pub seccomp: u32,
}

/// Every thread of a process, with its name.
#[must_use]
pub fn of_all_threads(pid: u32) -> Vec<(String, Standing)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs").flatten();
    // A thread may end between the list and the look.
    tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).map(|status| parse(&status)).collect()
}

fn parse(status: &str) -> (String, Standing) {
    let line = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("no line {name} in {status}")).trim()
    };
    let ids = |name| line(name).split_whitespace().map(|id| id.parse().expect("ids are numbers")).collect();
    let set = |name| u64::from_str_radix(line(name), 16).expect("sets are hexadecimal");
    let standing = Standing {
        users: ids("Uid"),
        groups: ids("Gid"),
        further_groups: ids("Groups"),
        inheritable: set("CapInh"),
        permitted: set("CapPrm"),
        effective: set("CapEff"),
        bounding: set("CapBnd"),
        ambient: set("CapAmb"),
        no_new_privileges: line("NoNewPrivs") == "1",
        seccomp: line("Seccomp").parse().expect("the mode is a number"),
    };
    (line("Name").to_owned(), standing)
}
