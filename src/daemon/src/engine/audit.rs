//! Who did what: one line of JSON each, on the disk before it counts, and each with the hash of the one before it.
//!
//! Two workers of an upgrade may write to one file, and a log rotation may take it away: so the file is locked for each line,
//! and its last line is read anew whenever somebody else has written.
//! Knows nothing of who may do what.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest line that is read back, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The operation of a line which says that those before it are not what they were.
const CUT: &str = "audit.cut";

#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    book: Mutex<Book>,
    /// Lines were taken off the end of this file, or changed there, while this process wrote it.
    is_cut: AtomicBool,
}

/// What is known of the file.
#[derive(Debug, Default)]
struct Book {
    open: Option<File>,
    /// Which file our last line went into, and how long that was then.
    known: Option<(Identity, u64)>,
    last: Last,
    is_cut: bool,
}

/// Device and number.
type Identity = (u64, u64);

/// The last line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Last {
    seq: u64,
    hash: Option<String>,
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

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    prev: Option<&'a str>,
    t: Timestamp,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

/// What of a line the next one needs.
#[derive(Deserialize)]
struct Linked {
    seq: u64,
    prev: Option<String>,
    op: Option<String>,
}

/// What came of going through the whole file.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) records: u64,
    pub(crate) ok: bool,
    /// The first line that does not follow from the one before it, counted from 1, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<(u64, &'static str)>,
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
        if written.is_err() {
            // Whatever is wrong, the next line finds out for itself where the file ends.
            book.open = None;
        }
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
        let mut lines = BufReader::new(File::open(&self.path)?);
        let (mut records, mut last, mut line) = (0, None::<Last>, Vec::new());
        loop {
            line.clear();
            if (&mut lines).take(LONGEST + 1).read_until(b'\n', &mut line)? == 0 {
                return Ok(Verdict { records, ok: true, broken: None });
            }
            records += 1;
            let text = line.strip_suffix(b"\n");
            let read = text.and_then(|text| Some((text, serde_json::from_slice::<Linked>(text).ok()?)));
            let why = match (&read, &last) {
                (None, _) => Some("it is no whole record"),
                (Some((_, linked)), _) if linked.op.as_deref() == Some(CUT) => {
                    Some("those before it were cut off or changed")
                }
                (Some((_, linked)), Some(last)) if linked.prev != last.hash => Some("the one before it is another one"),
                (Some((_, linked)), Some(last)) if linked.seq != last.seq + 1 => Some("its number is out of order"),
                // What was before the first one is in another file.
                (Some(_), None | Some(_)) => None,
            };
            if let Some(why) = why {
                return Ok(Verdict { records, ok: false, broken: Some((records, why)) });
            }
            last = read.map(|(text, linked)| Last { seq: linked.seq, hash: Some(hash(text)) });
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn write(&mut self, path: &Path, entry: &Entry<'_>) -> io::Result<()> {
        let file = if let Some(file) = self.open.take().filter(|file| is_at(file, path)) { file } else { open(path)? };
        file.lock()?;
        let written = self.append(&file, entry);
        let unlocked = file.unlock();
        self.open = Some(file);
        written.and(unlocked)
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
    fn look_at(&mut self, path: &Path) {
        let Ok(metadata) = std::fs::metadata(path) else { return };
        self.is_cut |= self.known.is_some_and(|(known, at)| known == identity(&metadata) && metadata.len() < at);
    }
}

/// Adds a line that follows from the last one, and says what the next one follows from.
fn put(bytes: &mut Vec<u8>, last: &Last, entry: &Entry<'_>) -> io::Result<Last> {
    let line = Line { seq: last.seq + 1, prev: last.hash.as_deref(), t: Timestamp::now(), entry };
    let text = serde_json::to_vec(&line)?;
    bytes.extend_from_slice(&text);
    bytes.push(b'\n');
    Ok(Last { seq: line.seq, hash: Some(hash(&text)) })
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

/// How the first so many bytes of a file end that somebody else may have written.
struct End {
    last: Option<Last>,
    /// Its last line has no end.
    is_torn: bool,
}

impl End {
    fn of(mut file: &File, length: u64) -> io::Result<Self> {
        let from = length.saturating_sub(LONGEST);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(length - from).read_to_end(&mut bytes)?;
        let is_torn = bytes.last().is_some_and(|byte| *byte != b'\n');
        let last = bytes.split(|byte| *byte == b'\n').rev().find_map(|line| {
            let linked: Linked = serde_json::from_slice(line).ok()?;
            Some(Last { seq: linked.seq, hash: Some(hash(line)) })
        });
        Ok(Self { last, is_torn })
    }
}

fn open(path: &Path) -> io::Result<File> {
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

/// As `b2sum -l 256` says it of the line without its end.
fn hash(line: &[u8]) -> String {
    let digest: [u8; 32] = Blake2b::<U32>::digest(line).into();
    digest.iter().fold("blake2b:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(audit: &Audit, id: &str) {
        let who = Value::from("anna");
        let entry = Entry {
            id,
            phase: "intent",
            who: &who,
            role: "admin",
            op: "sessions.kill",
            target: Value::Null,
            changes: &[],
            comment: None,
            result: None,
            ms: None,
            idem: None,
        };
        audit.write(&entry).unwrap();
    }

    fn log() -> (tempfile::TempDir, Audit) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        (directory, Audit::at(path))
    }

    fn numbers(audit: &Audit) -> Vec<u64> {
        audit.tail(100).unwrap().iter().map(|line| line["seq"].as_u64().unwrap()).collect()
    }

    #[test]
    fn records_are_read_from_the_end_whole_and_no_further_than_wanted() {
        let (_directory, audit) = log();
        let filler = "x".repeat(1_000);
        let record = |seq: u64| format!("{{\"seq\":{seq},\"filler\":\"{filler}\"}}\n");
        let too_long = format!("{}\n", "y".repeat(3 * usize::try_from(LONGEST).unwrap()));
        let text: String = (1..=300).map(record).chain([too_long]).chain((301..=500).map(record)).collect();
        fs::write(audit.path(), &text).unwrap();
        let mut seen = Vec::new();
        let mut note = |line: &Value| seen.push(line["seq"].as_u64().unwrap());
        let is_whole = audit.each_back(|line| {
            note(&line);
            true
        });
        assert!(is_whole.unwrap());
        assert_eq!(seen, (1..=500).rev().collect::<Vec<_>>());
        let mut count = 0;
        let is_whole = audit.each_back(|_| {
            count += 1;
            count < 3
        });
        assert_eq!((is_whole.unwrap(), count), (false, 3));
        assert_eq!(audit.last_number().unwrap(), 500);
        assert_eq!(numbers(&audit).len(), 100);
    }

    #[test]
    fn the_last_number_is_known_of_a_file_that_is_there_and_ends_with_a_record() {
        let (_directory, audit) = log();
        assert_eq!(audit.last_number().unwrap(), 0);
        write(&audit, "a-1");
        write(&audit, "a-2");
        assert_eq!(audit.last_number().unwrap(), 2);
        let junk = "z\n".repeat(usize::try_from(LONGEST).unwrap());
        fs::write(audit.path(), fs::read_to_string(audit.path()).unwrap() + &junk).unwrap();
        assert_eq!(audit.last_number().unwrap(), 0, "nobody reads back through junk for it");
    }

    #[test]
    fn two_writers_make_one_chain() {
        let (_directory, one) = log();
        let other = Audit::at(one.path().to_owned());
        for turn in 0..6 {
            write(if turn % 3 == 0 { &one } else { &other }, "a");
        }
        assert_eq!(numbers(&one), [1, 2, 3, 4, 5, 6]);
        assert_eq!(one.verify().unwrap(), Verdict { records: 6, ok: true, broken: None });
    }

    #[test]
    fn a_rotation_keeps_the_chain() {
        let (directory, audit) = log();
        write(&audit, "a");
        let rotated = directory.path().join("audit.jsonl.1");
        fs::rename(audit.path(), &rotated).unwrap();
        write(&audit, "b");
        assert_eq!(numbers(&audit), [2]);
        let first = fs::read(&rotated).unwrap();
        assert_eq!(audit.tail(1).unwrap()[0]["prev"], hash(first.strip_suffix(b"\n").unwrap()));
    }

    type Harm<'a> = &'a dyn Fn(&str) -> String;

    #[test]
    fn what_is_changed_taken_out_or_torn_is_found() {
        let without = |text: &str, left_out: usize| {
            let kept = text.lines().enumerate().filter(|(number, _)| *number != left_out);
            kept.fold(String::new(), |text, (_, line)| text + line + "\n")
        };
        for (harm, line, why) in [
            (&(|text: &str| text.replacen("anna", "eve", 1)) as Harm<'_>, 2, "the one before it is another one"),
            (&|text: &str| without(text, 1), 2, "the one before it is another one"),
            (&|text: &str| text.replacen("\"seq\":4", "\"seq\":5", 1), 4, "its number is out of order"),
            (&|text: &str| text[..text.len() - 9].to_owned(), 4, "it is no whole record"),
        ] {
            let (_directory, audit) = log();
            (0..4).for_each(|_| write(&audit, "a"));
            let text = fs::read_to_string(audit.path()).unwrap();
            fs::write(audit.path(), harm(&text)).unwrap();
            assert_eq!(audit.verify().unwrap().broken, Some((line, why)));
        }
    }

    #[test]
    fn an_end_that_was_cut_off_is_noticed_however_long_the_file_is_by_then() {
        let kept = |text: &str| text.lines().take(2).fold(String::new(), |text, line| text + line + "\n");
        let another_end = |text: &str| text.replacen("\"seq\":4", "\"seq\":4 ", 1);
        let filled_up = |text: &str| kept(text) + &"x\n".repeat(text.len());
        for (harm, line) in [(&kept as Harm<'_>, 3), (&another_end, 5), (&filled_up, 3), (&|_| String::new(), 1)] {
            let (_directory, audit) = log();
            (0..4).for_each(|_| write(&audit, "a"));
            assert!(!audit.is_cut());
            let text = fs::read_to_string(audit.path()).unwrap();
            fs::write(audit.path(), harm(&text)).unwrap();
            write(&audit, "b");
            assert!(audit.is_cut());
            assert_eq!(numbers(&audit)[numbers(&audit).len() - 2..], [5, 6]);
            let other = Audit::at(audit.path().to_owned());
            assert_eq!(other.verify().unwrap().broken.map(|(line, _)| line), Some(line));
            write(&audit, "c");
            assert!(audit.is_cut(), "what is gone does not come back");
            fs::rename(audit.path(), audit.path().with_extension("1")).unwrap();
            write(&audit, "d");
            assert_eq!((audit.is_cut(), audit.verify().unwrap().ok), (false, true), "a new file is whole");
        }
    }

    #[test]
    fn a_shorter_copy_in_the_place_of_the_file_is_noticed() {
        let (directory, audit) = log();
        write(&audit, "a");
        let copy = directory.path().join("copy");
        fs::copy(audit.path(), &copy).unwrap();
        write(&audit, "b");
        fs::rename(copy, audit.path()).unwrap();
        write(&audit, "c");
        assert_eq!((audit.is_cut(), numbers(&audit)), (true, vec![1, 3, 4]));
    }

    #[test]
    fn a_line_after_a_torn_one_is_whole() {
        let (_directory, audit) = log();
        write(&audit, "a");
        let mut file = OpenOptions::new().append(true).open(audit.path()).unwrap();
        file.write_all(b"{\"seq\":2,\"pr").unwrap();
        write(&audit, "b");
        assert_eq!(numbers(&audit), [1, 2]);
        assert_eq!(audit.verify().unwrap().broken, Some((2, "it is no whole record")));
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_the_next_line_is_not() {
        let (directory, audit) = log();
        write(&audit, "a");
        let blocked = Audit::at(directory.path().to_owned());
        let who = Value::Null;
        let entry = Entry {
            id: "a",
            phase: "intent",
            who: &who,
            role: "read",
            op: "x",
            target: Value::Null,
            changes: &[],
            comment: None,
            result: None,
            ms: None,
            idem: None,
        };
        assert!(blocked.write(&entry).is_err());
        write(&audit, "b");
        assert_eq!(numbers(&audit), [1, 2]);
    }
}
