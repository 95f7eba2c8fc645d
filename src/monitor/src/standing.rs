//! What this process is and may, as the kernel says it: who it is, its capabilities, and whether it can ever gain more.
//!
//! Reads `/proc/thread-self/status`, see proc(5), so that a claim is checked against something else than the call that made it.

use std::fs;
use std::io::{self, ErrorKind};

/// The credentials of the calling thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Real, effective, saved and file system user id.
    pub users: [u32; 4],
    /// Real, effective, saved and file system group id.
    pub groups: [u32; 4],
    /// Supplementary groups.
    pub further_groups: Vec<u32>,
    /// What it may beyond its ids.
    pub capabilities: Capabilities,
    /// Whether no exec(2) can ever give it more than it has.
    pub no_new_privileges: bool,
    /// The threads of the process.
    pub threads: u32,
}

/// The five sets of capabilities(7), one bit for each capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    pub inheritable: u64,
    pub permitted: u64,
    pub effective: u64,
    pub bounding: u64,
    pub ambient: u64,
}

impl Standing {
    /// Asks the kernel.
    ///
    /// # Errors
    /// `/proc` is not mounted, or a line of it is missing.
    pub fn look() -> io::Result<Self> {
        Self::parse(&fs::read_to_string("/proc/thread-self/status")?)
    }

    fn parse(status: &str) -> io::Result<Self> {
        Ok(Self {
            users: ids(status, "Uid")?,
            groups: ids(status, "Gid")?,
            further_groups: numbers(status, "Groups")?,
            capabilities: Capabilities {
                inheritable: set(status, "CapInh")?,
                permitted: set(status, "CapPrm")?,
                effective: set(status, "CapEff")?,
                bounding: set(status, "CapBnd")?,
                ambient: set(status, "CapAmb")?,
            },
            no_new_privileges: line(status, "NoNewPrivs")? == "1",
            threads: line(status, "Threads")?.parse().map_err(|_| unreadable("Threads"))?,
        })
    }
}

fn ids(status: &str, name: &str) -> io::Result<[u32; 4]> {
    numbers(status, name)?.try_into().map_err(|_| unreadable(name))
}

fn numbers(status: &str, name: &str) -> io::Result<Vec<u32>> {
    line(status, name)?.split_whitespace().map(|id| id.parse().map_err(|_| unreadable(name))).collect()
}

fn set(status: &str, name: &str) -> io::Result<u64> {
    u64::from_str_radix(line(status, name)?, 16).map_err(|_| unreadable(name))
}

fn line<'a>(status: &'a str, name: &str) -> io::Result<&'a str> {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    status.lines().find_map(value).map(str::trim).ok_or_else(|| unreadable(name))
}

fn unreadable(name: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the line {name} of /proc/thread-self/status is missing or odd"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tcat\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nThreads:\t1\n\
        CapInh:\t0000000000000001\nCapPrm:\t0000000000000002\nCapEff:\t0000000000000003\nCapBnd:\t000001ffffffffff\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t0\n";

    #[test]
    fn every_line_is_understood() {
        let capabilities =
            Capabilities { inheritable: 1, permitted: 2, effective: 3, bounding: 0x1ff_ffff_ffff, ambient: 0 };
        let standing = Standing {
            users: [1, 2, 3, 4],
            groups: [5, 6, 7, 8],
            further_groups: vec![9, 10],
            capabilities,
            no_new_privileges: true,
            threads: 1,
        };
        assert_eq!(Standing::parse(STATUS).expect("understood"), standing);
    }

    #[test]
    fn a_missing_line_is_not_taken_for_nothing() {
        for name in ["Uid", "Gid", "Groups", "Threads", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"]
        {
            let without: Vec<&str> = STATUS.lines().filter(|line| !line.starts_with(name)).collect();
            let error = Standing::parse(&without.join("\n")).expect_err("refused").to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_kernel_says_something_about_us() {
        let standing = Standing::look().expect("looked");
        assert_eq!(standing.users[1], nix::unistd::geteuid().as_raw());
        assert!(standing.threads > 0);
    }
}
