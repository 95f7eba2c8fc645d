//! Finds a port for a socket that a peer has to reach: out of the operator's range, or any that the kernel has.
//!
//! Knows nothing of what is bound; BIND passes a listener's bind, UDP ASSOCIATE a relay's.

use std::io;
use std::ops::RangeInclusive;

use nix::errno::Errno;

use super::chance;
use crate::state::session::refusal::Refusal;

/// Ports that are tried before the range counts as taken: a few milliseconds of system calls at worst.
const MOST_TRIES: usize = 2_048;

/// Calls `bind` with one port after the other until it takes one; without a range once, with port 0.
///
/// The search begins anywhere in the range, so that the next port cannot be foretold and the front is not crowded.
///
/// # Errors
/// `PortsExhausted` when every port tried is taken, `OutOfResources` without descriptors or memory,
/// `Internal` when the address itself cannot be bound.
pub(crate) fn first_free<T>(
    range: Option<RangeInclusive<u16>>,
    mut bind: impl FnMut(u16) -> io::Result<T>,
) -> Result<T, Refusal> {
    let Some(range) = range else {
        return bind(0).map_err(|error| refusal(&error));
    };
    for port in from_anywhere(range, chance::number()).take(MOST_TRIES) {
        match bind(port) {
            Err(error) if is_taken(&error) => {}
            other => return other.map_err(|error| refusal(&error)),
        }
    }
    Err(Refusal::PortsExhausted)
}

/// Every port of the range once, beginning where `chance` points.
fn from_anywhere(range: RangeInclusive<u16>, chance: u64) -> impl Iterator<Item = u16> {
    let ports = range.len().max(1);
    let start = usize::try_from(chance % ports as u64).expect("it is less than the ports of a range");
    range.cycle().skip(start).take(ports)
}

fn is_taken(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EADDRINUSE as i32)
}

/// What it means to a client that a socket cannot be opened or bound.
pub(crate) fn refusal(error: &io::Error) -> Refusal {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRINUSE) => Refusal::PortsExhausted,
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => Refusal::OutOfResources,
        Some(_) | None => Refusal::Internal,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::*;

    #[test]
    fn every_port_of_the_range_comes_once_wherever_the_search_begins() {
        for chance in [0, 1, 9, 10, 11, u64::MAX] {
            let mut ports: Vec<u16> = from_anywhere(20_000..=20_009, chance).collect();
            assert_eq!(ports[0], 20_000 + u16::try_from(chance % 10).unwrap());
            ports.sort_unstable();
            assert!(ports.into_iter().eq(20_000..=20_009));
        }
    }

    #[test]
    fn a_range_is_exhausted_only_when_each_of_its_ports_is_taken() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        assert_eq!(first_free(Some(port..=port), bind).unwrap_err(), Refusal::PortsExhausted);
        drop(taken);
        assert_eq!(first_free(Some(port..=port), bind).unwrap().local_addr().unwrap().port(), port);
    }

    #[test]
    fn a_large_range_is_given_up_after_a_bounded_search() {
        let mut tries = 0;
        let in_use = |_| {
            tries += 1;
            Err::<(), _>(Errno::EADDRINUSE.into())
        };
        assert_eq!(first_free(Some(1_024..=65_535), in_use), Err(Refusal::PortsExhausted));
        assert_eq!(tries, MOST_TRIES);
    }

    #[test]
    fn an_error_that_another_port_cannot_cure_ends_the_search() {
        check(Errno::EMFILE, Refusal::OutOfResources);
        check(Errno::EADDRNOTAVAIL, Refusal::Internal);
    }

    #[test]
    fn without_a_range_the_kernel_chooses() {
        assert_eq!(first_free(None, Ok::<u16, io::Error>), Ok(0));
    }

    fn check(errno: Errno, expected: Refusal) {
        let mut tries = 0;
        let failing = |_| {
            tries += 1;
            Err::<(), _>(errno.into())
        };
        assert_eq!((first_free(Some(1_024..=2_000), failing), tries), (Err(expected), 1));
    }
}
