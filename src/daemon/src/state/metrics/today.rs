//! What happened since the last midnight (UTC), or since the start if that was later.
//!
//! A session counts on the day on which it is asked about: with all its bytes as long as it lives, and on the day of its end.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acl::{Destination, Ruling};
use jiff::Timestamp;
use socks::Command;

use super::frequent::Frequent;
use crate::state::session::ending::Ending;
use crate::state::session::facts::{ANONYMOUS, Facts, Identity};
use crate::state::session::judge::destination;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::Session;
use crate::state::session::witness::Witness;

/// Names that are told apart; all further ones share one place.
const MOST_USERS: usize = 10_000;
const OTHER: &str = "_other";

/// Destinations among which the most frequent are found.
const DESTINATIONS: usize = 1_024;

const SECONDS_OF_A_DAY: i64 = 86_400;

#[derive(Debug)]
pub(crate) struct Today(Mutex<Books>);

#[derive(Debug)]
struct Books {
    since: Timestamp,
    sessions: u64,
    allowed: u64,
    blocked: u64,
    carried: ByProtocol,
    users: HashMap<Arc<str>, OfUser>,
    destinations: Frequent<Destination>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// The same by what carries it: a session is of one or the other.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByProtocol {
    pub(crate) tcp: Carried,
    /// What associations carried.
    pub(crate) udp: Carried,
}

/// One user's day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfUser {
    /// Sessions with a complete request.
    pub(crate) sessions: u64,
    pub(crate) carried: Carried,
}

/// What is known at one moment.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) since: Timestamp,
    /// Those that are in now.
    pub(crate) active: u64,
    /// Connections accepted.
    pub(crate) sessions: u64,
    pub(crate) carried: ByProtocol,
    pub(crate) allowed: u64,
    pub(crate) blocked: u64,
    /// Those with the most sessions, the first of them first.
    pub(crate) users: Vec<(Arc<str>, OfUser)>,
    pub(crate) destinations: Vec<(Destination, u64)>,
}

impl Today {
    pub(crate) fn begin(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Books::begin(now))))
    }

    /// Everything, with so many users and destinations at most.
    pub(crate) fn summary(&self, roster: &Roster, most: usize, now: Timestamp) -> Summary {
        let mut active = 0;
        let mut live: HashMap<Arc<str>, ByProtocol> = HashMap::new();
        roster.each(|session| {
            active += 1;
            let facts = session.facts();
            live.entry(user_of(&facts).unwrap_or_default()).or_default().of(&facts).add(Carried::of(session));
        });
        let books = self.books(now);
        let mut carried = books.carried;
        let mut users = books.users.clone();
        for (user, ByProtocol { tcp, udp }) in live {
            carried.tcp.add(tcp);
            carried.udp.add(udp);
            let more = tcp.and(udp);
            if let Some(known) = users.get_mut(&user) {
                known.carried.add(more);
            }
        }
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_by(|(one, day), (other, its)| (Reverse(day.sessions), one).cmp(&(Reverse(its.sessions), other)));
        users.truncate(most);
        let destinations = books.destinations.most(most).into_iter();
        Summary {
            since: books.since,
            active,
            sessions: books.sessions,
            carried,
            allowed: books.allowed,
            blocked: books.blocked,
            users,
            destinations: destinations.map(|(destination, count)| (destination.clone(), count)).collect(),
        }
    }

    /// The books of this day; those of another one are thrown away.
    fn books(&self, now: Timestamp) -> MutexGuard<'_, Books> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if day(now) > day(books.since) {
            *books = Books::begin(midnight(now));
        }
        books
    }
}

impl Books {
    fn begin(since: Timestamp) -> Self {
        Self {
            since,
            sessions: 0,
            allowed: 0,
            blocked: 0,
            carried: ByProtocol::default(),
            users: HashMap::new(),
            destinations: Frequent::new(DESTINATIONS),
        }
    }

    fn user(&mut self, name: Arc<str>) -> &mut OfUser {
        let has_room = self.users.len() < MOST_USERS || self.users.contains_key(&name);
        self.users.entry(if has_room { name } else { OTHER.into() }).or_default()
    }

    fn note(&mut self, facts: &Facts) {
        match facts.decision.map(|decision| decision.verdict) {
            Some(Ruling::Allow) => self.allowed += 1,
            Some(Ruling::Deny) => self.blocked += 1,
            Some(Ruling::Resolve | Ruling::Ask(_)) | None => {}
        }
        let Some(request) = &facts.request else { return };
        if let Some(user) = user_of(facts) {
            self.user(user).sessions += 1;
        }
        if request.command == Command::Connect
            && facts.peer.is_some()
            && let Ok(destination) = destination(&request.target)
        {
            self.destinations.count(destination);
        }
    }
}

impl Witness for Today {
    fn opened(&self, _: &Session) {
        self.books(Timestamp::now()).sessions += 1;
    }

    fn set_up(&self, session: &Session) {
        self.books(Timestamp::now()).note(&session.facts());
    }

    fn closed(&self, session: &Arc<Session>, _: Ending) {
        let (user, carried) = (user_of(&session.facts()), Carried::of(session));
        let mut books = self.books(Timestamp::now());
        books.carried.of(&session.facts()).add(carried);
        if let Some(user) = user.filter(|_| carried != Carried::default()) {
            books.user(user).carried.add(carried);
        }
    }
}

impl Carried {
    fn of(session: &Session) -> Self {
        Self { sent: session.up.bytes(), received: session.down.bytes() }
    }

    fn add(&mut self, more: Self) {
        self.sent += more.sent;
        self.received += more.received;
    }

    fn and(mut self, more: Self) -> Self {
        self.add(more);
        self
    }
}

impl ByProtocol {
    pub(crate) fn together(self) -> Carried {
        self.tcp.and(self.udp)
    }

    fn of(&mut self, facts: &Facts) -> &mut Carried {
        let is_association = facts.request.as_ref().is_some_and(|request| request.command == Command::UdpAssociate);
        if is_association { &mut self.udp } else { &mut self.tcp }
    }
}

fn user_of(facts: &Facts) -> Option<Arc<str>> {
    facts.proof.as_ref().map(|proof| match &proof.identity {
        Identity::Anonymous => ANONYMOUS.into(),
        Identity::User(user) => Arc::clone(&user.name),
    })
}

fn day(moment: Timestamp) -> i64 {
    moment.as_second().div_euclid(SECONDS_OF_A_DAY)
}

fn midnight(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(day(moment) * SECONDS_OF_A_DAY).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::session::ending::ByPeer;
    use crate::state::session::facts::{Asked, AuthMethod, Proof};
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    fn visit(roster: &Arc<Roster>, command: Command) -> Ticket {
        let ticket = Ticket::for_tests(roster, Arc::new(Snapshot::for_tests()));
        let mut facts = ticket.session().facts();
        facts.proof = Some(Proof { identity: Identity::Anonymous, method: AuthMethod::None });
        let host = socks::Host::V4("192.0.2.1".parse().unwrap());
        let target = socks::Target { host, port: 443 };
        facts.request = Some(Asked { dialect: socks::Dialect::Socks5, command, target });
        facts.peer = Some("192.0.2.1:443".parse().unwrap());
        drop(facts);
        ticket
    }

    #[test]
    fn a_day_has_what_lives_and_what_ended_in_it_and_ends_at_midnight() {
        let today = Today::begin(Timestamp::now());
        let roster = Roster::new(10, vec![today.clone()]);
        let mut visitors = [Command::Connect, Command::UdpAssociate, Command::Connect, Command::UdpAssociate]
            .map(|command| visit(&roster, command));
        visitors.iter_mut().for_each(Ticket::finish_set_up);
        let [over, gone, lives, associated] = visitors;
        over.session().up.carried(5);
        gone.session().up.carried(11);
        lives.session().down.carried(7);
        associated.session().down.carried(13);
        over.close(Ending::Client(ByPeer::Closed));
        gone.close(Ending::Client(ByPeer::Closed));
        let now = Timestamp::now();
        let Summary { active, sessions, carried, users, destinations, .. } = today.summary(&roster, 10, now);
        let by_protocol = ByProtocol { tcp: Carried { sent: 5, received: 7 }, udp: Carried { sent: 11, received: 13 } };
        assert_eq!((active, sessions, carried), (2, 4, by_protocol));
        let all = Carried { sent: 16, received: 20 };
        assert_eq!(users, [(ANONYMOUS.into(), OfUser { sessions: 4, carried: all })]);
        assert_eq!(
            destinations.iter().map(|(to, count)| (to.to_string(), *count)).collect::<Vec<_>>(),
            [("192.0.2.1".into(), 2)]
        );

        let tomorrow = Timestamp::from_second(now.as_second() + SECONDS_OF_A_DAY).unwrap();
        let Summary { since, sessions, carried, .. } = today.summary(&roster, 10, tomorrow);
        assert_eq!((since, sessions, carried.together()), (midnight(tomorrow), 0, Carried { sent: 0, received: 20 }));
        drop((lives, associated));
    }
}
