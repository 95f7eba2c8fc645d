//! A program under test: started, watched through `/proc`, and gone with its owner.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::{eventually, found};

/// How long a program may take to leave when it is asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// A running program and where its standard error goes.
#[derive(Debug)]
pub struct Process {
    child: Child,
    errors: PathBuf,
}

impl Process {
    /// Starts a program that writes its standard error to `errors`.
    #[must_use]
    pub fn start(mut command: Command, errors: PathBuf) -> Self {
        let stderr = File::create(&errors).expect("a temporary directory can be written");
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
        let child = started.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, errors }
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The processes that it started and that still run.
    #[must_use]
    pub fn children(&self) -> Vec<u32> {
        let pid = self.pid();
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
    }

    /// Those of its processes that `ps` shows under this title.
    #[must_use]
    pub fn children_called(&self, title: &str) -> Vec<u32> {
        let is_called = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).next() == Some(title.as_bytes())
        };
        self.children().into_iter().filter(is_called).collect()
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// How it ended, if it does within `limit`.
    pub fn exit_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        found(limit, || self.child.try_wait().expect("a child can be waited for"))
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.exit_within(Duration::ZERO).is_none()
    }

    /// What it wrote to standard error.
    #[must_use]
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.errors).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.runs() {
            return;
        }
        let children = self.children();
        // More than one says "now", and two at once would be taken for one (signal(7)).
        let leaves = || {
            self.signal(Signal::SIGTERM);
            !self.runs()
        };
        if !eventually(FAREWELL, leaves) {
            self.signal(Signal::SIGKILL);
            self.exit_within(FAREWELL);
        }
        // A child that outlived its parent would hold ports and files of the next test.
        for pid in children {
            if !eventually(FAREWELL, || !exists(pid)) {
                send(pid, Signal::SIGKILL);
            }
        }
    }
}

/// Whether a process is there and not a zombie.
#[must_use]
pub fn exists(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

/// The proportional set size of a process in bytes (proc(5), `smaps_rollup`).
#[must_use]
pub fn proportional_set_size(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("the process runs");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("smaps_rollup has a line Pss");
    let kib = line.trim().trim_end_matches(" kB");
    1024 * kib.parse::<u64>().expect("Pss is a number of kB")
}

/// How many descriptors a process holds.
#[must_use]
pub fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs").count()
}

fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("pids fit into pid_t"));
    // It may have ended a moment ago.
    let _ = kill(pid, signal);
}
