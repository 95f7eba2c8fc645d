//! A machine with a systemd of its own: a container of one test, booted from a root that `scripts/roots` has made.
//!
//! It shares the network of the test's thread, which is nobody else's, and what it writes is gone with it.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rig::container::Container;
use rig::wait::{PATIENCE, eventually};

/// The releases of Debian that the package is installed on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Release {
    Bookworm,
    Trixie,
}

/// A running one; it is switched off when this goes.
#[derive(Debug)]
pub(crate) struct Machine {
    container: Container,
    /// The container's systemd, as this system numbers it.
    leader: u32,
    console: tempfile::NamedTempFile,
}

/// What a command inside has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) success: bool,
    /// Standard output and then standard error.
    pub(crate) text: String,
}

impl Release {
    fn root(self) -> PathBuf {
        let name = match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        };
        let root = target().join("roots").join(name);
        assert!(root.join(".made-of").exists(), "{} is not there: run scripts/roots", root.display());
        root
    }
}

impl Machine {
    /// Boots one; `packages` is its /mnt.
    pub(crate) fn boot(release: Release, packages: &Path) -> Self {
        let console = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let container = Container::start(&release.root(), console.path(), |nspawn| {
            nspawn.args(["--boot", "--volatile=overlay"]).arg(format!("--bind-ro={}:/mnt", packages.display()));
        });
        let mut machine = Self { container, leader: 0, console };
        let is_up = || {
            // The first child only makes the container; systemd comes after it.
            machine.leader = machine.find_leader().unwrap_or_default();
            let state = machine.inside(&["systemctl", "is-system-running"]).text;
            ["running", "degraded"].contains(&state.trim())
        };
        assert!(eventually(PATIENCE, is_up), "it does not boot: {}", machine.said());
        machine
    }

    /// Runs a command in it, to its end.
    pub(crate) fn inside(&self, command: &[&str]) -> Said {
        let Output { status, stdout, stderr } = Command::new("nsenter")
            .args(["--target", &self.leader.to_string(), "--all", "env", "--ignore-environment"])
            .args([
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root",
                "LANG=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive",
            ])
            .args(command)
            .stdin(Stdio::null())
            .output()
            .expect("nsenter can be started");
        assert_eq!(status.signal(), None, "{command:?}");
        let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Said { success: status.success(), text }
    }

    /// The same for a command that must succeed; what it said.
    pub(crate) fn run(&self, command: &[&str]) -> String {
        let said = self.inside(command);
        assert!(said.success, "{command:?}: {}\n{}", said.text, self.journal());
        said.text
    }

    /// The same for a line of shell.
    pub(crate) fn shell(&self, line: &str) -> String {
        self.run(&["sh", "-c", line])
    }

    /// One property of the service, see `systemctl show`.
    pub(crate) fn property(&self, name: &str) -> String {
        self.run(&["systemctl", "show", "--value", "--property", name, "rustsocks"]).trim().to_owned()
    }

    /// What the service and the manager about it have said.
    pub(crate) fn journal(&self) -> String {
        self.inside(&["journalctl", "--unit=rustsocks", "--no-pager", "--output=cat"]).text
    }

    /// Waits until the journal has these words.
    pub(crate) fn hears(&self, words: &str) {
        assert!(eventually(PATIENCE, || self.journal().contains(words)), "no {words:?} in\n{}", self.journal());
    }

    /// The processes of the service's worker, by the container's numbers.
    pub(crate) fn workers(&self) -> Vec<String> {
        let said = self.inside(&["pgrep", "--full", "^rustsocks: worker"]);
        said.text.lines().map(str::to_owned).collect()
    }

    fn find_leader(&mut self) -> Option<u32> {
        assert_eq!(self.container.ended(), None, "systemd-nspawn ended: {}", self.said());
        self.container.leader()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.console.path()).unwrap_or_else(|error| error.to_string())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.leader != 0 {
            // Asks a systemd to halt (systemd(1)); nix knows no real-time signals.
            let _asked = Command::new("kill").args(["-RTMIN+3", &self.leader.to_string()]).status();
        }
        eventually(Duration::from_secs(15), || self.container.ended().is_some());
    }
}

/// The build directory of the packages, which is the default one whatever cargo was told for the tests.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}
