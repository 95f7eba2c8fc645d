//! How many datagrams an association dropped, and why.

use std::fmt;
use std::sync::Arc;

use prometheus::IntCounter;
use socks::udp::UdpFault;

use crate::state::metrics::Metrics;

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
    /// The session carries more than its bandwidth lets pass.
    OverLimit,
    /// The kernel would not send it.
    SendFailed,
}

/// One count for each cause.
type Counts = [u64; Cause::ALL.len()];

/// What one association dropped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drops {
    counts: Counts,
    /// How much of it is in the totals.
    reported: Counts,
}

/// What all associations of this worker dropped.
#[derive(Debug)]
pub(crate) struct Totals([IntCounter; Cause::ALL.len()]);

impl Cause {
    const ALL: [Self; 10] = [
        Self::Stranger,
        Self::Fragment,
        Self::Malformed,
        Self::Blocked,
        Self::Unresolved,
        Self::Unsolicited,
        Self::TooLarge,
        Self::QueueFull,
        Self::OverLimit,
        Self::SendFailed,
    ];

    /// The stable word for logs and metrics.
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
            Self::OverLimit => "over_limit",
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
        self.counts[cause as usize] += datagrams as u64;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts == Counts::default()
    }

    /// Adds what was dropped since the last time to the totals.
    pub(super) fn report(&mut self, totals: &Totals) {
        if self.counts == self.reported {
            return;
        }
        for (total, (now, before)) in totals.0.iter().zip(self.counts.into_iter().zip(self.reported)) {
            total.inc_by(now - before);
        }
        self.reported = self.counts;
    }
}

impl Totals {
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        let causes =
            metrics.counters("rustsocks_udp_dropped_total", "Datagrams that went no further, by cause.", &["cause"]);
        Arc::new(Self(Cause::ALL.map(|cause| causes.with_label_values(&[cause.label()]))))
    }
}

/// Writes the causes that occurred: `dropped stranger=3 blocked=1`.
impl fmt::Display for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped")?;
        let occurred = Cause::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
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
    fn what_is_dropped_is_added_to_the_totals_once() {
        let totals = Totals::new(&Metrics::default());
        let mut drops = Drops::default();
        for round in 1..=3 {
            drops.count(Cause::Blocked, 2);
            drops.report(&totals);
            drops.report(&totals);
            assert_eq!(totals.0[Cause::Blocked as usize].get(), 2 * round);
        }
        assert_eq!(totals.0.iter().map(IntCounter::get).sum::<u64>(), 6);
    }

    #[test]
    fn a_fragment_is_not_called_malformed() {
        assert_eq!(Cause::from(UdpFault::Fragment(1)), Cause::Fragment);
        for fault in [UdpFault::Short, UdpFault::AddressType(9), UdpFault::EmptyName] {
            assert_eq!(Cause::from(fault), Cause::Malformed);
        }
    }
}
