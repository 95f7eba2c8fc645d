//! HTTP: what is counted, whether all is well, and the API.
//!
//! A bounded front of ours stands before `tiny_http`, which must not face anybody: it has no bound on heads, threads or time,
//! allocates whatever a length announces, and gives up for good when accepting fails once.
//! The front takes one strict request from each connection, within bounds of size, time and number, refuses everything that two
//! readers could read differently, and hands what is left on, written anew, over a socket that only this process can reach.
//! It has a thread of its own and its handlers have theirs, so that neither waits for a relay, nor a relay for them.

mod front;

mod access;
mod crowd;
mod exchange;
mod head;
mod hosts;
mod pace;
mod problem;

mod inner;

mod answer;
mod handlers;
mod openapi;
mod query;
mod routes;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

pub(crate) use self::access::{Access, Terms};
use self::crowd::Crowd;
pub(crate) use self::front::Manners;
use self::front::{Front, Gate};
pub(crate) use self::hosts::Hosts;
use self::inner::Inner;
use crate::engine::sys::listener::Listener;
use crate::engine::sys::private_socket::PrivateSocket;
use crate::frontends::office::Office;
use crate::state::metrics::Metrics;

/// Descriptors that one listener has open at most: for those who have a place and those who are turned away, for the ways of eight
/// of them to the inner server, and for itself.
pub(crate) const DESCRIPTORS: usize = 126;

/// The HTTP frontend, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Http {
    /// Dropped to end the front.
    open: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Http {
    /// Serves the routes on these listening sockets, those of each listener with its manners.
    ///
    /// # Errors
    /// A socket is not what it should be, or the kernel gives no thread or descriptor.
    pub(crate) fn start(
        listeners: Vec<(Vec<OwnedFd>, Manners)>,
        private_socket: PrivateSocket,
        office: Arc<Office>,
    ) -> io::Result<Self> {
        let metrics = Arc::clone(&office.metrics);
        let front = Arc::new(Front::new(&metrics, Inner::start(private_socket, office)?));
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let mut gates = Vec::new();
        for (sockets, manners) in listeners {
            let gate = Arc::new(Gate::new(Arc::clone(&front), manners));
            gates.extend(adopt(sockets, &runtime)?.into_iter().map(|listener| (listener, Arc::clone(&gate))));
        }
        count_connections(&metrics, gates.iter().map(|(_, gate)| gate.crowd()).collect());
        let (open, closed) = oneshot::channel::<()>();
        let serve = move || {
            for (listener, gate) in gates {
                runtime.spawn(front::accept(listener, gate));
            }
            let _it_is_dropped = runtime.block_on(closed);
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(serve)?;
        Ok(Self { open, thread })
    }

    /// Cuts every connection.
    pub(crate) fn stop(self) {
        drop(self.open);
        let _panicked = self.thread.join();
    }
}

fn count_connections(metrics: &Metrics, mut crowds: Vec<Arc<Crowd>>) {
    let connections = metrics.gauge("rustsocks_http_connections", "Open HTTP connections.");
    // A listener has a socket for each thread that accepts, and one crowd.
    crowds.dedup_by(|one, other| Arc::ptr_eq(one, other));
    metrics.before_each_scrape(move || {
        let open: usize = crowds.iter().map(|crowd| crowd.count()).sum();
        connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    });
}

fn adopt(sockets: Vec<OwnedFd>, runtime: &Runtime) -> io::Result<Vec<Listener>> {
    let _registers_here = runtime.enter();
    sockets.into_iter().map(Listener::adopt).collect()
}
