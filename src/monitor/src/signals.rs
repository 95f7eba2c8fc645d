//! Turns signals into values that a poll can wait for.
//!
//! The handlers only set a flag and write one byte; everything else happens in the monitor's loop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR2};
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
    /// SIGUSR2.
    Upgrade,
}

/// Signals that wait until this is dropped, also across exec(2), so that none is lost or kills a program that does not hear them yet.
#[derive(Debug)]
pub(crate) struct Silence(SigSet);

impl Silence {
    pub(crate) fn begin() -> io::Result<Self> {
        let ours = ours();
        ours.thread_block()?;
        Ok(Self(ours))
    }

    /// The silence that the program has begun whose place this one has taken.
    pub(crate) fn inherited() -> Self {
        Self(ours())
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Err(error) = self.0.thread_unblock() {
            tracing::error!(%error, "signals stay blocked");
        }
    }
}

fn ours() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGCHLD].into_iter().collect()
}

impl Signals {
    pub(crate) fn subscribe() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        SignalDelivery::with_pipe(read, write, SignalOnly, [SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD]).map(Self)
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
        SIGUSR2 => Some(Order::Upgrade),
        _ => None,
    }
}
