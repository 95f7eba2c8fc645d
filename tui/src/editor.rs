//! The operator's own editor, and the file that it is given: nobody else may read it, and it stays until it is no longer needed.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What did not work: the editor, or the file that it is given.
pub(crate) const EDITOR: &str = "the editor failed";
pub(crate) const FILE: &str = "the text cannot be kept";

/// What is run where nothing is chosen.
const USUAL: &str = "vi";

/// Writes a text where only its owner may read it, and says where.
///
/// # Errors
/// There is no place for it, or no room.
pub(crate) fn kept(name: &str, text: &str) -> io::Result<PathBuf> {
    let directory = directory()?;
    DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    let path = directory.join(name);
    let fresh = directory.join(format!("{name}.{}", std::process::id()));
    // Whatever an earlier process of this number left behind is replaced, never followed.
    match fs::remove_file(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    Ok(path)
}

/// Writes a text into a new file beside the one of this name, and says where.
///
/// # Errors
/// There is no place for it, or no room.
pub(crate) fn aside(name: &str, text: &str) -> io::Result<PathBuf> {
    let own = format!("{}-{name}", uuid::Uuid::now_v7());
    kept(&own, text)
}

/// Keeps a text no longer.
///
/// # Errors
/// It is there and cannot be removed.
pub(crate) fn forget(name: &str) -> io::Result<()> {
    match fs::remove_file(directory()?.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A draft that was kept: the generation on which it builds, written on its first line, and its text.
pub(crate) fn draft(name: &str) -> Option<(u64, String)> {
    let text = fs::read_to_string(directory().ok()?.join(name)).ok()?;
    let (first, rest) = text.split_once('\n')?;
    Some((first.strip_prefix("#! base ")?.parse().ok()?, rest.to_owned()))
}

/// The address from which the operator has come, if it is known.
pub(crate) fn here() -> Vec<String> {
    let connection = env::var("SSH_CONNECTION").unwrap_or_default();
    let address = connection.split_whitespace().next().filter(|address| address.parse::<std::net::IpAddr>().is_ok());
    address.map(str::to_owned).into_iter().collect()
}

/// Has the operator edit a file, and waits for it.
///
/// # Errors
/// The editor cannot be run, or failed.
pub(crate) fn edit(path: &Path) -> io::Result<()> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| USUAL.to_owned());
    // It may come with arguments of its own.
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{editor} ended with {status}")))
}

/// By the conventions of the desktop: what a program remembers between its runs.
fn directory() -> io::Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let missing =
        || io::Error::new(io::ErrorKind::NotFound, "neither XDG_STATE_HOME nor HOME says where to keep files");
    Ok(state.ok_or_else(missing)?.join("rustsocks"))
}
