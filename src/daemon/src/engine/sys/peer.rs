//! Who is at the other end of a Unix socket, as the kernel says: nobody can claim to be somebody else.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

/// A descriptor of the peer's process (Linux 6.5); not in every libc's list yet.
const SO_PEERPIDFD: libc::c_int = 77;

/// What `/proc/PID/loginuid` has where nobody has logged in (`pam_loginuid(8)`).
const NOBODY_LOGGED_IN: u32 = u32::MAX;

/// The process that connected, as it was when it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) process: i32,
    pub(crate) user: u32,
    /// All of them, the primary one included.
    pub(crate) groups: Vec<u32>,
    pub(crate) traces: Traces,
}

/// What else can be found out; what cannot is not guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Traces {
    /// Who logged in, whoever they became since.
    pub(crate) login: Option<u32>,
    /// The program's name for itself.
    pub(crate) program: Option<String>,
    /// The terminal that controls it.
    pub(crate) terminal: Option<String>,
}

impl Peer {
    /// # Errors
    /// The socket is no connected Unix socket.
    pub(crate) fn of(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let credentials = getsockopt(&socket, PeerCredentials)?;
        let mut groups = groups(socket)?;
        if !groups.contains(&credentials.gid()) {
            groups.insert(0, credentials.gid());
        }
        Ok(Self {
            process: credentials.pid(),
            user: credentials.uid(),
            groups,
            traces: traces(socket, credentials.pid()).unwrap_or_default(),
        })
    }
}

#[expect(unsafe_code, reason = "no crate of ours wraps SO_PEERGROUPS")]
fn groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let size = groups.len() * size_of::<libc::gid_t>();
        let mut length = libc::socklen_t::try_from(size).expect("a process has at most 65,536 groups");
        let buffer = groups.as_mut_ptr().cast();
        // SAFETY: the kernel writes at most `length` bytes, which is how long the buffer is.
        let result = unsafe {
            libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERGROUPS, buffer, &raw mut length)
        };
        let count = length as usize / size_of::<libc::gid_t>();
        match Errno::result(result) {
            Ok(_) => {
                groups.truncate(count);
                return Ok(groups);
            }
            // It says how many there are.
            Err(Errno::ERANGE) if count > groups.len() => groups.resize(count, 0),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What proc(5) says of a process; nothing if that may have been another process with the same number.
fn traces(socket: BorrowedFd<'_>, process: i32) -> Option<Traces> {
    let pinned = process_of(socket);
    let read = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).ok();
    let login = read("loginuid").and_then(|text| login(&text));
    let program = read("comm").map(|name| name.trim_end().to_owned());
    let terminal = read("stat").and_then(|stat| terminal(&stat));
    let found = Traces { login, program, terminal };
    pinned.is_none_or(|process| is_alive(&process)).then_some(found)
}

/// Nothing on kernels that do not know this.
#[expect(unsafe_code, reason = "no crate of ours wraps SO_PEERPIDFD")]
fn process_of(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    let mut descriptor: libc::c_int = -1;
    let mut length = libc::socklen_t::try_from(size_of::<libc::c_int>()).expect("it is a few bytes");
    let place = (&raw mut descriptor).cast();
    // SAFETY: the kernel writes at most `length` bytes, which is how long an integer is.
    let result =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_PEERPIDFD, place, &raw mut length) };
    if result != 0 || descriptor < 0 {
        return None;
    }
    // SAFETY: the kernel has just opened this descriptor for us, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// A descriptor of a process is readable once that is gone (`pidfd_open(2)`).
fn is_alive(process: &OwnedFd) -> bool {
    let mut process = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    poll(&mut process, PollTimeout::ZERO) == Ok(0)
}

/// What `/proc/PID/loginuid` has.
fn login(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|login| *login != NOBODY_LOGGED_IN)
}

/// The seventh field of `/proc/PID/stat` in words; its second one may contain anything.
fn terminal(stat: &str) -> Option<String> {
    let number: i32 = stat.rsplit_once(')')?.1.split_whitespace().nth(4)?.parse().ok()?;
    let bits = number.cast_unsigned();
    let (major, minor) = ((bits >> 8) & 0xfff, (bits & 0xff) | ((bits >> 12) & 0xf_ff00));
    match major {
        4 if minor < 64 => Some(format!("tty{minor}")),
        4 => Some(format!("ttyS{}", minor - 64)),
        136..=143 => Some(format!("pts/{}", (major - 136) * 256 + minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use nix::unistd::{Gid, getegid, geteuid, getgroups};

    use super::*;

    #[test]
    fn the_peer_of_a_pair_is_ourselves() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = Peer::of(ours.as_fd()).unwrap();
        assert_eq!(peer.process.cast_unsigned(), std::process::id());
        assert_eq!(peer.user, geteuid().as_raw());
        let expected = getgroups().unwrap().into_iter().chain([getegid()]);
        assert!(expected.map(Gid::as_raw).all(|group| peer.groups.contains(&group)), "{peer:?}");
        assert!(peer.traces.program.is_some());
    }

    #[test]
    fn somebody_has_logged_in_or_nobody_has() {
        for (text, who) in [("1000\n", Some(1000)), ("0", Some(0)), ("4294967295", None), ("-1", None), ("", None)] {
            assert_eq!(login(text), who, "{text:?}");
        }
    }

    #[test]
    fn a_terminal_is_named_as_it_is_in_dev() {
        for (number, name) in
            [(34816, Some("pts/0")), (34821, Some("pts/5")), (1025, Some("tty1")), (1088, Some("ttyS0")), (0, None)]
        {
            let stat = format!("7 (a) b ) S 1 7 7 {number} 7 0");
            assert_eq!(terminal(&stat).as_deref(), name, "{number}");
        }
    }
}
