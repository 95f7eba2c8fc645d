//! Shows bytes that a stranger chose without letting them act on a log or a terminal.
//!
//! Knows nothing of what the bytes are; names and user names are alike to it.

use std::fmt;

/// Displays printable ASCII as it is, and everything else (space, `"` and `\` included) as `\xNN`.
///
/// The result has no white space, no quotes, no control characters and no bytes above `~`, so it is safe as one field of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| match byte {
            b'"' | b'\\' => write!(out, "\\x{byte:02x}"),
            b'!'..=b'~' => write!(out, "{}", char::from(byte)),
            _ => write!(out, "\\x{byte:02x}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bytes_cannot_leave_their_field() {
        check(b"db.corp", "db.corp");
        check(b"", "");
        check(b"a b", r"a\x20b");
        check(b"a\nuser=root", r"a\x0auser=root");
        check(b"\x1b[2J", r"\x1b[2J");
        check(b"\"quoted\"", r"\x22quoted\x22");
        check(br"back\slash", r"back\x5cslash");
        check(b"\xff\x00\x7f", r"\xff\x00\x7f");
    }

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(Escaped(bytes).to_string(), expected);
    }
}
