//! The history of sessions as an administrator's tools see it: an SQLite file that somebody else writes.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tempfile::TempDir;

use crate::place;
use crate::wait::{PATIENCE, eventually, found};

/// A place where daemons keep their history, one after the other.
#[derive(Debug)]
pub struct Shelf {
    directory: TempDir,
}

/// The file.
#[derive(Debug, Clone)]
pub struct History {
    database: PathBuf,
}

/// One session.
#[derive(Debug, Clone)]
pub struct Row(BTreeMap<String, Value>);

impl Shelf {
    #[must_use]
    pub fn new() -> Self {
        Self { directory: place::for_everybody() }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    #[must_use]
    pub fn history(&self) -> History {
        History::in_directory(self.path())
    }

    /// One where another program keeps a database under the same name.
    #[must_use]
    pub fn of_another_program() -> Self {
        let shelf = Self::new();
        let theirs = Connection::open(shelf.history().database()).expect("the directory is ours");
        theirs.execute_batch("CREATE TABLE precious (things)").expect("the file is ours");
        drop(theirs);
        place::open_to_everybody(shelf.history().database());
        shelf
    }

    /// What a power loss would leave at this moment, in a place of its own.
    #[must_use]
    pub fn copied(&self) -> Self {
        let copy = Self::new();
        copy_into(copy.path(), self.path());
        copy
    }

    /// The daemon's `[sessions]` table, to which more keys may be added.
    #[must_use]
    pub fn settings(&self) -> String {
        settings_in(self.path())
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new()
    }
}

fn copy_into(copy: &Path, directory: &Path) {
    for entry in fs::read_dir(directory).expect("the directory is ours").flatten() {
        let (path, copy) = (entry.path(), copy.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir(&copy).expect("the directory is ours");
            copy_into(&copy, &path);
        } else if path.to_string_lossy().ends_with("-shm") {
            // The index is made anew after a failure of power.
            continue;
        } else {
            fs::copy(&path, &copy).expect("the file is there and there is room");
        }
        place::open_to_everybody(&copy);
    }
}

/// The `[sessions]` table of a daemon that keeps its history there and writes it soon.
#[must_use]
pub fn settings_in(directory: &Path) -> String {
    let database = directory.join("sessions.db");
    format!("[sessions]\ndatabase_url = \"sqlite://{}\"\nbatch_interval_ms = 100\n", database.display())
}

impl History {
    /// `sessions.db` there.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self { database: directory.join("sessions.db") }
    }

    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// Where rows wait for the database.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push("-spool");
        path.into()
    }

    /// The segments that wait.
    #[must_use]
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.spool()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut segments: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|kind| kind == "spool")).collect();
        segments.sort();
        segments
    }

    /// Every row, in the order of the sessions' start; none while there is no table.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.ask("SELECT *, lower(hex(session_id)) AS id FROM sessions ORDER BY session_id").unwrap_or_default()
    }

    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let counted = self.ask("SELECT count(*) AS rows FROM sessions").ok();
        let rows = counted.and_then(|rows| rows.first().map(|row| row.number("rows"))).unwrap_or_default();
        usize::try_from(rows).expect("counts fit")
    }

    /// The row of the session from this client address; waits until it is over.
    #[must_use]
    pub fn row_of(&self, client: SocketAddr) -> Row {
        let is_it = |row: &Row| row.client() == Some(client) && row.text("status") != "active";
        let row = found(PATIENCE, || self.rows().into_iter().find(is_it));
        row.unwrap_or_else(|| panic!("the session of {client} has no final row among {:#?}", self.rows()))
    }

    /// Waits for so many rows.
    pub fn wait_for(&self, rows: usize, within: Duration) {
        assert!(eventually(within, || self.count() >= rows), "{} of {rows} rows are there", self.count());
    }

    /// What SQLite's own check says.
    #[must_use]
    pub fn integrity(&self) -> String {
        let rows = self.ask("PRAGMA integrity_check").expect("the file can be read");
        rows.iter().map(|row| row.text("integrity_check")).collect::<Vec<_>>().join("; ")
    }

    /// Any question.
    ///
    /// # Errors
    /// SQLite's words.
    pub fn ask(&self, sql: &str) -> rusqlite::Result<Vec<Row>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.database, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let mut statement = connection.prepare(sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let read = |row: &rusqlite::Row<'_>| {
            let values = names.iter().enumerate().map(|(index, name)| Ok((name.clone(), row.get(index)?)));
            values.collect::<rusqlite::Result<_>>().map(Row)
        };
        statement.query_map([], read)?.collect()
    }

    /// A connection of somebody who may write.
    #[must_use]
    pub fn open(&self) -> Connection {
        let connection = Connection::open(&self.database).expect("the file can be opened");
        connection.busy_timeout(PATIENCE).expect("a limit can be set");
        connection
    }

    /// Keeps everybody else from writing while `work` goes on.
    pub fn while_locked<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut connection = self.open();
        let lock = connection.transaction_with_behavior(TransactionBehavior::Exclusive).expect("the lock can be had");
        let done = work();
        lock.rollback().expect("a lock can be given back");
        done
    }
}

impl Row {
    /// A column as text; empty when it is NULL.
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        match self.value(column) {
            Value::Text(text) => text,
            Value::Null => "",
            other @ (Value::Integer(_) | Value::Real(_) | Value::Blob(_)) => {
                panic!("{column} is no text but {other:?}")
            }
        }
    }

    /// A column as a number; 0 when it is NULL.
    #[must_use]
    pub fn number(&self, column: &str) -> i64 {
        match self.value(column) {
            Value::Integer(number) => *number,
            Value::Null => 0,
            other @ (Value::Text(_) | Value::Real(_) | Value::Blob(_)) => panic!("{column} is no number but {other:?}"),
        }
    }

    #[must_use]
    pub fn is_null(&self, column: &str) -> bool {
        *self.value(column) == Value::Null
    }

    /// Where the client came from.
    #[must_use]
    pub fn client(&self) -> Option<SocketAddr> {
        let port = u16::try_from(self.number("source_port")).expect("ports have 16 bits");
        Some(SocketAddr::new(self.text("source_ip").parse().ok()?, port))
    }

    fn value(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or_else(|| panic!("there is no column {column}"))
    }
}
