//! One UDP association: datagrams between a client and its peers, each judged and counted by itself.
//!
//! Everything happens inside the future that owns the [`Association`]: there is no task, timer or thread of its own.
//! What is received goes to a buffer of the thread and leaves before the future waits again, so an idle association holds
//! its sockets and what it remembers of its peers, but no buffer.
//! Knows lanes and a guard; knows nothing of sessions, users or the control connection.

mod client;
mod drops;
mod judge;
mod mail;
mod names;
mod peers;
mod sockets;

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use acl::{Destination, Guard};
use arc_swap::ArcSwap;
use config::Replies;
use socks::udp;
use socks::{Host, Message, Name, Target};
use tokio::io::Interest;
use tokio::net::UdpSocket;

pub(crate) use self::client::{Client, OtherAddress};
pub(crate) use self::names::{Directory, Lookup};
pub(crate) use self::sockets::Exit;

use self::drops::{Cause, Drops};
use self::judge::Judge;
use self::mail::{Outlet, Parcel};
use self::names::{Answered, Full, Names, Waiting};
use self::peers::Peers;
use crate::engine::sys::datagrams::{BATCH, Letter, Letterbox};
use crate::state::session::lane::Lane;
use crate::state::session::refusal::Refusal;

/// Datagrams of one direction after which the other tasks of the thread have their turn.
const TURN: usize = 256;

/// What a failed call takes of a turn. Routers and peers may say that they did not get a datagram; that ends nothing.
const A_FAILURE: usize = BATCH;

thread_local! {
    static LETTERBOX: RefCell<Letterbox> = RefCell::new(Letterbox::new());
}

/// What an association is given to work with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) guard: &'a ArcSwap<Guard>,
    pub(crate) directory: &'a dyn Directory,
    /// From the client.
    pub(crate) up: &'a Lane,
    /// To the client.
    pub(crate) down: &'a Lane,
    pub(crate) exit: &'a Exit,
    pub(crate) replies: Replies,
    pub(crate) max_peers: usize,
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
    judge: Judge<'a>,
    drops: Drops,
    up: &'a Lane,
    down: &'a Lane,
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
        means: &Means<'a>,
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
            judge: Judge::new(means.guard),
            drops: Drops::default(),
            up: means.up,
            down: means.down,
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
        self.judge.renew();
        let pace = LETTERBOX.with_borrow_mut(|letterbox| {
            let up = self.poll_up(letterbox, cx);
            self.poll_names(cx);
            [up, self.poll_down(Family::V4, letterbox, cx), self.poll_down(Family::V6, letterbox, cx)]
        });
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

    /// Sends on what came to the client's side and returns how many datagrams that were.
    fn forward(&mut self, letterbox: &Letterbox) -> usize {
        let (mut to_v4, mut to_v6, mut count) = (Vec::new(), Vec::new(), 0);
        for letter in letterbox.letters() {
            count += letter.count();
            if let Err(cause) = self.admit(letter) {
                self.drops.count(cause, letter.count());
                continue;
            }
            for datagram in letterbox.datagrams(letter) {
                match self.addressed(datagram, letter.from) {
                    Ok(Some(parcel)) if parcel.to.is_ipv4() => to_v4.push(parcel),
                    Ok(Some(parcel)) => to_v6.push(parcel),
                    Ok(None) => {}
                    Err(cause) => self.drops.count(cause, 1),
                }
            }
        }
        self.send(Family::V4, &to_v4);
        self.send(Family::V6, &to_v6);
        count
    }

    fn admit(&self, letter: &Letter) -> Result<(), Cause> {
        match letter.is_cut {
            _ if !self.client.may_be(letter.from) => Err(Cause::Stranger),
            true => Err(Cause::TooLarge),
            false => Ok(()),
        }
    }

    /// Takes a client's datagram apart and judges where it goes; `None` when it waits for a name.
    fn addressed<'d>(&mut self, datagram: &'d [u8], sender: SocketAddr) -> Result<Option<Parcel<'d>>, Cause> {
        let udp::Datagram { target, payload, .. } = udp::decode(datagram)?;
        if target.port == 0 {
            return Err(Cause::Malformed);
        }
        self.client.is_heard(sender);
        let Some(address) = self.resolve(&target, payload)? else { return Ok(None) };
        self.judged(SocketAddr::new(address, target.port), payload).map(Some)
    }

    fn resolve(&mut self, target: &Target, payload: &[u8]) -> Result<Option<IpAddr>, Cause> {
        match &target.host {
            Host::V4(address) => Ok(Some((*address).into())),
            Host::V6(address) => Ok(Some(IpAddr::from(*address).to_canonical())),
            Host::Name(name) => match self.names.address(name, Instant::now()) {
                Some(address) => Ok(Some(address)),
                None => self.look_up(name, target.port, payload),
            },
        }
    }

    fn look_up(&mut self, name: &Name, port: u16, payload: &[u8]) -> Result<Option<IpAddr>, Cause> {
        match Destination::parse_name(name.as_bytes()) {
            Ok(Destination::Address(address)) => Ok(Some(address)),
            Ok(Destination::Name(host)) => match self.names.wait(name, host, port, payload) {
                Ok(()) => Ok(None),
                Err(Full) => Err(Cause::QueueFull),
            },
            Err(_) => Err(Cause::Unresolved),
        }
    }

    fn judged<'d>(&mut self, to: SocketAddr, payload: &'d [u8]) -> Result<Parcel<'d>, Cause> {
        if !self.judge.allows(to) {
            return Err(Cause::Blocked);
        }
        self.peers.contact(to);
        Ok(Parcel { to, header: &[], payload })
    }

    /// Sends on what waited for a name.
    fn forward_waiting(&mut self, Answered { name, addresses, waiting }: Answered) {
        let addresses = addresses.unwrap_or_default();
        let Some(address) = self.choose(&addresses, &waiting) else {
            let cause = if addresses.is_empty() { Cause::Unresolved } else { Cause::Blocked };
            return self.drops.count(cause, waiting.len());
        };
        self.names.remember(name, address, Instant::now());
        for Waiting { port, payload } in &waiting {
            match self.judged(SocketAddr::new(address, *port), payload) {
                Ok(parcel) => self.send(Family::of(address), &[parcel]),
                Err(cause) => self.drops.count(cause, 1),
            }
        }
    }

    /// The first address that may be reached and can be, or failing that one that at least may.
    fn choose(&mut self, addresses: &[IpAddr], waiting: &[Waiting]) -> Option<IpAddr> {
        let port = waiting.first()?.port;
        let addresses = addresses.iter().map(|address| SocketAddr::new(address.to_canonical(), port));
        let allowed: Vec<_> = addresses.filter(|address| self.judge.allows(*address)).collect();
        let best = allowed.iter().find(|address| self.exit.reaches(**address)).or(allowed.first());
        best.map(SocketAddr::ip)
    }

    fn send(&mut self, family: Family, parcels: &[Parcel<'_>]) {
        let Some(first) = parcels.first() else { return };
        let outlet = match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        if outlet.is_none() {
            *outlet = self.exit.open(first.to.ip()).ok().map(Outlet::new);
        }
        match outlet {
            Some(outlet) => outlet.post(parcels, self.up, &mut self.drops),
            None => self.drops.count(Cause::SendFailed, parcels.len()),
        }
    }

    /// Sends the client what came from its peers and returns how many datagrams that were.
    fn answer(&mut self, letterbox: &Letterbox) -> usize {
        let headers: Vec<Message> = letterbox.letters().iter().map(|letter| udp::encode_header(letter.from)).collect();
        let (mut parcels, mut count) = (Vec::new(), 0);
        for (letter, header) in letterbox.letters().iter().zip(&headers) {
            count += letter.count();
            match self.admit_answer(letter) {
                Ok(to) => {
                    let header = header.as_bytes();
                    parcels.extend(letterbox.datagrams(letter).map(|payload| Parcel { to, header, payload }));
                }
                Err(cause) => self.drops.count(cause, letter.count()),
            }
        }
        self.relay.post(&parcels, self.down, &mut self.drops);
        count
    }

    /// Where a peer's datagram goes: to the client, once it was heard.
    fn admit_answer(&mut self, letter: &Letter) -> Result<SocketAddr, Cause> {
        let client = self.client.address().filter(|_| self.peers.may_answer(letter.from));
        match client {
            None => Err(Cause::Unsolicited),
            Some(_) if !self.judge.allows(letter.from) => Err(Cause::Blocked),
            Some(_) if letter.is_cut => Err(Cause::TooLarge),
            Some(client) => Ok(client),
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
