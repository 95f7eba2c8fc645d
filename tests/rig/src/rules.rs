//! Rule files.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A rule file that goes with its owner.
#[derive(Debug)]
pub struct Rules {
    directory: TempDir,
}

impl Rules {
    /// Writes a file with this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let rules = Self { directory };
        rules.rewrite(text);
        rules
    }

    /// Replaces the text as an editor does that is careful: by renaming a new file over the old one.
    pub fn rewrite(&self, text: &str) {
        let new = self.directory.path().join("acl.toml.new");
        fs::write(&new, text).expect("a temporary directory can be written");
        fs::rename(new, self.path()).expect("a file can be renamed within its directory");
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("acl.toml")
    }

    /// The daemon's `[acl]` table. Further keys of `[acl]` may follow it.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("[acl]\nconfig_file = \"{}\"\n", self.path().display())
    }
}
