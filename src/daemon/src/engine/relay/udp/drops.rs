//! How many datagrams an association dropped, and why.

use std::fmt;

use socks::udp::UdpFault;

/// Why a datagram goes no further; nobody is told but the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It came to the relay from somebody else than the client.
    Stranger,
    /// It is a fragment (RFC 1928 §7 lets a relay drop those).
    Fragment,
    /// Its header is incomplete, of no known address type, without a name or with port 0.
    Malformed,
    /// The guard holds its destination, or its sender.
    Blocked,
    /// Its destination's name has no usable address.
    Unresolved,
    /// It came from a peer that may not answer the client.
    Unsolicited,
    /// No datagram can carry it with its header.
    TooLarge,
    /// The socket's buffer is full, or too much waits for names.
    QueueFull,
    /// The kernel would not send it.
    SendFailed,
}

/// One count for each cause.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drops([u64; Cause::ALL.len()]);

impl Cause {
    const ALL: [Self; 9] = [
        Self::Stranger,
        Self::Fragment,
        Self::Malformed,
        Self::Blocked,
        Self::Unresolved,
        Self::Unsolicited,
        Self::TooLarge,
        Self::QueueFull,
        Self::SendFailed,
    ];

    /// The stable word for logs.
    fn label(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Fragment => "fragment",
            Self::Malformed => "malformed",
            Self::Blocked => "blocked",
            Self::Unresolved => "unresolved",
            Self::Unsolicited => "unsolicited",
            Self::TooLarge => "too_large",
            Self::QueueFull => "queue_full",
            Self::SendFailed => "send_failed",
        }
    }
}

impl From<UdpFault> for Cause {
    fn from(fault: UdpFault) -> Self {
        match fault {
            UdpFault::Fragment(_) => Self::Fragment,
            UdpFault::Short | UdpFault::AddressType(_) | UdpFault::EmptyName => Self::Malformed,
        }
    }
}

impl Drops {
    pub(super) fn count(&mut self, cause: Cause, datagrams: usize) {
        self.0[cause as usize] += datagrams as u64;
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Writes the causes that occurred: `dropped stranger=3 blocked=1`.
impl fmt::Display for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped")?;
        let occurred = Cause::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0);
        occurred.into_iter().try_for_each(|(cause, count)| write!(f, " {}={count}", cause.label()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_occurred_is_told() {
        let mut drops = Drops::default();
        assert!(drops.is_empty());
        drops.count(Cause::Blocked, 1);
        drops.count(Cause::Stranger, 2);
        drops.count(Cause::Stranger, 1);
        assert_eq!(drops.to_string(), "dropped stranger=3 blocked=1");
    }

    #[test]
    fn every_cause_has_a_count_of_its_own() {
        for cause in Cause::ALL {
            let mut drops = Drops::default();
            drops.count(cause, 7);
            assert_eq!(drops.to_string(), format!("dropped {}=7", cause.label()));
        }
    }

    #[test]
    fn a_fragment_is_not_called_malformed() {
        assert_eq!(Cause::from(UdpFault::Fragment(1)), Cause::Fragment);
        for fault in [UdpFault::Short, UdpFault::AddressType(9), UdpFault::EmptyName] {
            assert_eq!(Cause::from(fault), Cause::Malformed);
        }
    }
}
