//! A socket between console and daemon that counts what passes.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// For one conversation after the other.
pub(crate) struct Tap {
    place: TempDir,
    passed: Arc<AtomicU64>,
}

impl Tap {
    pub(crate) fn on(daemon: &Path) -> Result<Self> {
        let tap = Self { place: tempfile::tempdir()?, passed: Arc::default() };
        let listener = UnixListener::bind(tap.socket()).context("no socket can be made")?;
        let (daemon, passed) = (daemon.to_owned(), Arc::clone(&tap.passed));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(there) = UnixStream::connect(&daemon) else { continue };
                for (from, to) in [(&client, &there), (&there, &client)] {
                    if let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) {
                        let passed = Arc::clone(&passed);
                        thread::spawn(move || pass(from, to, &passed));
                    }
                }
            }
        });
        Ok(tap)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.place.path().join("admin.sock")
    }

    /// Bytes in both directions by now.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Relaxed)
    }
}

/// Until one of the two is gone.
fn pass(mut from: UnixStream, mut to: UnixStream, passed: &AtomicU64) {
    let mut room = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut room) {
        passed.fetch_add(length as u64, Relaxed);
        if to.write_all(&room[..length]).is_err() {
            break;
        }
    }
    // The other direction has nobody to talk to either.
    drop(to.shutdown(Shutdown::Both));
}
