//! The listeners that are served, each under a number that no later one gets.
//!
//! Knows where a listener is and on which threads, and nothing of its manners: those are the door's, in the regime.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use config::Binding;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::threads::{Phase, until};
use crate::engine::sys::listener::Listener;
use crate::frontends::socks::accept::accept;
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
    binding: Binding,
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
    pub(super) fn new(
        number: DoorNumber,
        binding: Binding,
        sockets: Vec<Handed>,
        reactors: &[Handle],
    ) -> io::Result<Self> {
        if sockets.is_empty() {
            return Err(io::Error::other("the monitor has handed over no socket for it"));
        }
        let address = sockets.first().and_then(|handed| address(&handed.socket));
        let mut listeners = Vec::with_capacity(sockets.len());
        for Handed { index: _, thread, socket } in sockets {
            let reactor = reactors.get(usize::from(thread)).ok_or(io::ErrorKind::InvalidInput)?;
            let _registers_here = reactor.enter();
            listeners.push((reactor.clone(), Listener::adopt(socket)?));
        }
        let (open, _) = watch::channel(());
        Ok(Self { gate: Gate { number, binding, address, open }, listeners })
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

impl Gate {
    /// Whether it listens there already, whatever else is said of that place; the monitor judges alike.
    pub(super) fn is_at(&self, binding: &Binding) -> bool {
        match (&self.binding, binding) {
            (Binding::Tcp(address), Binding::Tcp(other)) => address == other,
            (Binding::Unix { path, .. }, Binding::Unix { path: other, .. }) => path == other,
            (Binding::Tcp(_), Binding::Unix { .. }) | (Binding::Unix { .. }, Binding::Tcp(_)) => false,
        }
    }
}

/// Where these gates listen, as far as they have an address.
pub(super) fn addresses<'a>(gates: impl IntoIterator<Item = &'a Gate>) -> HashSet<SocketAddr> {
    gates.into_iter().filter_map(|gate| gate.address).collect()
}

/// Where these sockets listen, as far as they have an address.
pub(super) fn addresses_of(handed: &[Handed]) -> HashSet<SocketAddr> {
    handed.iter().filter_map(|handed| address(&handed.socket)).collect()
}

/// Takes the sockets of one listener out of those that were handed over.
pub(super) fn of_listener(handed: &mut Vec<Handed>, index: usize) -> Vec<Handed> {
    handed.extract_if(.., |handed| usize::from(handed.index) == index).collect()
}

/// Takes out the sockets that belong to none of so many listeners.
pub(super) fn beyond(handed: &mut Vec<Handed>, listeners: usize) -> Vec<Handed> {
    handed.extract_if(.., |handed| usize::from(handed.index) >= listeners).collect()
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
