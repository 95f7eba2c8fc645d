//! Files that decide who may do what are trusted only if nobody else could have written them, and the log belongs to the worker.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use rig::service::Launch;
use rig::wait::{PATIENCE, eventually};

use crate::{NOBODY, assert_serves, launch, program};

const AUTH: &str = "[auth]\nsocks_method = \"userpass\"\nusers_file = \"{dir}/users.toml\"\n";
const USERS: &str = "[[users]]\nname = \"alice\"\npassword_hash = \"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$eBVJ/LbEsFFYZpiqHz0hlzbDRTxdtq1m3VuZ3DOYJdE\"\n";

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("the file is ours");
}

/// A daemon whose users file has this mode and owner.
fn with_users(mode: u32, owner: u32) -> Launch {
    let launch = launch(AUTH);
    let users = launch.directory().join("users.toml");
    fs::write(&users, USERS).expect("a temporary directory can be written");
    set_mode(&users, mode);
    chown(&users, Some(owner), None).expect("root may give its files away");
    launch
}

/// What `check` says about a file as the configuration, and as the users file of a configuration.
fn check(config: &Path) -> (Option<i32>, String) {
    let ran = Command::new(program()).arg("check").arg("--config").arg(config).output().expect("the program runs");
    (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn a_users_file_that_others_can_read_or_change_is_refused() {
    for (mode, owner, words) in [
        (0o644, 0, "users.toml: has mode 0644, so that everybody can read it; `chmod o-rwx "),
        (0o660, 0, "users.toml: has mode 0660, so that others than its owner can change it; `chmod go-w "),
        (0o600, NOBODY, "users.toml: belongs to uid 65534 and must belong to root; `chown 0 "),
    ] {
        let refusal = with_users(mode, owner).refused().expect("it must not start");
        assert_eq!(refusal.code, Some(78), "{}", refusal.words);
        assert!(refusal.words.contains(words), "{words:?} should be in: {}", refusal.words);
    }
    let _service = with_users(0o640, 0).start();
}

#[test]
fn a_configuration_that_others_can_change_is_refused_by_check_too() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = directory.path().join("rustsocks.toml");
    fs::write(&config, "[server]\nbind_port = 1081\n").expect("a temporary directory can be written");
    for (mode, code) in [(0o644, 0), (0o600, 0), (0o664, 78), (0o646, 78)] {
        set_mode(&config, mode);
        let (found, words) = check(&config);
        assert_eq!(found, Some(code), "{mode:o}: {words}");
        assert_eq!(words.contains("others than its owner can change it; `chmod go-w "), code != 0, "{mode:o}: {words}");
        let mut start = Command::new(program());
        start.arg("--config").arg(&config).args(["--bind", "192.0.2.1"]);
        let started = start.output().expect("the program runs");
        let words = String::from_utf8_lossy(&started.stderr);
        assert_eq!(words.contains("others than its owner can change it"), code != 0, "{mode:o}: {words}");
    }
}

#[test]
fn the_log_is_the_workers_and_is_begun_anew_as_the_workers() {
    let service = launch("").start();
    assert_serves(&service);
    let log = service.directory().join("log");
    let owner = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid(), file.mode() & 0o777)).ok();
    assert_eq!(owner(&log), Some((NOBODY, NOBODY, 0o640)));
    fs::rename(&log, service.directory().join("log.1")).expect("the log is there");
    service.process.signal(Signal::SIGHUP);
    assert_serves(&service);
    assert!(eventually(PATIENCE, || owner(&log) == Some((NOBODY, NOBODY, 0o640))), "{:?}", owner(&log));
}

#[test]
fn a_log_that_the_worker_could_not_write_refuses_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let log = directory.path().join("log");
    let refusal = launch("").log_at(&log).refused().expect("it must not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    assert!(
        refusal.words.contains(&format!("cannot open logging.file {} as nobody", log.display())),
        "{}",
        refusal.words
    );
}

/// A link, or a second name for root's file, in a directory that the worker can write: root must not follow it.
#[test]
fn root_does_not_write_where_the_worker_points() {
    let directory = rig::place::for_everybody();
    let (log, precious) = (directory.path().join("log"), directory.path().join("precious"));
    fs::write(&precious, "kept").expect("a temporary directory can be written");
    set_mode(&precious, 0o600);
    fs::hard_link(&precious, &log).expect("a file can have two names");
    let refusal = launch("").log_at(&log).refused().expect("it must not start");
    assert_eq!(refusal.code, Some(78), "{}", refusal.words);
    assert_eq!(fs::read_to_string(&precious).expect("the file is there"), "kept");
}
