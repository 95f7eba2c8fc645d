//! The coarse clock of all sessions: once a second each is looked at, and ended if it overstayed.
//!
//! It reads the lanes, so the byte path writes no time stamps and no session owns a timer.
//! A deadline is therefore kept to within a second, never early.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::course::Stage;
use super::ending::ByHouse;
use super::ticket::Session;

/// Orders the session to end if it is overdue, and gives it its turn if it has to look after itself.
///
/// `now` must not go backwards between calls.
pub(crate) fn sweep(session: &Session, now: Instant) {
    let stage = session.course.stage();
    if let Some(reason) = overdue(session, stage, now) {
        session.course.end_while(stage, reason);
    }
    if deserves_turn(session, stage) {
        session.pulse.has_turn.store(true, Relaxed);
        session.course.nudge();
    }
}

/// Nobody else tells a half-closed session that the side which has finished is gone altogether.
fn deserves_turn(session: &Session, stage: Stage) -> bool {
    match stage {
        Stage::Relaying => !session.pulse.lasts.load(Relaxed) && !session.pulse.lasts.swap(true, Relaxed),
        Stage::HalfClosed => true,
        Stage::Handshake | Stage::LoggingIn | Stage::SettingUp | Stage::Datagrams => false,
    }
}

fn overdue(session: &Session, stage: Stage, now: Instant) -> Option<ByHouse> {
    let age = now.saturating_duration_since(session.opened);
    let has_moved = has_moved(session, stage, age);
    let (pulse, lived) = (&session.pulse, milliseconds(age));
    if !has_moved && lived < pulse.lasts_until.load(Relaxed) {
        return None;
    }
    let quiet = Duration::from_millis(lived.saturating_sub(pulse.moved_at.load(Relaxed)));
    let lifetimes = session.lifetimes();
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
    if lifetimes.max_age.is_some_and(|limit| age > limit) {
        return Some(ByHouse::MaxAge);
    }
    let left =
        [limit.map(|limit| limit.saturating_sub(spent)), lifetimes.max_age.map(|limit| limit.saturating_sub(age))];
    let left = left.into_iter().flatten().min().unwrap_or(Duration::MAX);
    pulse.lasts_until.store(if is_set_up(stage) { lived.saturating_add(milliseconds(left)) } else { 0 }, Relaxed);
    None
}

/// What limits a session's life changes no more, but for its stage.
fn is_set_up(stage: Stage) -> bool {
    match stage {
        Stage::Handshake | Stage::LoggingIn | Stage::SettingUp => false,
        Stage::Relaying | Stage::HalfClosed | Stage::Datagrams => true,
    }
}

/// Whether a lane has carried anything, or the stage has changed, since the session was last looked at.
fn has_moved(session: &Session, stage: Stage, age: Duration) -> bool {
    let (pulse, carried) = (&session.pulse, progress(session, stage));
    let has_moved = pulse.carried.load(Relaxed) != carried;
    if has_moved {
        pulse.carried.store(carried, Relaxed);
        pulse.moved_at.store(milliseconds(age), Relaxed);
    }
    has_moved
}

/// A number that changes whenever anything is carried or the stage changes, which starts the wait anew.
fn progress(session: &Session, stage: Stage) -> u64 {
    let carried = session.up.bytes().wrapping_add(session.down.bytes());
    let datagrams = session.up.packets().wrapping_add(session.down.packets());
    carried.wrapping_add(datagrams).wrapping_mul(8).wrapping_add(stage as u64)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::session::roster::Roster;
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
            sweep(session, session.opened + Duration::from_secs(*second));
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
