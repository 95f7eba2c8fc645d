//! What the operator chose for connections to targets and for the resolving of names.
//!
//! Knows nothing of files or keys: the roof compiles these from the configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::sys::endurance::Endurance;

/// How a connection to a target is made.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Source address of IPv4 connections; `None` lets the routing table choose.
    pub(crate) exit_v4: Option<Ipv4Addr>,
    /// The same for IPv6.
    pub(crate) exit_v6: Option<Ipv6Addr>,
    /// The interface they leave by (`SO_BINDTODEVICE`, socket(7)).
    pub(crate) interface: Option<String>,
    /// The firewall mark they carry (`SO_MARK`, socket(7)); needs `CAP_NET_RAW`, before Linux 5.17 `CAP_NET_ADMIN`.
    pub(crate) mark: Option<u32>,
    /// Whoever relays gives it to those that last.
    pub(crate) endurance: Arc<Endurance>,
    pub(crate) small_writes: SmallWrites,
    /// Head start of one address over the next (RFC 8305 section 5).
    pub(crate) attempt_delay: Duration,
    pub(crate) naming: Naming,
}

/// What the kernel does with less than a segment of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SmallWrites {
    /// Sent at once (`TCP_NODELAY`).
    AtOnce,
    /// Held back while older data is unacknowledged (RFC 896).
    Gathered,
}

/// How names become addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    pub(crate) source: Source,
    pub(crate) cache: CacheBounds,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Servers(Servers),
    /// getaddrinfo(3) on this many threads, at least one; the system's own search domains apply.
    System {
        threads: usize,
    },
}

/// The name servers of `resolv_conf`, after the hosts file. Names are absolute: search domains are not used,
/// so that what the rules judged is what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Servers {
    pub(crate) resolv_conf: PathBuf,
    pub(crate) hosts: PathBuf,
    /// Where they listen: `DNS_PORT`, unless they are a test's.
    pub(crate) port: u16,
    /// How long one question may wait for one answer.
    pub(crate) timeout: Duration,
    /// How often a question is asked, at least once.
    pub(crate) attempts: usize,
}

/// RFC 1035 section 4.2.
pub(crate) const DNS_PORT: u16 = 53;

/// How much the cache keeps, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheBounds {
    /// Names; 0 keeps none.
    pub(crate) capacity: usize,
    /// Answers are kept at least this long, whatever their TTL.
    pub(crate) min_ttl: Duration,
    /// And at most this long; not less than `min_ttl`.
    pub(crate) max_ttl: Duration,
    /// How long it is remembered that a name has no address.
    pub(crate) negative_ttl: Duration,
}

impl Options {
    /// The source address for connections to `target`, if one is configured for its family.
    pub(super) fn exit_for(&self, target: IpAddr) -> Option<IpAddr> {
        match target {
            IpAddr::V4(_) => self.exit_v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.exit_v6.map(IpAddr::V6),
        }
    }
}
