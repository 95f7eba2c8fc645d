//! One UDP association: datagrams between a client and its peers, each judged and counted by itself.
//!
//! Everything happens inside the future that owns the [`Association`]: there is no task, timer or thread of its own.
//! What is received goes to a buffer of the thread and leaves before the future waits again, so an idle association holds
//! its sockets and what it remembers of its peers, but no buffer.
//! Knows lanes and a judge; knows nothing of users or the control connection.

pub(crate) mod client;
mod sockets;

mod down;
mod up;

mod bench;
pub(crate) mod drops;
mod mail;
mod meter;
pub(crate) mod names;
mod peers;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::{Context, Poll, ready};

use config::Replies;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use self::bench::Bench;
use self::client::Client;
use self::drops::{Drops, Totals};
use self::mail::{Books, Outlet};
use self::meter::Meter;
use self::names::{Directory, Names};
use self::peers::Peers;
use crate::engine::sys::datagrams::{BATCH, Letterbox};
use crate::state::limits::bandwidth::way::Way;
use crate::state::session::flows::{Direction, Flows};
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;

/// Datagrams of one direction after which the other tasks of the thread have their turn.
const TURN: usize = 256;

/// What a failed call takes of a turn. Routers and peers may say that they did not get a datagram; that ends nothing.
const A_FAILURE: usize = BATCH;

thread_local! {
    static LETTERBOX: RefCell<Letterbox> = RefCell::new(Letterbox::new());
}

/// How datagrams leave the host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exit {
    /// The source address towards IPv4 peers; the kernel's choice without one.
    pub(crate) v4: Option<Ipv4Addr>,
    pub(crate) v6: Option<Ipv6Addr>,
    /// `SO_BINDTODEVICE` (socket(7)).
    pub(crate) interface: Option<String>,
    /// `SO_MARK` (socket(7)).
    pub(crate) mark: Option<u32>,
}

/// What an association is given to work with.
pub(crate) struct Means<'a> {
    /// Says of every datagram whether it may pass.
    pub(crate) judge: Judge<'a>,
    pub(crate) directory: &'a dyn Directory,
    /// From the client.
    pub(crate) up: Way<'a>,
    /// To the client.
    pub(crate) down: Way<'a>,
    pub(crate) flows: &'a Flows,
    pub(crate) exit: &'a Exit,
    pub(crate) replies: Replies,
    pub(crate) max_peers: usize,
    /// Where what it drops is added up.
    pub(crate) totals: &'a Totals,
}

#[derive(Debug)]
pub(crate) struct Association<'a> {
    /// The client's side.
    relay: Outlet,
    /// The peers' sides, each opened by the first datagram of its family.
    v4: Option<Outlet>,
    v6: Option<Outlet>,
    exit: &'a Exit,
    client: Client,
    peers: Peers,
    names: Names<'a>,
    bench: Bench<'a>,
    drops: Drops,
    totals: &'a Totals,
    up: Books<'a>,
    down: Books<'a>,
    up_meter: Meter<'a>,
    down_meter: Meter<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// Whether a direction has more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Its sockets are empty, and wake the task when they are no longer.
    Resting,
    /// It used its turn up.
    Busy,
}

impl<'a> Association<'a> {
    /// Opens the client's side at this address, which must not be unspecified, on a port of the range.
    ///
    /// # Errors
    /// `PortsExhausted`, `OutOfResources`, or `Internal` when the address cannot be bound.
    pub(crate) fn open(
        means: Means<'a>,
        client: Client,
        address: SocketAddr,
        ports: Option<RangeInclusive<u16>>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            relay: Outlet::new(sockets::open_relay(address, ports)?),
            v4: None,
            v6: None,
            exit: means.exit,
            client,
            peers: Peers::new(means.replies, means.max_peers),
            names: Names::new(means.directory),
            bench: Bench::new(means.judge),
            drops: Drops::default(),
            totals: means.totals,
            up: Books { lane: means.up.lane(), flows: means.flows, direction: Direction::Sent },
            down: Books { lane: means.down.lane(), flows: means.flows, direction: Direction::Received },
            up_meter: Meter::new(means.up),
            down_meter: Meter::new(means.down),
        })
    }

    /// Where the client's side is bound.
    ///
    /// # Errors
    /// Those of getsockname(2).
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.relay.socket.local_addr()
    }

    pub(crate) fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Relays for one turn. Never ends by itself: no error of a datagram is one of the association.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Infallible> {
        self.bench.renew();
        let pace = LETTERBOX.with_borrow_mut(|letterbox| {
            let up = self.poll_up(letterbox, cx);
            self.poll_names(cx);
            [up, self.poll_down(Family::V4, letterbox, cx), self.poll_down(Family::V6, letterbox, cx)]
        });
        self.drops.report(self.totals);
        if pace.contains(&Pace::Busy) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn poll_up(&mut self, letterbox: &mut Letterbox, cx: &mut Context<'_>) -> Pace {
        let mut taken = 0;
        while taken < TURN {
            taken += match poll_receive(&self.relay.socket, letterbox, cx) {
                Poll::Ready(Ok(())) => self.forward(letterbox),
                Poll::Ready(Err(_)) => A_FAILURE,
                Poll::Pending => return Pace::Resting,
            };
        }
        Pace::Busy
    }

    fn poll_down(&mut self, family: Family, letterbox: &mut Letterbox, cx: &mut Context<'_>) -> Pace {
        let mut taken = 0;
        while taken < TURN {
            let Some(outlet) = self.outlet(family) else { return Pace::Resting };
            taken += match poll_receive(&outlet.socket, letterbox, cx) {
                Poll::Ready(Ok(())) => self.answer(letterbox),
                Poll::Ready(Err(_)) => A_FAILURE,
                Poll::Pending => return Pace::Resting,
            };
        }
        Pace::Busy
    }

    fn poll_names(&mut self, cx: &mut Context<'_>) {
        while let Some(answered) = self.names.poll_answered(cx) {
            self.forward_waiting(answered);
        }
    }

    fn outlet(&self, family: Family) -> Option<&Outlet> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }
}

impl Family {
    fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// Receives a batch, or leaves the task to be woken by the next datagram.
fn poll_receive(socket: &UdpSocket, letterbox: &mut Letterbox, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    loop {
        ready!(socket.poll_recv_ready(cx))?;
        let mut received = 0;
        let outcome = socket.try_io(Interest::READABLE, || {
            received = letterbox.receive(socket)?;
            // Less than was asked for means that the socket is empty: that saves the call that would say so.
            if received < BATCH { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match outcome {
            Err(error) if error.kind() == ErrorKind::WouldBlock && received == 0 => {}
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
            Ok(()) | Err(_) => return Poll::Ready(Ok(())),
        }
    }
}
