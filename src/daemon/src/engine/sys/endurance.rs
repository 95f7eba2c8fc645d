//! What keeps a connection from outliving a peer that is gone without a word.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Endurance {
    /// `None` sends no probes.
    pub(crate) keepalive: Option<Keepalive>,
    /// How long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`, tcp(7)); `None` leaves it to the kernel.
    pub(crate) user_timeout: Option<Duration>,
}

/// When a silent peer is probed and given up (tcp(7)); whole seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keepalive {
    /// Silence before the first probe.
    pub(crate) idle: Duration,
    /// Between two probes.
    pub(crate) interval: Duration,
    /// Unanswered probes before the connection is given up.
    pub(crate) probes: u32,
}

impl Endurance {
    /// Makes it hold for a TCP socket, from now on.
    ///
    /// # Errors
    /// The words of setsockopt(2).
    pub(crate) fn give<'s>(&self, socket: impl Into<SockRef<'s>>) -> io::Result<()> {
        let kernel = socket.into();
        if let Some(keepalive) = &self.keepalive {
            kernel.set_tcp_keepalive(&probes(keepalive))?;
        }
        if self.user_timeout.is_some() {
            kernel.set_tcp_user_timeout(self.user_timeout)?;
        }
        Ok(())
    }
}

fn probes(keepalive: &Keepalive) -> TcpKeepalive {
    TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval).with_retries(keepalive.probes)
}
