//! Where a value came from, and the values that outrank the file.

use std::fmt;

/// The prefix of every environment variable that is a setting.
const PREFIX: &str = "RUSTSOCKS_";

/// Where `rustsocks-cli` finds the admin socket: in the environment of whoever uses it, and sometimes starts the daemon too.
const OF_THE_CLIENT: &str = "RUSTSOCKS_ADMIN";

/// Where a value came from; a later variant outranks an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody wrote it.
    Default,
    /// It stands in a file; lines and columns count from 1, columns in characters.
    File {
        /// The path as it was given to [`crate::load()`].
        path: String,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
    },
    /// An environment variable, `RUSTSOCKS_<TABLE>_<KEY>`.
    Environment {
        /// The name of the variable.
        variable: String,
    },
    /// A flag on the command line.
    Flag {
        /// The flag as it is typed, `--port`.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, .. } => write!(f, "{path}:{line}"),
            Self::Environment { variable } => write!(f, "environment {variable}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}

/// A value from outside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub(crate) origin: Origin,
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Override {
    /// The value of a flag: `flag("--port", "server.bind_port", "1081")`.
    #[must_use]
    pub fn flag(flag: &str, key: &str, value: &str) -> Self {
        let origin = Origin::Flag { flag: flag.to_owned() };
        Self { origin, key: key.to_owned(), value: value.to_owned() }
    }

    /// The settings among the environment's pairs: `RUSTSOCKS_SERVER_BIND_PORT` sets `server.bind_port`.
    ///
    /// Variables without the prefix are not ours and are left out, and so is the one of `rustsocks-cli`.
    pub fn environment(pairs: impl IntoIterator<Item = (String, String)>) -> Vec<Self> {
        pairs.into_iter().filter_map(|(variable, value)| Self::variable(variable, value)).collect()
    }

    fn variable(variable: String, value: String) -> Option<Self> {
        if variable == OF_THE_CLIENT {
            return None;
        }
        let key = variable.strip_prefix(PREFIX)?.to_ascii_lowercase().replacen('_', ".", 1);
        Some(Self { origin: Origin::Environment { variable }, key, value })
    }
}
