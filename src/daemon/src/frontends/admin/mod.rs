//! The admin socket: operators' programs on this host ask and order in lines of JSON (RAP/1, `wire::admin`).
//!
//! Who asks is what the kernel says, and what that one may do follows from groups of the system.
//! All conversations share one thread, apart from the relays; what may take long is done by a few others.
//! Everything has a bound, and whatever somebody is shown is worked out when it is sent: nobody who reads slowly makes anything grow.

mod reception;
mod roles;

mod aside;
mod conversation;
mod outbox;
mod presence;
mod subscription;
mod watch;

mod catalogue;
mod desk;
mod lanes;
mod meta;
mod ops;
mod outcomes;
mod refusals;

mod attention;
mod audit;
mod auth;
mod health;
mod history;
mod limits;
mod logs;
mod masking;
mod policy;
mod reload;
mod series;
mod sessions;
mod status;
mod support;
mod txn;
mod users;
mod view;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::UnixListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use wire::admin::Role;

use self::desk::Desk;
pub(crate) use self::desk::Terms;
use self::reception::Reception;
pub(crate) use self::roles::Roles;
use crate::frontends::office::Office;

/// Descriptors that conversations have open at most, and what waits on the sockets.
pub(crate) const DESCRIPTORS: usize = reception::MOST + reception::TURNED_AWAY + 8;

/// A listening socket, and the most that somebody may do who comes in there.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) sockets: Vec<OwnedFd>,
    pub(crate) ceiling: Role,
}

/// The admin frontend, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Admin {
    /// Dropped to end every conversation.
    open: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Admin {
    /// Lets operators in through these entrances.
    ///
    /// # Errors
    /// A socket is not what it should be, or the kernel gives no thread or descriptor.
    pub(crate) fn start(entrances: Vec<Entrance>, terms: Terms, office: Arc<Office>) -> io::Result<Self> {
        let reception = Arc::new(Reception::new(Desk::open(terms, office)?));
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let mut listeners = Vec::new();
        for Entrance { sockets, ceiling } in entrances {
            // Threads of the worker would share the one socket; here is one thread.
            let socket =
                sockets.into_iter().next().ok_or_else(|| io::Error::other("the monitor has handed over no socket"))?;
            listeners.push((adopt(socket, &runtime)?, ceiling));
        }
        let (open, closed) = oneshot::channel::<()>();
        let serve = move || {
            for (listener, ceiling) in listeners {
                runtime.spawn(reception::accept(listener, ceiling, Arc::clone(&reception)));
            }
            let _it_is_dropped = runtime.block_on(closed);
        };
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(serve)?;
        Ok(Self { open, thread })
    }

    /// Cuts every conversation.
    pub(crate) fn stop(self) {
        drop(self.open);
        let _panicked = self.thread.join();
    }
}

fn adopt(socket: OwnedFd, runtime: &Runtime) -> io::Result<UnixListener> {
    let _registers_here = runtime.enter();
    UnixListener::from_std(socket.into())
}
