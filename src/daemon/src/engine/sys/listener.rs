//! A listening socket, TCP or Unix.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::stream::{Stream, unmapped};
use crate::state::session::facts::Origin;

#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Registers a non-blocking listening socket with the reactor of this thread.
    ///
    /// # Errors
    /// It is no listening socket, or the kernel cannot watch one more.
    pub(crate) fn adopt(socket: OwnedFd) -> io::Result<Self> {
        let address: SockaddrStorage = getsockname(socket.as_raw_fd())?;
        if address.family() == Some(AddressFamily::Unix) {
            return UnixListener::from_std(socket.into()).map(Self::Unix);
        }
        TcpListener::from_std(socket.into()).map(Self::Tcp)
    }

    /// # Errors
    /// Those of accept(2).
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Origin)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(from_tcp),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), Origin::Local)),
        }
    }
}

fn from_tcp((stream, peer): (TcpStream, SocketAddr)) -> (Stream, Origin) {
    (Stream::Tcp(stream), Origin::Address(unmapped(peer)))
}
