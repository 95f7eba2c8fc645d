//! The file or stderr under the log: reopens on demand and when the file was renamed or removed, counts what it could not write,
//! and falls back to stderr meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often it looks whether the path still leads to the open file.
const LOOK: Duration = Duration::from_secs(1);

/// What the rest of the program knows and wants of the sink.
#[derive(Debug, Default)]
pub(crate) struct SinkState {
    lost: AtomicU64,
    reopen: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Sink {
    state: Arc<SinkState>,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stderr,
    File { path: PathBuf, file: File, looked: Instant, complained: Option<Instant> },
}

impl SinkState {
    pub(super) fn reopen(&self) {
        self.reopen.store(true, Relaxed);
    }

    /// Lines that could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

impl Sink {
    /// # Errors
    /// The file cannot be opened for appending.
    pub(super) fn open(path: Option<PathBuf>) -> io::Result<Self> {
        let target = match path {
            None => Target::Stderr,
            Some(path) => Target::File { file: append_to(&path)?, path, looked: Instant::now(), complained: None },
        };
        Ok(Self { state: Arc::default(), target })
    }

    pub(super) fn state(&self) -> Arc<SinkState> {
        Arc::clone(&self.state)
    }
}

impl Write for Sink {
    /// Takes everything, always: what cannot be written is counted line by line, and nobody waits for it.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.target.write(lines, &self.state.reopen).is_err() {
            let lost = lines.split_inclusive(|byte| *byte == b'\n').count();
            self.state.lost.fetch_add(lost as u64, Relaxed);
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target {
    fn write(&mut self, lines: &[u8], reopen: &AtomicBool) -> io::Result<()> {
        let Self::File { path, file, looked, complained } = self else {
            return io::stderr().write_all(lines);
        };
        let is_asked = reopen.swap(false, Relaxed);
        if is_asked || looked.elapsed() >= LOOK {
            *looked = Instant::now();
            if is_asked || !leads_to(path, file) {
                // The old file stays in use while the new one cannot be opened.
                if let Ok(anew) = append_to(path) {
                    *file = anew;
                }
            }
        }
        let written = file.write_all(lines);
        if let Err(error) = &written {
            complain(path, error, lines, complained);
        }
        written
    }
}

/// Shows on stderr what the file did not take, once a minute at most.
fn complain(path: &Path, error: &io::Error, lines: &[u8], complained: &mut Option<Instant>) {
    if complained.is_some_and(|at| at.elapsed() < Duration::from_mins(1)) {
        return;
    }
    *complained = Some(Instant::now());
    let mut stderr = io::stderr();
    let _nowhere_left = writeln!(stderr, "cannot write the log file {}: {error}", path.display())
        .and_then(|()| stderr.write_all(lines));
}

fn leads_to(path: &Path, file: &File) -> bool {
    match (std::fs::metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

/// Creates or appends; a link in the path's last place is refused, so that nobody can make us write elsewhere.
fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags((nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_CLOEXEC).bits())
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_file_is_left_and_a_new_one_begun_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut sink = Sink::open(Some(path.clone())).unwrap();
        sink.write_all(b"one\n").unwrap();
        std::fs::rename(&path, directory.path().join("log.1")).unwrap();
        sink.state().reopen();
        sink.write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two\n");
        assert_eq!(std::fs::read(directory.path().join("log.1")).unwrap(), b"one\n");
    }

    #[test]
    fn lines_for_a_full_disk_are_counted_and_nobody_waits() {
        let mut sink = Sink { state: Arc::default(), target: full_disk() };
        sink.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(sink.state().lost(), 2);
    }

    fn full_disk() -> Target {
        let path = PathBuf::from("/dev/full");
        let file = append_to(&path).unwrap();
        Target::File { path, file, looked: Instant::now(), complained: Some(Instant::now()) }
    }
}
