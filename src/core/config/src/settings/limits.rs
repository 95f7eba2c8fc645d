//! `[limits]` and `[[limits.groups]]`: how much there may be at once.

use std::time::Duration;

use limits::Pace;

use super::{DAY, secs};
use crate::kinds::numbers::{SecsOrNone, count};
use crate::kinds::strings::text;
use crate::kinds::{Maybe, OrWord, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::users::UserName;

/// As many connections as any bound may allow.
pub(crate) const MOST_CONNECTIONS: u64 = 1_000_000;

/// Seconds that a session may live or be silent at most, where there is a limit.
pub(crate) const LONGEST_AGE: u64 = 365 * DAY;
pub(crate) const LONGEST_IDLE: u64 = 30 * DAY;

tables! {
    /// `[limits]`: how much there may be at once.
    Limits {
        /// Connections at once over all listeners, 1 to 1 000 000.
        max_connections: usize = "max_connections", count(1, MOST_CONNECTIONS), 10_000;
        /// Connections at once of one user, 0 to 1 000 000; 0 means no limit.
        max_per_user: u32 = "max_connections_per_user", count(0, MOST_CONNECTIONS), 0;
        /// Connections at once of one source, whose request is complete, 0 to 1 000 000; 0 means no limit.
        max_per_source: u32 = "max_connections_per_source", count(0, MOST_CONNECTIONS), 0;
        /// How fast one user may connect; nothing means no limit.
        user_pace: Option<Pace> = "new_connections_per_user", OrWord { word: "none", kind: text() }, None;
        /// How fast one source may connect; nothing means no limit.
        source_pace: Option<Pace> = "new_connections_per_source", OrWord { word: "none", kind: text() }, None;
        /// Connections at once whose handshake is not finished, 1 to 1 000 000.
        max_handshakes: usize = "max_handshakes", count(1, MOST_CONNECTIONS), 1_000;
        /// How long a TCP session may move no byte, up to 30 days; nothing means no limit.
        idle: Option<Duration> = "connection_timeout_secs", SecsOrNone { most: LONGEST_IDLE }, Some(secs(300));
    }

    /// One `[[limits.groups]]` table: what holds for a group besides.
    GroupLimits {
        /// Whose it is; always written.
        name: UserName = "name", text(), UserName::of("group");
        /// Connections at once of all its users together, 0 to 1 000 000; 0 means no limit.
        max_connections: u32 = "max_connections", count(0, MOST_CONNECTIONS), 0;
        /// Overrides `limits.max_connections_per_user` for each of its users.
        max_per_user: Option<u32> = "max_connections_per_user", Maybe(count(0, MOST_CONNECTIONS)), None;
        /// Overrides `timeouts.max_age_secs` for its users, 0 to 31 536 000 s; 0 means no limit.
        max_age_secs: Option<u32> = "max_age_secs", Maybe(count(0, LONGEST_AGE)), None;
        /// Overrides `limits.connection_timeout_secs` for its users, 0 to 2 592 000 s; 0 means no limit.
        idle_secs: Option<u32> = "connection_timeout_secs", Maybe(count(0, LONGEST_IDLE)), None;
        /// Overrides `timeouts.half_closed_secs` for its users, 0 to 86 400 s; 0 means no limit.
        half_closed_secs: Option<u32> = "half_closed_secs", Maybe(count(0, DAY)), None;
        /// Overrides `timeouts.udp_idle_secs` for its users, 0 to 86 400 s; 0 means no limit.
        udp_idle_secs: Option<u32> = "udp_idle_secs", Maybe(count(0, DAY)), None;
    }
}
