//! The file or stderr under the log: reopens on demand and when the file was renamed or removed,
//! counts what it could not write, and says on stderr, once a minute, what is wrong.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::engine::sys::accounts::Account;

/// How often it looks whether the path still leads to the open file.
const LOOK: Duration = Duration::from_secs(1);

/// How often it complains.
const COMPLAIN: Duration = Duration::from_mins(1);

/// What the rest of the program knows and wants of the sink.
#[derive(Debug, Default)]
pub(crate) struct SinkState {
    lost: AtomicU64,
    reopen: Arc<AtomicBool>,
}

/// What to do when nobody reads stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Wait: somebody else queues meanwhile.
    Wait,
    /// Lose the line: whoever writes has more important things to do.
    Lose,
}

#[derive(Debug)]
pub(super) struct Sink {
    state: Arc<SinkState>,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stderr(Patience),
    File(LogFile),
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    /// With whose rights it is opened, if not with ours.
    owner: Option<Account>,
    file: File,
    looked: Instant,
    complained: Option<Instant>,
    /// The last write stopped in the middle of a line.
    torn: bool,
}

impl SinkState {
    pub(super) fn reopen(&self) {
        self.reopen.store(true, Relaxed);
    }

    /// What a signal handler sets to the same end.
    pub(super) fn reopen_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reopen)
    }

    /// Lines that could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

impl Sink {
    /// # Errors
    /// The file cannot be opened for appending.
    pub(super) fn open(path: Option<PathBuf>, owner: Option<Account>, patience: Patience) -> io::Result<Self> {
        let target = match path {
            None => Target::Stderr(patience),
            Some(path) => Target::File(LogFile::open(path, owner)?),
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
        let written = match &mut self.target {
            Target::Stderr(patience) => write_stderr(lines, *patience),
            Target::File(file) => file.write(lines, &self.state.reopen),
        };
        if written.is_err() {
            let lost = lines.split_inclusive(|byte| *byte == b'\n').count();
            self.state.lost.fetch_add(lost as u64, Relaxed);
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_stderr(lines: &[u8], patience: Patience) -> io::Result<()> {
    let stderr = io::stderr();
    // A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)); lines are shorter.
    if patience == Patience::Lose
        && poll(&mut [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO)? == 0
    {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    stderr.lock().write_all(lines)
}

impl LogFile {
    fn open(path: PathBuf, owner: Option<Account>) -> io::Result<Self> {
        let file = append_as(owner, &path)?;
        Ok(Self { path, owner, file, looked: Instant::now(), complained: None, torn: false })
    }

    fn write(&mut self, lines: &[u8], reopen: &AtomicBool) -> io::Result<()> {
        let is_asked = reopen.swap(false, Relaxed);
        if is_asked || self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            if is_asked || !leads_to(&self.path, &self.file) {
                self.reopen();
            }
        }
        let written = self.append(lines);
        if let Err(error) = &written {
            self.complain(&format!("cannot write: {error}"));
        }
        written
    }

    /// The old file stays in use while the new one cannot be opened.
    fn reopen(&mut self) {
        match append_as(self.owner, &self.path) {
            Ok(file) => (self.file, self.torn) = (file, false),
            Err(error) => self.complain(&format!("cannot open it anew, the old one stays in use: {error}")),
        }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
        }
        self.torn = true;
        self.file.write_all(lines)?;
        self.torn = false;
        // Whatever goes to a file without a name is gone with it.
        if self.file.metadata()?.nlink() == 0 { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
    }

    fn complain(&mut self, what: &str) {
        if self.complained.is_some_and(|at| at.elapsed() < COMPLAIN) {
            return;
        }
        self.complained = Some(Instant::now());
        let words = format!("rustsocks: log file {}: {what}\n", self.path.display());
        let _nowhere_left = write_stderr(words.as_bytes(), Patience::Lose);
    }
}

fn leads_to(path: &Path, file: &File) -> bool {
    match (std::fs::metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

fn append_as(owner: Option<Account>, path: &Path) -> io::Result<File> {
    match owner {
        None => append_to(path),
        Some(owner) => owner.act(|| append_to(path)),
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
        let mut sink = Sink::open(Some(path.clone()), None, Patience::Wait).unwrap();
        sink.write_all(b"one\n").unwrap();
        std::fs::rename(&path, directory.path().join("log.1")).unwrap();
        sink.state().reopen();
        sink.write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two\n");
        assert_eq!(std::fs::read(directory.path().join("log.1")).unwrap(), b"one\n");
    }

    #[test]
    fn lines_for_a_full_disk_are_counted_and_nobody_waits() {
        let mut sink = Sink::open(Some("/dev/full".into()), None, Patience::Wait).unwrap();
        sink.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(sink.state().lost(), 2);
    }

    #[test]
    fn lines_for_a_file_that_was_removed_and_cannot_be_made_anew_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut sink = Sink::open(Some(path.clone()), None, Patience::Wait).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        sink.state().reopen();
        sink.write_all(b"one\n").unwrap();
        assert_eq!(sink.state().lost(), 1);
    }
}
