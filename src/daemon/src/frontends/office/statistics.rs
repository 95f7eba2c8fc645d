//! Numbers at a glance.

use std::sync::Arc;

use ::acl::Destination;
use jiff::Timestamp;
use serde::Serialize;

use crate::state::metrics::today::{OfUser, Summary};

/// Users and destinations at most.
pub(super) const MOST: usize = 10;

/// What happened today, and what happens now.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics {
    /// From when on it is counted: midnight in UTC, or the start of the worker.
    since: Timestamp,
    active_sessions: u64,
    total_sessions: u64,
    total_bytes: u64,
    total_bytes_sent: u64,
    total_bytes_received: u64,
    top_users: Vec<TopUser>,
    top_destinations: Vec<TopDestination>,
    acl_stats: Decisions,
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
        Self {
            since,
            active_sessions: active,
            total_sessions: sessions,
            total_bytes: carried.sent + carried.received,
            total_bytes_sent: carried.sent,
            total_bytes_received: carried.received,
            top_users: users.into_iter().map(TopUser::of).collect(),
            top_destinations: destinations.into_iter().map(TopDestination::of).collect(),
            acl_stats: Decisions { allowed, blocked },
        }
    }
}

impl TopUser {
    fn of((user, OfUser { sessions, carried }): (Arc<str>, OfUser)) -> Self {
        Self { user: user.to_string(), sessions, bytes: carried.sent + carried.received }
    }
}

impl TopDestination {
    fn of((destination, connections): (Destination, u64)) -> Self {
        let ip = match &destination {
            Destination::Address(address) => Some(address.to_string()),
            Destination::Name(_) => None,
        };
        Self { destination: destination.to_string(), ip, connections }
    }
}
