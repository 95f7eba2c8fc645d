//! What the rules and the guard say of each datagram's address, remembered for the few addresses that are in use right now.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acl::{Guard, HostName};

use crate::state::session::judge::Judge;
use crate::state::session::revoke::Revision;

/// Enough for both directions of a client that talks to two peers at once; the judge itself is asked for the others.
const REMEMBERED: usize = 4;

/// How long rules that go by the clock may be behind it.
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Bench<'a> {
    judge: Judge<'a>,
    /// The guard that was asked, and when the judge last looked at the clock.
    asked: Arc<Guard>,
    since: Instant,
    /// Another policy that has a say meanwhile.
    revision: Option<Revision>,
    sayings: [Option<Saying>; REMEMBERED],
    oldest: usize,
}

#[derive(Debug)]
struct Saying {
    name: Option<Arc<HostName>>,
    address: SocketAddr,
    is_allowed: bool,
}

impl<'a> Bench<'a> {
    pub(super) fn new(judge: Judge<'a>) -> Self {
        let asked = judge.guard().load_full();
        let revision = Revision::of(judge.session());
        Self { judge, asked, since: Instant::now(), revision, sayings: Default::default(), oldest: 0 }
    }

    /// Forgets what was said if the guard was replaced or the policy revoked since, or a minute is over. To be called before each batch.
    pub(super) fn renew(&mut self) {
        let is_over = self.since.elapsed() >= MINUTE;
        if is_over {
            self.judge.renew();
            self.since = Instant::now();
        }
        if is_over || !Arc::ptr_eq(&self.judge.guard().load(), &self.asked) {
            self.asked = self.judge.guard().load_full();
            self.sayings = Default::default();
        }
        if !Revision::is_last(self.revision.as_ref(), self.judge.session()) {
            self.revision = Revision::of(self.judge.session());
            self.sayings = Default::default();
        }
    }

    /// Whether a datagram may go to this address, or come from there; `name` is what the client called it.
    pub(super) fn lets_pass(&mut self, name: Option<&Arc<HostName>>, address: SocketAddr) -> bool {
        let is_this = |saying: &&Saying| saying.address == address && saying.name.as_ref() == name;
        match self.sayings.iter().flatten().find(is_this) {
            Some(saying) => saying.is_allowed,
            None => self.ask(name, address),
        }
    }

    /// Whether a name may be looked up for a datagram to this port of it.
    pub(super) fn lets_look_up(&self, name: &HostName, port: u16) -> bool {
        let revision = self.revision.as_ref();
        self.judge.lets_look_up(name, port)
            && revision.is_none_or(|revision| revision.lets_look_up(self.judge.session(), name, port))
    }

    fn ask(&mut self, name: Option<&Arc<HostName>>, address: SocketAddr) -> bool {
        let (session, host) = (self.judge.session(), name.map(|name| &**name));
        let revision = self.revision.as_ref();
        let is_allowed = self.judge.lets_pass(host, address)
            && revision.is_none_or(|revision| revision.lets_pass(session, host, address));
        self.sayings[self.oldest] = Some(Saying { name: name.cloned(), address, is_allowed });
        self.oldest = (self.oldest + 1) % REMEMBERED;
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use acl::Exception;

    use super::*;
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::{Session, Ticket};
    use crate::state::snapshot::Snapshot;

    fn ticket() -> Ticket {
        Ticket::for_tests(&Roster::new(1, Vec::new()), Arc::new(Snapshot::for_tests()))
    }

    fn bench(session: &Session) -> Bench<'_> {
        Bench::new(Judge::anonymous(session))
    }

    #[test]
    fn a_saying_holds_until_the_guard_is_replaced() {
        let ticket = ticket();
        let mut bench = bench(ticket.session());
        let loopback = "127.0.0.1:53".parse().unwrap();
        assert!(!bench.lets_pass(None, loopback));

        let guard = &ticket.session().snapshot.guard;
        guard.store(Arc::new(Guard::new(&[Exception::Endpoint(loopback)], [], [])));
        bench.renew();
        assert!(bench.lets_pass(None, loopback));
    }

    #[test]
    fn more_addresses_than_are_remembered_are_each_judged_right() {
        let ticket = ticket();
        let mut bench = bench(ticket.session());
        for _ in 0..2 {
            for last in 1..20 {
                assert!(bench.lets_pass(None, SocketAddr::from(([8, 8, 8, last], 53))));
                assert!(!bench.lets_pass(None, SocketAddr::from(([127, 0, 0, last], 53))));
            }
        }
    }
}
