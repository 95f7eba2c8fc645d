//! Reads the frames of a segment, piece by piece, up to the first byte that is not as it was written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use history::{Damage, Frame, decode};

/// How much is read at once.
const PIECE: usize = 512 * 1024;

/// The buffer of one reader.
#[derive(Debug)]
pub(in crate::engine::history) struct Reader {
    buffer: Box<[u8]>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { buffer: vec![0; PIECE].into_boxed_slice() }
    }
}

/// Whole frames that follow one another.
#[derive(Debug)]
pub(in crate::engine::history) struct Piece<'a> {
    pub(in crate::engine::history) frames: Vec<Frame<'a>>,
    /// The bytes of these frames.
    pub(in crate::engine::history) length: u64,
    /// What is behind them within the bytes that were asked for.
    pub(in crate::engine::history) behind: Behind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::history) enum Behind {
    /// Nothing.
    End,
    /// Perhaps more frames.
    More,
    /// Bytes that are no frame, nor is anything after them.
    Ruin,
}

impl Reader {
    /// Reads the frames from `offset` on, as far as `end` and not too many at once.
    ///
    /// # Errors
    /// The words of pread(2).
    pub(in crate::engine::history) fn read(&mut self, file: &File, offset: u64, end: u64) -> io::Result<Piece<'_>> {
        let wanted = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX).min(self.buffer.len());
        let read = fill(file, &mut self.buffer[..wanted], offset)?;
        let bytes = &self.buffer[..read];
        let reaches_end = offset.saturating_add(read as u64) >= end || read < wanted;
        let (mut frames, mut length) = (Vec::new(), 0);
        let behind = loop {
            match decode(&bytes[length..]) {
                Ok(Some(frame)) => {
                    length += frame.bytes.len();
                    frames.push(frame);
                }
                Ok(None) if length == bytes.len() && reaches_end => break Behind::End,
                Ok(None) if reaches_end => break Behind::Ruin,
                Ok(None) => break Behind::More,
                Err(
                    Damage::Mark
                    | Damage::Kind(_)
                    | Damage::Length(_)
                    | Damage::Checksum
                    | Damage::Version(_)
                    | Damage::Record,
                ) => break Behind::Ruin,
            }
        };
        Ok(Piece { frames, length: length as u64, behind })
    }
}

/// As many bytes as the file has, up to the length of the buffer.
fn fill(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
