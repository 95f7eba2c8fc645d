//! Unix listeners: one stream socket per path, shared by all threads of the worker.
//!
//! A file that is in the way is removed only if it is a socket that nobody answers.
//! Two daemons that start in the same instant on the same path are not kept apart: the later one wins the path.

use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Gid, setfsgid};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tracing::{debug, info};

use crate::outcome::BindError;

/// A socket that listens, and the file that it has made.
pub(super) fn bind(
    path: &Path,
    mode: u32,
    group: Option<u32>,
    backlog: u32,
) -> Result<(Socket, SocketFile), BindError> {
    clear_the_way(path)?;
    listen(path, mode, group, backlog).map_err(|cause| unix(path, cause))
}

fn clear_the_way(path: &Path) -> Result<(), BindError> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|cause| unix(path, cause))?,
    };
    if !found.file_type().is_socket() {
        return Err(BindError::NotASocket { path: path.to_owned() });
    }
    if is_answered(path).map_err(|cause| unix(path, cause))? {
        return Err(BindError::Answered { path: path.to_owned() });
    }
    info!(path = %path.display(), "removing the socket that an earlier run left behind");
    fs::remove_file(path).map_err(|cause| unix(path, cause))
}

/// Says whether a process listens behind the file; one whose queue is full counts.
fn is_answered(path: &Path) -> io::Result<bool> {
    let caller = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match caller.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error),
    }
}

fn listen(path: &Path, mode: u32, group: Option<u32>, backlog: u32) -> io::Result<(Socket, SocketFile)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    let address = SockAddr::unix(path)?;
    in_group(group, || socket.bind(&address))?;
    let file = SocketFile::at(path)?;
    if let Some(group) = group
        && fs::symlink_metadata(path)?.gid() != group
    {
        return Err(io::Error::new(ErrorKind::PermissionDenied, format!("it cannot be given to group {group}")));
    }
    // Nobody can connect before listen(2), so that nobody slips in under the mode that the umask left.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok((socket, file))
}

/// Does something whose files belong to this group: to give them away afterwards would take a capability of its own.
fn in_group<T>(group: Option<u32>, deed: impl FnOnce() -> T) -> T {
    let Some(group) = group else { return deed() };
    let ours = setfsgid(Gid::from_raw(group));
    let done = deed();
    setfsgid(ours);
    done
}

/// Gives a socket that listens already another length of its queue.
pub(super) fn follow(socket: &OwnedFd, backlog: u32) -> io::Result<()> {
    SockRef::from(socket).listen(i32::try_from(backlog).unwrap_or(i32::MAX))
}

fn unix(path: &Path, cause: io::Error) -> BindError {
    BindError::Unix { path: path.to_owned(), cause }
}

/// No file has these numbers: inodes begin with 1.
const SOMEBODY_ELSES: (u64, u64) = (0, 0);

/// The file of a Unix listener, removed on drop unless somebody has put another one in its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&fs::symlink_metadata(path)?) })
    }

    /// One that somebody else has made and removes: the service manager.
    pub(super) fn of_somebody_else(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: SOMEBODY_ELSES }
    }

    /// One that the program has made whose place this one has taken.
    pub(super) fn known(path: &Path, identity: (u64, u64)) -> Self {
        Self { path: path.to_owned(), identity }
    }

    /// Device and inode.
    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Changes who may connect, unless somebody has put another file in its place, or it is somebody else's from the beginning.
    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        if self.identity == SOMEBODY_ELSES {
            return Ok(());
        }
        // By its descriptor, so that whatever takes the path meanwhile is not meant.
        let file =
            OpenOptions::new().read(true).custom_flags((OFlag::O_PATH | OFlag::O_NOFOLLOW).bits()).open(&self.path)?;
        if identity(&file.metadata()?) != self.identity {
            return Err(io::Error::other("its file is another one now"));
        }
        fs::set_permissions(format!("/proc/self/fd/{}", file.as_raw_fd()), Permissions::from_mode(mode))
    }

    fn is_still_ours(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_still_ours()
            && let Err(error) = fs::remove_file(&self.path)
        {
            debug!(path = %self.path.display(), %error, "the socket's file stays behind");
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn the_file_has_its_mode_and_goes_with_the_listener() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        for mode in [0o600, 0o660, 0o666] {
            let (_socket, file) = bind(&path, mode, None, 16).expect("bound");
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, mode);
            UnixStream::connect(&path).expect("connected");
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn the_file_belongs_to_the_group_that_is_named_and_later_ones_to_ours() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let [named, ours] = ["named", "ours"].map(|name| directory.path().join(name));
        let _named = bind(&named, 0o660, Some(4), 16).expect("bound");
        let _ours = bind(&ours, 0o660, None, 16).expect("bound");
        let group = |path| fs::metadata(path).expect("a file").gid();
        assert_eq!((group(&named), group(&ours)), (4, nix::unistd::getegid().as_raw()));
    }

    #[test]
    fn the_mode_can_change_later_and_never_that_of_another_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let (_socket, file) = bind(&path, 0o600, None, 16).expect("bound");
        let mode = || fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        file.set_mode(0o666).expect("it is still there");
        assert_eq!(mode(), 0o666);
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "somebody else's").expect("written");
        let before = mode();
        file.set_mode(0o777).expect_err("not ours");
        assert_eq!(mode(), before);
    }

    #[test]
    fn somebody_elses_file_keeps_its_mode_and_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let _socket = UnixListener::bind(&path).expect("bound");
        let before = fs::metadata(&path).expect("a file").permissions().mode();
        let file = SocketFile::of_somebody_else(&path);
        file.set_mode(0o600 ^ (before & 0o777)).expect("nothing is done");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode(), before);
        let left = SocketFile::known(&path, file.identity());
        drop(file);
        drop(left);
        assert!(path.exists());
    }

    #[test]
    fn a_socket_that_nobody_answers_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        drop(UnixListener::bind(&path).expect("bound"));
        let (_socket, _file) = bind(&path, 0o600, None, 16).expect("bound");
        UnixStream::connect(&path).expect("connected");
    }

    #[test]
    fn a_socket_that_somebody_answers_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let _other = UnixListener::bind(&path).expect("bound");
        let error = bind(&path, 0o600, None, 16).expect_err("refused").to_string();
        assert!(error.contains("somebody else does; `ss -lxp src "), "{error}");
        UnixStream::connect(&path).expect("still connected");
    }

    #[test]
    fn a_file_or_a_link_that_is_in_the_way_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "kept").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        for path in [&file, &link] {
            let error = bind(path, 0o600, None, 16).expect_err("refused").to_string();
            assert!(error.contains("not a socket; move it away"), "{error}");
        }
        assert_eq!(fs::read_to_string(&link).expect("read"), "kept");
    }

    #[test]
    fn a_file_that_somebody_else_has_put_there_since_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let (_socket, file) = bind(&path, 0o600, None, 16).expect("bound");
        let moved = directory.path().join("moved");
        fs::rename(&path, moved).expect("moved");
        let _other = UnixListener::bind(&path).expect("bound");
        drop(file);
        assert!(path.exists());
    }
}
