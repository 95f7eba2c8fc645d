//! How the lines of an audit log follow from one another, and whether they do.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entry, LONGEST};

/// The operation of a line which says that those before it are not what they were.
pub(super) const CUT: &str = "audit.cut";

/// What came of going through the whole file.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) records: u64,
    pub(crate) ok: bool,
    /// The first line that does not follow from the one before it, counted from 1, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<(u64, &'static str)>,
}

/// The last line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) seq: u64,
    pub(super) hash: Option<String>,
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

impl Verdict {
    /// Whether each of these lines follows from the one before it.
    pub(super) fn of(mut lines: impl BufRead) -> io::Result<Self> {
        let (mut records, mut last, mut line) = (0, None::<Last>, Vec::new());
        loop {
            line.clear();
            if (&mut lines).take(LONGEST + 1).read_until(b'\n', &mut line)? == 0 {
                return Ok(Self { records, ok: true, broken: None });
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
                return Ok(Self { records, ok: false, broken: Some((records, why)) });
            }
            last = read.map(|(text, linked)| Last { seq: linked.seq, hash: Some(hash(text)) });
        }
    }
}

/// Adds a line that follows from the last one, and says what the next one follows from.
pub(super) fn put(bytes: &mut Vec<u8>, last: &Last, entry: &Entry<'_>) -> io::Result<Last> {
    let line = Line { seq: last.seq + 1, prev: last.hash.as_deref(), t: Timestamp::now(), entry };
    let text = serde_json::to_vec(&line)?;
    bytes.extend_from_slice(&text);
    bytes.push(b'\n');
    Ok(Last { seq: line.seq, hash: Some(hash(&text)) })
}

/// How the first so many bytes of a file end that somebody else may have written.
pub(super) struct End {
    pub(super) last: Option<Last>,
    /// Its last line has no end.
    pub(super) is_torn: bool,
}

impl End {
    pub(super) fn of(mut file: &File, length: u64) -> io::Result<Self> {
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

/// As `b2sum -l 256` says it of the line without its end.
pub(super) fn hash(line: &[u8]) -> String {
    let digest: [u8; 32] = Blake2b::<U32>::digest(line).into();
    digest.iter().fold("blake2b:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
