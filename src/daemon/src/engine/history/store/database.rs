//! Opening the file, and finding out that it is not the one any more that was opened.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::super::spool::directory::FILE_MODE;
use super::fault::Fault;
use super::schema::{MIGRATIONS, migrate, version, with_suffix};
use super::{flows, rows, usage};

/// How long a statement may wait for another process's lock; whoever waits longer tries again later.
const BUSY: Duration = Duration::from_millis(250);

/// For the only writer there is.
#[derive(Debug)]
pub(in crate::engine::history) struct Database {
    pub(in crate::engine::history) connection: Connection,
    path: PathBuf,
    /// Whoever opens a database that was cut to nothing removes its log, even when somebody else writes to that.
    file_and_log: [Identity; 2],
}

/// Device and inode.
type Identity = (u64, u64);

impl Database {
    /// Opens the file, makes it if there is none, and brings its tables up to date.
    pub(in crate::engine::history) fn open(path: &Path) -> Result<Self, Fault> {
        make(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        let file = identity(path)?;
        connection.busy_timeout(BUSY)?;
        // Before anything is changed: it may be another program's file.
        let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");
        version(&connection, known)?;
        connection.execute_batch(
            "PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA mmap_size = 0;
             PRAGMA temp_store = MEMORY;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        migrate(&mut connection, path, MIGRATIONS)?;
        rows::are_ours(&connection)?;
        usage::is_ours(&connection)?;
        flows::are_ours(&connection)?;
        let file_and_log = [file, identity(&log(path))?];
        Ok(Self { connection, path: path.to_owned(), file_and_log })
    }

    /// # Errors
    /// The path leads elsewhere: what would be written would be gone with the file.
    pub(in crate::engine::history) fn is_in_place(&self) -> Result<(), Fault> {
        for (path, opened) in [self.path.clone(), log(&self.path)].iter().zip(self.file_and_log) {
            match identity(path) {
                Ok(found) if found == opened => {}
                Ok(_) => return Err(Fault::Gone),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Fault::Gone),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Makes the file if there is none: SQLite would make it readable for everybody; its companions get the mode of this one.
///
/// One that is there is left alone: closing it again would take away every lock that this process has on it (fcntl(2)).
fn make(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path).map(drop)
        }
        found => found.map(drop),
    }
}

/// Moves a file that cannot be used, and its companions, out of the way; returns where it is now.
pub(in crate::engine::history) fn set_aside(path: &Path, moment: &str) -> io::Result<PathBuf> {
    let aside = with_suffix(path, &format!(".damaged-{moment}"));
    std::fs::rename(path, &aside)?;
    // The log belongs to the file and may help to repair it; the index is made from the log.
    unless_missing(std::fs::rename(log(path), log(&aside)))?;
    unless_missing(std::fs::remove_file(with_suffix(path, "-shm")))?;
    Ok(aside)
}

fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// The file to which SQLite writes first.
fn log(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}
