//! Upgrades: the program that is now where the toy was started from takes its place in the same process, and nobody who is in notices.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::toy::{Toy, ask, hold, program, send_signal, wait_until, worker};

/// A toy that was started from a file of its own, which can be replaced.
struct Scene {
    toy: Toy,
    address: SocketAddr,
    directory: TempDir,
}

impl Scene {
    fn begin(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let scene = directory.path().display().to_string();
        let behaviour = format!("behaviour_at={scene}/behaviour");
        fs::write(directory.path().join("behaviour"), "").expect("written");
        install(&program(), directory.path());
        let mut command = Command::new(directory.path().join("toy"));
        command.arg("monitor").args(["tcp=127.0.0.1:0", &behaviour]).args(arguments);
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        let mut toy = Toy::spawn(&mut command);
        let address = toy.address();
        toy.wait_for("worker ready");
        Self { toy, address, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn next_behaves(&self, word: &str) {
        fs::write(self.path("behaviour"), word).expect("written");
    }

    fn ask_for_upgrade(&self) {
        self.toy.signal(Signal::SIGUSR2);
    }

    /// Installs the same program anew, and waits until its worker serves.
    fn upgrade(&mut self) -> u32 {
        let before = worker(self.address);
        install(&program(), self.directory.path());
        self.ask_for_upgrade();
        self.toy.wait_for("the former worker retires");
        let address = self.address;
        wait_until("another worker serves", || ask(address, "pid").is_ok_and(|pid| pid != before.to_string()));
        worker(self.address)
    }
}

/// As a package does it: another file under the same name.
fn install(program: &Path, directory: &Path) {
    let new = directory.join("new");
    let copied = Command::new("cp").arg(program).arg(&new).status().expect("cp is installed");
    assert!(copied.success());
    fs::rename(new, directory.join("toy")).expect("renamed");
}

/// A session goes on: the other side still waits for its line, and then hangs up.
fn ends_by_itself(mut session: TcpStream) {
    session.write_all(b"\n").expect("it is still there");
    assert_eq!(session.read(&mut [0]).expect("the end, and no reset"), 0);
}

#[test]
fn the_process_stays_and_the_worker_changes_while_sessions_go_on() {
    let mut scene = Scene::begin(&["threads=2", "helpers=2"]);
    let (first, session) = (worker(scene.address), hold(scene.address));
    let second = scene.upgrade();
    assert_ne!(second, first);
    let later = hold(scene.address);
    let third = scene.upgrade();
    assert!(third != second && third != first);
    assert!(Path::new(&format!("/proc/{first}")).exists(), "it has a session");
    for session in [session, later] {
        ends_by_itself(session);
        scene.toy.wait_for("a retired worker has ended");
    }
    scene.toy.signal(Signal::SIGTERM);
    let (code, log) = scene.toy.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("died"), "{log}");
}

#[test]
fn a_program_that_cannot_begin_changes_nothing() {
    let mut scene = Scene::begin(&[]);
    let (before, session) = (worker(scene.address), hold(scene.address));
    install(Path::new("/bin/false"), scene.directory.path());
    scene.ask_for_upgrade();
    assert!(scene.toy.wait_for("the upgrade failed").contains("exit status: 1"));
    fs::remove_file(scene.path("toy")).expect("removed");
    scene.ask_for_upgrade();
    scene.toy.wait_for("the upgrade failed");
    assert_eq!(worker(scene.address), before);
    assert_ne!(scene.upgrade(), before);
    ends_by_itself(session);
}

#[test]
fn if_the_new_worker_never_serves_the_former_one_does_and_the_next_upgrade_helps() {
    for (behaviour, words) in [("refuse", "no such key"), ("exit", "ended"), ("dawdle", "not ready within")] {
        let mut scene = Scene::begin(&["start_limit_ms=2000", "helpers=1"]);
        let (before, session) = (worker(scene.address), hold(scene.address));
        scene.next_behaves(behaviour);
        scene.ask_for_upgrade();
        let said = scene.toy.wait_for("the upgrade failed");
        assert!(said.contains(words), "{said}");
        assert_eq!(worker(scene.address), before);
        scene.next_behaves("");
        assert_ne!(scene.upgrade(), before);
        ends_by_itself(session);
    }
}

#[test]
fn a_former_worker_that_dies_after_a_failed_upgrade_is_replaced() {
    let mut scene = Scene::begin(&["helpers=1"]);
    let before = worker(scene.address);
    scene.next_behaves("exit");
    scene.ask_for_upgrade();
    scene.toy.wait_for("the upgrade failed");
    send_signal(before, Signal::SIGKILL);
    scene.toy.wait_for("the worker died");
    // The next one is of what was tried, which ends at once, again and again.
    scene.toy.wait_for("the worker died");
    scene.toy.wait_for("giving up");
}

#[test]
fn one_upgrade_at_a_time_and_none_while_stopping() {
    let mut scene = Scene::begin(&["start_limit_ms=60000"]);
    let session = hold(scene.address);
    scene.next_behaves("dawdle");
    scene.ask_for_upgrade();
    scene.toy.wait_for("upgrade: worker started");
    scene.ask_for_upgrade();
    assert!(scene.toy.wait_for("the upgrade is refused").contains("another one is under way"));
    scene.toy.signal(Signal::SIGTERM);
    scene.toy.wait_for("stopping");
    scene.ask_for_upgrade();
    assert!(scene.toy.wait_for("the upgrade is refused").contains("the service stops"));
    ends_by_itself(session);
    let (code, log) = scene.toy.end();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn a_stop_waits_for_retired_workers_too_and_the_second_one_does_not() {
    let mut scene = Scene::begin(&[]);
    let (first, session) = (worker(scene.address), hold(scene.address));
    scene.upgrade();
    scene.toy.signal(Signal::SIGTERM);
    scene.toy.wait_for("stopping");
    assert!(Path::new(&format!("/proc/{first}")).exists());
    scene.toy.signal(Signal::SIGTERM);
    scene.toy.wait_for("asked a second time");
    let (_, log) = scene.toy.end();
    assert!(!Path::new(&format!("/proc/{first}")).exists(), "{log}");
    drop(session);
}

#[test]
fn whoever_retires_has_no_longer_than_it_is_given() {
    let mut scene = Scene::begin(&["upgrade_drain_ms=500"]);
    let mut session = hold(scene.address);
    scene.upgrade();
    scene.toy.wait_for("a retired worker has ended");
    let end = session.read(&mut [0]);
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[test]
fn a_unix_listener_keeps_its_file_and_goes_with_the_last_monitor() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socks");
    let mut scene = Scene::begin(&[&format!("unix={}", path.display())]);
    scene.upgrade();
    UnixStream::connect(&path).expect("connected");
    scene.toy.signal(Signal::SIGTERM);
    let (code, log) = scene.toy.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!path.exists());
}

#[test]
fn a_stop_that_comes_in_the_middle_is_not_lost() {
    for wait in [0, 5, 20, 80] {
        let scene = Scene::begin(&[]);
        scene.ask_for_upgrade();
        std::thread::sleep(Duration::from_millis(wait));
        scene.toy.signal(Signal::SIGTERM);
        let (code, log) = scene.toy.end();
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn nobody_takes_a_place_by_hand() {
    let mut command = Command::new(program());
    let mut toy = Toy::spawn(command.args(["successor", "tcp=127.0.0.1:0"]));
    toy.wait_for("cannot take the place");
    assert_eq!(toy.end().0, Some(70));
}
