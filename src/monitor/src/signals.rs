//! Turns signals into values that a poll can wait for.
//!
//! The handlers only set a flag and write one byte; everything else happens in the monitor's loop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// The signals of this process, from now on.
#[derive(Debug)]
pub(crate) struct Signals(SignalDelivery<UnixStream, SignalOnly>);

/// What somebody wants from the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

impl Signals {
    pub(crate) fn subscribe() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        SignalDelivery::with_pipe(read, write, SignalOnly, [SIGTERM, SIGINT, SIGHUP, SIGCHLD]).map(Self)
    }

    /// Everything that came since the last call; several signals of one number may have become one.
    pub(crate) fn orders(&mut self) -> Vec<Order> {
        self.0.pending().filter_map(order).collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_read().as_fd()
    }
}

/// SIGCHLD is no order: it only ends the wait, and the loop looks after its child in every round.
fn order(signal: i32) -> Option<Order> {
    match signal {
        SIGTERM | SIGINT => Some(Order::Stop),
        SIGHUP => Some(Order::Reload),
        _ => None,
    }
}
