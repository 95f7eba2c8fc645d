//! Unix listeners: one stream socket per path, shared by all threads of the worker.
//!
//! A file that is in the way is removed only if it is a socket that nobody answers.
//! Two daemons that start in the same instant on the same path are not kept apart: the later one wins the path.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tracing::{debug, info};

use crate::outcome::BindError;

/// A socket that listens, and the file that it has made.
pub(super) fn bind(path: &Path, mode: u32, backlog: u32) -> Result<(Socket, SocketFile), BindError> {
    clear_the_way(path)?;
    listen(path, mode, backlog).map_err(|cause| unix(path, cause))
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

fn listen(path: &Path, mode: u32, backlog: u32) -> io::Result<(Socket, SocketFile)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    // Nobody can connect before listen(2), so that nobody slips in under the mode that the umask left.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok((socket, file))
}

fn unix(path: &Path, cause: io::Error) -> BindError {
    BindError::Unix { path: path.to_owned(), cause }
}

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
