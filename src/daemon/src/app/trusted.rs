//! Reads files that decide who may do what, and only if nobody else could have written them.
//!
//! The checks look at the opened file, so that nothing can change between the look and the read.

use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};
use nix::unistd::geteuid;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Anyone,
    /// Its owner and its group, since it holds secrets.
    NotOthers,
}

/// Write permission for the group and for others (chmod(2)).
const WRITABLE: u32 = 0o022;

/// Read permission for others.
const READABLE: u32 = 0o004;

/// The text of a file; `what` is what messages call it.
///
/// # Errors
/// It cannot be read, is not UTF-8, can be changed or read by others than it should, or belongs to somebody else.
pub(super) fn read(what: &str, path: &Path, readers: Readers) -> anyhow::Result<String> {
    let cannot = || format!("cannot read {what} {}", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let faults = faults(path, &file.metadata().with_context(cannot)?, readers, geteuid().as_raw());
    if !faults.is_empty() {
        bail!("{faults}");
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).with_context(cannot)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => bail!("{}: not UTF-8 at byte {}", path.display(), error.utf8_error().valid_up_to()),
    }
}

/// A line for everything that is wrong, with what to do about it.
fn faults(path: &Path, file: &Metadata, readers: Readers, ourselves: u32) -> String {
    let (path, mode) = (path.display(), file.mode() & 0o7777);
    let mut lines = String::new();
    let mut complain = |fault: &str, remedy: &str| {
        let newline = if lines.is_empty() { "" } else { "\n" };
        let _never_fails = write!(lines, "{newline}{path}: {fault}; `{remedy} {path}`");
    };
    if ![0, ourselves].contains(&file.uid()) {
        let owner = if ourselves == 0 { "root".to_owned() } else { format!("root or uid {ourselves}") };
        complain(&format!("belongs to uid {} and must belong to {owner}", file.uid()), &format!("chown {ourselves}"));
    }
    if mode & WRITABLE != 0 {
        complain(&format!("has mode {mode:04o}, so that others than its owner can change it"), "chmod go-w");
    }
    if readers == Readers::NotOthers && mode & READABLE != 0 {
        complain(&format!("has mode {mode:04o}, so that everybody can read it"), "chmod o-rwx");
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    const OTHERS_CAN_CHANGE: &str = "others than its owner can change it";
    const EVERYBODY_CAN_READ: &str = "everybody can read it";

    #[test]
    fn only_what_nobody_else_can_change_is_trusted() {
        let (_directory, path) = file();
        for (mode, readers, expected) in [
            (0o644, Readers::Anyone, &[][..]),
            (0o640, Readers::NotOthers, &[]),
            (0o600, Readers::NotOthers, &[]),
            (0o755, Readers::Anyone, &[]),
            (0o664, Readers::Anyone, &[OTHERS_CAN_CHANGE]),
            (0o646, Readers::Anyone, &[OTHERS_CAN_CHANGE]),
            (0o660, Readers::NotOthers, &[OTHERS_CAN_CHANGE]),
            (0o644, Readers::NotOthers, &[EVERYBODY_CAN_READ]),
            (0o666, Readers::NotOthers, &[OTHERS_CAN_CHANGE, EVERYBODY_CAN_READ]),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let found = read("the file", &path, readers).map_err(|error| error.to_string());
            match found {
                Ok(text) => assert!(expected.is_empty() && text == "text", "{mode:o} {readers:?}"),
                Err(words) => {
                    assert_eq!(words.lines().count(), expected.len(), "{mode:o} {readers:?}: {words}");
                    assert!(expected.iter().all(|fault| words.contains(fault)), "{mode:o} {readers:?}: {words}");
                    assert!(words.contains(&format!("mode {mode:04o}")) && words.contains("`chmod "), "{words}");
                }
            }
        }
    }

    #[test]
    fn somebody_elses_file_is_not_trusted() {
        let (_directory, path) = file();
        let metadata = fs::metadata(&path).unwrap();
        let (owner, another) = (metadata.uid(), metadata.uid() + 1);
        assert_eq!(faults(&path, &metadata, Readers::Anyone, owner), "");
        if owner != 0 {
            let words = faults(&path, &metadata, Readers::Anyone, another);
            assert!(
                words.contains(&format!("belongs to uid {owner} and must belong to root or uid {another}")),
                "{words}"
            );
        }
        if geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            let words = read("the file", &path, Readers::Anyone).unwrap_err().to_string();
            assert!(words.contains("belongs to uid 65534 and must belong to root; `chown 0 "), "{words}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_place() {
        let (_directory, path) = file();
        fs::write(&path, b"ab\xff").unwrap();
        let words = read("the file", &path, Readers::Anyone).unwrap_err().to_string();
        assert!(words.ends_with("not UTF-8 at byte 2"), "{words}");
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "text").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        (directory, path)
    }
}
