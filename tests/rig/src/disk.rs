//! A disk that is soon full: a small tmpfs.
//!
//! To be made in a network of one's own (see [`alone`](crate::network::alone)), for such a thread has mounts of its own too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::place;

/// Unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    directory: TempDir,
}

impl Disk {
    /// A disk of so many KiB.
    #[must_use]
    pub fn of_kib(size: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        run("mount", &["--make-rprivate", "/"]);
        run("mount", &["-t", "tmpfs", "-o", &format!("size={size}k"), "disk", &directory.path().to_string_lossy()]);
        place::open_to_everybody(directory.path());
        Self { directory }
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).expect("the disk can be written");
        while std::io::Write::write(&mut ballast, &[b'.'; 1024]).is_ok_and(|written| written > 0) {}
    }

    /// Makes the room again that filling took.
    pub fn empty(&self) {
        fs::remove_file(self.ballast()).expect("the disk was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["--lazy", &self.path().to_string_lossy()]);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).status();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.success(), "{program} {arguments:?} fails");
}
