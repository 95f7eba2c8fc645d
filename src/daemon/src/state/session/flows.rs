//! What an association carried with each of its peers: those that were in use last, as many as it may remember.
//!
//! What it carried with peers that it has forgotten is only in its lanes.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use history::Traffic;
use lru::LruCache;

#[derive(Debug)]
pub(crate) struct Flows {
    known: Mutex<LruCache<SocketAddr, Flow>>,
    most: usize,
}

/// One peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow {
    /// From the client to the peer, delivered.
    pub(crate) sent: Traffic,
    /// From the peer to the client, delivered.
    pub(crate) received: Traffic,
    /// When a datagram was last delivered.
    pub(crate) last: Instant,
    told: Option<Carried>,
}

/// Bytes that somebody was told of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// What one peer has more than when it was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) peer: SocketAddr,
    pub(crate) is_first: bool,
    pub(crate) carried: Carried,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Sent,
    Received,
}

impl Flows {
    /// Remembers so many peers, at least one.
    pub(crate) fn new(most: usize) -> Self {
        // Unbounded only in name: a bounded cache would take its memory before there is a peer.
        Self { known: Mutex::new(LruCache::unbounded()), most: most.max(1) }
    }

    /// Notes datagrams as delivered: the peer and the length of each, in the order in which they left.
    pub(crate) fn carried(&self, direction: Direction, datagrams: impl IntoIterator<Item = (SocketAddr, usize)>) {
        let (now, mut known) = (Instant::now(), self.known());
        let mut datagrams = datagrams.into_iter().peekable();
        while let Some((peer, length)) = datagrams.next() {
            let mut run = Traffic { bytes: length as u64, packets: 1 };
            while let Some((_, length)) = datagrams.next_if(|(next, _)| *next == peer) {
                run.bytes += length as u64;
                run.packets += 1;
            }
            known.get_or_insert_mut(peer, || Flow::begin(now)).add(direction, run, now);
            if known.len() > self.most {
                known.pop_lru();
            }
        }
    }

    /// Every peer that is remembered, the one last in use first.
    pub(crate) fn all(&self) -> Vec<(SocketAddr, Flow)> {
        self.known().iter().map(|(peer, flow)| (*peer, *flow)).collect()
    }

    /// So many peers at most, those with the most bytes first.
    pub(crate) fn heaviest(&self, most: usize) -> Vec<history::Flow> {
        let known = self.known();
        let mut flows: Vec<_> = known
            .iter()
            .map(|(peer, Flow { sent, received, .. })| history::Flow { peer: *peer, sent: *sent, received: *received })
            .collect();
        drop(known);
        flows.sort_by_key(|flow| {
            Reverse((flow.sent.bytes + flow.received.bytes, flow.sent.packets + flow.received.packets))
        });
        flows.truncate(most);
        flows
    }

    /// What was delivered since this was last asked, for each peer that has any of it; each byte is told once.
    pub(crate) fn news(&self) -> Vec<News> {
        self.known().iter_mut().filter_map(|(peer, flow)| flow.news(*peer)).collect()
    }

    fn known(&self) -> MutexGuard<'_, LruCache<SocketAddr, Flow>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flow {
    fn begin(now: Instant) -> Self {
        Self { sent: Traffic::default(), received: Traffic::default(), last: now, told: None }
    }

    fn news(&mut self, peer: SocketAddr) -> Option<News> {
        let now = Carried { sent: self.sent.bytes, received: self.received.bytes };
        let told = self.told.replace(now);
        let before = told.unwrap_or_default();
        let carried = Carried { sent: now.sent - before.sent, received: now.received - before.received };
        (told != Some(now)).then_some(News { peer, is_first: told.is_none(), carried })
    }

    fn add(&mut self, direction: Direction, run: Traffic, now: Instant) {
        let traffic = match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        };
        traffic.bytes += run.bytes;
        traffic.packets += run.packets;
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_is_accounted_for_and_the_one_quiet_longest_is_forgotten() {
        let flows = Flows::new(2);
        let [first, second, third] = ["192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"].map(|text| text.parse().unwrap());
        flows.carried(Direction::Sent, [(first, 10), (first, 5), (second, 1), (first, 0)]);
        flows.carried(Direction::Received, [(second, 7)]);
        let seen = |flows: &Flows| -> Vec<_> {
            let all = flows.all().into_iter();
            all.map(|(peer, flow)| (peer, flow.sent.packets, flow.sent.bytes, flow.received.bytes)).collect()
        };
        assert_eq!(seen(&flows), [(second, 1, 1, 7), (first, 3, 15, 0)]);
        let heaviest: Vec<_> = flows.heaviest(1).into_iter().map(|flow| flow.peer).collect();
        assert_eq!(heaviest, [first]);
        flows.carried(Direction::Sent, [(third, 4)]);
        assert_eq!(seen(&flows), [(third, 1, 4, 0), (second, 1, 1, 7)]);
    }

    #[test]
    fn what_a_peer_has_more_is_told_once() {
        let flows = Flows::new(2);
        let [one, other] = ["192.0.2.1:1", "192.0.2.2:2"].map(|text| text.parse().unwrap());
        let news = |peer, is_first, sent, received| News { peer, is_first, carried: Carried { sent, received } };
        flows.carried(Direction::Sent, [(one, 10), (other, 0)]);
        assert_eq!(flows.news(), [news(other, true, 0, 0), news(one, true, 10, 0)]);
        flows.carried(Direction::Received, [(other, 7)]);
        assert_eq!(flows.news(), [news(other, false, 0, 7)]);
        assert_eq!(flows.news(), []);
    }
}
