//! Takes a stream of bytes apart into lines, none longer than allowed. A line may bear a password: what is read is wiped behind it.

use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes that have come and are no whole line yet, and the lines before them.
#[derive(Debug)]
pub struct Lines {
    buffer: Zeroizing<Vec<u8>>,
    /// What of the buffer has been looked at and has no end of a line.
    seen: usize,
    most: usize,
}

/// More came without an end of a line than a line may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a line of more than {most} bytes")]
pub struct LineTooLong {
    /// The bound, in bytes.
    pub most: usize,
}

impl Lines {
    /// Lines of at most `most` bytes, without their end.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { buffer: Zeroizing::default(), seen: 0, most }
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            // Growing in place would leave a copy behind.
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line without its end, if a whole one is there.
    ///
    /// # Errors
    /// It is too long, whether it is whole or not; nothing can be read behind it.
    pub fn next_line(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, LineTooLong> {
        let end = self.buffer[self.seen..].iter().position(|&byte| byte == b'\n').map(|place| self.seen + place);
        let length = end.unwrap_or(self.buffer.len());
        if length > self.most {
            return Err(LineTooLong { most: self.most });
        }
        let Some(end) = end else {
            self.seen = length;
            return Ok(None);
        };
        let rest = self.buffer.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.buffer, Zeroizing::new(rest));
        line.truncate(end);
        self.seen = 0;
        Ok(Some(line))
    }

    /// How many bytes are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_the_bytes_come_the_lines_are_the_same(
            lines in prop::collection::vec("[a-z]{0,9}", 0..20), cuts in prop::collection::vec(1..12usize, 1..20),
        ) {
            let text: String = lines.iter().fold(String::new(), |text, line| text + line + "\n");
            let (mut found, mut taken) = (Vec::new(), Lines::new(9));
            let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(rest.len().min(*cuts.next().unwrap_or(&1)));
                taken.push(piece);
                rest = later;
                while let Some(line) = taken.next_line().expect("none is too long") {
                    found.push(String::from_utf8(line.to_vec()).expect("text"));
                }
            }
            prop_assert_eq!(found, lines);
            prop_assert_eq!(taken.held(), 0);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_before_it_ends() {
        let mut lines = Lines::new(3);
        lines.push(b"abc");
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"d");
        assert_eq!(lines.next_line(), Err(LineTooLong { most: 3 }));
        let mut whole = Lines::new(3);
        whole.push(b"abcd\n");
        assert_eq!(whole.next_line(), Err(LineTooLong { most: 3 }));
    }
}
