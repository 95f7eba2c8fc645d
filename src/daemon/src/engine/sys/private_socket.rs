//! A listening Unix socket that nobody but this process can reach.
//!
//! It is bound in a directory of its own and its name is removed at once; what is left is a descriptor of the name that was,
//! through which this process connects (`proc_pid_fd(5)`). An abstract name would be open to everybody on the host.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::mkdtemp;

#[derive(Debug)]
pub(crate) struct PrivateSocket {
    listener: UnixListener,
    way_in: File,
}

impl PrivateSocket {
    /// Binds it in the first place where a directory can be made: systemd's runtime directory, the one for temporary files, or
    /// shared memory, which containers have even when all else is read-only.
    ///
    /// # Errors
    /// Those of the last of these places.
    pub(crate) fn make() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for place in places() {
            match Self::make_in(&place) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = io::Error::new(error.kind(), format!("{}: {error}", place.display())),
            }
        }
        Err(last)
    }

    /// Another descriptor of the same listening socket.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(crate) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }

    /// Whether somebody waits to be accepted now, and still after this time.
    pub(crate) fn is_neglected_for(&self, time: Duration) -> bool {
        self.has_waiting() && {
            thread::sleep(time);
            self.has_waiting()
        }
    }

    fn has_waiting(&self) -> bool {
        let mut listener = [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
        poll(&mut listener, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// What this process, and no other, connects to.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.way_in.as_raw_fd()).into()
    }

    fn make_in(place: &Path) -> io::Result<Self> {
        let directory = mkdtemp(&place.join("rustsocks-XXXXXX"))?;
        let socket = Self::bind(&directory.join("http"));
        fs::remove_dir_all(&directory)?;
        socket
    }

    fn bind(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        let way_in = OpenOptions::new().read(true).custom_flags(OFlag::O_PATH.bits()).open(path)?;
        Ok(Self { listener, way_in })
    }
}

fn places() -> Vec<PathBuf> {
    // systemd.exec(5): several directories are separated by colons.
    let runtime = std::env::var_os("RUNTIME_DIRECTORY").map(|directories| first_of(&directories));
    runtime.into_iter().chain([std::env::temp_dir(), "/dev/shm".into()]).collect()
}

fn first_of(directories: &OsStr) -> PathBuf {
    std::env::split_paths(directories).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn it_leaves_no_name_behind_and_is_reached_through_its_descriptor_alone() {
        let place = tempfile::tempdir().unwrap();
        let socket = PrivateSocket::make_in(place.path()).unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
        let mut ours = UnixStream::connect(socket.path()).unwrap();
        let (mut theirs, _) = socket.listener().unwrap().accept().unwrap();
        ours.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        theirs.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }

    #[test]
    fn whoever_waits_to_be_accepted_is_seen() {
        let place = tempfile::tempdir().unwrap();
        let socket = PrivateSocket::make_in(place.path()).unwrap();
        let while_ = Duration::from_millis(1);
        assert!(!socket.is_neglected_for(while_));
        let _waiting = UnixStream::connect(socket.path()).unwrap();
        assert!(socket.is_neglected_for(while_));
        let _accepted = socket.listener().unwrap().accept().unwrap();
        assert!(!socket.is_neglected_for(while_));
    }

    #[test]
    fn a_place_that_does_not_exist_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        assert!(PrivateSocket::make_in(&place.path().join("missing")).is_err());
    }
}
