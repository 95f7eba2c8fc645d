//! How long the disk takes for a commit, measured on a database that is made for it and removed again.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::store::database::Database;
use super::store::schema::with_suffix;

/// Enough that one of them meets whatever else the disk does.
const COMMITS: usize = 10;

/// The slowest of some commits that are as safe as those of the history.
///
/// # Errors
/// The directory's disk is full, or cannot carry a database.
pub(crate) fn slowest_commit(directory: &Path) -> io::Result<Duration> {
    let trial = Trial(directory.join(format!(".rustsocks-doctor-{}.db", std::process::id())));
    trial.slowest().map_err(|fault| io::Error::other(fault.to_string()))
}

/// The file and its companions, removed on drop.
struct Trial(PathBuf);

impl Trial {
    fn slowest(&self) -> Result<Duration, super::store::fault::Fault> {
        let database = Database::open(&self.0)?;
        database.connection.execute_batch("CREATE TABLE trial (row BLOB NOT NULL) STRICT")?;
        let mut slowest = Duration::ZERO;
        for _ in 0..COMMITS {
            let began = Instant::now();
            database.connection.execute("INSERT INTO trial VALUES (randomblob(4096))", [])?;
            slowest = slowest.max(began.elapsed());
        }
        Ok(slowest)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _was_never_made = std::fs::remove_file(with_suffix(&self.0, suffix));
        }
    }
}
