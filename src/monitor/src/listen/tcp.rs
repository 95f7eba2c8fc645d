//! TCP listeners: one `SO_REUSEPORT` group per address, one socket per thread of the worker.
//!
//! The first socket takes the port alone, so that a second daemon on the same port fails clearly instead of stealing connections.
//! Only then is the port opened to the others of the group.
//! What remains: once the group is open, a process of the same effective uid could join it and get its share of the new connections (`socket(7)`).
//! With one thread there is no group and no such door.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::outcome::BindError;
use crate::plan::{Accepted, Terms};

/// Listeners of our own that are about to go, or whose sockets the worker has not closed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbours {
    None,
    /// Some have the port that is wanted, so that a listener can come back, or move from one address to all of them, without a gap.
    OnThePort,
}

impl Neighbours {
    /// Those among these addresses.
    pub(super) fn of(wanted: SocketAddr, ours: &[SocketAddr]) -> Self {
        let is_neighbour = |address: &SocketAddr| {
            wanted.port() != 0 && address.port() == wanted.port() && address.is_ipv4() == wanted.is_ipv4()
        };
        if ours.iter().any(is_neighbour) { Self::OnThePort } else { Self::None }
    }
}

/// Lets further sockets of this process have the port of these.
pub(super) fn open_to_others(sockets: &[Rc<OwnedFd>]) -> io::Result<()> {
    sockets.iter().try_for_each(|socket| SockRef::from(&**socket).set_reuse_port(true))
}

/// The sockets of one address, one for each thread.
pub(super) fn bind(
    address: SocketAddr,
    threads: NonZeroU16,
    terms: &Terms,
    neighbours: Neighbours,
) -> Result<Vec<Socket>, BindError> {
    group(address, threads, terms, neighbours).map_err(|cause| explain(address, cause))
}

/// Gives a socket that listens already what other terms say of it.
pub(super) fn follow(socket: &OwnedFd, terms: &Terms) -> io::Result<()> {
    let socket = SockRef::from(socket);
    bequeath(&socket, terms.accepted)?;
    listen(&socket, terms)
}

fn group(address: SocketAddr, threads: NonZeroU16, terms: &Terms, neighbours: Neighbours) -> io::Result<Vec<Socket>> {
    let first = prepared(address, terms.accepted)?;
    first.set_reuse_port(neighbours == Neighbours::OnThePort)?;
    first.bind(&address.into())?;
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    let mut sockets = vec![first];
    if threads.get() > 1 {
        sockets[0].set_reuse_port(true)?;
    }
    for _ in 1..threads.get() {
        sockets.push(sibling(address, terms)?);
    }
    sockets.iter().try_for_each(|socket| listen(socket, terms))?;
    Ok(sockets)
}

/// A socket that listens already only changes the length of its queue.
fn listen(socket: &Socket, terms: &Terms) -> io::Result<()> {
    socket.listen(i32::try_from(terms.backlog).unwrap_or(i32::MAX))
}

fn sibling(address: SocketAddr, terms: &Terms) -> io::Result<Socket> {
    let socket = prepared(address, terms.accepted)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A socket with every option that it needs before it is bound, and every option that its connections shall inherit.
fn prepared(address: SocketAddr, accepted: Accepted) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // Connections of an earlier run that linger in TIME_WAIT must not keep the port; a listening socket still does.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    bequeath(&socket, accepted)?;
    Ok(socket)
}

fn bequeath(socket: &Socket, accepted: Accepted) -> io::Result<()> {
    socket.set_tcp_nodelay(accepted.nodelay)?;
    socket.set_out_of_band_inline(accepted.oob_inline)?;
    socket.set_keepalive(accepted.keepalive.is_some())?;
    if let Some(keepalive) = accepted.keepalive {
        let values = TcpKeepalive::new()
            .with_time(keepalive.idle)
            .with_interval(keepalive.interval)
            .with_retries(keepalive.probes);
        socket.set_tcp_keepalive(&values)?;
    }
    socket.set_tcp_user_timeout(accepted.user_timeout)
}

fn explain(address: SocketAddr, cause: io::Error) -> BindError {
    let kind = cause.kind();
    if kind == ErrorKind::AddrInUse {
        BindError::InUse { address }
    } else if kind == ErrorKind::AddrNotAvailable {
        BindError::NotHere { address }
    } else if kind == ErrorKind::PermissionDenied && address.port() < 1024 {
        BindError::Privileged { address }
    } else {
        BindError::Tcp { address, cause }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::plan::Keepalive;

    fn terms(accepted: Accepted) -> Terms {
        Terms { accepted, ..Terms::for_tests() }
    }

    /// A group of so many sockets, and its address.
    fn bound(address: SocketAddr, threads: u16, accepted: Accepted) -> Result<(SocketAddr, Vec<Socket>), BindError> {
        let threads = NonZeroU16::new(threads).expect("some threads");
        let sockets = bind(address, threads, &terms(accepted), Neighbours::None)?;
        let address = sockets[0].local_addr().expect("bound").as_socket().expect("TCP has addresses");
        Ok((address, sockets))
    }

    fn any_port(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().expect("an address"), 0)
    }

    #[test]
    fn connections_spread_over_all_sockets_of_the_group_and_none_is_lost() {
        let (address, sockets) = bound(any_port("127.0.0.1"), 4, Accepted::default()).expect("bound");
        let clients: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).expect("connected")).collect();
        let accepted = sockets.iter().map(|socket| std::iter::from_fn(|| socket.accept().ok()).count());
        let accepted: Vec<usize> = accepted.collect();
        assert_eq!(accepted.iter().sum::<usize>(), clients.len());
        assert!(accepted.iter().all(|&share| share > 0), "{accepted:?}");
    }

    #[test]
    fn a_second_daemon_on_the_same_port_is_refused_and_told_how_to_find_the_first() {
        for threads in [1, 4] {
            let (address, _sockets) = bound(any_port("127.0.0.1"), threads, Accepted::default()).expect("bound");
            let error = bound(address, threads, Accepted::default()).expect_err("refused").to_string();
            let hint =
                format!("cannot listen on {address}: somebody else does; `ss -ltnp 'sport = :{}'`", address.port());
            assert!(error.starts_with(&hint), "{error}");
        }
    }

    #[test]
    fn a_port_whose_old_connections_linger_is_free() {
        let (address, sockets) = bound(any_port("127.0.0.1"), 2, Accepted::default()).expect("bound");
        let client = TcpStream::connect(address).expect("connected");
        let served = sockets.iter().find_map(|socket| socket.accept().ok()).expect("accepted");
        // The side that closes first keeps the pair of addresses in TIME_WAIT.
        drop((sockets, served));
        drop(client);
        assert!(bound(address, 2, Accepted::default()).is_ok());
    }

    #[test]
    fn an_ipv6_listener_leaves_ipv4_to_others() {
        // Somebody else may have a port for IPv4 by chance, but not every time.
        let is_shared = |_| {
            let (address, _sockets) = bound(any_port("::"), 2, Accepted::default()).expect("bound");
            TcpListener::bind(("0.0.0.0", address.port())).is_ok()
        };
        assert!((0..20).any(is_shared));
    }

    #[test]
    fn accepted_connections_inherit_every_option() {
        let keepalive = Keepalive { idle: Duration::from_mins(1), interval: Duration::from_secs(15), probes: 4 };
        let user_timeout = Some(Duration::from_secs(42));
        let accepted = Accepted { nodelay: true, keepalive: Some(keepalive), user_timeout, oob_inline: true };
        let (address, sockets) = bound(any_port("127.0.0.1"), 1, accepted).expect("bound");
        let _client = TcpStream::connect(address).expect("connected");
        let (socket, _) = sockets[0].accept().expect("accepted");

        assert!(socket.tcp_nodelay().expect("read"));
        assert!(socket.out_of_band_inline().expect("read"));
        assert!(socket.keepalive().expect("read"));
        assert_eq!(socket.tcp_keepalive_time().expect("read"), keepalive.idle);
        assert_eq!(socket.tcp_keepalive_interval().expect("read"), keepalive.interval);
        assert_eq!(socket.tcp_keepalive_retries().expect("read"), keepalive.probes);
        assert_eq!(socket.tcp_user_timeout().expect("read"), user_timeout);
    }

    #[test]
    fn a_foreign_address_is_refused_and_told_where_the_own_ones_are_listed() {
        let error = bound(any_port("192.0.2.1"), 1, Accepted::default()).expect_err("refused").to_string();
        assert!(error.contains("no interface of this host has that address; `ip -brief address`"), "{error}");
    }

    #[test]
    fn a_missing_privilege_is_named_only_where_it_is_the_cause() {
        for (address, words) in
            [("127.0.0.1:1023", "CAP_NET_BIND_SERVICE"), ("127.0.0.1:1024", "cannot listen on 127.0.0.1:1024")]
        {
            let address = address.parse().expect("an address");
            let error = explain(address, ErrorKind::PermissionDenied.into()).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
