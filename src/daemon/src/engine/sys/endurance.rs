//! What keeps a connection from outliving a peer that is gone without a word.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Endurance {
    /// `None` sends no probes.
    pub(crate) keepalive: Option<Keepalive>,
    /// How long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`, tcp(7)); `None` leaves it to the kernel. It holds for
    /// unanswered probes, too, however many of them have been sent.
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

/// The longest time between two probes (tcp(7)), in seconds.
const MOST: u64 = 32_767;

impl Endurance {
    /// Makes it hold for a TCP socket, from now on.
    ///
    /// # Errors
    /// The words of setsockopt(2).
    pub(crate) fn give(&self, socket: &impl AsFd) -> io::Result<()> {
        self.stagger(socket)?;
        if self.user_timeout.is_some() {
            SockRef::from(socket).set_tcp_user_timeout(self.user_timeout)?;
        }
        Ok(())
    }

    /// Gives a TCP socket, which may have inherited the rest, its own moment to be probed.
    ///
    /// # Errors
    /// The words of setsockopt(2).
    pub(crate) fn stagger(&self, socket: &impl AsFd) -> io::Result<()> {
        let Some(keepalive) = self.keepalive else { return Ok(()) };
        let Keepalive { idle, interval, probes } = keepalive.staggered(socket.as_fd().as_raw_fd());
        let values = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(probes);
        SockRef::from(socket).set_tcp_keepalive(&values)
    }
}

impl Keepalive {
    /// Probes that begin earlier, by half at most, and come as much more slowly that the connection is given up at the same time.
    ///
    /// The kernel keeps such long times to a few seconds only. Of thousands of connections that fell silent together, all would
    /// be probed in one instant, and what finds no room in a queue then is lost.
    fn staggered(self, descriptor: RawFd) -> Self {
        let room = self.idle.as_secs() / 2 / u64::from(self.probes);
        let most = room.min(MOST.saturating_sub(self.interval.as_secs()));
        // Those of the same moment are neighbours.
        let slower = Duration::from_secs(u64::from(descriptor.unsigned_abs()) % (most + 1));
        Self {
            idle: self.idle.saturating_sub(slower * self.probes),
            interval: self.interval + slower,
            probes: self.probes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_probed_earlier_is_given_up_no_earlier() {
        let keepalive = of(60, 15, 4);
        let all: Vec<Keepalive> = (0..100).map(|descriptor| keepalive.staggered(descriptor)).collect();
        let first: Vec<u64> = all.iter().take(8).map(|each| each.idle.as_secs()).collect();
        assert_eq!(first, [60, 56, 52, 48, 44, 40, 36, 32]);
        for each in all {
            assert_eq!((each.idle + each.interval * each.probes).as_secs(), 120, "{each:?}");
        }
    }

    #[test]
    fn the_kernels_bounds_hold() {
        for keepalive in [of(1, 1, 127), of(32_767, 32_767, 1), of(32_767, 32_766, 1), of(32_767, 1, 1)] {
            for descriptor in [0, 1, 4_095, RawFd::MAX] {
                let Keepalive { idle, interval, .. } = keepalive.staggered(descriptor);
                assert!(idle >= Duration::from_secs(1) && interval.as_secs() <= MOST, "{keepalive:?}");
            }
        }
    }

    fn of(idle: u64, interval: u64, probes: u32) -> Keepalive {
        Keepalive { idle: Duration::from_secs(idle), interval: Duration::from_secs(interval), probes }
    }
}
