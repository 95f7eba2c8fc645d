//! Who may answer a client: the peers that it has sent to, as far back as the association remembers.

use std::net::SocketAddr;
use std::sync::Arc;

use acl::HostName;
use config::Replies;
use lru::LruCache;

#[derive(Debug)]
pub(super) struct Peers {
    replies: Replies,
    contacted: LruCache<SocketAddr, ()>,
    /// What the client called those that it knows by name: whoever may be sent to by that name may answer.
    named: LruCache<SocketAddr, Arc<HostName>>,
    most: usize,
}

impl Peers {
    /// Remembers the `most` peers that were last in use.
    pub(super) fn new(replies: Replies, most: usize) -> Self {
        // Unbounded only in name: a bounded cache would take its memory before there is a peer.
        Self { replies, contacted: LruCache::unbounded(), named: LruCache::unbounded(), most }
    }

    /// The client has sent something there, and called it so.
    pub(super) fn contact(&mut self, name: Option<&Arc<HostName>>, peer: SocketAddr) {
        if let Some(name) = name {
            self.name(peer, name);
        }
        let Some(key) = self.key(peer) else { return };
        if self.contacted.peek_mru().is_some_and(|(last, ())| *last == key) {
            return;
        }
        self.contacted.put(key, ());
        if self.contacted.len() > self.most {
            self.contacted.pop_lru();
        }
    }

    /// Whether a datagram from there may go to the client.
    pub(super) fn may_answer(&mut self, sender: SocketAddr) -> bool {
        self.key(sender).is_none_or(|key| self.contacted.promote(&key))
    }

    /// What the client called this peer when it last sent something there by a name.
    pub(super) fn name_of(&mut self, peer: SocketAddr) -> Option<&Arc<HostName>> {
        if self.named.is_empty() { None } else { self.named.get(&peer) }
    }

    fn name(&mut self, peer: SocketAddr, name: &Arc<HostName>) {
        if self.named.get(&peer).is_some_and(|known| known == name) {
            return;
        }
        self.named.put(peer, Arc::clone(name));
        if self.named.len() > self.most {
            self.named.pop_lru();
        }
    }

    /// What peers are told apart by, if at all.
    fn key(&self, peer: SocketAddr) -> Option<SocketAddr> {
        match self.replies {
            Replies::Any => None,
            Replies::Address => Some(SocketAddr::new(peer.ip(), 0)),
            Replies::AddressPort => Some(SocketAddr::new(peer.ip(), peer.port())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_admits_its_own_senders() {
        check(Replies::Any, [true, true, true]);
        check(Replies::Address, [true, true, false]);
        check(Replies::AddressPort, [true, false, false]);
    }

    #[test]
    fn the_peer_that_was_quiet_longest_is_forgotten_first() {
        let mut peers = Peers::new(Replies::AddressPort, 2);
        let [first, second, third] = ["192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"].map(|text| text.parse().unwrap());
        peers.contact(None, first);
        peers.contact(None, second);
        assert!(peers.may_answer(first));
        peers.contact(None, third);
        assert_eq!([first, second, third].map(|peer| peers.may_answer(peer)), [true, false, true]);
    }

    /// Senders: the peer that was contacted, another port of it, and a stranger.
    fn check(replies: Replies, expected: [bool; 3]) {
        let mut peers = Peers::new(replies, 256);
        peers.contact(None, "192.0.2.1:53".parse().unwrap());
        let senders = ["192.0.2.1:53", "192.0.2.1:54", "192.0.2.2:53"];
        assert_eq!(senders.map(|sender| peers.may_answer(sender.parse().unwrap())), expected, "{replies}");
    }
}
