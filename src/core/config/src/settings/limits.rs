//! `[limits]` and `[[limits.groups]]`: how much there may be at once.

use std::time::Duration;

use limits::Pace;

use super::{DAY, secs};
use crate::kinds::numbers::{SecsOrNone, count};
use crate::kinds::rates::{EachWay, Mbps, MbpsEachWay, Rate};
use crate::kinds::strings::text;
use crate::kinds::{Maybe, OrWord, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::users::UserName;
use crate::values::words::Directions;

/// As many connections as any bound may allow.
pub(crate) const MOST_CONNECTIONS: u64 = 1_000_000;

/// Kibibytes that a burst may be.
pub(crate) const MOST_KIB: u64 = 1_048_576;

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
        /// Sources at once of one user, 0 to 1 000 000; 0 means no limit.
        max_sources_per_user: u32 = "max_sources_per_user", count(0, MOST_CONNECTIONS), 0;
        /// How fast one user may connect; nothing means no limit.
        user_pace: Option<Pace> = "new_connections_per_user", OrWord { word: "none", kind: text() }, None;
        /// How fast one source may connect; nothing means no limit.
        source_pace: Option<Pace> = "new_connections_per_source", OrWord { word: "none", kind: text() }, None;
        /// What all sessions together may carry.
        bandwidth: EachWay = "bandwidth_limit_mbps", MbpsEachWay, EachWay::NONE;
        /// What all sessions of one user together may carry.
        user_bandwidth: EachWay = "bandwidth_per_user_mbps", MbpsEachWay, EachWay::NONE;
        /// What one session may carry.
        session_bandwidth: EachWay = "bandwidth_per_session_mbps", MbpsEachWay, EachWay::NONE;
        /// Whether the numbers hold for each direction by itself; together, of two numbers the larger one holds.
        directions: Directions = "bandwidth_directions", text(), Directions::Separate;
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
        /// Overrides `limits.max_sources_per_user` for each of its users.
        max_sources_per_user: Option<u32> = "max_sources_per_user", Maybe(count(0, MOST_CONNECTIONS)), None;
        /// Overrides `timeouts.max_age_secs` for its users, 0 to 31 536 000 s; 0 means no limit.
        max_age_secs: Option<u32> = "max_age_secs", Maybe(count(0, LONGEST_AGE)), None;
        /// Overrides `limits.connection_timeout_secs` for its users, 0 to 2 592 000 s; 0 means no limit.
        idle_secs: Option<u32> = "connection_timeout_secs", Maybe(count(0, LONGEST_IDLE)), None;
        /// Overrides `timeouts.half_closed_secs` for its users, 0 to 86 400 s; 0 means no limit.
        half_closed_secs: Option<u32> = "half_closed_secs", Maybe(count(0, DAY)), None;
        /// Overrides `timeouts.udp_idle_secs` for its users, 0 to 86 400 s; 0 means no limit.
        udp_idle_secs: Option<u32> = "udp_idle_secs", Maybe(count(0, DAY)), None;
        /// What all its users together may carry.
        bandwidth: EachWay = "bandwidth_limit_mbps", MbpsEachWay, EachWay::NONE;
        /// What they may carry in any case, before others get more than is guaranteed to them; at most `bandwidth`.
        guaranteed: Rate = "bandwidth_guaranteed_mbps", Mbps, Rate::NONE;
        /// Who comes first where not all can be served, 0 to 7; the higher comes first.
        priority: u8 = "bandwidth_priority", count(0, 7), 0;
        /// Kibibytes that may pass at once after a pause, 0 to 1 048 576; 0 is what the limit lets pass in a fifth of a second.
        burst_kib: u32 = "bandwidth_burst_kib", count(0, MOST_KIB), 0;
        /// Overrides `limits.bandwidth_per_user_mbps` for each of its users.
        user_bandwidth: Option<EachWay> = "bandwidth_per_user_mbps", Maybe(MbpsEachWay), None;
        /// What each of its users may carry in any case, within what the group has.
        user_guaranteed: Option<Rate> = "bandwidth_per_user_guaranteed_mbps", Maybe(Mbps), None;
        /// Who of its users comes first, 0 to 7, as for groups.
        user_priority: Option<u8> = "bandwidth_per_user_priority", Maybe(count(0, 7)), None;
    }
}
