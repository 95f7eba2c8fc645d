//! Containers of systemd-nspawn, each in control groups of its own.
//!
//! Whichever share theirs undo each other's work: the manager of one removes the very group in which that of another is
//! about to start the same service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Enters the groups that are named before `--`, and becomes the command behind it.
const ENTER: &str = r#"while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit; shift; done; shift; exec "$@""#;

/// A running one; whoever is still in there is killed when it goes.
#[derive(Debug)]
pub struct Container {
    nspawn: Child,
    /// Dropped after the process is gone.
    _groups: Groups,
}

/// Control groups of one container, one in each hierarchy that knows processes by their service.
#[derive(Debug)]
struct Groups(Vec<PathBuf>);

impl Container {
    /// Starts one of this root, with whatever else `with` tells systemd-nspawn; what it says goes to `log`.
    #[must_use]
    pub fn start(root: &Path, log: &Path, with: impl FnOnce(&mut Command)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rustsocks-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let groups = Groups::make(&name);
        let to =
            || Stdio::from(fs::File::options().create(true).append(true).open(log).expect("the log can be written"));
        let mut command = Command::new("sh");
        command.args(["-c", ENTER, "sh"]).args(&groups.0).args(["--", "systemd-nspawn"]);
        command.args(["--quiet", "--register=no", "--keep-unit", "--console=pipe"]);
        // What a container's own filter hides from a service that the bare machine has.
        command.arg("--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self");
        command.arg(format!("--machine={name}")).arg(format!("--directory={}", root.display()));
        with(&mut command);
        let nspawn = command.stdin(Stdio::null()).stdout(to()).stderr(to()).spawn().expect("a shell can be started");
        Self { nspawn, _groups: groups }
    }

    /// The first process in there, as this system numbers it; nothing while there is none yet.
    #[must_use]
    pub fn leader(&self) -> Option<u32> {
        let pid = self.nspawn.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.nspawn.try_wait().expect("a child can be asked")
    }

    /// Sends a signal to the first process in there.
    pub fn signal(&self, signal: Signal) {
        send(self.leader().expect("it runs"), signal);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.ended().is_none() {
            // With the first process in there everybody in there is gone.
            send(self.leader().unwrap_or_else(|| self.nspawn.id()), Signal::SIGKILL);
            let _reaped = self.nspawn.wait();
        }
    }
}

impl Groups {
    fn make(name: &str) -> Self {
        let groups = hierarchies().into_iter().map(|hierarchy| hierarchy.join(name));
        let groups = Self(groups.collect());
        for group in &groups.0 {
            fs::create_dir(group).unwrap_or_else(|error| panic!("cannot make {}: {error}", group.display()));
        }
        groups
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.0 {
            remove(group);
        }
    }
}

/// To a process that may have ended meanwhile.
fn send(process: u32, signal: Signal) {
    let _sent = kill(Pid::from_raw(i32::try_from(process).expect("a process id is positive")), signal);
}

/// Removes a group and those in it; one in which a process still ends stays behind, empty.
fn remove(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    let _removed = fs::remove_dir(group);
}

/// Where this process is in the hierarchies that systemd uses, see cgroups(7): the one of version 2, and that of its name.
fn hierarchies() -> Vec<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").expect("proc is mounted");
    let mounts = fs::read_to_string("/proc/self/mounts").expect("proc is mounted");
    let mounted = |is_it: &dyn Fn(&str, &str) -> bool| {
        mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (place, kind, options) = (words.next()?, words.next()?, words.next()?);
            is_it(kind, options).then_some(place)
        })
    };
    let own = groups.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (hierarchy, path) = line.split_once(':')?;
        let place = match hierarchy {
            "" => mounted(&|kind, _| kind == "cgroup2"),
            "name=systemd" => {
                mounted(&|kind, options| kind == "cgroup" && options.split(',').any(|it| it == hierarchy))
            }
            _ => None,
        }?;
        Some(Path::new(place).join(path.trim_start_matches('/')))
    });
    own.collect()
}
