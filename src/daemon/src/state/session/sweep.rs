//! The coarse clock of all sessions: once a second it looks at each and ends those that overstayed.
//!
//! It reads the lanes, so the byte path writes no time stamps and no session owns a timer.
//! A deadline is therefore kept to within a second, never early.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::course::Stage;
use super::ending::ByHouse;
use super::roster::Roster;
use super::ticket::Session;

/// Orders every overdue session to end, and gives those their turn that have to look after themselves.
///
/// `now` must not go backwards between calls.
pub(crate) fn sweep(roster: &Roster, now: Instant) {
    roster.each(|session| {
        let stage = session.course.stage();
        if let Some(reason) = overdue(session, stage, now) {
            session.course.end_while(stage, reason);
        }
        if deserves_turn(session, stage) {
            session.pulse.has_turn.store(true, Relaxed);
            session.course.nudge();
        }
    });
}

/// Nobody else tells a half-closed session that the side which has finished is gone altogether.
fn deserves_turn(session: &Session, stage: Stage) -> bool {
    match stage {
        Stage::Relaying => !session.pulse.lasts.swap(true, Relaxed),
        Stage::HalfClosed => true,
        Stage::Handshake | Stage::LoggingIn | Stage::SettingUp | Stage::Datagrams => false,
    }
}

fn overdue(session: &Session, stage: Stage, now: Instant) -> Option<ByHouse> {
    let lifetimes = session.lifetimes();
    let age = now.saturating_duration_since(session.opened);
    let quiet = quiet_for(session, stage, age);
    let (limit, spent, reason) = match stage {
        Stage::Handshake | Stage::LoggingIn => (Some(lifetimes.handshake), age, ByHouse::HandshakeTimeout),
        Stage::SettingUp => (None, age, ByHouse::Idle),
        Stage::Relaying => (lifetimes.idle, quiet, ByHouse::Idle),
        Stage::HalfClosed => (lifetimes.half_closed, quiet, ByHouse::HalfClosed),
        Stage::Datagrams => (lifetimes.udp_idle, quiet, ByHouse::UdpIdle),
    };
    if limit.is_some_and(|limit| spent > limit) {
        return Some(reason);
    }
    lifetimes.max_age.is_some_and(|limit| age > limit).then_some(ByHouse::MaxAge)
}

/// How long neither lane has been seen to carry anything.
fn quiet_for(session: &Session, stage: Stage, age: Duration) -> Duration {
    let carried = progress(session, stage);
    let now = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    if session.pulse.carried.swap(carried, Relaxed) != carried {
        session.pulse.moved_at.store(now, Relaxed);
    }
    Duration::from_millis(now - session.pulse.moved_at.load(Relaxed).min(now))
}

/// A number that changes whenever anything is carried or the stage changes, which starts the wait anew.
fn progress(session: &Session, stage: Stage) -> u64 {
    let carried = session.up.bytes().wrapping_add(session.down.bytes());
    let datagrams = session.up.packets().wrapping_add(session.down.packets());
    carried.wrapping_add(datagrams).wrapping_mul(8).wrapping_add(stage as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    /// Looks at a session in `stage` at so many seconds of its life; `carry` says whether a byte moved since the last look.
    fn endings(stage: Stage, looks: &[(u64, bool)]) -> Option<ByHouse> {
        let roster = Roster::new(10, Vec::new());
        let ticket = Ticket::for_tests(&roster, Arc::new(Snapshot::for_tests()));
        let session = ticket.session();
        session.enter(stage);
        for (second, carry) in looks {
            if *carry {
                session.up.carried(1);
            }
            sweep(&roster, session.opened + Duration::from_secs(*second));
        }
        session.course.ordered()
    }

    /// The test snapshot: handshake 10 s, idle 300 s, half-closed 60 s, datagrams 120 s, age 3600 s.
    #[test]
    fn each_stage_has_its_own_deadline() {
        for (stage, looks, expected) in [
            (Stage::Handshake, &[(10, true)][..], None),
            (Stage::Handshake, &[(9, true), (11, true)], Some(ByHouse::HandshakeTimeout)),
            (Stage::LoggingIn, &[(9, true), (11, true)], Some(ByHouse::HandshakeTimeout)),
            (Stage::SettingUp, &[(3599, false)], None),
            (Stage::Relaying, &[(1, true), (301, false)], None),
            (Stage::Relaying, &[(1, true), (302, false)], Some(ByHouse::Idle)),
            (Stage::Relaying, &[(1, true), (300, true), (600, false)], None),
            (Stage::HalfClosed, &[(1, true), (62, false)], Some(ByHouse::HalfClosed)),
            (Stage::Datagrams, &[(1, true), (122, false)], Some(ByHouse::UdpIdle)),
            (Stage::SettingUp, &[(3601, false)], Some(ByHouse::MaxAge)),
            (Stage::Relaying, &[(3599, true), (3601, true)], Some(ByHouse::MaxAge)),
        ] {
            assert_eq!(endings(stage, looks), expected, "{stage:?} {looks:?}");
        }
    }
}
