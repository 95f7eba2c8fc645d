//! The envelope of a record in the spool: a mark, version, kind, length and checksum, then the record.
//!
//! A reader stops at the first byte that is not as it was written: what follows may be anything, also bytes that a client chose.

use serde::Deserialize;

use crate::flows::Flows;
use crate::record::Record;

/// Bytes in front of a record.
pub const HEADER: usize = 12;

/// The longest record, in bytes: eight texts of [`TEXT_MAX`](crate::TEXT_MAX) bytes, what is between them, and
/// [`FLOWS_MAX`](crate::FLOWS_MAX) flows.
pub const MAX_PAYLOAD: usize = 12 * 1024;

/// The version of the record's form in this build; all before it can be read.
pub const VERSION: u8 = 3;

const MARK: [u8; 2] = *b"RS";

/// Which moment of a session a record is of; also how dear it is when room runs out, dearest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// It goes on: a later record of the same session says more.
    Checkpoint = 1,
    /// Its request is complete: without a later record this is all that is known.
    Opened = 2,
    /// It is over: there is no other record of its end.
    Closed = 3,
}

/// What lies in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: Kind,
    version: u8,
    payload: &'a [u8],
    /// The whole frame, as it lies in the spool.
    pub bytes: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("no frame begins here")]
    Mark,
    #[error("kind {0} does not exist")]
    Kind(u8),
    #[error("a length of {0} bytes")]
    Length(u32),
    #[error("the checksum is another one")]
    Checksum,
    #[error("version {0}, written by a newer program")]
    Version(u8),
    #[error("the record is not what its version says")]
    Record,
}

/// Writes frames one after the other.
#[derive(Debug)]
pub struct Encoder {
    scratch: Box<[u8]>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { scratch: vec![0; MAX_PAYLOAD].into_boxed_slice() }
    }
}

impl Encoder {
    /// Appends the frame of `record` to `out`.
    ///
    /// # Panics
    /// A text is longer than [`TEXT_MAX`](crate::TEXT_MAX): [`clipped`](crate::clipped) sees to that.
    pub fn encode(&mut self, kind: Kind, record: &Record<'_>, out: &mut Vec<u8>) {
        let payload = postcard::to_slice(&(record, record.phases.rules, record.flows.0), &mut self.scratch)
            .expect("texts are clipped, so they fit");
        let length = u32::try_from(payload.len()).expect("MAX_PAYLOAD fits into 32 bits");
        let begin = out.len();
        out.extend_from_slice(&MARK);
        out.extend_from_slice(&[VERSION, kind as u8]);
        out.extend_from_slice(&length.to_le_bytes());
        let checksum = checksum(&out[begin..], payload);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(payload);
    }
}

/// The frame at the beginning of `bytes`; nothing when it is not whole.
///
/// # Errors
/// The bytes are no frame, whatever may follow them.
pub fn decode(bytes: &[u8]) -> Result<Option<Frame<'_>>, Damage> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return if MARK.starts_with(&bytes[..bytes.len().min(MARK.len())]) { Ok(None) } else { Err(Damage::Mark) };
    };
    let [m, k, version, kind, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    if [m, k] != MARK {
        return Err(Damage::Mark);
    }
    let kind = Kind::of(kind).ok_or(Damage::Kind(kind))?;
    let announced = u32::from_le_bytes([l0, l1, l2, l3]);
    let length = usize::try_from(announced).ok().filter(|length| *length <= MAX_PAYLOAD);
    let length = length.ok_or(Damage::Length(announced))?;
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    if checksum(&header[..8], payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(Damage::Checksum);
    }
    Ok(Some(Frame { kind, version, payload, bytes: &bytes[..HEADER + length] }))
}

impl<'a> Frame<'a> {
    /// Whose record it is, without reading all of it; nothing when another version wrote it.
    #[must_use]
    pub fn id(&self) -> Option<[u8; 16]> {
        // The first field of the record, and postcard writes a fixed array as it is.
        self.is_known().then(|| self.payload.first_chunk().copied()).flatten()
    }

    /// The record inside.
    ///
    /// # Errors
    /// A newer program wrote it, or the program that wrote it was not sane.
    pub fn record(&self) -> Result<Record<'a>, Damage> {
        if !self.is_known() {
            return Err(Damage::Version(self.version));
        }
        let mut reader = postcard::Deserializer::from_bytes(self.payload);
        let mut record = Record::deserialize(&mut reader).map_err(|_malformed| Damage::Record)?;
        if self.version >= 2 {
            record.phases.rules = Option::deserialize(&mut reader).map_err(|_malformed| Damage::Record)?;
        }
        if self.version >= 3 {
            record.flows = Flows(Deserialize::deserialize(&mut reader).map_err(|_malformed| Damage::Record)?);
        }
        let rest = reader.finalize().map_err(|_malformed| Damage::Record)?;
        if rest.is_empty() && record.flows.are_whole() { Ok(record) } else { Err(Damage::Record) }
    }

    fn is_known(&self) -> bool {
        (1..=VERSION).contains(&self.version)
    }
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Checkpoint, Self::Opened, Self::Closed];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// Over everything but itself.
fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}
