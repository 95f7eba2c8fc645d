//! The coarse clock of all sessions: once a second it looks at each and ends those that overstayed.
//!
//! It reads the lanes, so the byte path writes no time stamps and no session owns a timer.
//! A deadline is therefore kept to within a second, never early.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::ending::ByHouse;
use super::roster::Roster;
use super::ticket::{Session, Stage};

/// Orders every overdue session to end. `now` must not go backwards between calls.
pub(crate) fn sweep(roster: &Roster, now: Instant) {
    roster.each(|session| {
        if let Some(reason) = overdue(session, now) {
            session.order.give(reason);
        }
    });
}

fn overdue(session: &Session, now: Instant) -> Option<ByHouse> {
    let lifetimes = &session.snapshot.lifetimes;
    let age = now.saturating_duration_since(session.opened);
    let quiet = quiet_for(session, age);
    let (limit, spent, reason) = match session.stage() {
        Stage::Handshake => (Some(lifetimes.handshake), age, ByHouse::HandshakeTimeout),
        Stage::SettingUp => (None, age, ByHouse::Idle),
        Stage::Relaying => (lifetimes.idle, quiet, ByHouse::Idle),
        Stage::HalfClosed => (lifetimes.half_closed, quiet, ByHouse::HalfClosed),
        Stage::Datagrams => (lifetimes.udp_idle, quiet, ByHouse::Idle),
    };
    if limit.is_some_and(|limit| spent > limit) {
        return Some(reason);
    }
    lifetimes.max_age.is_some_and(|limit| age > limit).then_some(ByHouse::MaxAge)
}

/// How long neither lane has carried anything.
fn quiet_for(session: &Session, age: Duration) -> Duration {
    let carried = progress(session);
    let seconds = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    if session.pulse.carried.swap(carried, Relaxed) != carried {
        session.pulse.moved_at.store(seconds, Relaxed);
    }
    age.saturating_sub(Duration::from_secs(session.pulse.moved_at.load(Relaxed).into()))
}

/// A number that changes whenever anything is carried or the stage changes, which starts the wait anew.
fn progress(session: &Session) -> u64 {
    let carried = session.up.bytes().wrapping_add(session.down.bytes());
    let datagrams = session.up.packets().wrapping_add(session.down.packets());
    carried.wrapping_add(datagrams).wrapping_mul(8).wrapping_add(session.stage() as u64)
}
