//! One connection from top to bottom. docs/life-of-a-connection.md walks through it.

use std::sync::Arc;
use std::time::Duration;

use socks::{Command, Request};
use tokio::io::AsyncReadExt;

use super::inbox::Inbox;
use super::{Door, World, associate, bind, connect, handshake, resolve};
use crate::engine::relay::pump::{Pair, pump};
use crate::engine::sys::stream::Stream;
use crate::state::session::ending::{ByPeer, Ending};
use crate::state::session::facts::Origin;
use crate::state::session::refusal::Refusal;
use crate::state::session::seats::Seat;
use crate::state::session::ticket::{Session, Ticket};

/// How long a refused client may take to read its answer and close.
const FAREWELL: Duration = Duration::from_secs(2);

/// How much of what it still sends is read meanwhile; unread bytes would turn our FIN into a reset.
const FAREWELL_BYTES: usize = 64 * 1024;

/// What is left to do once the client has its answer.
#[derive(Debug)]
pub(super) enum Next {
    Relay(Pair),
    Datagrams(Inbox, Request),
    Nothing(Ending),
}

pub(super) async fn serve(world: Arc<World>, door: Arc<Door>, stream: Stream, origin: Origin) {
    let ticket = Ticket::open(&world.roster, origin, Arc::clone(&door.name), world.snapshot.load_full());
    let session = Arc::clone(ticket.session());
    let mut seat = None;
    // The parts that are over once bytes flow live in boxes of their own, so that a relay's task stays small.
    let set_up = Box::pin(session.obey(set_up(&world, &door, &ticket, stream, &mut seat))).await;
    let ending = match set_up {
        Ok(Next::Relay(pair)) => pump(pair, &session).await,
        Ok(Next::Datagrams(client, request)) => {
            let association = associate::serve(&session, client.stream, &request, &world.dialer, &door.udp);
            Box::pin(session.obey(association)).await.unwrap_or_else(Ending::House)
        }
        Ok(Next::Nothing(ending)) => ending,
        Err(by_house) => Ending::House(by_house),
    };
    ticket.close(ending);
}

async fn set_up(world: &World, door: &Door, ticket: &Ticket, stream: Stream, seat: &mut Option<Seat>) -> Next {
    let mut client = Inbox::new(stream);
    match handshake::shake_hands(world, door, ticket, &mut client).await {
        Ok(request) => {
            ticket.request_is_complete();
            fulfil(world, door, ticket.session(), client, request, seat).await
        }
        Err(ending) => {
            see_off(client, &[]).await;
            Next::Nothing(ending)
        }
    }
}

async fn fulfil(
    world: &World,
    door: &Door,
    session: &Arc<Session>,
    client: Inbox,
    request: Request,
    seat: &mut Option<Seat>,
) -> Next {
    *seat = world.seats.take(places(request.command));
    if seat.is_none() {
        return refuse(client, &request, Refusal::TooManyConnections).await;
    }
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

/// The client is gone before anything was set up.
pub(super) fn gone(how: ByPeer) -> Next {
    Next::Nothing(Ending::Client(how))
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
