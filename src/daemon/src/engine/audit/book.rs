//! The file of an audit log as this process writes it, beside others that may.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde_json::Value;

use super::Entry;
use super::chain::{CUT, End, Last, put};

/// What is known of the file.
#[derive(Debug, Default)]
pub(super) struct Book {
    open: Option<File>,
    /// Which file our last line went into, and how long that was then.
    known: Option<(Identity, u64)>,
    last: Last,
    /// Lines were taken off its end, or changed there, since then.
    pub(super) is_cut: bool,
}

/// Device and number.
type Identity = (u64, u64);

impl Book {
    pub(super) fn write(&mut self, path: &Path, entry: &Entry<'_>) -> io::Result<()> {
        let file = if let Some(file) = self.open.take().filter(|file| is_at(file, path)) { file } else { open(path)? };
        file.lock()?;
        let written = self.append(&file, entry);
        let unlocked = file.unlock();
        // Whatever is wrong, the next line finds out for itself where the file ends.
        written.and(unlocked)?;
        self.open = Some(file);
        Ok(())
    }

    fn append(&mut self, mut file: &File, entry: &Entry<'_>) -> io::Result<()> {
        let metadata = file.metadata()?;
        let (identity, length) = (identity(&metadata), metadata.len());
        let (mut bytes, mut last, mut is_cut) = (Vec::new(), self.last.clone(), self.is_cut);
        if self.known != Some((identity, length)) {
            let end = End::of(file, length)?;
            if end.is_torn {
                bytes.push(b'\n');
            }
            is_cut = self.misses_lines(file, (identity, length), &end)?;
            if is_cut {
                last = put(&mut bytes, &last, &cut(&last, end.last.as_ref()))?;
            } else {
                // A file that is new goes on where the one before it ended.
                last = end.last.unwrap_or(last);
                is_cut = self.is_cut && self.known.is_some_and(|(known, _)| known == identity);
            }
        }
        self.is_cut = is_cut;
        let last = put(&mut bytes, &last, entry)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        (self.known, self.last) = (Some((identity, length + bytes.len() as u64)), last);
        Ok(())
    }

    /// Whether our last line is not where it was; of another file in its place, whether it ends before that line.
    fn misses_lines(&self, file: &File, (identity, length): (Identity, u64), end: &End) -> io::Result<bool> {
        match self.known {
            None => Ok(false),
            Some((known, at)) if known == identity => {
                Ok(length < at || End::of(file, at)?.last.is_none_or(|there| there != self.last))
            }
            Some(_) => Ok(end.last.as_ref().is_some_and(|last| last.seq < self.last.seq)),
        }
    }

    /// What its length alone says; the next line finds out the rest.
    pub(super) fn look_at(&mut self, path: &Path) {
        let Ok(metadata) = std::fs::metadata(path) else { return };
        self.is_cut |= self.known.is_some_and(|(known, at)| known == identity(&metadata) && metadata.len() < at);
    }
}

/// Says that the last line is not there any more.
fn cut(last: &Last, there: Option<&Last>) -> Entry<'static> {
    let found = there.map_or_else(|| "there is none".to_owned(), |there| format!("{} is there", there.seq));
    Entry {
        id: CUT,
        phase: "done",
        who: &Value::Null,
        role: "none",
        op: CUT,
        target: Value::Null,
        changes: &[],
        comment: None,
        result: Some(format!("record {} was the last, and {found}", last.seq)),
        ms: None,
        idem: None,
    }
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)
}

/// Whether the path still leads to this file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => identity(&open) == identity(&there),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino())
}
