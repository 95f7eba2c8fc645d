//! Before anything is said, and after nothing was: who is turned away at once, and what is held against whoever left or
//! dawdled without saying who it is.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Door, Visit, World};
use crate::engine::sys::chance;
use crate::state::penalties::tally::{TurnedAway, whole_secs};
use crate::state::penalties::tariff::{Caller, Offence, Tariff};
use crate::state::session::course::Stage;
use crate::state::session::ending::{ByHouse, Ending};
use crate::state::session::facts::Origin;
use crate::state::session::handshakes::{HandshakePlace, Luck};
use crate::state::session::ticket::Arrival;

/// A place for a newcomer.
///
/// # Errors
/// Why it is turned away; it is counted already.
pub(super) fn admit(world: &World, door: &Door, origin: Origin, tariff: &Tariff) -> Result<Arrival, TurnedAway> {
    // Behind a balancer only the header tells who it is.
    let caller = (!door.expects_introduction(origin)).then(|| tariff.caller(origin.ip()));
    let mut place = world.roster.handshakes().place();
    if let Some(caller) = caller {
        judge(world, caller, tariff, &mut place)?;
    }
    Ok(Arrival { origin, caller, listener: door.name.clone(), place })
}

/// The same for a client whom a balancer has introduced, or for the balancer itself.
///
/// # Errors
/// It is turned away.
pub(super) fn admit_introduced(visit: &mut Visit, client: Option<IpAddr>) -> Result<(), Ending> {
    let Visit { world, ticket, .. } = visit;
    let session = Arc::clone(ticket.session());
    let tariff = &session.snapshot.penalties;
    let caller = match client {
        Some(ip) => tariff.caller(Some(ip)),
        // Those whom the operator named as balancers are trusted.
        None => Caller { is_exempt: true, ..tariff.caller(session.origin().ip()) },
    };
    session.is_called_by(caller);
    let judged = ticket.handshake().map_or(Ok(()), |place| judge(world, caller, tariff, place));
    judged.map_err(|_why| Ending::House(ByHouse::TurnedAway))
}

fn judge(world: &World, caller: Caller, tariff: &Tariff, place: &mut HandshakePlace) -> Result<(), TurnedAway> {
    if caller.is_exempt {
        return Ok(());
    }
    let now = Instant::now();
    let judged = if world.penalties.turns_away(caller, now) {
        Err(TurnedAway::Penalised)
    } else {
        let luck = |strangers| luck(world, caller, tariff, strangers, now);
        place.count_stranger(caller.source, tariff.crowding.per_source, luck, now)
    };
    judged.inspect_err(|why| world.penalties.tally.count(*why))
}

/// Whoever logged in lately from where he is comes in as long as there is room at all.
fn luck(world: &World, caller: Caller, tariff: &Tariff, strangers: usize, now: Instant) -> Luck {
    let chance = tariff.crowding.early_drop.map_or(0, |early_drop| early_drop.chance(strangers));
    if chance == 0 || chance::number() % 100 >= chance || world.penalties.is_known(caller, tariff, now) {
        Luck::Good
    } else if chance < 100 {
        Luck::Bad
    } else {
        Luck::None
    }
}

/// Notes what the end of a session that never asked for anything says about its source.
pub(super) fn hold_against(visit: &Visit, ending: Ending) {
    let session = visit.ticket.session();
    if session.course.stage() != Stage::Handshake {
        return;
    }
    let offence = match ending {
        Ending::House(ByHouse::HandshakeTimeout) => Offence::TooSlow,
        Ending::ClientLeft | Ending::ClientViolation | Ending::Client(_)
            if visit.door.entrance.asks_for_credentials() =>
        {
            Offence::NoLogin
        }
        Ending::ClientLeft
        | Ending::ClientViolation
        | Ending::Client(_)
        | Ending::Upstream(_)
        | Ending::House(_)
        | Ending::Refused(_) => return,
    };
    // Who is not introduced yet cannot be blamed, and its balancer is not to.
    let Some(caller) = session.caller() else { return };
    let turned_away_for = visit.world.penalties.punish(caller, offence, &session.snapshot.penalties, Instant::now());
    if let Some(time) = turned_away_for {
        tell_turned_away(&visit.world, caller, offence, time);
    }
}

/// The line that begins a penalty; the one that ends it is housekeeping's.
pub(super) fn tell_turned_away(world: &World, caller: Caller, offence: Offence, time: Duration) {
    if world.penalties.tally.may_tell() {
        tracing::warn!(
            target: "auth",
            source = %caller.source,
            offence = offence.label(),
            for_secs = whole_secs(time),
            "source turned away"
        );
    }
}
