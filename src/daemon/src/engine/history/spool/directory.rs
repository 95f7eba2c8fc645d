//! The directory of the spool: which segments there are, and that only one process uses them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A segment's number: the microsecond of its making, or the next free one; so later segments have greater numbers.
pub(in crate::engine::history) type Number = u64;

/// Which spool of a database it is, beginning with 1: each process that keeps its history there has one of its own.
pub(in crate::engine::history) type SpoolNumber = u32;

/// So many processes at most; a service has one, and one more for each upgrade whose former worker still has sessions.
pub(in crate::engine::history) const SPOOLS: SpoolNumber = 16;

/// Segments end in this.
const SUFFIX: &str = ".spool";

/// Nobody but the daemon and its group reads who visited what.
pub(in crate::engine::history) const DIRECTORY_MODE: u32 = 0o750;
pub(in crate::engine::history) const FILE_MODE: u32 = 0o640;

/// A spool that is ours as long as this is held.
#[derive(Debug)]
pub(in crate::engine::history) struct Directory {
    path: PathBuf,
    number: SpoolNumber,
    _lock: Flock<File>,
}

/// Why there is no spool.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine::history) enum NoSpool {
    #[error("other processes keep their history there")]
    Taken,
    #[error(transparent)]
    Unusable(#[from] io::Error),
}

impl Directory {
    /// Makes the directory if it is missing, and takes it; `first` is that of spool 1.
    pub(in crate::engine::history) fn take(first: &Path, number: SpoolNumber) -> Result<Self, NoSpool> {
        let path = &path_of_spool(first, number);
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path.join("lock"))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path: path.clone(), number, _lock: lock }),
            Err((_file, Errno::EWOULDBLOCK)) => Err(NoSpool::Taken),
            Err((_file, error)) => Err(NoSpool::Unusable(error.into())),
        }
    }

    /// The first one that nobody has.
    pub(in crate::engine::history) fn take_any(first: &Path) -> Result<Self, NoSpool> {
        for number in 1..=SPOOLS {
            match Self::take(first, number) {
                Err(NoSpool::Taken) => {}
                taken => return taken,
            }
        }
        Err(NoSpool::Taken)
    }

    /// Takes one if it is there and nobody has it.
    pub(in crate::engine::history) fn take_left(first: &Path, number: SpoolNumber) -> Result<Option<Self>, NoSpool> {
        if path_of_spool(first, number).exists() { Self::take(first, number).map(Some) } else { Ok(None) }
    }

    pub(in crate::engine::history) fn number(&self) -> SpoolNumber {
        self.number
    }

    /// The segments and their lengths, oldest first.
    pub(in crate::engine::history) fn segments(&self) -> io::Result<Vec<(Number, u64)>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if let Some(number) = number(&entry.file_name().to_string_lossy()) {
                segments.push((number, entry.metadata()?.len()));
            }
        }
        segments.sort_unstable();
        Ok(segments)
    }

    /// A new, empty segment. Its directory is made again if somebody has removed it.
    pub(in crate::engine::history) fn create(&self, number: Number) -> io::Result<File> {
        let path = self.path_of(number);
        let open = || OpenOptions::new().append(true).create_new(true).mode(FILE_MODE).open(&path);
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(&self.path)?;
                open()
            }
            opened => opened,
        }
    }

    pub(in crate::engine::history) fn open(&self, number: Number) -> io::Result<File> {
        File::open(self.path_of(number))
    }

    pub(in crate::engine::history) fn remove(&self, number: Number) -> io::Result<()> {
        fs::remove_file(self.path_of(number))
    }

    /// Puts a segment out of the way, for a program that can read it.
    pub(in crate::engine::history) fn set_aside(&self, number: Number) -> io::Result<PathBuf> {
        let aside = self.path.join(format!("{number:020}.newer"));
        fs::rename(self.path_of(number), &aside)?;
        Ok(aside)
    }

    fn path_of(&self, number: Number) -> PathBuf {
        self.path.join(format!("{number:020}{SUFFIX}"))
    }
}

fn path_of_spool(first: &Path, number: SpoolNumber) -> PathBuf {
    let mut path = first.as_os_str().to_owned();
    if number > 1 {
        path.push(format!("-{number}"));
    }
    path.into()
}

fn number(name: &str) -> Option<Number> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_is_taken_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b-spool");
        let directory = Directory::take(&path, 1).unwrap();
        assert!(matches!(Directory::take(&path, 1), Err(NoSpool::Taken)));
        assert!(matches!(Directory::take_left(&path, 2), Ok(None)));
        let second = Directory::take_any(&path).unwrap();
        assert_eq!((directory.number(), second.number()), (1, 2));
        assert!(matches!(Directory::take_left(&path, 2), Err(NoSpool::Taken)));
        drop((directory, second));
        assert_eq!(Directory::take_any(&path).unwrap().number(), 1);
        assert_eq!(Directory::take_left(&path, 2).unwrap().map(|left| left.number()), Some(2));
    }

    #[test]
    fn segments_come_oldest_first_and_other_files_are_none() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::take(home.path(), 1).unwrap();
        for number in [30, 4, 100] {
            directory.create(number).unwrap();
        }
        fs::write(home.path().join("5.spool"), "").unwrap();
        directory.create(200).unwrap();
        directory.set_aside(200).unwrap();
        assert_eq!(directory.segments().unwrap(), [(4, 0), (30, 0), (100, 0)]);
    }
}
