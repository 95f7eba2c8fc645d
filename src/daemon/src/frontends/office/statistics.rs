//! Numbers at a glance.

use std::net::IpAddr;
use std::sync::Arc;

use ::acl::Destination;
use jiff::Timestamp;
use serde::Serialize;

use crate::engine::history::archive::sum::{Moved, Overview, Sum, Total};
use crate::state::metrics::today::{Carried, OfUser, Summary};

/// Users and destinations at most.
pub(super) const MOST: usize = 10;

/// What happened today, and what happens now.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics {
    /// From when on it is counted: midnight in UTC or the start of the worker, or what was asked for.
    since: Option<Timestamp>,
    /// Until when, if that is not now.
    until: Option<Timestamp>,
    active_sessions: u64,
    total_sessions: u64,
    total_bytes: u64,
    total_bytes_sent: u64,
    total_bytes_received: u64,
    tcp: Bytes,
    /// What associations carried.
    udp: Bytes,
    top_users: Vec<TopUser>,
    top_destinations: Vec<TopDestination>,
    acl_stats: Decisions,
}

#[derive(Debug, Serialize)]
struct Bytes {
    bytes_sent: u64,
    bytes_received: u64,
}

#[derive(Debug, Serialize)]
struct TopUser {
    user: String,
    sessions: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct TopDestination {
    /// A name or an address, as it was asked for.
    destination: String,
    /// The same, if it is an address.
    ip: Option<String>,
    connections: u64,
}

#[derive(Debug, Serialize)]
struct Decisions {
    allowed: u64,
    blocked: u64,
}

impl From<Summary> for Statistics {
    fn from(summary: Summary) -> Self {
        let Summary { since, active, sessions, carried, allowed, blocked, users, destinations } = summary;
        let all = carried.together();
        Self {
            since: Some(since),
            until: None,
            active_sessions: active,
            total_sessions: sessions,
            total_bytes: all.sent + all.received,
            total_bytes_sent: all.sent,
            total_bytes_received: all.received,
            tcp: carried.tcp.into(),
            udp: carried.udp.into(),
            top_users: users.into_iter().map(TopUser::of).collect(),
            top_destinations: destinations.into_iter().map(TopDestination::of).collect(),
            acl_stats: Decisions { allowed, blocked },
        }
    }
}

impl Statistics {
    /// Of the sessions in the history that began within this time.
    pub(super) fn of_past(overview: Overview, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        let Overview { total, users, destinations } = overview;
        let Total { sessions, active, all, udp, allowed, blocked } = total;
        let tcp = all.without(udp);
        Self {
            since,
            until,
            active_sessions: count(active),
            total_sessions: count(sessions),
            total_bytes: count(all.sent.saturating_add(all.received)),
            total_bytes_sent: count(all.sent),
            total_bytes_received: count(all.received),
            tcp: tcp.into(),
            udp: udp.into(),
            top_users: users.into_iter().map(TopUser::of_past).collect(),
            top_destinations: destinations.into_iter().map(TopDestination::of_past).collect(),
            acl_stats: Decisions { allowed: count(allowed), blocked: count(blocked) },
        }
    }
}

/// SQLite has signed integers only.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl From<Carried> for Bytes {
    fn from(Carried { sent, received }: Carried) -> Self {
        Self { bytes_sent: sent, bytes_received: received }
    }
}

impl From<Moved> for Bytes {
    fn from(Moved { sent, received }: Moved) -> Self {
        Self { bytes_sent: count(sent), bytes_received: count(received) }
    }
}

impl TopUser {
    fn of_past(sum: Sum) -> Self {
        let bytes = count(sum.bytes_sent.saturating_add(sum.bytes_received));
        Self { user: sum.of.unwrap_or_default(), sessions: count(sum.sessions), bytes }
    }

    fn of((user, OfUser { sessions, carried }): (Arc<str>, OfUser)) -> Self {
        Self { user: user.to_string(), sessions, bytes: carried.sent + carried.received }
    }
}

impl TopDestination {
    fn of_past(sum: Sum) -> Self {
        let destination = sum.of.unwrap_or_default();
        let ip = destination.parse::<IpAddr>().is_ok().then(|| destination.clone());
        Self { destination, ip, connections: count(sum.sessions) }
    }

    fn of((destination, connections): (Destination, u64)) -> Self {
        let ip = match &destination {
            Destination::Address(address) => Some(address.to_string()),
            Destination::Name(_) => None,
        };
        Self { destination: destination.to_string(), ip, connections }
    }
}
