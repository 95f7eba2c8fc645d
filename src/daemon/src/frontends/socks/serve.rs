//! One connection from top to bottom. docs/life-of-a-connection.md walks through it.

use std::sync::Arc;
use std::time::Duration;

use socks::{Command, Request};
use tokio::io::AsyncReadExt;

use super::inbox::Inbox;
use super::{Door, World, associate, bind, connect, handshake, resolve};
use crate::engine::relay::pump::{Pair, pump};
use crate::engine::sys::stream::Stream;
use crate::state::session::ending::Ending;
use crate::state::session::refusal::Refusal;
use crate::state::session::seats::Seat;
use crate::state::session::ticket::Ticket;

/// How long a refused client may take to read its answer and close.
const FAREWELL: Duration = Duration::from_secs(2);

/// How much of what it still sends is read meanwhile; unread bytes would turn our FIN into a reset.
const FAREWELL_BYTES: usize = 64 * 1024;

/// One client's visit: where it came in, and its ticket.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) world: Arc<World>,
    pub(super) door: Arc<Door>,
    pub(super) ticket: Ticket,
}

/// What is left to do once the client has its answer.
#[derive(Debug)]
pub(super) enum Next {
    Relay(Pair),
    Datagrams(Inbox, Request),
    Nothing(Ending),
}

pub(super) async fn serve(mut visit: Visit, stream: Stream) {
    let session = Arc::clone(visit.ticket.session());
    // The parts that are over once bytes flow live in boxes of their own, so that a relay's task stays small.
    let set_up = Box::pin(session.obey(set_up(&mut visit, stream))).await;
    let (next, _seat) = set_up.unwrap_or_else(|by_house| (Next::Nothing(Ending::House(by_house)), None));
    let ending = match next {
        Next::Relay(pair) => pump(pair, &session).await,
        Next::Datagrams(client, request) => {
            let association = associate::serve(&session, client.stream, &request, &visit.world.dialer, &visit.door.udp);
            Box::pin(session.obey(association)).await.unwrap_or_else(Ending::House)
        }
        Next::Nothing(ending) => ending,
    };
    visit.ticket.close(ending);
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

async fn fulfil(visit: &Visit, client: Inbox, request: Request) -> Next {
    let Visit { world, door, ticket } = visit;
    let session = ticket.session();
    if !session.snapshot.commands.contains(&request.command) {
        return refuse(client, &request, Refusal::CommandOff).await;
    }
    match request.command {
        Command::Connect => connect::connect(world, session, client, request).await,
        Command::Bind => bind::bind(world, session, client, request, &door.bind).await,
        Command::UdpAssociate => Next::Datagrams(client, request),
        Command::Resolve | Command::ResolvePtr => resolve::resolve(world, session, client, request).await,
    }
}

/// The descriptor budget counts two for a session; an association has two more.
fn places(command: Command) -> usize {
    match command {
        Command::UdpAssociate => 2,
        Command::Connect | Command::Bind | Command::Resolve | Command::ResolvePtr => 1,
    }
}

/// Tells the client no, in its own language, such that it can read it.
pub(super) async fn refuse(client: Inbox, request: &Request, refusal: Refusal) -> Next {
    see_off(client, request.dialect.failed(refusal.reply()).as_bytes()).await;
    Next::Nothing(Ending::Refused(refusal))
}

/// Says the last words, then a FIN, then waits for the client to close: closing at once with bytes unread
/// would send a reset, which may overtake the words.
pub(super) async fn see_off(mut client: Inbox, words: &[u8]) {
    if client.send(words).await.is_err() {
        return;
    }
    client.stream.finish();
    let mut rest = client.stream.take(FAREWELL_BYTES as u64);
    let reading = async {
        let mut waste = [0; 512];
        while matches!(rest.read(&mut waste).await, Ok(read) if read > 0) {}
    };
    let _too_slow = tokio::time::timeout(FAREWELL, reading).await;
}
