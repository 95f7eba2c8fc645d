//! Who did what: one line of JSON each, on the disk before it counts, and each with the hash of the one before it.
//!
//! Two workers of an upgrade may write to one file, and a log rotation may take it away: so the file is locked for each line,
//! and its last line is read anew whenever somebody else has written.
//! Knows nothing of who may do what.

mod book;
mod chain;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use self::book::{Book, open};
use self::chain::{End, Verdict};

/// The longest line that is read back, in bytes.
const LONGEST: u64 = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    book: Mutex<Book>,
    /// Lines were taken off the end of this file, or changed there, while this process wrote it.
    is_cut: AtomicBool,
}

/// What a line says; the number, the hash and the time are added.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a str,
    /// `intent` before it is done; then `done` or `failed`; `denied` if it was not allowed.
    pub(crate) phase: &'static str,
    pub(crate) who: &'a Value,
    pub(crate) role: &'static str,
    pub(crate) op: &'a str,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) target: Value,
    /// What it changes, item by item; no secret is in it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) changes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idem: Option<&'a str>,
}

impl Audit {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, book: Mutex::default(), is_cut: AtomicBool::new(false) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// It is not, and nothing should be done that it says.
    pub(crate) fn write(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut book = self.book();
        let written = book.write(&self.path, entry);
        self.is_cut.store(book.is_cut, Relaxed);
        written
    }

    /// The number of the last record, 0 where the end of the file has none; however long that is, no more than a line of it is read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn last_number(&self) -> io::Result<u64> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            opened => opened?,
        };
        let length = file.metadata()?.len();
        Ok(End::of(&file, length)?.last.map_or(0, |last| last.seq))
    }

    /// Whether a line could be written now, but for the room on its disk; makes the file if it is not there.
    ///
    /// # Errors
    /// Why it could not.
    pub(crate) fn reach(&self) -> io::Result<()> {
        open(&self.path).map(drop)
    }

    /// Whether lines were taken off the end of the file, or changed there, while this process wrote it; a rotation begins anew.
    /// Never waits for somebody who writes.
    pub(crate) fn is_cut(&self) -> bool {
        if let Ok(mut book) = self.book.try_lock() {
            book.look_at(&self.path);
            self.is_cut.store(book.is_cut, Relaxed);
        }
        self.is_cut.load(Relaxed)
    }

    /// The last lines, the oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn tail(&self, most: usize) -> io::Result<Vec<Value>> {
        let mut lines = Vec::new();
        self.each_back(|line| {
            lines.push(line);
            lines.len() < most
        })?;
        lines.reverse();
        Ok(lines)
    }

    /// Shows the records to `visit`, the latest first, until it wants no more, and says whether it has seen all; what is none is
    /// passed over. However long the file is, only as much of it is read as is wanted.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn each_back(&self, mut visit: impl FnMut(Value) -> bool) -> io::Result<bool> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            opened => opened?,
        };
        let (mut end, mut torn) = (file.metadata()?.len(), Vec::new());
        while end > 0 {
            let from = end.saturating_sub(LONGEST);
            let mut bytes = vec![0; usize::try_from(end - from).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, from)?;
            bytes.append(&mut torn);
            // What stands first begins before, unless nothing is before.
            let first = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            let first = if from == 0 { 0 } else { first };
            let lines = bytes[first..].split(|byte| *byte == b'\n').rev();
            if !lines.filter_map(|line| serde_json::from_slice(line).ok()).all(&mut visit) {
                return Ok(false);
            }
            bytes.truncate(first);
            // A line that is longer than any record is none, and nobody keeps it.
            torn = if bytes.len() as u64 > LONGEST { Vec::new() } else { bytes };
            end = from;
        }
        Ok(true)
    }

    /// Whether each line follows from the one before it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn verify(&self) -> io::Result<Verdict> {
        Verdict::of(BufReader::new(File::open(&self.path)?))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
