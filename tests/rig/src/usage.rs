//! What a process uses, as proc(5) shows it, and the limits that a test puts on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{SysconfVar, sysconf};

use crate::wait::{PATIENCE, eventually};

/// Fails with clear words for anybody but root.
pub fn require_root() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|ourselves| ourselves.uid() == 0);
    assert!(is_root, "these tests make networks, limits and users of their own: run them as root");
}

/// One thread of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    pub id: u32,
    pub name: String,
    /// Such as `S` (sleeping) or `T` (stopped).
    pub state: char,
}

/// The threads of a process.
#[must_use]
pub fn threads(pid: u32) -> Vec<Thread> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| Thread::parse(&fs::read_to_string(task.path().join("stat")).ok()?)).collect()
}

impl Thread {
    /// `ID (name) S …`; the name may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (id, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        Some(Self { id: id.parse().ok()?, name: name.to_owned(), state: rest.chars().next()? })
    }
}

/// A line of `/proc/PID/status` without its name, see proc(5).
#[must_use]
pub fn status_line(pid: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    line.unwrap_or_else(|| panic!("no line {name} in {status}")).to_owned()
}

/// The memory that a process has filled itself, in bytes: heap and stacks, and nothing that it shares with others.
#[must_use]
pub fn own_memory(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("the process runs");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("smaps_rollup has that line");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number of kB")
}

/// The processor time that a process has used.
#[must_use]
pub fn processor_time(pid: u32) -> Duration {
    time_in(&fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs"))
}

/// The processor time of each thread of a process, by name; threads of one name are taken together.
#[must_use]
pub fn processor_time_by_thread(pid: u32) -> BTreeMap<String, Duration> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    let mut times = BTreeMap::new();
    for stat in stats {
        if let Some(thread) = Thread::parse(&stat) {
            *times.entry(thread.name).or_default() += time_in(&stat);
        }
    }
    times
}

/// The processor time that a process has used, as the scheduler counts it: in nanoseconds and not in ticks.
#[must_use]
pub fn exact_processor_time(pid: u32) -> Duration {
    exact_processor_time_by_thread(pid).values().sum()
}

/// The same of each thread, by name; threads of one name are taken together, and those that are over left out.
#[must_use]
pub fn exact_processor_time_by_thread(pid: u32) -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    for Thread { id, name, .. } in threads(pid) {
        let counted = fs::read_to_string(format!("/proc/{pid}/task/{id}/schedstat")).unwrap_or_default();
        let nanoseconds = counted.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0);
        *times.entry(name).or_default() += Duration::from_nanos(nanoseconds);
    }
    times
}

/// Fields 14 and 15 of a line of proc(5), utime and stime.
fn time_in(stat: &str) -> Duration {
    let (_, after_name) = stat.rsplit_once(')').expect("the name is in parentheses");
    let ticks = |field: usize| after_name.split_whitespace().nth(field - 3).and_then(|text| text.parse::<u32>().ok());
    let used = ticks(14).zip(ticks(15)).map(|(user, system)| user + system).expect("both are numbers");
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().expect("the kernel counts in ticks");
    Duration::from_secs_f64(f64::from(used) / f64::from(i32::try_from(per_second).expect("a hundred or so")))
}

/// The share of one processor that a process uses during this time.
#[must_use]
pub fn processor_share(pid: u32, during: Duration) -> f64 {
    let (began, before) = (Instant::now(), processor_time(pid));
    thread::sleep(during);
    processor_time(pid).saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64()
}

/// Lets another process open no further descriptor; those that it has stay.
pub fn take_descriptors(pid: u32) {
    let (mut limit, mut looks_without_room) = (usize::MAX, 0);
    // What it had open for a moment only when it was looked at leaves room below the limit.
    let is_settled = eventually(PATIENCE, || {
        let free = lowest_free_descriptor(pid);
        looks_without_room += 1;
        if free < limit {
            (limit, looks_without_room) = (free, 0);
            limit_descriptors(pid, limit);
        }
        looks_without_room == 20
    });
    assert!(is_settled, "the process goes on closing descriptors");
}

/// A new descriptor gets this number, which must be below the limit (getrlimit(2)).
fn lowest_free_descriptor(pid: u32) -> usize {
    let numbers = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs").flatten();
    let open: BTreeSet<usize> = numbers.filter_map(|fd| fd.file_name().to_str()?.parse().ok()).collect();
    (0..).zip(&open).find_map(|(number, taken)| (number != *taken).then_some(number)).unwrap_or(open.len())
}

/// Lets another process have descriptors below this number.
///
/// Asked by its own user: root needs `CAP_SYS_RESOURCE` for somebody else's process (prlimit(2)), and a container may lack it.
pub fn limit_descriptors(pid: u32, limit: usize) {
    let [user, group] = ["Uid", "Gid"].map(|line| status_line(pid, line).split('\t').next().map(str::to_owned));
    let (user, group) = user.zip(group).expect("both lines have four ids");
    let user = [format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()];
    let arguments = ["prlimit".to_owned(), format!("--pid={pid}"), format!("--nofile={limit}:")];
    let done = Command::new("setpriv").args(user).args(arguments).status().expect("util-linux is installed");
    assert!(done.success(), "prlimit refuses");
}

/// Lets this process have as many descriptors as it may.
pub fn raise_own_descriptor_limit() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("every process has a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the soft limit may be raised to the hard one");
}
