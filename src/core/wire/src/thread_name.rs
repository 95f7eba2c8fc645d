//! The name of a thread, as the kernel keeps it.

use std::fmt;

/// The kernel's limit: `TASK_COMM_LEN` is 16 with the closing NUL, see `prctl(2)` under `PR_SET_NAME`.
const LIMIT: usize = 15;

/// The name of a thread, at most 15 bytes long, equal to what `/proc/PID/task/TID/comm` shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThreadName(Box<str>);

impl ThreadName {
    /// Cuts a longer name the way the kernel does, but never inside a character.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name[..name.floor_char_boundary(LIMIT)].into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ThreadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        for (long, kept) in [
            ("", ""),
            ("relay-0", "relay-0"),
            ("0123456789abcdef", "0123456789abcde"),
            ("0123456789abcdé", "0123456789abcd"),
        ] {
            assert_eq!(ThreadName::new(long).as_str(), kept);
        }
    }
}
