//! A small file that may be replaced while we run.
//!
//! Knows nothing of what it says. Names and links are followed anew each time, because resolv.conf is often a link
//! that a network manager moves.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// What the file says, or why nobody can know.
pub(super) type Contents = Result<String, Unreadable>;

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {cause}", path.display())]
pub(super) struct Unreadable {
    path: PathBuf,
    cause: io::Error,
}

/// What changes with the file; `None` in its place when there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

/// More than any such file has; what follows is not read.
const MOST_BYTES: u64 = 1 << 20;

impl Watched {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, stamp: None }
    }

    /// Whether the file is another than the one last read.
    pub(super) fn has_changed(&self) -> bool {
        self.look() != self.stamp
    }

    /// Reads the file as it is now.
    pub(super) fn read(&mut self) -> Contents {
        // The stamp first: a change during the reading shows as a change later.
        self.stamp = self.look();
        self.contents().map_err(|cause| Unreadable { path: self.path.clone(), cause })
    }

    fn contents(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        fs::File::open(&self.path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn look(&self) -> Option<Stamp> {
        let met = fs::metadata(&self.path).ok()?;
        Some(Stamp { device: met.dev(), inode: met.ino(), modified: (met.mtime(), met.mtime_nsec()), size: met.size() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_a_rewritten_and_a_removed_file_are_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        let mut watched = Watched::new(path.clone());
        assert!(watched.read().unwrap_err().to_string().starts_with("cannot read "));
        assert!(!watched.has_changed(), "still absent");

        fs::write(&path, "one").unwrap();
        assert!(watched.has_changed(), "created");
        assert_eq!(watched.read().unwrap(), "one");

        let other = directory.path().join("other");
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(watched.has_changed(), "another inode");
        assert_eq!(watched.read().unwrap(), "two");

        fs::write(&path, "three").unwrap();
        assert!(watched.has_changed(), "another size");
        assert_eq!(watched.read().unwrap(), "three");
        assert!(!watched.has_changed());

        fs::remove_file(&path).unwrap();
        assert!(watched.has_changed(), "removed");
    }
}
