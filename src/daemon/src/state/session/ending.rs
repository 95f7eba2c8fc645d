//! How a session ended: a closed list, and the side is in the type.

use std::io;

use nix::errno::Errno;

use super::refusal::Refusal;

/// Why a session is over, and by whose doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client left before anything was set up.
    ClientLeft,
    /// The client broke the protocol.
    ClientViolation,
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
}

/// What the proxy itself decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ByHouse {
    /// The handshake was not complete in time.
    HandshakeTimeout = 1,
    /// The handshake gave way to a newer one at `max_handshakes`.
    HandshakeShed,
    /// Its source is turned away, as a balancer's header showed only after it had been accepted.
    TurnedAway,
    /// No byte in either direction for too long.
    Idle,
    /// No datagram in either direction for too long.
    UdpIdle,
    /// One side had finished and the other carried nothing for too long.
    HalfClosed,
    /// It reached `max_age_secs`.
    MaxAge,
    /// Later rules or users would not have let it begin, and the operator wants such sessions closed.
    Revoked,
    /// A quota is used up, and the operator wants sessions ended then.
    QuotaSpent,
    /// An operator ended it.
    Killed,
    /// The daemon stops.
    Stopped,
    /// The request is served, with nothing left to relay (Tor's RESOLVE).
    Served,
    /// Something failed in the proxy or its kernel.
    Failure,
}

impl ByPeer {
    const ALL: [Self; 3] = [Self::Closed, Self::Reset, Self::Vanished];

    /// What an error on the peer's own connection says of it; `None` when it speaks of us.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        let errno = Errno::from_raw(error.raw_os_error()?);
        let silence = SILENCE.contains(&errno).then_some(Self::Vanished);
        RESET.contains(&errno).then_some(Self::Reset).or(silence)
    }
}

const RESET: [Errno; 3] = [Errno::ECONNRESET, Errno::EPIPE, Errno::ECONNABORTED];

/// No answer, or what routers and firewalls on the way answer instead (icmp(7)).
const SILENCE: [Errno; 7] = [
    Errno::ETIMEDOUT,
    Errno::EHOSTUNREACH,
    Errno::EHOSTDOWN,
    Errno::ENETUNREACH,
    Errno::ENETDOWN,
    Errno::EACCES,
    Errno::EPERM,
];

impl Ending {
    /// The client's connection failed with `error` while nothing was relayed yet.
    pub(crate) fn of_client(error: &io::Error) -> Self {
        Self::Client(ByPeer::of(error).unwrap_or(ByPeer::Reset))
    }

    /// Every word that an ending has.
    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        let by_peer = ByPeer::ALL.into_iter().flat_map(|by| [Self::Client(by), Self::Upstream(by)]);
        let by_house = ByHouse::ALL.into_iter().map(Self::House);
        let others = [Self::ClientLeft, Self::ClientViolation, Self::Refused(Refusal::Internal)];
        by_peer.chain(by_house).chain(others).map(Self::label)
    }

    /// The stable word for logs and metrics; it begins with the side.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::ClientLeft => "client_left",
            Self::ClientViolation => "client_violation",
            Self::Client(ByPeer::Closed) => "client_closed",
            Self::Client(ByPeer::Reset) => "client_reset",
            Self::Client(ByPeer::Vanished) => "client_vanished",
            Self::Upstream(ByPeer::Closed) => "upstream_closed",
            Self::Upstream(ByPeer::Reset) => "upstream_reset",
            Self::Upstream(ByPeer::Vanished) => "upstream_vanished",
            Self::House(by) => by.label(),
            Self::Refused(_) => "refused",
        }
    }
}

impl ByHouse {
    pub(super) const ALL: [Self; 13] = [
        Self::HandshakeTimeout,
        Self::HandshakeShed,
        Self::TurnedAway,
        Self::Idle,
        Self::UdpIdle,
        Self::HalfClosed,
        Self::MaxAge,
        Self::Revoked,
        Self::QuotaSpent,
        Self::Killed,
        Self::Stopped,
        Self::Served,
        Self::Failure,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HandshakeShed => "handshake_shed",
            Self::TurnedAway => "turned_away",
            Self::Idle => "idle",
            Self::UdpIdle => "udp_idle",
            Self::HalfClosed => "half_closed",
            Self::MaxAge => "max_age",
            Self::Revoked => "revoked",
            Self::QuotaSpent => "quota_spent",
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Served => "served",
            Self::Failure => "failure",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_word_is_missing_in_the_list() {
        let code = include_str!("ending.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let written: BTreeSet<&str> = code.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(Ending::words().collect::<BTreeSet<_>>(), written);
    }
}
