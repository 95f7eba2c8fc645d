//! Accepts connections of one listener on one thread, and steps back while descriptors are out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use tokio::net::{TcpListener, UnixListener};

use super::{Door, World, serve};
use crate::engine::sys::stream::{Stream, unmapped};
use crate::state::session::facts::Origin;

/// How long accepting pauses when the kernel has no descriptor or memory: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Accepts for ever.
pub(crate) async fn accept(listener: Listener, door: Arc<Door>, world: Arc<World>) {
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, origin)) => {
                pause = PAUSE.0;
                tokio::spawn(serve::serve(Arc::clone(&world), Arc::clone(&door), stream, origin));
            }
            Err(error) if is_this_connection_only(&error) => {}
            Err(error) => {
                tracing::warn!(listener = %door.name, %error, pause_ms = pause.as_millis(), "cannot accept; pausing");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, Origin)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(from_tcp),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), Origin::Local)),
        }
    }
}

fn from_tcp((stream, peer): (tokio::net::TcpStream, SocketAddr)) -> (Stream, Origin) {
    (Stream::Tcp(stream), Origin::Address(unmapped(peer)))
}

/// accept(2): errors already pending on the new connection are passed up by accept; the next one may be fine.
fn is_this_connection_only(error: &io::Error) -> bool {
    let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
        return false;
    };
    [
        Errno::ECONNABORTED,
        Errno::EINTR,
        Errno::EPROTO,
        Errno::ENETDOWN,
        Errno::ENOPROTOOPT,
        Errno::EHOSTDOWN,
        Errno::ENONET,
        Errno::EHOSTUNREACH,
        Errno::EOPNOTSUPP,
        Errno::ENETUNREACH,
        Errno::ETIMEDOUT,
        Errno::EPERM,
    ]
    .contains(&errno)
}
