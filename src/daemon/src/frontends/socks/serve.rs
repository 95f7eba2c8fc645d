//! One connection from top to bottom. docs/life-of-a-connection.md walks through it.

use std::sync::Arc;
use std::time::Instant;

use socks::Command;

use super::farewell::{Next, refuse, see_off};
use super::inbox::Inbox;
use super::on_record::on_record;
use super::{Visit, admission, associate, bind, connect, handshake, resolve, vouching};
use crate::engine::relay::pump::pump;
use crate::engine::sys::stream::Stream;
use crate::state::limits::bandwidth::way::Part;
use crate::state::limits::quotas::meter::Metered;
use crate::state::limits::{Presence, share};
use crate::state::session::ending::{ByHouse, Ending};
use crate::state::session::facts::Identity;
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;
use crate::state::session::revoke::catch_up;
use crate::state::session::seats::Seat;
use crate::state::session::ticket::Session;

pub(super) async fn serve(mut visit: Visit, stream: Stream) {
    let session = Arc::clone(visit.ticket.session());
    // The parts that are over once bytes flow live in boxes of their own, so that a relay's task stays small.
    let set_up = Box::pin(session.obey(set_up(&mut visit, &session, stream))).await;
    let (next, _place) = set_up.unwrap_or_else(|by_house| (Next::Nothing(Ending::House(by_house)), None));
    if let Next::Nothing(ending) = next {
        admission::hold_against(&visit, ending);
    }
    catch_up(&session);
    visit.ticket.finish_set_up();
    let Visit { world: _, regime, door, ticket } = visit;
    let ending = match next {
        Next::Relay(pair) => {
            drop((regime, door));
            pump(pair, &session).await
        }
        Next::Datagrams(client, request, judge) => {
            let association = associate::serve(&session, client.stream, &request, judge, &regime.dialer, &door.udp);
            Box::pin(session.obey(association)).await.unwrap_or_else(Ending::House)
        }
        Next::Nothing(ending) => ending,
    };
    ticket.close(ending);
}

/// What a session holds until it is over.
struct Place {
    _seat: Seat,
    _presence: Presence,
    /// Once the rule that lets it in is known.
    part: Option<Part>,
    _metered: Option<Metered>,
}

async fn set_up<'s>(visit: &mut Visit, session: &'s Arc<Session>, stream: Stream) -> (Next<'s>, Option<Place>) {
    let mut client = Inbox::new(stream);
    let (request, judge) = match handshake::shake_hands(visit, session, &mut client).await {
        Ok(asked) => asked,
        Err(ending @ Ending::House(ByHouse::TurnedAway)) => {
            client.stream.abort();
            return (Next::Nothing(ending), None);
        }
        Err(ending) => {
            see_off(client, &[]).await;
            return (Next::Nothing(ending), None);
        }
    };
    visit.ticket.put_on_record();
    // Without a place it stays among the handshakes until it is gone, so that the refused have a bound too.
    let mut place = match place(visit, &request) {
        Ok(place) => place,
        Err(refusal) => {
            on_record(visit.ticket.session()).await;
            return (refuse(client, &request, refusal).await, None);
        }
    };
    visit.ticket.leave_handshake();
    let next = fulfil(visit, judge, client, request).await;
    place.part = part(visit, &next);
    (next, Some(place))
}

async fn fulfil<'s>(visit: &Visit, mut judge: Judge<'s>, client: Inbox, request: socks::Request) -> Next<'s> {
    let Visit { world: _, regime, door, ticket: _ } = visit;
    let may_ask = match may_ask(&judge, &request) {
        Ok(()) => vouching::settle(regime, &mut judge, &request).await,
        Err(refusal) => Err(refusal),
    };
    // CONNECT waits for its record after it has dialled.
    if may_ask.is_err() || request.command != Command::Connect {
        on_record(judge.session()).await;
    }
    if let Err(refusal) = may_ask {
        return refuse(client, &request, refusal).await;
    }
    match request.command {
        Command::Connect => connect::connect(regime, &judge, client, request).await,
        Command::Bind => bind::bind(regime, &judge, client, request, &door.bind).await,
        Command::UdpAssociate => Next::Datagrams(client, request, judge),
        Command::Resolve | Command::ResolvePtr => resolve::resolve(regime, &judge, client, request).await,
    }
}

/// Whether the command can lead anywhere at all.
fn may_ask(judge: &Judge<'_>, request: &socks::Request) -> Result<(), Refusal> {
    let is_on = judge.session().snapshot.commands.contains(&request.command);
    if is_on { judge.may_ever(&request.target) } else { Err(Refusal::CommandOff) }
}

/// A place among all sessions, and among those of its source, its user and his groups.
fn place(visit: &Visit, request: &socks::Request) -> Result<Place, Refusal> {
    let Visit { world, ticket, .. } = visit;
    let session = ticket.session();
    let seat = world.seats.take(places(request.command)).ok_or(Refusal::TooManyConnections)?;
    let identity = identity(session);
    let source = session.caller().map(|caller| caller.source);
    let mut claim = share::claim(&session.snapshot, source, &identity);
    world.quotas.tuning().count(&mut claim.keys);
    let metered = world.quotas.enter(session, &identity)?;
    // The last word, as it takes tokens.
    let presence = world.limits.enter(claim, Instant::now())?;
    session.credit.is_kept_by(&world.limits);
    Ok(Place { _seat: seat, _presence: presence, part: None, _metered: metered })
}

/// The part of the bandwidth of whoever is about to carry something.
fn part(visit: &Visit, next: &Next<'_>) -> Option<Part> {
    match next {
        Next::Nothing(_) => None,
        Next::Relay(_) | Next::Datagrams(..) => {
            let session = visit.ticket.session();
            Some(visit.world.bandwidth.enter(session, &identity(session)))
        }
    }
}

fn identity(session: &Session) -> Identity {
    session.facts().proof.as_ref().map_or(Identity::Anonymous, |proof| proof.identity.clone())
}

/// The descriptor budget counts two for a session; an association has two more.
fn places(command: Command) -> usize {
    match command {
        Command::UdpAssociate => 2,
        Command::Connect | Command::Bind | Command::Resolve | Command::ResolvePtr => 1,
    }
}
