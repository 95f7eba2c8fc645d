//! What an error of accept(2) is about.

use std::io;

use nix::errno::Errno;

/// accept(2): errors already pending on the new connection are passed up by accept; the next one may be fine.
pub(crate) fn is_this_connection_only(error: &io::Error) -> bool {
    let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
        return false;
    };
    [
        Errno::ECONNABORTED,
        Errno::EINTR,
        Errno::EPROTO,
        Errno::ENETDOWN,
        Errno::ENOPROTOOPT,
        Errno::EHOSTDOWN,
        Errno::ENONET,
        Errno::EHOSTUNREACH,
        Errno::EOPNOTSUPP,
        Errno::ENETUNREACH,
        Errno::ETIMEDOUT,
        Errno::EPERM,
    ]
    .contains(&errno)
}
