//! Sends datagrams in batches, and those that are alike as one train that the kernel cuts (`UDP_SEGMENT`, udp(7)).
//!
//! Nothing waits: what the socket does not take at once is dropped and counted.
//! Knows nothing of who may send where.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;

use nix::errno::Errno;
use tokio::net::UdpSocket;

use super::drops::{Cause, Drops};
use crate::engine::sys::datagrams::{self, BATCH, Outgoing};
use crate::state::session::flows::{Direction, Flows};
use crate::state::session::lane::Lane;

/// The kernel's `UDP_MAX_SEGMENTS` was 64 before Linux 6.9 and is more since.
const MOST_PER_TRAIN: usize = 64;

/// A train is one datagram to the IP layer; this leaves room for the headers and some options.
const LONGEST_TRAIN: usize = 65_000;

/// A socket and what it was found to be capable of.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) socket: UdpSocket,
    /// Datagrams up to this length leave as trains; lowered when the kernel or the device will not cut them.
    longest_in_train: usize,
}

/// One datagram on its way out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel<'a> {
    pub(super) to: SocketAddr,
    /// Whom the client exchanges it with.
    pub(super) peer: SocketAddr,
    /// What the relay puts in front; not counted as carried.
    pub(super) header: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// Where what one direction carries is written down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Books<'a> {
    pub(super) lane: &'a Lane,
    pub(super) flows: &'a Flows,
    pub(super) direction: Direction,
}

impl Parcel<'_> {
    fn length(&self) -> usize {
        self.header.len() + self.payload.len()
    }
}

impl Outlet {
    pub(super) fn new(socket: UdpSocket) -> Self {
        Self { socket, longest_in_train: LONGEST_TRAIN }
    }

    /// Sends what it can in the order given, writes it down in the books, and counts the rest among the drops.
    pub(super) fn post(&mut self, parcels: &[Parcel<'_>], books: Books<'_>, drops: &mut Drops) {
        let parts: Vec<IoSlice<'_>> = parcels.iter().flat_map(parts_of).collect();
        let mut done = 0;
        while done < parcels.len() {
            let trains = self.couple(&parcels[done..]);
            let mail = outgoing(&trains, &parts[2 * done..]);
            done += match datagrams::send(&self.socket, &mail) {
                Ok(sent) => books.carried(&trains[..sent]),
                Err(error) if self.may_be_too_long_in_train(trains[0], &error) => 0,
                Err(error) => dropped(trains[0], parcels.len() - done, &error, drops),
            };
        }
    }

    /// The next messages: each a train of parcels that are alike, or one parcel.
    fn couple<'a>(&self, mut parcels: &'a [Parcel<'a>]) -> Vec<&'a [Parcel<'a>]> {
        let mut trains = Vec::with_capacity(parcels.len().min(BATCH));
        while !parcels.is_empty() && trains.len() < BATCH {
            let (train, rest) = parcels.split_at(train(parcels, self.longest_in_train));
            trains.push(train);
            parcels = rest;
        }
        trains
    }

    /// Whether the error is about the train and not about the datagrams; if so, shorter ones are built from now on.
    fn may_be_too_long_in_train(&mut self, train: &[Parcel<'_>], error: &io::Error) -> bool {
        if train.len() == 1 {
            return false;
        }
        self.longest_in_train = match error.raw_os_error().map(Errno::from_raw) {
            // A datagram of a train must fit into one packet of the path.
            Some(Errno::EINVAL | Errno::EMSGSIZE) => train[0].length() - 1,
            // The device cannot compute checksums, or the kernel does not know trains.
            Some(Errno::EIO | Errno::ENOPROTOOPT | Errno::EOPNOTSUPP) => 0,
            Some(_) | None => return false,
        };
        true
    }
}

/// How many of the first parcels are alike enough to leave together: one address, one length of at most `longest`,
/// and only the last one may be shorter.
fn train(parcels: &[Parcel<'_>], longest: usize) -> usize {
    let length = parcels[0].length();
    if !(1..=longest).contains(&length) {
        return 1;
    }
    let most = MOST_PER_TRAIN.min(LONGEST_TRAIN / length).max(1);
    let alike = |parcel: &&Parcel<'_>| parcel.to == parcels[0].to && parcel.length() == length;
    let full = 1 + parcels[1..].iter().take(most - 1).take_while(alike).count();
    let is_last = |parcel: &Parcel<'_>| parcel.to == parcels[0].to && (1..length).contains(&parcel.length());
    full + usize::from(full < most && parcels.get(full).is_some_and(is_last))
}

fn parts_of<'a>(parcel: &Parcel<'a>) -> [IoSlice<'a>; 2] {
    [IoSlice::new(parcel.header), IoSlice::new(parcel.payload)]
}

/// Describes the trains for the kernel; `parts` begins with the first train's two for each parcel.
fn outgoing<'a>(trains: &[&[Parcel<'_>]], mut parts: &'a [IoSlice<'a>]) -> Vec<Outgoing<'a>> {
    let describe = |train: &&[Parcel<'_>]| {
        let (own, rest) = parts.split_at(2 * train.len());
        parts = rest;
        let length = u16::try_from(train[0].length()).ok();
        Outgoing { to: train[0].to, parts: own, segment: length.filter(|_| train.len() > 1) }
    };
    trains.iter().map(describe).collect()
}

impl Books<'_> {
    /// Counts what left and returns how many parcels that were.
    fn carried(self, trains: &[&[Parcel<'_>]]) -> usize {
        let parcels = || trains.iter().copied().flatten();
        let (count, bytes) = (parcels().count(), parcels().map(|parcel| parcel.payload.len()).sum());
        self.lane.carried_datagrams(count, bytes);
        self.flows.carried(self.direction, parcels().map(|parcel| (parcel.peer, parcel.payload.len())));
        count
    }
}

/// Counts what the error costs and returns how many parcels that were: a full socket takes none of those `left`.
fn dropped(train: &[Parcel<'_>], left: usize, error: &io::Error, drops: &mut Drops) -> usize {
    let (cause, count) = match error.raw_os_error().map(Errno::from_raw) {
        _ if error.kind() == ErrorKind::WouldBlock => (Cause::QueueFull, left),
        Some(Errno::ENOBUFS | Errno::ENOMEM) => (Cause::QueueFull, left),
        Some(Errno::EMSGSIZE) => (Cause::TooLarge, train.len()),
        Some(_) | None => (Cause::SendFailed, train.len()),
    };
    drops.count(cause, count);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    static PAYLOAD: [u8; 65_507] = [b'x'; 65_507];
    const HERE: &str = "192.0.2.1:53";
    const THERE: &str = "192.0.2.2:53";

    #[test]
    fn a_train_is_of_one_address_and_one_length_and_may_end_shorter() {
        check(&[(HERE, 100)], 1);
        check(&[(HERE, 100), (HERE, 100), (HERE, 100)], 3);
        check(&[(HERE, 100), (HERE, 100), (THERE, 100)], 2);
        check(&[(HERE, 100), (THERE, 50)], 1);
        check(&[(HERE, 100), (HERE, 101)], 1);
        check(&[(HERE, 100), (HERE, 40), (HERE, 100)], 2);
        check(&[(HERE, 100), (HERE, 40), (HERE, 40)], 2);
    }

    #[test]
    fn an_empty_datagram_travels_alone() {
        check(&[(HERE, 0), (HERE, 0)], 1);
        check(&[(HERE, 100), (HERE, 0)], 1);
    }

    #[test]
    fn a_train_stays_within_what_the_kernel_cuts() {
        check(&[(HERE, 1); 200], 64);
        check(&[(HERE, 1_400); 200], 46);
        check(&[(HERE, 40_000), (HERE, 40_000)], 1);
        check(&[(HERE, 65_507), (HERE, 10)], 1);
    }

    #[tokio::test]
    async fn a_train_that_cannot_leave_leaves_as_single_datagrams() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let target = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut outlet = Outlet::new(socket);
        let parcels = [parcel(target.local_addr().unwrap(), 100); 3];
        for (errno, longest) in [(Errno::EINVAL, 99), (Errno::EMSGSIZE, 99), (Errno::EIO, 0), (Errno::ENOPROTOOPT, 0)] {
            assert!(outlet.may_be_too_long_in_train(&parcels, &errno.into()));
            assert_eq!((outlet.longest_in_train, train(&parcels, outlet.longest_in_train)), (longest, 1));
            outlet.longest_in_train = LONGEST_TRAIN;
        }
        assert!(!outlet.may_be_too_long_in_train(&parcels, &Errno::EPERM.into()));
        assert!(!outlet.may_be_too_long_in_train(&parcels[..1], &Errno::EINVAL.into()));

        outlet.longest_in_train = 99;
        let (lane, flows, mut drops) = (Lane::default(), Flows::new(1), Drops::default());
        outlet.post(&parcels, Books { lane: &lane, flows: &flows, direction: Direction::Sent }, &mut drops);
        assert_eq!((lane.packets(), lane.bytes(), drops), (3, 300, Drops::default()));
        assert_eq!(flows.all()[0].1.sent, history::Traffic { bytes: 300, packets: 3 });
    }

    fn check(parcels: &[(&str, usize)], expected: usize) {
        let parcels: Vec<_> = parcels.iter().map(|(to, length)| parcel(to.parse().unwrap(), *length)).collect();
        assert_eq!(train(&parcels, LONGEST_TRAIN), expected);
    }

    fn parcel(to: SocketAddr, length: usize) -> Parcel<'static> {
        Parcel { to, peer: to, header: &[], payload: &PAYLOAD[..length] }
    }
}
