//! The settings in force, key by key, for operators who look.

use std::path::PathBuf;

use serde::Serialize;
use wire::DocumentKind;

/// Every key, in the order of the reference.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Effective {
    pub(crate) settings: Vec<Setting>,
    /// The files that they and what they name are read from.
    #[serde(skip)]
    pub(crate) files: Vec<(DocumentKind, PathBuf)>,
}

/// One key.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) key: String,
    /// As TOML; nothing where it is not set.
    pub(crate) value: Option<String>,
    /// `default`, `file`, `env` or `flag`.
    pub(crate) from: &'static str,
    /// Where exactly: the file and the line, the variable, the flag.
    pub(crate) place: Option<String>,
    /// `live` if a reload changes it, `restart` if only a start does.
    pub(crate) reload: &'static str,
    /// What was last read and waits for a start, if that is something else.
    pub(crate) waiting: Option<String>,
}
