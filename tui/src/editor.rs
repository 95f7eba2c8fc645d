//! The operator's own editor, and the file that it is given: nobody else may read it, and it stays until it is no longer needed.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What did not work: the editor, or the file that it is given.
pub(crate) const EDITOR: &str = "the editor failed";
pub(crate) const FILE: &str = "the text cannot be kept";

/// What is run where nothing is chosen.
const USUAL: &str = "vi";

/// Consoles of one user that keep their drafts apart.
const MOST_SLOTS: u32 = 32;

/// A console's own place for what it keeps, beside those of other consoles of the same user. It is free again with the process.
#[derive(Debug)]
pub(crate) struct Slot {
    /// From 1; names of the first are plain.
    number: u32,
    /// Held as long as the console is there; nothing where no file can be kept anyway.
    _lock: Option<File>,
}

impl Slot {
    /// A free one, and rather one in which something of these names was left for the daemon at this socket; never one with
    /// what was written for another daemon.
    pub(crate) fn take(names: &[&str], socket: &Path) -> Self {
        let Ok(directory) = directory() else { return Self { number: 1, _lock: None } };
        let of = |number: &u32| -> Vec<Left> {
            names.iter().filter_map(|name| left(&directory.join(slotted(name, *number)), socket)).collect()
        };
        let numbers = (1..=MOST_SLOTS).map(|number| (number, of(&number)));
        let (left, empty): (Vec<_>, Vec<_>) =
            numbers.filter(|(_, left)| !left.contains(&Left::ForAnother)).partition(|(_, left)| !left.is_empty());
        let locked = |number: u32| Some(Self { number, _lock: Some(lock(&directory, number)?) });
        let nobody_else_has_this = || Self { number: MOST_SLOTS + std::process::id(), _lock: None };
        left.into_iter().chain(empty).find_map(|(number, _)| locked(number)).unwrap_or_else(nobody_else_has_this)
    }

    /// What a file of this name is called here.
    pub(crate) fn name(&self, name: &str) -> String {
        slotted(name, self.number)
    }
}

/// For whom something was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    ForThis,
    ForAnother,
}

/// What was left in this file: for the daemon at this socket, if nothing else is said.
fn left(path: &Path, socket: &Path) -> Option<Left> {
    let text = fs::read_to_string(path).ok()?;
    let is_another = text.lines().next().and_then(whose).is_some_and(|of| of != socket_name(socket));
    Some(if is_another { Left::ForAnother } else { Left::ForThis })
}

/// The socket in the first line of a draft.
fn whose(first: &str) -> Option<&str> {
    first.strip_prefix(BASE)?.split_once(AT).map(|(_, socket)| socket)
}

/// A socket, however it was called.
fn socket_name(socket: &Path) -> String {
    std::path::absolute(socket).unwrap_or_else(|_| socket.to_owned()).display().to_string()
}

fn slotted(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if number > 1 => format!("{stem}-{number}.{ending}"),
        Some(_) | None => name.to_owned(),
    }
}

fn lock(directory: &Path, number: u32) -> Option<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).ok()?;
    let path = directory.join(format!("console-{number}.lock"));
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).ok()?;
    file.try_lock().ok().map(|()| file)
}

/// Writes a text where only its owner may read it, and says where.
///
/// # Errors
/// There is no place for it, or no room.
pub(crate) fn kept(name: &str, text: &[u8]) -> io::Result<PathBuf> {
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
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    Ok(path)
}

/// Writes a text into a new file beside the one of this name, and says where.
///
/// # Errors
/// There is no place for it, or no room.
pub(crate) fn aside(name: &str, text: &[u8]) -> io::Result<PathBuf> {
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
    based(&fs::read_to_string(directory().ok()?.join(name)).ok()?)
}

/// What the first line of a draft begins with.
const BASE: &str = "#! base ";

/// What stands before the socket of the daemon that it is for.
const AT: &str = " at ";

/// A draft whose first line says as well for which daemon it is.
pub(crate) fn with_socket(draft: &str, socket: &Path) -> String {
    match draft.split_once('\n') {
        Some((first, rest)) if first.starts_with(BASE) && !first.contains(AT) => {
            format!("{first}{AT}{}\n{rest}", socket_name(socket))
        }
        Some(_) | None => draft.to_owned(),
    }
}

/// A text with the generation on which it builds, as drafts are kept and given to the editor.
pub(crate) fn with_base(base: u64, text: &str) -> String {
    format!("{BASE}{base}\n{text}")
}

/// The other way round.
pub(crate) fn based(text: &str) -> Option<(u64, String)> {
    let (first, rest) = text.split_once('\n')?;
    let base = first.strip_prefix(BASE)?;
    let base = base.split_once(AT).map_or(base, |(base, _)| base);
    Some((base.parse().ok()?, rest.to_owned()))
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
    let editor = chosen().unwrap_or_else(|| USUAL.to_owned());
    // It may come with arguments of its own.
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{editor} ended with {status}")))
}

/// Whether the operator says which editor he wants.
pub(crate) fn is_chosen() -> bool {
    chosen().is_some()
}

fn chosen() -> Option<String> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    set("VISUAL").or_else(|| set("EDITOR"))
}

/// By the conventions of the desktop: what a program remembers between its runs.
fn directory() -> io::Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let missing =
        || io::Error::new(io::ErrorKind::NotFound, "neither XDG_STATE_HOME nor HOME says where to keep files");
    Ok(state.ok_or_else(missing)?.join("rustsocks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_console_has_names_of_its_own() {
        assert_eq!(slotted("console-draft-acl.toml", 1), "console-draft-acl.toml");
        assert_eq!(slotted("console-draft-acl.toml", 2), "console-draft-acl-2.toml");
    }

    #[test]
    fn a_draft_says_for_which_daemon_it_is() {
        let draft = with_socket(&with_base(41, "# mine\n"), Path::new("/run/one/admin.sock"));
        assert_eq!(draft, "#! base 41 at /run/one/admin.sock\n# mine\n");
        assert_eq!(based(&draft), Some((41, "# mine\n".to_owned())));
        let directory = env::temp_dir().join(format!("drafts-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("draft");
        fs::write(&path, &draft).unwrap();
        let of = |socket: &str| left(&path, Path::new(socket));
        assert_eq!(
            [of("/run/one/admin.sock"), of("/run/two/admin.sock")],
            [Some(Left::ForThis), Some(Left::ForAnother)]
        );
        // One of an earlier program says nothing of it.
        fs::write(&path, with_base(41, "# mine\n")).unwrap();
        assert_eq!(of("/run/two/admin.sock"), Some(Left::ForThis));
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_place_is_free_once_its_console_is_gone() {
        let directory = env::temp_dir().join(format!("slots-{}", uuid::Uuid::now_v7()));
        let (first, second) = (lock(&directory, 1), lock(&directory, 2));
        assert!(first.is_some() && second.is_some() && lock(&directory, 1).is_none());
        drop(first);
        assert!(lock(&directory, 1).is_some());
        fs::remove_dir_all(&directory).unwrap();
    }
}
