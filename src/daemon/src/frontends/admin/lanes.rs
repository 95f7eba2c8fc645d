//! The threads for what may take long: whoever orders waits neither for files nor for clients that read slowly nor for backends.

use std::io;

use crate::engine::sys::pool::{Order, Pool};

/// Requests that may wait in each lane.
const WAITING: usize = 128;

/// What takes long, by what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Searches, which read files, and exports, which go at their client's pace.
    Looking,
    /// Orders and changes, which wait for the audit log and for reloads.
    Orders,
    /// Logins that are tried, one after another: a backend may think for half a minute.
    Trials,
}

#[derive(Debug)]
pub(super) struct Lanes {
    looking: Pool,
    orders: Pool,
    trials: Pool,
}

impl Lanes {
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn open() -> io::Result<Self> {
        let lane = |name, threads| Pool::start(name, threads, WAITING, Order::OldestFirst);
        Ok(Self { looking: lane("admin", 2)?, orders: lane("admin-order", 2)?, trials: lane("admin-try", 1)? })
    }

    pub(super) fn of(&self, lane: Lane) -> &Pool {
        match lane {
            Lane::Looking => &self.looking,
            Lane::Orders => &self.orders,
            Lane::Trials => &self.trials,
        }
    }

    /// Requests that wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        [&self.looking, &self.orders, &self.trials].into_iter().map(Pool::waiting).sum()
    }
}
