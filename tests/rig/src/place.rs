//! Directories in which a daemon can work, whoever it runs as: its worker is another user than the one who starts it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

/// A temporary directory in which every user may read, write and make files.
#[must_use]
pub fn for_everybody() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    open_to_everybody(directory.path());
    directory
}

/// Lets every user read, write and make files there.
pub fn open_to_everybody(directory: &Path) {
    fs::set_permissions(directory, Permissions::from_mode(0o777)).expect("the directory is ours");
}

/// Writes a file that only its owner may read, as secrets want to be kept.
pub fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).expect("a temporary directory can be written");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("the file is ours");
}
