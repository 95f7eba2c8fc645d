//! Where a database is.

use std::path::{Path, PathBuf};

use crate::problem::Fault;
use crate::values::{Parsed, Written};

/// A file of SQLite, written `"sqlite:///var/lib/rustsocks/sessions.db"`: behind the scheme an absolute path, taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUrl(PathBuf);

impl DatabaseUrl {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Parsed for DatabaseUrl {
    fn parse(text: &str) -> Result<Self, Fault> {
        // What a URL would give a meaning that we do not.
        let is_plain = !text.contains(['\0', '?', '#', '%']) && !text.ends_with('/');
        let path = text.strip_prefix("sqlite://").map(Path::new).filter(|path| path.is_absolute() && is_plain);
        let wrong = || Fault::new(format!("{text:?} is not the place of a database"));
        let hint = "write \"sqlite://\" and an absolute path: \"sqlite:///var/lib/rustsocks/sessions.db\"";
        path.map(|path| Self(path.to_owned())).ok_or_else(|| wrong().hint(hint))
    }
}

impl Written for DatabaseUrl {
    fn written(&self) -> String {
        format!("sqlite://{}", self.0.to_str().expect("a path that was parsed from text is text"))
    }
}
