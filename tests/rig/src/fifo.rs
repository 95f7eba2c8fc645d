//! A pipe with a name (fifo(7)) that nobody reads until somebody wants to.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

/// A reader that may be asleep.
#[derive(Debug)]
pub struct Fifo {
    reader: File,
    path: PathBuf,
    _directory: TempDir,
}

impl Fifo {
    /// Makes one; whoever opens it for writing need not wait.
    #[must_use]
    pub fn make() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path().join("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a temporary directory can hold a FIFO");
        let reader = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path);
        Self { reader: reader.expect("a FIFO can be opened for reading"), path, _directory: directory }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds now.
    #[must_use]
    pub fn read(&mut self) -> String {
        let mut bytes = Vec::new();
        // Ends with the pipe's content, or with the last writer.
        let _ = self.reader.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
