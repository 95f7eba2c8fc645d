//! Binds every listener of the plan, before any worker exists, and keeps them.
//!
//! A worker gets duplicates: when it crashes, the sockets stay open here and new connections wait in their queues instead of being refused.
//! Other terms are claimed first, all new listeners or none, and settled when the worker serves by them.
//! Where the service manager has opened a socket already, that one is taken and none is bound.
//! Knows nothing of workers or of what is spoken on the connections; it never accepts one.

mod activated;
mod tcp;
mod unix;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use socket2::SockRef;
use tracing::{info, warn};
use wire::ToSuccessor;

pub(crate) use self::activated::Activated;
use self::tcp::Neighbours;
use self::unix::SocketFile;
use crate::outcome::BindError;
use crate::plan::{Listener, Terms};

/// All listeners, until they are dropped; the files of Unix listeners then go too.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// In the order of the configuration.
    held: Vec<Held>,
    /// Where the terms before listened; the worker lets go of these a moment later.
    left: Vec<SocketAddr>,
    activated: Activated,
}

#[derive(Debug)]
struct Held {
    listener: Listener,
    /// One for each thread.
    sockets: Vec<Rc<OwnedFd>>,
    file: Option<SocketFile>,
    maker: Maker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Ourselves,
    /// It has them too, so that their port stays taken when they are closed here.
    ServiceManager,
}

/// The listeners of terms that are not in force yet; what is new in it is bound, and gone if this is dropped.
#[derive(Debug)]
pub(crate) struct Claim(Vec<Place>);

#[derive(Debug)]
enum Place {
    /// The listener that is held at this position stays.
    Kept(usize),
    New(Held),
}

/// One listening socket and the place it has in the worker.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) index: u16,
    pub(crate) thread: u16,
    pub(crate) socket: Rc<OwnedFd>,
}

impl Listeners {
    /// Binds all or nothing, but what the service manager has bound.
    pub(crate) fn bind(terms: &Terms, threads: NonZeroU16, activated: Activated) -> Result<Self, BindError> {
        activated.announce(&terms.listeners);
        let mut none = Self { activated, ..Self::default() };
        let claim = none.claim(terms, threads)?;
        none.settle(claim, terms);
        Ok(none)
    }

    /// Binds what these terms have and the present ones have not, all or nothing.
    pub(crate) fn claim(&self, terms: &Terms, threads: NonZeroU16) -> Result<Claim, BindError> {
        let found = terms.listeners.len();
        u16::try_from(found).map_err(|_| BindError::TooMany { found })?;
        let kept = self.kept(&terms.listeners);
        let leaving = |position: &usize| !kept.contains(&Some(*position));
        let leaving: Vec<&Held> = (0..self.held.len()).filter(leaving).map(|position| &self.held[position]).collect();
        let neighbours = self.left.iter().copied().chain(leaving.iter().filter_map(|held| held.open_to_others()));
        let neighbours: Vec<SocketAddr> = neighbours.collect();
        let wanted = terms.listeners.iter().zip(&kept);
        let places = wanted.map(|(listener, kept)| match kept {
            Some(position) => Ok(Place::Kept(*position)),
            None => self.open(listener, terms, threads, &neighbours).map(Place::New),
        });
        places.collect::<Result<_, _>>().map(Claim)
    }

    /// Puts the claimed terms in force: what they do not have is closed, and what stays follows them.
    pub(crate) fn settle(&mut self, claim: Claim, terms: &Terms) {
        let mut before: Vec<Option<Held>> = std::mem::take(&mut self.held).into_iter().map(Some).collect();
        for ((index, place), listener) in claim.0.into_iter().enumerate().zip(&terms.listeners) {
            match place {
                Place::New(held) => {
                    held.announce(index);
                    self.held.push(held);
                }
                Place::Kept(position) => {
                    let mut held = before[position].take().expect("no two places keep the same listener");
                    held.follow(listener, terms);
                    self.held.push(held);
                }
            }
        }
        self.left.clear();
        for gone in before.into_iter().flatten() {
            info!(listener = %gone.listener, "no longer listening");
            self.left.extend(gone.open_to_others());
        }
    }

    /// Every listener for whoever takes this program's place, with its sockets, each once.
    ///
    /// # Errors
    /// A path that is not UTF-8, which no configuration has.
    pub(crate) fn left_behind(&self) -> io::Result<Vec<(ToSuccessor, Vec<Rc<OwnedFd>>)>> {
        self.held.iter().map(|held| Ok((held.left_behind()?, held.distinct_sockets()))).collect()
    }

    /// A listener of the program whose place this one has taken; its sockets come next.
    pub(crate) fn inherit(&mut self, listener: Listener, file: Option<(u64, u64)>) {
        let file = match &listener {
            Listener::Unix { path, .. } => file.map(|identity| SocketFile::known(path, identity)),
            Listener::Tcp { .. } => None,
        };
        self.held.push(Held { listener, sockets: Vec::new(), file, maker: Maker::Ourselves });
    }

    /// Says whether there is a listener to which they can belong.
    pub(crate) fn inherit_sockets(&mut self, sockets: Vec<OwnedFd>) -> bool {
        let Some(held) = self.held.last_mut() else { return false };
        held.sockets.extend(sockets.into_iter().map(Rc::new));
        true
    }

    /// Whether each has a socket.
    pub(crate) fn are_whole(&self) -> bool {
        self.held.iter().all(|held| !held.sockets.is_empty())
    }

    /// Every socket and its place as they will be by a claim.
    pub(crate) fn claimed(&self, claim: &Claim, threads: NonZeroU16) -> Vec<Bound> {
        let held = claim.0.iter().map(|place| match place {
            Place::Kept(position) => &self.held[*position],
            Place::New(held) => held,
        });
        held.enumerate().flat_map(|(index, held)| held.shared_among(index, threads)).collect()
    }

    /// Every socket and its place.
    pub(crate) fn sockets(&self, threads: NonZeroU16) -> Vec<Bound> {
        self.held.iter().enumerate().flat_map(|(index, held)| held.shared_among(index, threads)).collect()
    }

    fn open(
        &self,
        listener: &Listener,
        terms: &Terms,
        threads: NonZeroU16,
        neighbours: &[SocketAddr],
    ) -> Result<Held, BindError> {
        let given = self.activated.at_place_of(listener);
        if given.is_empty() {
            Held::bind(listener, terms, threads, neighbours)
        } else {
            Ok(Held::adopt(listener, terms, given))
        }
    }

    /// The position at which each of these is held already; nobody's twice.
    fn kept(&self, wanted: &[Listener]) -> Vec<Option<usize>> {
        let mut free: Vec<usize> = (0..self.held.len()).collect();
        let mut position_of = |listener: &Listener| {
            let at = free.iter().position(|position| self.held[*position].listener.is_at_place_of(listener))?;
            Some(free.remove(at))
        };
        wanted.iter().map(&mut position_of).collect()
    }
}

impl Claim {
    /// The sockets that are new, and their places in the claimed terms.
    pub(crate) fn new_sockets(&self, threads: NonZeroU16) -> Vec<Bound> {
        let new = self.0.iter().enumerate().filter_map(|(index, place)| match place {
            Place::Kept(_) => None,
            Place::New(held) => Some(held.shared_among(index, threads)),
        });
        new.flatten().collect()
    }
}

impl Held {
    fn bind(
        listener: &Listener,
        terms: &Terms,
        threads: NonZeroU16,
        neighbours: &[SocketAddr],
    ) -> Result<Self, BindError> {
        let (sockets, file) = match listener {
            Listener::Tcp { address } => {
                let neighbours = Neighbours::of(*address, neighbours);
                let group = tcp::bind(*address, threads, terms, neighbours)?;
                (group.into_iter().map(|socket| Rc::new(socket.into())).collect(), None)
            }
            Listener::Unix { path, mode, group } => {
                let (socket, file) = unix::bind(path, *mode, *group, terms.backlog)?;
                let shared = Rc::new(OwnedFd::from(socket));
                (vec![shared; threads.get().into()], Some(file))
            }
        };
        Ok(Self { listener: listener.clone(), sockets, file, maker: Maker::Ourselves })
    }

    /// Takes sockets that listen already; a Unix socket's file stays its maker's.
    fn adopt(listener: &Listener, terms: &Terms, sockets: Vec<Rc<OwnedFd>>) -> Self {
        let file = match listener {
            Listener::Unix { path, .. } => Some(SocketFile::of_somebody_else(path)),
            Listener::Tcp { .. } => None,
        };
        let mut held = Self { listener: listener.clone(), sockets, file, maker: Maker::ServiceManager };
        held.follow(listener, terms);
        held
    }

    /// The address of a TCP listener, whose port others of this process may have too from now on.
    fn open_to_others(&self) -> Option<SocketAddr> {
        match (&self.listener, self.maker) {
            (Listener::Tcp { address }, Maker::Ourselves) => tcp::open_to_others(&self.sockets).ok().map(|()| *address),
            (Listener::Tcp { .. }, Maker::ServiceManager) | (Listener::Unix { .. }, _) => None,
        }
    }

    fn left_behind(&self) -> io::Result<ToSuccessor> {
        match (&self.listener, &self.file) {
            (Listener::Unix { path, mode, .. }, Some(file)) => {
                let path = path.to_str().ok_or_else(|| io::Error::other("the path of a listener is not UTF-8"))?;
                let (device, inode) = file.identity();
                Ok(ToSuccessor::Unix { path: path.to_owned(), mode: *mode, device, inode })
            }
            (Listener::Tcp { address }, _) => Ok(ToSuccessor::Tcp { address: *address }),
            (Listener::Unix { .. }, None) => Err(io::Error::other("a listener without its file")),
        }
    }

    /// Threads share the one socket of a Unix listener.
    fn distinct_sockets(&self) -> Vec<Rc<OwnedFd>> {
        let mut sockets = self.sockets.clone();
        sockets.dedup_by(|one, other| Rc::ptr_eq(one, other));
        sockets
    }

    fn announce(&self, index: usize) {
        let address = self.sockets.first().and_then(|socket| SockRef::from(&**socket).local_addr().ok()?.as_socket());
        match (&self.listener, address) {
            (Listener::Tcp { .. }, Some(address)) => {
                info!(listener = index, %address, sockets = self.sockets.len(), "listening");
            }
            (listener, _) => info!(listener = index, path = %listener, "listening"),
        }
    }

    /// Gives a listener that stays what other terms say of it.
    fn follow(&mut self, listener: &Listener, terms: &Terms) {
        let followed = match (listener, &self.file) {
            (Listener::Tcp { .. }, _) => self.sockets.iter().try_for_each(|socket| tcp::follow(socket, terms)),
            (Listener::Unix { mode, .. }, Some(file)) => {
                file.set_mode(*mode).and_then(|()| unix::follow(&self.sockets[0], terms.backlog))
            }
            (Listener::Unix { .. }, None) => Ok(()),
        };
        if let Err(error) = followed {
            warn!(%listener, %error, "this listener keeps some of its former options");
        }
        self.listener = listener.clone();
    }

    /// For a worker of so many threads, which an earlier one had not, or the service manager did not know: each thread accepts on a socket,
    /// and no socket is left alone.
    fn shared_among(&self, index: usize, threads: NonZeroU16) -> impl Iterator<Item = Bound> {
        let index = u16::try_from(index).expect("a claim has at most 65,536 listeners");
        let threads = usize::from(threads.get());
        (0..threads.max(self.sockets.len())).filter_map(move |place| {
            let socket = self.sockets.get(place % self.sockets.len().max(1))?;
            let thread = u16::try_from(place % threads).expect("there are at most 65,535 threads");
            Some(Bound { index, thread, socket: Rc::clone(socket) })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    use super::*;

    fn terms(listeners: &[Listener]) -> Terms {
        Terms { listeners: listeners.to_vec(), ..Terms::for_tests() }
    }

    fn tcp(address: &str) -> Listener {
        Listener::Tcp { address: address.parse().expect("an address") }
    }

    fn unix(path: &Path, mode: u32) -> Listener {
        Listener::Unix { path: path.to_owned(), mode, group: None }
    }

    fn threads(count: u16) -> NonZeroU16 {
        NonZeroU16::new(count).expect("some threads")
    }

    fn address(bound: &Bound) -> SocketAddr {
        let address = SockRef::from(&*bound.socket).local_addr().expect("bound").as_socket();
        address.expect("TCP has addresses")
    }

    /// A port that is free on every address, from below those that the kernel gives to clients.
    fn free_port() -> u16 {
        let first = 20_000 + u16::try_from(std::process::id() % 10_000).expect("less than 10,000");
        let is_free = |port: &u16| {
            Listeners::bind(&terms(&[tcp(&format!("0.0.0.0:{port}"))]), threads(1), Activated::default()).is_ok()
        };
        (first..u16::MAX).find(is_free).expect("some port is free")
    }

    #[test]
    fn what_stays_keeps_its_socket_and_takes_its_new_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let (first, second) = (tcp("127.0.0.1:0"), tcp("127.0.0.2:0"));
        let mut listeners =
            Listeners::bind(&terms(&[first, second.clone()]), threads(2), Activated::default()).expect("bound");
        let before = listeners.sockets(threads(2));
        let next = terms(&[unix(&path, 0o600), second]);
        let claim = listeners.claim(&next, threads(2)).expect("bound");
        assert_eq!(
            claim.new_sockets(threads(2)).iter().map(|bound| (bound.index, bound.thread)).collect::<Vec<_>>(),
            [(0, 0), (0, 1)]
        );
        TcpStream::connect(address(&before[0])).expect("until it is settled, nothing has changed");
        listeners.settle(claim, &next);
        let after = listeners.sockets(threads(2));
        assert_eq!(
            after.iter().map(|bound| (bound.index, bound.thread)).collect::<Vec<_>>(),
            [(0, 0), (0, 1), (1, 0), (1, 1)]
        );
        assert!(Rc::ptr_eq(&after[2].socket, &before[2].socket) && Rc::ptr_eq(&after[3].socket, &before[3].socket));
        UnixStream::connect(&path).expect("connected");
        let gone = address(&before[0]);
        drop(before);
        TcpStream::connect(gone).expect_err("nobody listens there any more");
    }

    #[test]
    fn what_the_service_manager_has_bound_is_taken_by_every_thread_and_can_come_back() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let place = socket.local_addr().expect("bound");
        let (with, without) = (terms(&[tcp(&place.to_string())]), terms(&[]));
        let activated = Activated::of("socks", socket);
        let mut listeners = Listeners::bind(&with, threads(3), activated).expect("nothing is bound");
        let threads_of = |sockets: Vec<Bound>| sockets.iter().map(|bound| bound.thread).collect::<Vec<_>>();
        assert_eq!(threads_of(listeners.sockets(threads(3))), [0, 1, 2]);
        for next in [&without, &with] {
            let claim = listeners.claim(next, threads(3)).expect("its place is not bound a second time");
            assert_eq!(threads_of(claim.new_sockets(threads(3))).len(), next.listeners.len() * 3);
            listeners.settle(claim, next);
        }
        let client = TcpStream::connect(place).expect("connected");
        let bound = &listeners.sockets(threads(3))[2];
        let (_, peer) = SockRef::from(&*bound.socket).accept().expect("it is the same socket for all");
        assert_eq!(peer.as_socket(), client.local_addr().ok());
        let error =
            listeners.claim(&terms(&[tcp(&format!("0.0.0.0:{}", place.port()))]), threads(1)).expect_err("taken");
        assert!(error.to_string().contains("somebody else does"), "{error}");
    }

    #[test]
    fn if_one_cannot_be_had_nothing_changes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let other = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let taken = other.local_addr().expect("bound").to_string();
        let listeners =
            Listeners::bind(&terms(&[tcp("127.0.0.1:0")]), threads(1), Activated::default()).expect("bound");
        let error = listeners.claim(&terms(&[unix(&path, 0o600), tcp(&taken)]), threads(1)).expect_err("refused");
        assert!(error.to_string().contains("somebody else does"), "{error}");
        assert!(!path.exists(), "what was bound before is gone");
        TcpStream::connect(address(&listeners.sockets(threads(1))[0])).expect("connected");
    }

    #[test]
    fn a_listener_moves_between_one_address_and_all_of_them() {
        for count in [1, 3] {
            let port = free_port();
            let places = ["127.0.0.1", "0.0.0.0", "127.0.0.2"].map(|ip| terms(&[tcp(&format!("{ip}:{port}"))]));
            let mut listeners = Listeners::bind(&places[0], threads(count), Activated::default()).expect("bound");
            for place in &places[1..] {
                let claim = listeners.claim(place, threads(count)).expect("bound beside the one that leaves");
                listeners.settle(claim, place);
                TcpStream::connect(("127.0.0.2", port)).expect("connected");
            }
            TcpStream::connect(("127.0.0.1", port)).expect_err("it has left there");
        }
    }

    /// The worker goes on for a moment with its duplicates.
    #[test]
    fn a_listener_comes_back_while_its_former_sockets_are_still_open() {
        for count in [1, 3] {
            let (place, nothing) = (terms(&[tcp(&format!("127.0.0.1:{}", free_port()))]), terms(&[]));
            let mut listeners = Listeners::bind(&place, threads(count), Activated::default()).expect("bound");
            let of_worker = listeners.sockets(threads(1));
            for next in [&nothing, &place] {
                let claim = listeners.claim(next, threads(count)).expect("bound beside the former sockets");
                listeners.settle(claim, next);
            }
            drop(of_worker);
            TcpStream::connect(address(&listeners.sockets(threads(1))[0])).expect("connected");
        }
    }

    #[test]
    fn what_stays_follows_its_mode_and_options() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socks");
        let place = tcp("127.0.0.1:0");
        let mut listeners =
            Listeners::bind(&terms(&[unix(&path, 0o600), place.clone()]), threads(1), Activated::default())
                .expect("bound");
        let mut next = terms(&[unix(&path, 0o666), place]);
        next.accepted.nodelay = true;
        let claim = listeners.claim(&next, threads(1)).expect("nothing is new");
        assert_eq!(claim.new_sockets(threads(1)).len(), 0);
        listeners.settle(claim, &next);
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o666);
        assert!(SockRef::from(&*listeners.sockets(threads(1))[1].socket).tcp_nodelay().expect("read"));
    }
}
