//! Sockets that the service manager has opened before we were started (`sd_listen_fds(3)`), by the place where they listen.
//!
//! They stay here as long as the monitor does: a listener that a reload takes away can come back, and nobody else could bind its place.
//! Knows nothing of the configuration; whoever wants a place asks whether there are sockets for it.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;

use listenfd::ListenFd;
use socket2::SockRef;
use tracing::{info, warn};

use crate::plan::Listener;

/// Every socket that listens, until dropped.
#[derive(Debug, Default)]
pub(crate) struct Activated(Vec<Given>);

#[derive(Debug)]
struct Given {
    /// `FileDescriptorName=` of the socket unit.
    name: String,
    place: Place,
    socket: Rc<OwnedFd>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Activated {
    /// Takes what the environment says was left to this very process; to be called once, before it has descriptors of its own.
    ///
    /// What is no listening stream socket is told and left alone.
    pub(crate) fn from_environment() -> Self {
        // It looks for whom they are meant; the one that takes them would not mind a number that is missing.
        let names: Vec<String> = match sd_notify::listen_fds_with_names() {
            Ok(named) => named.map(|(_, name)| name).collect(),
            Err(error) => {
                warn!(%error, "the service manager's sockets cannot be taken over");
                return Self::default();
            }
        };
        if names.is_empty() {
            return Self::default();
        }
        let mut descriptors = ListenFd::from_env();
        let given = names.into_iter().enumerate().filter_map(|(index, name)| {
            let taken = take(&mut descriptors, index).and_then(|socket| Given::of(name.clone(), socket));
            if taken.is_none() {
                warn!(
                    name,
                    "the service manager left something that is no listening stream socket (Accept=no, ListenStream=)"
                );
            }
            taken
        });
        Self(given.collect())
    }

    #[cfg(test)]
    pub(super) fn of(name: &str, socket: impl Into<OwnedFd>) -> Self {
        Self(Given::of(name.to_owned(), socket.into()).into_iter().collect())
    }

    /// The sockets that listen where this listener should, if there are any.
    pub(super) fn at_place_of(&self, listener: &Listener) -> Vec<Rc<OwnedFd>> {
        let place = Place::of(listener);
        self.0.iter().filter(|given| given.place == place).map(|given| Rc::clone(&given.socket)).collect()
    }

    /// Says what becomes of each.
    pub(super) fn announce(&self, listeners: &[Listener]) {
        for Given { name, place, .. } in &self.0 {
            if listeners.iter().any(|listener| Place::of(listener) == *place) {
                info!(name, %place, "socket taken over from the service manager");
            } else {
                warn!(name, %place, "the service manager left a socket where no listener of the configuration is; nobody serves it");
            }
        }
    }
}

fn take(descriptors: &mut ListenFd, index: usize) -> Option<OwnedFd> {
    if let Ok(Some(socket)) = descriptors.take_tcp_listener(index) {
        return Some(socket.into());
    }
    descriptors.take_unix_listener(index).ok().flatten().map(OwnedFd::from)
}

impl Given {
    /// If it listens, and somewhere that a listener can be.
    fn of(name: String, socket: OwnedFd) -> Option<Self> {
        let found = SockRef::from(&socket);
        let address = found.local_addr().ok().filter(|_| found.is_listener().is_ok_and(|listens| listens))?;
        let tcp = address.as_socket().map(Place::Tcp);
        let place = tcp.or_else(|| Some(Place::Unix(address.as_pathname()?.to_owned())))?;
        // A worker that has lost the race for a connection must not wait for the next one.
        found.set_nonblocking(true).ok()?;
        Some(Self { name, place, socket: Rc::new(socket) })
    }
}

impl Place {
    fn of(listener: &Listener) -> Self {
        match listener {
            Listener::Tcp { address } => Self::Tcp(*address),
            Listener::Unix { path, .. } => Self::Unix(path.clone()),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn given(name: &str, socket: impl Into<OwnedFd>) -> Option<Given> {
        Given::of(name.to_owned(), socket.into())
    }

    #[test]
    fn a_socket_is_found_by_the_place_where_it_listens() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = tcp.local_addr().expect("bound");
        let unix = UnixListener::bind(&path).expect("bound");
        let activated = Activated([given("tcp", tcp), given("unix", unix)].into_iter().flatten().collect());
        assert_eq!(activated.at_place_of(&Listener::Tcp { address }).len(), 1);
        assert_eq!(activated.at_place_of(&Listener::Unix { path, mode: 0o600, group: None }).len(), 1);
        let elsewhere = SocketAddr::new([127, 0, 0, 2].into(), address.port());
        assert_eq!(activated.at_place_of(&Listener::Tcp { address: elsewhere }).len(), 0);
    }

    #[test]
    fn a_connection_is_not_taken_for_a_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let connection = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        assert!(given("connection", connection).is_none());
    }
}
