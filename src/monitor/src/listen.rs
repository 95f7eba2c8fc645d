//! Binds every listener of the plan, before any worker exists, and keeps them.
//!
//! A worker gets duplicates: when it crashes, the sockets stay open here and new connections wait in their queues instead of being refused.
//! Knows nothing of workers or of what is spoken on the connections; it never accepts one.

mod tcp;
mod unix;

use std::os::fd::OwnedFd;
use std::rc::Rc;

use tracing::info;

use self::unix::SocketFile;
use crate::outcome::BindError;
use crate::plan::{Listener, Plan};

/// All listeners, until they are dropped; the files of Unix listeners then go too.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<Bound>,
    files: Vec<SocketFile>,
}

/// One listening socket and the place it has in the worker.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) index: u16,
    pub(crate) thread: u16,
    pub(crate) socket: Rc<OwnedFd>,
}

impl Listeners {
    /// Binds all or nothing.
    pub(crate) fn bind(plan: &Plan) -> Result<Self, BindError> {
        let mut all = Self::default();
        for (position, listener) in plan.listeners.iter().enumerate() {
            let index = u16::try_from(position).map_err(|_| BindError::TooMany { found: plan.listeners.len() })?;
            all.add(index, listener, plan)?;
        }
        Ok(all)
    }

    fn add(&mut self, index: u16, listener: &Listener, plan: &Plan) -> Result<(), BindError> {
        match listener {
            Listener::Tcp { address } => {
                let (address, group) = tcp::bind(*address, plan)?;
                info!(listener = index, %address, sockets = group.len(), "listening");
                self.give(index, group.into_iter().map(|socket| Rc::new(socket.into())));
            }
            Listener::Unix { path, mode } => {
                let (socket, file) = unix::bind(path, *mode, plan.backlog)?;
                info!(listener = index, path = %path.display(), "listening");
                let shared = Rc::new(OwnedFd::from(socket));
                self.give(index, (0..plan.threads.get()).map(|_| Rc::clone(&shared)));
                self.files.push(file);
            }
        }
        Ok(())
    }

    fn give(&mut self, index: u16, sockets: impl Iterator<Item = Rc<OwnedFd>>) {
        let bound = (0..).zip(sockets).map(|(thread, socket)| Bound { index, thread, socket });
        self.sockets.extend(bound);
    }
}
