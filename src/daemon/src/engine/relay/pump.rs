//! Relays a pair of streams until both have finished, one fails, or the house ends it.
//!
//! A FIN on one side becomes a FIN on the other and the opposite direction goes on;
//! a reset on one side becomes a reset on the other.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::flow::{Flow, FlowError};
use crate::engine::sys::endurance::Endurance;
use crate::engine::sys::stream::Stream;
use crate::state::limits::bandwidth::way::{Direction, Way};
use crate::state::session::course::Stage;
use crate::state::session::ending::{ByHouse, ByPeer, Ending};
use crate::state::session::ticket::Session;

/// How often a stream that must be reset is asked whether all is delivered.
const DELIVERY_LOOK: Duration = Duration::from_millis(20);

/// A client, its target, and what the client sent ahead of the reply.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: Stream,
    pub(crate) upstream: Stream,
    pub(crate) early: Vec<u8>,
    /// What the upstream is given if the session lasts: five system calls, which one that is over at once need not pay for.
    pub(crate) endurance: Arc<Endurance>,
}

/// Relays until the end and closes both streams accordingly.
pub(crate) async fn pump(pair: Pair, session: &Session) -> Ending {
    let Pair { mut client, mut upstream, early, endurance } = pair;
    session.enter(Stage::Relaying);
    let relay = relay(&mut client, &mut upstream, (early, endurance), session);
    let ending = session.obey(relay).await.unwrap_or_else(Ending::House);
    if let Some(alive) = survivor(ending, &client, &upstream) {
        // A reset overtakes what is still on its way to the side that is alive, so it waits for that.
        session.enter(Stage::HalfClosed);
        let _waited_long_enough = session.obey(delivered(alive)).await;
    }
    if must_reset(ending) {
        client.abort();
        upstream.abort();
    }
    ending
}

async fn relay(
    client: &mut Stream,
    upstream: &mut Stream,
    (early, endurance): (Vec<u8>, Arc<Endurance>),
    session: &Session,
) -> Ending {
    let mut up = Flow::new(early);
    let mut down = Flow::new(Vec::new());
    let mut verdict = None;
    let mut answer = Some(Instant::now());
    let mut endurance = Some(endurance);
    poll_fn(move |cx| {
        let has_turn = session.pulse.take_turn();
        if let Some(endurance) = endurance.take_if(|_| has_turn) {
            // Of whoever is gone, the next read tells.
            let (_given, _staggered) = (endurance.give(upstream), endurance.stagger(client));
        }
        // A side that takes nothing more may have said something before: the other direction goes on until it has all of it.
        match up.poll(cx, client, upstream, Way::new(session, Direction::Up)) {
            Poll::Ready(Err(FlowError::Source(error))) => return Poll::Ready(blame(&error, Ending::Client)),
            Poll::Ready(Err(FlowError::Sink(error))) => give_up(&mut up, &mut verdict, blame(&error, Ending::Upstream)),
            Poll::Ready(Ok(())) => _ = verdict.get_or_insert(Ending::Client(ByPeer::Closed)),
            Poll::Pending => {}
        }
        match down.poll(cx, upstream, client, Way::new(session, Direction::Down)) {
            Poll::Ready(Err(FlowError::Source(error))) => return Poll::Ready(blame(&error, Ending::Upstream)),
            Poll::Ready(Err(FlowError::Sink(error))) => give_up(&mut down, &mut verdict, blame(&error, Ending::Client)),
            Poll::Ready(Ok(())) => _ = verdict.get_or_insert(Ending::Upstream(ByPeer::Closed)),
            Poll::Pending => {}
        }
        if let Some(began) = answer.take_if(|_| session.down.bytes() > 0) {
            session.facts().phases.first_byte = Some(began.elapsed());
        }
        let Some(first) = verdict else {
            return Poll::Pending;
        };
        // Both streams are closed then, which is as good as a FIN.
        if up.is_over() && down.is_over() {
            return Poll::Ready(first);
        }
        up.pass_end(upstream);
        down.pass_end(client);
        session.enter(Stage::HalfClosed);
        // Nobody reads from the side that has finished, so nobody would hear that it is gone altogether.
        let (silent, side): (&Stream, fn(ByPeer) -> Ending) =
            if up.is_over() { (client, Ending::Client) } else { (upstream, Ending::Upstream) };
        let broken = if has_turn { silent.pending_error() } else { None };
        broken.map_or(Poll::Pending, |error| Poll::Ready(blame(&error, side)))
    })
    .await
}

/// A failure outranks the FIN that came before it.
fn give_up(flow: &mut Flow, verdict: &mut Option<Ending>, failure: Ending) {
    flow.give_up();
    *verdict = Some(failure);
}

/// The side that is left when the other has broken off.
fn survivor<'s>(ending: Ending, client: &'s Stream, upstream: &'s Stream) -> Option<&'s Stream> {
    match ending {
        Ending::Client(ByPeer::Reset | ByPeer::Vanished) => Some(upstream),
        Ending::Upstream(ByPeer::Reset | ByPeer::Vanished) => Some(client),
        Ending::Client(ByPeer::Closed)
        | Ending::Upstream(ByPeer::Closed)
        | Ending::House(_)
        | Ending::Refused(_)
        | Ending::ClientLeft
        | Ending::ClientViolation => None,
    }
}

/// Waits until the peer's kernel has all that was written, or the peer is gone too.
async fn delivered(stream: &Stream) {
    while !stream.is_flushed() && stream.pending_error().is_none() {
        sleep(DELIVERY_LOOK).await;
    }
}

fn blame(error: &io::Error, side: fn(ByPeer) -> Ending) -> Ending {
    ByPeer::of(error).map_or(Ending::House(ByHouse::Failure), side)
}

/// A stream that was cut must not look complete; one that had gone quiet may be closed politely.
fn must_reset(ending: Ending) -> bool {
    match ending {
        Ending::Client(by) | Ending::Upstream(by) => by != ByPeer::Closed,
        Ending::House(by) => !matches!(by, ByHouse::Idle | ByHouse::HalfClosed),
        Ending::Refused(_) | Ending::ClientLeft | Ending::ClientViolation => false,
    }
}
