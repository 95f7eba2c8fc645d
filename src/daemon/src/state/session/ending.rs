//! How a session ended: a closed list, and the side is in the type.

use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Waker;

use atomic_waker::AtomicWaker;

use super::refusal::Refusal;

/// Why a session is over, and by whose doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Client(ByPeer),
    Upstream(ByPeer),
    House(ByHouse),
    Refused(Refusal),
}

/// What one of the two peers did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByPeer {
    /// It was the first to finish sending, and everything was delivered.
    Closed,
    /// It reset the connection.
    Reset,
    /// Its host stopped answering (keepalive or user timeout).
    Vanished,
    /// It left before the session was set up.
    Left,
    /// It broke the protocol.
    Violation,
}

/// What the proxy itself decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ByHouse {
    /// The handshake was not complete in time.
    HandshakeTimeout = 1,
    /// The handshake gave way to a newer one at `max_handshakes`.
    HandshakeShed,
    /// No byte in either direction for too long.
    Idle,
    /// One side had finished and the other carried nothing for too long.
    HalfClosed,
    /// It reached `max_age_secs`.
    MaxAge,
    /// The daemon stops.
    Stopped,
    /// The request is served, with nothing left to relay (Tor's RESOLVE).
    Served,
    /// Something failed in the proxy or its kernel.
    Failure,
}

impl Ending {
    /// The stable word for logs; it begins with the side.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Client(by) => match by {
                ByPeer::Closed => "client_closed",
                ByPeer::Reset => "client_reset",
                ByPeer::Vanished => "client_vanished",
                ByPeer::Left => "client_left",
                ByPeer::Violation => "client_violation",
            },
            Self::Upstream(by) => match by {
                ByPeer::Closed => "upstream_closed",
                ByPeer::Reset => "upstream_reset",
                ByPeer::Vanished => "upstream_vanished",
                ByPeer::Left => "upstream_left",
                ByPeer::Violation => "upstream_violation",
            },
            Self::House(by) => by.label(),
            Self::Refused(_) => "refused",
        }
    }
}

impl ByHouse {
    const ALL: [Self; 8] = [
        Self::HandshakeTimeout,
        Self::HandshakeShed,
        Self::Idle,
        Self::HalfClosed,
        Self::MaxAge,
        Self::Stopped,
        Self::Served,
        Self::Failure,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HandshakeShed => "handshake_shed",
            Self::Idle => "idle",
            Self::HalfClosed => "half_closed",
            Self::MaxAge => "max_age",
            Self::Stopped => "stopped",
            Self::Served => "served",
            Self::Failure => "failure",
        }
    }
}

/// The house's order to end, given from any thread and heard by the session's task
/// wherever it waits. The first reason stands.
#[derive(Debug, Default)]
pub(crate) struct Order {
    reason: AtomicU8,
    task: AtomicWaker,
}

impl Order {
    pub(crate) fn give(&self, reason: ByHouse) {
        let first = self.reason.compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok() {
            self.task.wake();
        }
    }

    pub(crate) fn given(&self) -> Option<ByHouse> {
        let number = self.reason.load(Ordering::Acquire);
        ByHouse::ALL.into_iter().find(|by| *by as u8 == number)
    }

    /// The task that `give` wakes from now on.
    pub(crate) fn heard_by(&self, task: &Waker) {
        self.task.register(task);
    }
}
