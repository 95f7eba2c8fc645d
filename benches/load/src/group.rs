//! Starts one server and answers for all of its processes: CPU time, memory, descriptors, end.
//!
//! CPU time comes from a control group of its own where one can be made (root): that clock counts nanoseconds and
//! forgets nobody, neither short-lived children nor grandchildren. Otherwise it comes from the process tree in /proc, in ticks.
//! Knows nothing of what the processes do.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::procfs;

/// A command line, what it reads, and where what it prints goes.
#[derive(Debug)]
pub(crate) struct Launch {
    pub words: Vec<OsString>,
    pub home: PathBuf,
    /// Its standard input.
    pub input: Stdio,
}

impl Launch {
    /// The name of the file in `home` that receives what the server prints.
    pub(crate) const LOG: &str = "server.log";

    /// The same command, run by another one.
    pub(crate) fn under<W: Into<OsString>>(self, runner: impl IntoIterator<Item = W>) -> Self {
        let words = runner.into_iter().map(Into::into).chain(self.words).collect();
        Self { words, ..self }
    }

    fn command(self) -> Result<Command> {
        let log = fs::File::create(self.home.join(Self::LOG)).context("cannot create the server's log")?;
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            .env("HOME", &self.home)
            .env("XDG_STATE_HOME", &self.home)
            .env("XDG_RUNTIME_DIR", &self.home)
            .stdin(self.input)
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }
}

/// All processes of one server; they end when it is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    account: Account,
}

impl Group {
    /// Must be called from a thread that outlives the group: the server is killed when that thread ends, however it ends.
    pub(crate) fn start(launch: Launch) -> Result<Self> {
        let account = Cgroup::create();
        let mut launch = launch.under(["setpriv", "--pdeathsig", "KILL", "--"]);
        if let Some(cgroup) = &account {
            launch = launch.under(cgroup.enter());
        }
        let program = launch.words[0].clone();
        let child = launch.command()?.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, account: account.map_or(Account::Tree, Account::Cgroup) })
    }

    pub(crate) fn main_pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process ids are below 2^22")
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// User and system time of all processes since the start, ended ones included.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        match &self.account {
            Account::Cgroup(cgroup) => cgroup.cpu(),
            Account::Tree => Ok(self.pids().into_iter().filter_map(procfs::cpu).sum()),
        }
    }

    /// Proportional set size of all processes, KiB.
    pub(crate) fn pss_kib(&self) -> u64 {
        self.pids().into_iter().filter_map(procfs::pss_kib).sum()
    }

    /// Open descriptors of all processes.
    pub(crate) fn descriptors(&self) -> usize {
        self.pids().into_iter().filter_map(procfs::descriptors).sum()
    }

    /// Asks the server to end, and waits until every process has.
    pub(crate) fn stop(&mut self, limit: Duration) -> Result<()> {
        kill(Pid::from_raw(self.main_pid()), Signal::SIGTERM).context("cannot signal the server")?;
        self.wait(limit)
    }

    /// Waits until every process of a server that was told to end has.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<()> {
        let since = Instant::now();
        let everyone = self.pids();
        while !self.has_ended() || everyone.iter().any(|pid| procfs::is_running(*pid)) {
            ensure!(since.elapsed() < limit, "the server was still running {limit:?} after it was told to end");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Those of its processes that run now.
    pub(crate) fn pids(&self) -> Vec<i32> {
        match &self.account {
            Account::Cgroup(cgroup) => cgroup.pids(),
            Account::Tree => procfs::tree(self.main_pid()),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let everyone = self.pids();
        if !self.has_ended() {
            everyone.into_iter().for_each(end);
            drop(self.child.wait());
        }
        if let Account::Cgroup(cgroup) = &self.account {
            cgroup.clear();
        }
    }
}

/// A process that is gone already is what we want: the answer does not matter.
fn end(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

#[derive(Debug)]
enum Account {
    Cgroup(Cgroup),
    Tree,
}

#[derive(Debug)]
struct Cgroup {
    path: PathBuf,
    clock: Clock,
}

/// How a hierarchy tells CPU time.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// `cpuacct.usage`, nanoseconds (version 1).
    Cpuacct,
    /// `cpu.stat`, its line `usage_usec` (version 2).
    CpuStat,
}

impl Clock {
    fn read(self, group: &Path) -> Option<Duration> {
        match self {
            Self::Cpuacct => {
                let nanos = fs::read_to_string(group.join("cpuacct.usage")).ok()?;
                nanos.trim().parse().ok().map(Duration::from_nanos)
            }
            Self::CpuStat => {
                let stat = fs::read_to_string(group.join("cpu.stat")).ok()?;
                let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
                micros.parse().ok().map(Duration::from_micros)
            }
        }
    }
}

impl Cgroup {
    const HIERARCHIES: [(&str, Clock); 3] = [
        ("/sys/fs/cgroup/cpuacct", Clock::Cpuacct),
        ("/sys/fs/cgroup/cpu,cpuacct", Clock::Cpuacct),
        ("/sys/fs/cgroup", Clock::CpuStat),
    ];

    /// None when no hierarchy lets us make a group.
    fn create() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("rustsocks-bench-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self::HIERARCHIES.iter().find_map(|(root, clock)| Self::create_in(&Path::new(root).join(&name), *clock))
    }

    fn create_in(path: &Path, clock: Clock) -> Option<Self> {
        fs::create_dir(path).ok()?;
        if clock.read(path).is_none() || !path.join("cgroup.procs").exists() {
            drop(fs::remove_dir(path));
            return None;
        }
        Some(Self { path: path.to_owned(), clock })
    }

    /// The command that enters the group and then becomes the words after it.
    fn enter(&self) -> Vec<OsString> {
        let script = r#"echo $$ > "$0" && exec "$@""#;
        vec!["sh".into(), "-c".into(), script.into(), self.path.join("cgroup.procs").into()]
    }

    fn cpu(&self) -> Result<Duration> {
        self.clock.read(&self.path).with_context(|| format!("cannot read the CPU time of {}", self.path.display()))
    }

    fn pids(&self) -> Vec<i32> {
        let list = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        list.lines().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// Ends whoever is left, then removes the group. Gives up after a second.
    fn clear(&self) {
        let since = Instant::now();
        while fs::remove_dir(&self.path).is_err() && since.elapsed() < Duration::from_secs(1) {
            self.pids().into_iter().for_each(end);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy_shell(home: &Path) -> Launch {
        // The child ends at once, the parent waits for it and then for ever.
        let script = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; echo ready; sleep 1000 & wait";
        Launch { words: ["sh", "-c", script].map(OsString::from).to_vec(), home: home.to_owned(), input: Stdio::null() }
    }

    fn wait_for_ready(home: &Path) {
        let limit = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(home.join(Launch::LOG)).unwrap().contains("ready") {
            assert!(Instant::now() < limit, "the shell never got ready");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn the_time_of_a_child_that_ended_counts_and_nobody_survives_the_drop() {
        let home = tempfile::tempdir().unwrap();
        let group = Group::start(busy_shell(home.path())).unwrap();
        wait_for_ready(home.path());
        assert!(group.cpu().unwrap() > Duration::from_millis(10));
        assert!(group.pss_kib() > 0);
        assert!(group.descriptors() >= 3);
        let everyone = procfs::tree(group.main_pid());
        drop(group);
        assert!(!everyone.into_iter().any(procfs::is_running));
    }

    #[test]
    fn a_stopped_group_has_ended() {
        let home = tempfile::tempdir().unwrap();
        let words = ["sleep", "1000"].map(OsString::from).to_vec();
        let launch = Launch { words, home: home.path().to_owned(), input: Stdio::null() };
        let mut group = Group::start(launch).unwrap();
        assert!(!group.has_ended());
        group.stop(Duration::from_secs(10)).unwrap();
        assert!(group.has_ended());
    }
}
