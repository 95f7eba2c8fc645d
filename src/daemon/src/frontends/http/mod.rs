//! HTTP: what is counted, and whether all is well.
//!
//! A bounded front of ours stands before `tiny_http`, which must not face anybody: it has no bound on heads, threads or time,
//! allocates whatever a length announces, and gives up for good when accepting fails once.
//! The front takes one strict request from each connection, within bounds of size, time and number, refuses everything that two
//! readers could read differently, and hands what is left on, written anew, over a socket that only this process can reach.
//! It has a thread of its own and its handlers have theirs, so that neither waits for a relay, nor a relay for them.

mod front;

mod crowd;
mod exchange;
mod head;
mod hosts;
mod problem;

mod inner;

mod answer;
mod office;
mod routes;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use self::front::Front;
pub(crate) use self::hosts::Hosts;
use self::inner::Inner;
pub(crate) use self::office::Office;
use crate::engine::sys::listener::Listener;
use crate::engine::sys::private_socket::PrivateSocket;

/// Descriptors that it has open at most: for those who have a place and those who are turned away, for the ways of four of them
/// to the inner server, and for itself.
pub(crate) const DESCRIPTORS: usize = 112;

/// The HTTP frontend, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Http {
    /// Dropped to end the front.
    open: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Http {
    /// Serves the routes on these listening sockets.
    ///
    /// # Errors
    /// A socket is not what it should be, or the kernel gives no thread or descriptor.
    pub(crate) fn start(
        sockets: Vec<OwnedFd>,
        private_socket: PrivateSocket,
        hosts: Hosts,
        office: Office,
    ) -> io::Result<Self> {
        let metrics = Arc::clone(&office.metrics);
        let front = Arc::new(Front::new(hosts, &metrics, Inner::start(private_socket, office)?));
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let listeners = adopt(sockets, &runtime)?;
        let (open, closed) = oneshot::channel::<()>();
        let serve = move || {
            for listener in listeners {
                runtime.spawn(front::accept(listener, Arc::clone(&front)));
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

fn adopt(sockets: Vec<OwnedFd>, runtime: &Runtime) -> io::Result<Vec<Listener>> {
    let _registers_here = runtime.enter();
    sockets.into_iter().map(Listener::adopt).collect()
}
