//! The envelope of every frame: version, kind, length, body.
//!
//! Knows no kind and no direction.

/// The version of the frames in this build.
///
/// Both roles are one executable, so that a difference means that a file was replaced under a running service.
pub const VERSION: u8 = 2;

/// The longest frame, in bytes, header included.
pub const MAX_FRAME: usize = 4096;

const HEADER: usize = 4;

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = MAX_FRAME - HEADER;

/// The longest frame of all, in bytes, header included: its body's length has 16 bits.
/// Only what a PAM helper answers may be longer than [`MAX_FRAME`].
pub const MAX_ANSWER: usize = HEADER + u16::MAX as usize;

/// A frame that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {found} bytes, where {HEADER} to {most} are possible")]
    Size { found: usize, most: usize },
    #[error(
        "frame version {found}, this program speaks {VERSION}; the programs of this service are of different builds, restart it"
    )]
    Version { found: u8 },
    #[error("frame kind {found} does not exist in this direction")]
    Kind { found: u8 },
    #[error("document kind {found} does not exist")]
    Document { found: u8 },
    #[error("frame kind {kind} announces a body of {announced} bytes and has {found}")]
    Length { kind: u8, announced: usize, found: usize },
    #[error("the body of frame kind {kind} is shorter than its fields")]
    Short { kind: u8 },
    #[error("the body of frame kind {kind} has {extra} bytes after its last field")]
    Long { kind: u8, extra: usize },
    #[error("frame kind {kind} carries text that is not UTF-8, or text or a list that is too long")]
    Text { kind: u8 },
}

/// Puts a body into its envelope.
///
/// Callers keep their texts and lists within [`MAX_BODY`], or within what [`MAX_ANSWER`] leaves for an answer.
pub(crate) fn seal(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a body's length fits into 16 bits: callers see to that");
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend_from_slice(&[VERSION, kind]);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Takes a body out of its envelope.
///
/// # Errors
/// Everything in [`FrameError`] that can be told without knowing the kind.
pub(crate) fn open(frame: &[u8]) -> Result<Body<'_>, FrameError> {
    open_up_to(frame, MAX_FRAME)
}

/// The same for a frame that may be `most` bytes long.
///
/// # Errors
/// Everything in [`FrameError`] that can be told without knowing the kind.
pub(crate) fn open_up_to(frame: &[u8], most: usize) -> Result<Body<'_>, FrameError> {
    let size = FrameError::Size { found: frame.len(), most };
    let Some((&[version, kind, high, low], rest)) = frame.split_first_chunk::<HEADER>() else {
        return Err(size);
    };
    if frame.len() > most {
        return Err(size);
    }
    if version != VERSION {
        return Err(FrameError::Version { found: version });
    }
    let announced = usize::from(u16::from_be_bytes([high, low]));
    if announced != rest.len() {
        return Err(FrameError::Length { kind, announced, found: rest.len() });
    }
    Ok(Body { kind, rest })
}

/// Appends a text after its length (2 bytes), as [`Body::c_text`] reads it.
///
/// # Errors
/// [`FrameError::Text`] if it has a NUL or its length does not fit.
pub(crate) fn push_c_text(body: &mut Vec<u8>, kind: u8, text: &str) -> Result<(), FrameError> {
    let length = u16::try_from(text.len()).ok().filter(|_| !text.contains('\0'));
    body.extend_from_slice(&length.ok_or(FrameError::Text { kind })?.to_be_bytes());
    body.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The fields of a frame, taken from the front one by one.
pub(crate) struct Body<'a> {
    pub(crate) kind: u8,
    rest: &'a [u8],
}

impl<'a> Body<'a> {
    pub(crate) fn u8(&mut self) -> Result<u8, FrameError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next `length` bytes as text.
    pub(crate) fn text(&mut self, length: usize) -> Result<&'a str, FrameError> {
        let Some((text, rest)) = self.rest.split_at_checked(length) else {
            return Err(FrameError::Short { kind: self.kind });
        };
        self.rest = rest;
        str::from_utf8(text).map_err(|_| FrameError::Text { kind: self.kind })
    }

    /// Takes these bytes if they come next.
    pub(crate) fn takes(&mut self, bytes: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(bytes);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// All that is left, as text.
    pub(crate) fn remaining_text(&mut self) -> Result<&'a str, FrameError> {
        self.text(self.rest.len())
    }

    /// States that every field has been taken.
    pub(crate) fn end(self) -> Result<(), FrameError> {
        if self.rest.is_empty() { Ok(()) } else { Err(FrameError::Long { kind: self.kind, extra: self.rest.len() }) }
    }

    /// The next text after its length (2 bytes); it has no NUL, so that it can be handed to C as it is.
    pub(crate) fn c_text(&mut self) -> Result<&'a str, FrameError> {
        let length = self.u16()?;
        let text = self.text(usize::from(length))?;
        if text.contains('\0') { Err(FrameError::Text { kind: self.kind }) } else { Ok(text) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let Some((&field, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(FrameError::Short { kind: self.kind });
        };
        self.rest = rest;
        Ok(field)
    }
}

/// 32 bytes that tell one text from another.
pub(crate) fn digest(body: &mut Body<'_>) -> Result<[u8; 32], FrameError> {
    let mut digest = [0; 32];
    for byte in &mut digest {
        *byte = body.u8()?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_envelope_is_refused_with_words() {
        let refused = |frame: &[u8]| open(frame).err().map(|error| error.to_string()).unwrap_or_default();
        for (frame, words) in [
            (&[][..], "a frame of 0 bytes"),
            (&[VERSION, 1, 0][..], "a frame of 3 bytes"),
            (&[0; MAX_FRAME + 1][..], "a frame of 4097 bytes"),
            (&[VERSION + 1, 1, 0, 0][..], "different builds"),
            (&[VERSION, 7, 0, 2, 9][..], "announces a body of 2 bytes and has 1"),
            (&[VERSION, 7, 0, 0, 9][..], "announces a body of 0 bytes and has 1"),
        ] {
            assert!(refused(frame).contains(words), "{frame:?}: {}", refused(frame));
        }
    }
}
