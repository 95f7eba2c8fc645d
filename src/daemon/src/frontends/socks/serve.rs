//! One connection from top to bottom. docs/life-of-a-connection.md walks through it.

use std::sync::Arc;

use socks::Command;

use super::farewell::{Next, refuse, see_off};
use super::inbox::Inbox;
use super::{Visit, associate, bind, connect, handshake, resolve};
use crate::engine::relay::pump::pump;
use crate::engine::sys::stream::Stream;
use crate::state::session::ending::Ending;
use crate::state::session::refusal::Refusal;
use crate::state::session::seats::Seat;

pub(super) async fn serve(mut visit: Visit, stream: Stream) {
    let session = Arc::clone(visit.ticket.session());
    // The parts that are over once bytes flow live in boxes of their own, so that a relay's task stays small.
    let set_up = Box::pin(session.obey(set_up(&mut visit, stream))).await;
    let (next, _seat) = set_up.unwrap_or_else(|by_house| (Next::Nothing(Ending::House(by_house)), None));
    visit.ticket.finish_set_up();
    let Visit { world: _, regime, door, ticket } = visit;
    let ending = match next {
        Next::Relay(pair) => {
            drop((regime, door));
            pump(pair, &session).await
        }
        Next::Datagrams(client, request) => {
            let association = associate::serve(&session, client.stream, &request, &regime.dialer, &door.udp);
            Box::pin(session.obey(association)).await.unwrap_or_else(Ending::House)
        }
        Next::Nothing(ending) => ending,
    };
    ticket.close(ending);
}

async fn set_up(visit: &mut Visit, stream: Stream) -> (Next, Option<Seat>) {
    let mut client = Inbox::new(stream);
    let request = match handshake::shake_hands(visit, &mut client).await {
        Ok(request) => request,
        Err(ending) => {
            see_off(client, &[]).await;
            return (Next::Nothing(ending), None);
        }
    };
    // Without a seat it stays among the handshakes until it is gone, so that the refused have a bound too.
    let seat = visit.world.seats.take(places(request.command));
    if seat.is_none() {
        return (refuse(client, &request, Refusal::TooManyConnections).await, None);
    }
    visit.ticket.leave_handshake();
    (fulfil(visit, client, request).await, seat)
}

async fn fulfil(visit: &Visit, client: Inbox, request: socks::Request) -> Next {
    let Visit { world: _, regime, door, ticket } = visit;
    let session = ticket.session();
    if !session.snapshot.commands.contains(&request.command) {
        return refuse(client, &request, Refusal::CommandOff).await;
    }
    match request.command {
        Command::Connect => connect::connect(regime, session, client, request).await,
        Command::Bind => bind::bind(regime, session, client, request, &door.bind).await,
        Command::UdpAssociate => Next::Datagrams(client, request),
        Command::Resolve | Command::ResolvePtr => resolve::resolve(regime, session, client, request).await,
    }
}

/// The descriptor budget counts two for a session; an association has two more.
fn places(command: Command) -> usize {
    match command {
        Command::UdpAssociate => 2,
        Command::Connect | Command::Bind | Command::Resolve | Command::ResolvePtr => 1,
    }
}
