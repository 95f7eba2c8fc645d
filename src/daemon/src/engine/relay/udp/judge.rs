//! What the guard says of each datagram's address, remembered for the few addresses that are in use right now.

use std::net::SocketAddr;
use std::sync::Arc;

use acl::{Guard, Verdict};
use arc_swap::ArcSwap;

/// Enough for both directions of a client that talks to two peers at once; the guard itself is asked for the others.
const REMEMBERED: usize = 4;

#[derive(Debug)]
pub(super) struct Judge<'a> {
    guard: &'a ArcSwap<Guard>,
    /// Whose sayings are remembered.
    asked: Arc<Guard>,
    sayings: [Option<Saying>; REMEMBERED],
    oldest: usize,
}

#[derive(Debug, Clone, Copy)]
struct Saying {
    address: SocketAddr,
    is_allowed: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(guard: &'a ArcSwap<Guard>) -> Self {
        Self { guard, asked: guard.load_full(), sayings: [None; REMEMBERED], oldest: 0 }
    }

    /// Forgets what was said if the guard was replaced since. To be called before each batch.
    pub(super) fn renew(&mut self) {
        if !Arc::ptr_eq(&self.guard.load(), &self.asked) {
            *self = Self::new(self.guard);
        }
    }

    pub(super) fn allows(&mut self, address: SocketAddr) -> bool {
        match self.sayings.iter().flatten().find(|saying| saying.address == address) {
            Some(saying) => saying.is_allowed,
            None => self.ask(address),
        }
    }

    fn ask(&mut self, address: SocketAddr) -> bool {
        let is_allowed = self.asked.judge(address.ip(), address.port()) == Verdict::Allowed;
        self.sayings[self.oldest] = Some(Saying { address, is_allowed });
        self.oldest = (self.oldest + 1) % REMEMBERED;
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use acl::Exception;

    use super::*;

    #[test]
    fn a_saying_holds_until_the_guard_is_replaced() {
        let guard = ArcSwap::from_pointee(Guard::new(&[], [], []));
        let mut judge = Judge::new(&guard);
        let loopback = "127.0.0.1:53".parse().unwrap();
        assert!(!judge.allows(loopback));

        guard.store(Arc::new(Guard::new(&[Exception::Endpoint(loopback)], [], [])));
        judge.renew();
        assert!(judge.allows(loopback));
    }

    #[test]
    fn more_addresses_than_are_remembered_are_each_judged_right() {
        let guard = ArcSwap::from_pointee(Guard::new(&[], [], []));
        let mut judge = Judge::new(&guard);
        for _ in 0..2 {
            for last in 1..20 {
                assert!(judge.allows(SocketAddr::from(([8, 8, 8, last], 53))));
                assert!(!judge.allows(SocketAddr::from(([127, 0, 0, last], 53))));
            }
        }
    }
}
