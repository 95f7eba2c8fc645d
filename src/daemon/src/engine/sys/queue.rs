//! What a TCP socket still has to deliver.

#![expect(unsafe_code, reason = "ioctl(2) has no safe wrapper for this request")]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc::c_int;

nix::ioctl_read_bad!(
    /// SIOCOUTQ (tcp(7)): bytes that are sent or waiting to be sent, and not acknowledged. It has TIOCOUTQ's number.
    outstanding,
    nix::libc::TIOCOUTQ,
    c_int
);

/// Bytes that the peer's kernel has not acknowledged; `None` when the socket cannot say.
pub(crate) fn unacknowledged(socket: BorrowedFd<'_>) -> Option<usize> {
    let mut bytes: c_int = 0;
    // SAFETY: the descriptor is open for as long as it is borrowed, and the kernel writes one int to `bytes`.
    unsafe { outstanding(socket.as_raw_fd(), &raw mut bytes) }.ok()?;
    usize::try_from(bytes).ok()
}
