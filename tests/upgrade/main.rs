//! Upgrades of the real program: another file under the name that it was started from, one signal, and nobody who is in notices.
//!
//! Each test has a daemon of its own. They need root.

mod activated;
mod broken;
mod history;
mod live;
mod quotas;
mod stopped;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use rig::place;
use rig::process::exists;
use rig::service::{Launch, Service};
use rig::visitor::{Visitors, visit};
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use tempfile::TempDir;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

/// Where the program lies that is replaced.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        let installed = Self(place::for_everybody());
        installed.put(Path::new(env!("CARGO_BIN_EXE_rustsocks")));
        installed
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("rustsocks")
    }

    /// As a package manager does it: the new file takes the name, and the old one lives on without.
    ///
    /// Copied by another process: what this one has open for writing, any process that it starts meanwhile may hold open too, and such
    /// a file cannot be executed (execve(2), ETXTBSY).
    fn put(&self, program: &Path) {
        let new = self.0.path().join("new");
        let copied = Command::new("cp").arg(program).arg(&new).status().expect("cp is installed");
        assert!(copied.success(), "the directory can be written");
        std::fs::rename(new, self.path()).expect("the directory is ours");
    }

    fn put_again(&self) {
        self.put(Path::new(env!("CARGO_BIN_EXE_rustsocks")));
    }

    fn start(&self, config: &str) -> Service {
        rig::usage::require_root();
        Launch::of(&self.path()).config(&[LOOPBACK, config].concat()).start()
    }
}

/// How often the log has this message.
fn said(service: &Service, message: &str) -> usize {
    service.log.lines().iter().filter(|line| line.text("message") == message).count()
}

/// Waits until the log has this message so often.
fn hears(service: &Service, message: &str, times: usize) {
    assert!(eventually(2 * PATIENCE, || said(service, message) >= times), "{times} times: {message}");
}

/// Installs the program anew and lets it take the place of the one that runs; returns the worker that serves then.
fn upgrade(service: &Service, installed: &Installed) -> u32 {
    let before = said(service, "the former worker retires");
    installed.put_again();
    service.process.signal(Signal::SIGUSR2);
    hears(service, "the former worker retires", before + 1);
    let lines = service.log.lines();
    let ready = lines.iter().rfind(|line| line.text("message") == "worker ready").expect("it said so");
    u32::try_from(ready.number("worker")).expect("a pid")
}

fn workers(service: &Service) -> Vec<u32> {
    service.process.children_called("rustsocks: worker")
}

/// Every visit must have ended well.
fn all_went_well(visitors: Visitors) -> usize {
    let visits = visitors.stop();
    let failed: Vec<_> = visits.iter().filter(|visit| visit.is_err()).collect();
    assert!(failed.is_empty(), "{} of {} visits failed: {:?}", failed.len(), visits.len(), failed.first());
    visits.len()
}

fn serves(proxy: SocketAddr, target: SocketAddr) {
    visit(proxy, target, b"hello").expect("it serves");
}

/// A block of its own in both directions.
fn assert_passes((client, target): &mut (Wire, Wire), seed: usize) {
    let block: Vec<u8> = (0..5000_usize).map(|place| (place * 31 + seed * 7).to_le_bytes()[0]).collect();
    client.send(&block);
    assert!(target.receive_all(block.len()) == block, "what arrives is what was sent");
    target.send(&block);
    assert!(client.receive_all(block.len()) == block, "and what comes back, too");
}

fn is_gone(pid: u32) {
    assert!(eventually(2 * PATIENCE, || !exists(pid)), "worker {pid} is still there");
}
