//! Relays a pair of streams until both have finished, one fails, or the house ends it.
//!
//! A FIN on one side becomes a FIN on the other and the opposite direction goes on;
//! a reset on one side becomes a reset on the other.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use super::flow::{Flow, FlowError};
use crate::engine::sys::stream::Stream;
use crate::state::session::ending::{ByHouse, ByPeer, Ending};
use crate::state::session::ticket::{Session, Stage};

/// A client, its target, and what the client sent ahead of the reply.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: Stream,
    pub(crate) upstream: Stream,
    pub(crate) early: Vec<u8>,
}

/// Relays until the end and closes both streams accordingly.
pub(crate) async fn pump(pair: Pair, session: &Session) -> Ending {
    let Pair { mut client, mut upstream, early } = pair;
    session.enter(Stage::Relaying);
    let ending = match session.obey(relay(&mut client, &mut upstream, early, session)).await {
        Ok(ending) => ending,
        Err(by_house) => Ending::House(by_house),
    };
    if must_reset(ending) {
        client.abort();
        upstream.abort();
    }
    ending
}

async fn relay(client: &mut Stream, upstream: &mut Stream, early: Vec<u8>, session: &Session) -> Ending {
    let mut up = Flow::new(early);
    let mut down = Flow::new(Vec::new());
    let mut first_to_finish = None;
    poll_fn(move |cx| {
        if let Poll::Ready(Err(error)) = up.poll(cx, client, upstream, &session.up) {
            return Poll::Ready(failed(error, Ending::Client, Ending::Upstream));
        }
        if let Poll::Ready(Err(error)) = down.poll(cx, upstream, client, &session.down) {
            return Poll::Ready(failed(error, Ending::Upstream, Ending::Client));
        }
        let finished_now = match (up.is_over(), down.is_over()) {
            (false, false) => return Poll::Pending,
            (true, _) => Ending::Client(ByPeer::Closed),
            (false, true) => Ending::Upstream(ByPeer::Closed),
        };
        let first = *first_to_finish.get_or_insert(finished_now);
        if up.is_over() && down.is_over() {
            return Poll::Ready(first);
        }
        session.enter(Stage::HalfClosed);
        Poll::Pending
    })
    .await
}

fn failed(error: FlowError, source: fn(ByPeer) -> Ending, sink: fn(ByPeer) -> Ending) -> Ending {
    match error {
        FlowError::Source(error) => blame(&error, source),
        FlowError::Sink(error) => blame(&error, sink),
    }
}

fn blame(error: &io::Error, side: fn(ByPeer) -> Ending) -> Ending {
    match error.raw_os_error().map(nix::errno::Errno::from_raw) {
        Some(nix::errno::Errno::ECONNRESET | nix::errno::Errno::EPIPE) => side(ByPeer::Reset),
        Some(nix::errno::Errno::ETIMEDOUT | nix::errno::Errno::EHOSTUNREACH | nix::errno::Errno::ENETUNREACH) => {
            side(ByPeer::Vanished)
        }
        _ => Ending::House(ByHouse::Failure),
    }
}

/// A stream that was cut must not look complete; one that had gone quiet may be closed politely.
fn must_reset(ending: Ending) -> bool {
    match ending {
        Ending::Client(by) | Ending::Upstream(by) => by != ByPeer::Closed,
        Ending::House(by) => !matches!(by, ByHouse::Idle | ByHouse::HalfClosed),
        Ending::Refused(_) => false,
    }
}
