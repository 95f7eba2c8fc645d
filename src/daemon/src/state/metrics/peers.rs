//! What associations exchange with the addresses that most of them go to: a bounded number of these.
//!
//! An association counts once for each of its peers; what it carries later is added as long as the address is remembered.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::IntCounterVec;

use super::frequent::Frequent;
use crate::state::session::flows::{Carried, Flows};

/// Addresses among which the most frequent are found, and how many of them are shown.
const ADDRESSES: (usize, usize) = (1_024, 100);

#[derive(Debug)]
pub(super) struct Peers(Mutex<Frequent<IpAddr, Carried>>);

impl Default for Peers {
    fn default() -> Self {
        Self(Mutex::new(Frequent::new(ADDRESSES.0)))
    }
}

impl Peers {
    /// Adds what an association has carried since the last time.
    pub(super) fn settle(&self, flows: &Flows) {
        let news = flows.news();
        if news.is_empty() {
            return;
        }
        let mut known = self.known();
        for news in news {
            let address = news.peer.ip().to_canonical();
            let carried = match known.kept(&address) {
                Some(carried) if !news.is_first => carried,
                Some(_) | None => known.count(address),
            };
            carried.sent += news.carried.sent;
            carried.received += news.carried.received;
        }
    }

    /// Writes the most frequent ones into `bytes`, and nobody else.
    pub(super) fn show(&self, bytes: &IntCounterVec) {
        bytes.reset();
        for (address, carried) in self.known().most_kept(ADDRESSES.1) {
            let address = address.to_string();
            bytes.with_label_values(&[address.as_str(), "sent"]).inc_by(carried.sent);
            bytes.with_label_values(&[address.as_str(), "received"]).inc_by(carried.received);
        }
    }

    fn known(&self) -> MutexGuard<'_, Frequent<IpAddr, Carried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector;
    use std::net::SocketAddr;

    use super::*;
    use crate::state::metrics::Metrics;
    use crate::state::session::flows::Direction;

    #[test]
    fn what_an_address_carried_is_added_up_over_its_ports_and_associations_and_no_byte_twice() {
        let bytes = Metrics::default().counters("some_bytes_total", "Some.", &["destination", "direction"]);
        let peers = Peers::default();
        let [one, same, other] =
            ["192.0.2.1:1", "192.0.2.1:2", "[2001:db8::1]:1"].map(|text| text.parse::<SocketAddr>().unwrap());
        let (first, second) = (Flows::new(8), Flows::new(8));
        first.carried(Direction::Sent, [(one, 10), (same, 5), (other, 1)]);
        for _ in 0..2 {
            peers.settle(&first);
        }
        second.carried(Direction::Received, [(one, 100)]);
        first.carried(Direction::Sent, [(one, 2)]);
        peers.settle(&second);
        peers.settle(&first);
        peers.show(&bytes);
        let of = |address, direction| bytes.with_label_values(&[address, direction]).get();
        assert_eq!((of("192.0.2.1", "sent"), of("192.0.2.1", "received")), (17, 100));
        assert_eq!((of("2001:db8::1", "sent"), of("2001:db8::1", "received")), (1, 0));
    }

    #[test]
    fn however_many_addresses_there_are_the_series_are_bounded() {
        let bytes = Metrics::default().counters("some_bytes_total", "Some.", &["destination", "direction"]);
        let peers = Peers::default();
        for number in 0..5_000_u32 {
            let flows = Flows::new(8);
            let stranger = SocketAddr::from((number.to_be_bytes(), 53));
            let known = SocketAddr::from(([192, 0, 2, u8::try_from(number % 3).unwrap()], 53));
            flows.carried(Direction::Sent, [(stranger, 1), (known, 1)]);
            peers.settle(&flows);
        }
        peers.show(&bytes);
        assert_eq!(bytes.collect()[0].get_metric().len(), 2 * 3, "only the frequent are shown");
    }
}
