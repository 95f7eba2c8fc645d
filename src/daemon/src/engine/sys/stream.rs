//! A client's or a target's byte stream: TCP, or a Unix socket.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::queue;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Our own address on this connection, v4-mapped forms unmapped; `None` for a Unix socket.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok().map(unmapped),
            Self::Unix(_) => None,
        }
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    /// Runs one writing system call of the caller's own; `WouldBlock` clears the readiness.
    pub(crate) fn try_writing<R>(&self, call: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        match self {
            Self::Tcp(stream) => stream.try_io(Interest::WRITABLE, call),
            Self::Unix(stream) => stream.try_io(Interest::WRITABLE, call),
        }
    }

    /// Whether the peer's kernel has everything that was written here; a socket that cannot say has nothing to wait for.
    pub(crate) fn is_flushed(&self) -> bool {
        match self {
            Self::Tcp(stream) => queue::unacknowledged(stream.as_fd()).is_none_or(|bytes| bytes == 0),
            Self::Unix(_) => true,
        }
    }

    /// The error that the kernel holds for this socket since it was last asked, for instance a reset.
    pub(crate) fn pending_error(&self) -> Option<io::Error> {
        SockRef::from(&self.as_fd()).take_error().unwrap_or_else(Some)
    }

    /// Waits until the connection is broken, and says by what.
    pub(crate) async fn broken(&self) -> io::Error {
        let waited = match self {
            Self::Tcp(stream) => stream.ready(Interest::ERROR).await,
            Self::Unix(stream) => stream.ready(Interest::ERROR).await,
        };
        waited.err().or_else(|| self.pending_error()).unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    /// Sends a FIN: this side will write no more. A peer that is gone already is found out by reading.
    pub(crate) fn finish(&self) {
        let _peer_is_gone = SockRef::from(&self.as_fd()).shutdown(Shutdown::Write);
    }

    /// Closes with a reset instead of a FIN, so that a cut stream never looks complete.
    pub(crate) fn abort(self) {
        let _socket_is_dead = SockRef::from(&self.as_fd()).set_linger(Some(Duration::ZERO));
    }
}

/// `::ffff:a.b.c.d` as `a.b.c.d`.
pub(crate) fn unmapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(address, |ip| SocketAddr::new(IpAddr::V4(ip), address.port())),
        IpAddr::V4(_) => address,
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}
