//! `[penalties]`: what guessing passwords and crowding the door cost.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{DAY, HOUR, secs};
use crate::kinds::numbers::{Millis, Secs, count};
use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, OrWord, Show as _};
use crate::reader::{Section, Table};
use crate::render::Shown;
use crate::values::crowding::EarlyDrop;

/// Programs on this host, among them local relays behind which everybody has the same address.
fn loopback() -> Vec<IpNet> {
    vec![Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(), Ipv6Net::from(Ipv6Addr::LOCALHOST).into()]
}

tables! {
    /// `[penalties]`: what guessing passwords and crowding the door cost (`PerSourcePenalties` and `MaxStartups` of `sshd_config(5)`).
    Penalties {
        /// Whether sources are penalised and names locked; the rest of the table holds either way.
        enabled: bool = "enabled", Flag, true;
        /// Networks that are never penalised or turned away.
        exempt: Vec<IpNet> = "exempt", list(), loopback();
        /// What a login that failed costs its source, 0 to 3 600 s, whether the name or the password was wrong.
        authfail: Duration = "authfail_secs", Secs { least: 0, most: HOUR }, secs(5);
        /// What leaving without an attempt to log in costs, where one must, 0 to 3 600 s.
        noauth: Duration = "noauth_secs", Secs { least: 0, most: HOUR }, secs(1);
        /// What it costs to let `timeouts.handshake_secs` pass, 0 to 3 600 s.
        grace_exceeded: Duration = "grace_exceeded_secs", Secs { least: 0, most: HOUR }, secs(10);
        /// Outstanding penalties from which on a source is turned away, 1 to 3 600 s.
        enforce_from: Duration = "enforce_from_secs", Secs { least: 1, most: HOUR }, secs(15);
        /// Outstanding penalties never become more, 1 to 86 400 s.
        max: Duration = "max_secs", Secs { least: 1, most: DAY }, secs(600);
        /// Sources remembered, and as many names and known addresses of users, 1 to 1 000 000; beyond them the least is forgotten.
        max_sources: usize = "max_sources", count(1, 1_000_000), 65_536;
        /// How many leading bits of an IPv4 address are one source, 8 to 32.
        ipv4_prefix: u8 = "ipv4_prefix", count(8, 32), 32;
        /// The same for IPv6, 16 to 128: a /64 is what one customer has.
        ipv6_prefix: u8 = "ipv6_prefix", count(16, 128), 64;
        /// Failed logins for one name after which it is locked for strangers, 0 to 10 000; 0 never locks.
        user_lock_failures: u32 = "user_lock_failures", count(0, 10_000), 10;
        /// How long a name stays locked, and how long its failures are counted, 1 to 86 400 s.
        user_lock: Duration = "user_lock_secs", Secs { least: 1, most: DAY }, secs(300);
        /// How long an address from which a user logged in stays known, 0 to 31 536 000 s.
        known_address: Duration = "known_address_secs", Secs { least: 0, most: 365 * DAY }, secs(7 * DAY);
        /// What a failed login's answer waits for, from the complete login on, 0 to 5 000 ms; jitter comes on top.
        failure_delay: Duration = "failure_delay_ms", Millis { least: 0, most: 5_000 }, Duration::from_millis(500);
        /// When newcomers are turned away by chance; nothing means never.
        early_drop: Option<EarlyDrop> = "early_drop", OrWord { word: "none", kind: text() }, Some(EarlyDrop::DEFAULT);
        /// Connections at once of one source whose handshake is not finished, 0 to 1 000 000; 0 means no limit.
        per_source: usize = "unauthenticated_per_source", count(0, 1_000_000), 100;
    }
}
