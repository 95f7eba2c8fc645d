//! The listeners that are served, each under a number that no later one gets.
//!
//! Knows where a listener is and on which threads, and nothing of its manners: those are the door's, in the regime.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::threads::{Phase, until};
use crate::frontends::socks::accept::{Listener, accept};
use crate::frontends::socks::{DoorNumber, World};

/// A listening socket from the monitor and where it belongs.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) index: u16,
    pub(super) thread: u16,
    pub(super) socket: OwnedFd,
}

/// One listener, for as long as it is held.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) number: DoorNumber,
    /// Where it really listens, if it has an address.
    address: Option<SocketAddr>,
    /// Its accepting tasks wait for the end of this.
    open: watch::Sender<()>,
}

/// A gate that nobody comes through yet.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) gate: Gate,
    /// Each with the reactor that it is registered with.
    listeners: Vec<(Handle, Listener)>,
}

impl Built {
    /// Registers the sockets of one listener, each with the reactor of its thread.
    ///
    /// # Errors
    /// A socket is not what it should be, or the kernel cannot watch one more.
    pub(super) fn new(number: DoorNumber, sockets: Vec<Handed>, reactors: &[Handle]) -> io::Result<Self> {
        let address = sockets.first().and_then(|handed| address(&handed.socket));
        let mut listeners = Vec::with_capacity(sockets.len());
        for Handed { index: _, thread, socket } in sockets {
            let reactor = reactors.get(usize::from(thread)).ok_or(io::ErrorKind::InvalidInput)?;
            let _registers_here = reactor.enter();
            listeners.push((reactor.clone(), adopt(socket)?));
        }
        let (open, _) = watch::channel(());
        Ok(Self { gate: Gate { number, address, open }, listeners })
    }

    /// Lets clients in until the gate is dropped, or the phase changes.
    pub(super) fn open(self, world: &Arc<World>, phase: &watch::Receiver<Phase>) -> Gate {
        let Self { gate, listeners } = self;
        for (reactor, listener) in listeners {
            let closing = closing(gate.open.subscribe(), phase.clone());
            reactor.spawn(accept(listener, gate.number, Arc::clone(world), closing));
        }
        gate
    }
}

/// Where these gates listen, as far as they have an address.
pub(super) fn addresses<'a>(gates: impl IntoIterator<Item = &'a Gate>) -> HashSet<SocketAddr> {
    gates.into_iter().filter_map(|gate| gate.address).collect()
}

/// Sorts sockets by the listener that they belong to, of which there are so many.
pub(super) fn by_listener(handed: Vec<Handed>, listeners: usize) -> Vec<Vec<Handed>> {
    let mut sorted: Vec<Vec<Handed>> = (0..listeners).map(|_| Vec::new()).collect();
    for handed in handed {
        if let Some(sockets) = sorted.get_mut(usize::from(handed.index)) {
            sockets.push(handed);
        }
    }
    sorted
}

async fn closing(mut open: watch::Receiver<()>, mut phase: watch::Receiver<Phase>) {
    tokio::select! {
        _gate_is_gone = open.changed() => {}
        () = until(&mut phase, |phase| phase != Phase::Serving) => {}
    }
}

fn address(socket: &OwnedFd) -> Option<SocketAddr> {
    socket2::SockRef::from(socket).local_addr().ok()?.as_socket()
}

fn adopt(socket: OwnedFd) -> io::Result<Listener> {
    let address: SockaddrStorage = getsockname(socket.as_raw_fd())?;
    if address.family() == Some(AddressFamily::Unix) {
        return UnixListener::from_std(socket.into()).map(Listener::Unix);
    }
    TcpListener::from_std(socket.into()).map(Listener::Tcp)
}
