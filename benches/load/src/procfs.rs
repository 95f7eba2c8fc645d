//! What the kernel says about one process: its parent, CPU time, memory and descriptors (proc(5)).
//!
//! Knows nothing of servers. A process may end at any moment, so every answer is optional.

use std::{fs, time::Duration};

use nix::unistd::{SysconfVar, sysconf};

/// A process and everything that descends from it, the process itself first.
pub(crate) fn tree(root: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> = all().into_iter().filter_map(|pid| Some((pid, Stat::read(pid)?.parent))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| pid));
        next += 1;
    }
    found
}

/// Whether it still runs: a process that ended stays in the table until somebody waits for it.
pub(crate) fn is_running(pid: i32) -> bool {
    Stat::read(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// CPU time of the process and of its children that ended and were waited for.
/// The kernel's clock for this ticks 100 times a second.
pub(crate) fn cpu(pid: i32) -> Option<Duration> {
    let per_second = sysconf(SysconfVar::CLK_TCK).ok()??;
    let ticks = Stat::read(pid)?.ticks;
    Some(Duration::from_millis(ticks * 1000 / u64::try_from(per_second).ok()?))
}

/// Proportional set size in KiB: private memory plus a fair share of what is shared.
pub(crate) fn pss_kib(pid: i32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Open descriptors.
pub(crate) fn descriptors(pid: i32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// How often the threads of this name of a process have gone to sleep so far.
pub(crate) fn sleeps(pid: i32, thread: &str) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let texts = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let of_thread = texts.filter(|text| text.lines().next() == Some(&format!("Name:\t{thread}")));
    let sleeps = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    Some(of_thread.filter_map(sleeps).sum())
}

fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

struct Stat {
    state: char,
    parent: i32,
    /// utime + stime + cutime + cstime.
    ticks: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // The command's name may hold spaces and parentheses; the fields after it hold neither.
        let (_, fields) = line.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = fields.get(11..15)?.iter().map(|ticks| ticks.parse::<u64>().ok());
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            ticks: ticks.sum::<Option<u64>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn a_command_name_with_parentheses_does_not_shift_the_fields() {
        let line = "7 (a) b (c) S 42 7 7 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 1 0 9";
        let stat = Stat::parse(line).expect("a whole line");
        assert_eq!((stat.state, stat.parent, stat.ticks), ('S', 42, 124));
    }

    #[test]
    fn this_process_has_memory_descriptors_and_a_place_in_its_own_tree() {
        let own = i32::try_from(process::id()).expect("process ids are below 2^22");
        assert!(pss_kib(own).is_some_and(|kib| kib > 100));
        assert!(descriptors(own).is_some_and(|open| open >= 3));
        assert_eq!(tree(own).first(), Some(&own));
    }
}
