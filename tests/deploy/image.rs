//! The image, made by its Dockerfile's own steps on a Debian root, and run as a container runtime runs it: without root, without
//! capabilities, on a root that cannot be written.
//!
//! The build stage compiles in CI already; here its result is the programs of these tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use rig::container::Container;
use rig::network::alone;
use rig::wait::{PATIENCE, eventually, found};
use tempfile::TempDir;

use crate::dockerfile::{Instruction, only, stages, words};
use crate::root;

#[test]
fn the_image_is_healthy_without_root_and_without_a_place_to_write() {
    rig::usage::require_root();
    alone(|| {
        let stages = stages();
        let [build, image] = stages.as_slice() else { panic!("two stages: {stages:?}") };
        let made = Made::by(build, image);
        let mut running = Running::run(&made, image);
        let check = words(only(image, "HEALTHCHECK").split_once("CMD").expect("it has a command").1);
        let is_healthy = || running.inside(&check).is_some_and(|said| said.contains("\"live\""));
        assert!(eventually(2 * PATIENCE, is_healthy), "{}", running.said());
        let status = running.inside(&["cat", "/proc/1/status"].map(str::to_owned)).expect("proc is there");
        assert!(
            status.contains("Uid:\t2080\t2080\t2080\t2080") && status.contains("CapEff:\t0000000000000000"),
            "{status}"
        );
        assert!(running.inside(&["touch", "/usr/file"].map(str::to_owned)).is_none(), "the root can be written");
        // As `docker exec` has it, which gives the image's environment to everything.
        let operator = format!("env {} rustsocks-cli --json status", only(image, "ENV"));
        let operator: Vec<String> = operator.split(' ').map(str::to_owned).collect();
        let status = running.inside(&operator).unwrap_or_else(|| panic!("no status: {}", running.said()));
        assert!(status.contains("\"sess_limit\""), "{status}");
        let has_history = || made.path("volume").join("sessions.db").exists();
        assert!(eventually(PATIENCE, has_history), "no history in the volume: {}", running.said());
        running.container.signal(Signal::SIGTERM);
        assert!(running.ends_well(), "{}", running.said());
    });
}

/// The file system of the image: the Debian root below, and what the Dockerfile adds above.
struct Made {
    directory: TempDir,
}

impl Made {
    fn by(build: &[Instruction], image: &[Instruction]) -> Self {
        let made = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        run("mount", &["--make-rprivate", "/"]);
        for name in ["above", "work", "merged", "built"] {
            fs::create_dir(made.path(name)).expect("the directory is ours");
        }
        let below = root().join("target/roots/bookworm");
        assert!(below.exists(), "{} is not there: run scripts/roots", below.display());
        let [above, work] = ["above", "work"].map(|name| made.path(name).display().to_string());
        let options = format!("lowerdir={},upperdir={above},workdir={work}", below.display());
        run("mount", &["-t", "overlay", "-o", &options, "image", &made.shown("merged")]);
        made.build(build);
        for Instruction { word, rest } in image {
            match (word.as_str(), rest.as_str()) {
                ("COPY", "--from=build /image/ /") => {
                    run(
                        "cp",
                        &[
                            "--recursive",
                            "--no-preserve=ownership",
                            &format!("{}/.", made.shown("built")),
                            &made.shown("merged"),
                        ],
                    );
                }
                ("RUN", command) => run("chroot", &[&made.shown("merged"), "sh", "-euc", command]),
                ("COPY", other) => panic!("nobody knows how to copy {other}"),
                _ => {}
            }
        }
        made
    }

    /// Installs what the build stage installs once everything is compiled.
    fn build(&self, stage: &[Instruction]) {
        let last = stage.iter().rfind(|instruction| instruction.word == "RUN").expect("it builds something");
        let (compile, install) = last.rest.split_once(" && ").expect("it installs what it has compiled");
        assert!(compile.starts_with("cargo build --release --locked"), "{compile}");
        let profile = Path::new(env!("CARGO_BIN_EXE_rustsocks")).parent().expect("a program is in a folder");
        compile_others(profile);
        let install = install
            .replace("target/release", &profile.display().to_string())
            .replace("/image/", &format!("{}/", self.shown("built")));
        let done = Command::new("sh").args(["-euc", &install]).current_dir(root()).status().expect("there is a shell");
        assert!(done.success(), "{install}");
    }

    /// A new volume, which begins as what the image has in its place.
    fn volume(&self, place: &str) -> String {
        run("cp", &["--archive", &format!("{}{place}", self.shown("merged")), &self.shown("volume")]);
        self.shown("volume")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        run("umount", &["--lazy", &self.shown("merged")]);
    }
}

/// The image in a container.
struct Running {
    container: Container,
    log: PathBuf,
}

impl Running {
    fn run(made: &Made, image: &[Instruction]) -> Self {
        let log = made.path("log");
        let place = only(image, "VOLUME");
        let user = only(image, "USER").split(':').next().expect("a user");
        let program = [words(only(image, "ENTRYPOINT")), words(only(image, "CMD"))].concat();
        let container = Container::start(&made.path("merged"), &log, |nspawn| {
            nspawn.args(["--read-only", "--no-new-privileges=yes", "--timezone=off"]);
            nspawn.args(only(image, "ENV").split(' ').map(|pair| format!("--setenv={pair}")));
            nspawn.args([&format!("--bind={}:{place}", made.volume(place)), "--"]);
            nspawn.args(["env", "--unset=NOTIFY_SOCKET"]);
            // What a runtime does between fork and exec.
            nspawn.args(["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]);
            nspawn.args(["--bounding-set=-all", "--inh-caps=-all"]).args(program);
        });
        Self { container, log }
    }

    /// What a command says in there, as the same user; nothing if it fails.
    fn inside(&self, command: &[String]) -> Option<String> {
        let leader = found(PATIENCE, || self.container.leader())?;
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &leader.to_string(), "--all", "--setuid=2080", "--setgid=2080", "--"]).args(command);
        let said = enter.output().expect("nsenter is installed");
        said.status.success().then(|| String::from_utf8_lossy(&said.stdout).into_owned())
    }

    fn ends_well(&mut self) -> bool {
        found(2 * PATIENCE, || self.container.ended()).is_some_and(|exit| exit.success())
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string())
    }
}

/// The programs of the image that are not of this package.
fn compile_others(profile: &Path) {
    let target = profile.parent().expect("which lies in the target directory");
    let mut cargo = Command::new(env!("CARGO"));
    let packages = ["--package", "rustsocks-pam", "--package", "rustsocks-cli"];
    cargo.args(["build", "--quiet", "--locked"]).args(packages).arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.current_dir(root()).status().expect("cargo can be run").success(), "they cannot be built");
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
}
