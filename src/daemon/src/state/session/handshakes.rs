//! The unauthenticated, with bounds of their own, so that they cannot keep everybody else out.
//!
//! When there is no room for one more, the oldest goes: whoever is honest is done within a moment. When many come at once
//! none is old, and then chance decides who of the newcomers may not come in (`MaxStartups` of `sshd_config(5)`); but the
//! first connection of a source comes in, if need be for one of a source that has several, so that a few who come often cannot
//! keep out many who come once.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::course::Stage;
use super::ending::ByHouse;
use super::ticket::Session;
use crate::state::penalties::source::Source;
use crate::state::penalties::tally::TurnedAway;

/// Whoever has not said who it is after so long makes room for a newcomer whom chance is against.
const DAWDLING: Duration = Duration::from_secs(2);

/// How many of the oldest are looked at for one whose source has several; a crowd of single ones must not cost more.
const LOOKED_AT: usize = 64;

#[derive(Debug)]
pub(crate) struct Handshakes {
    bound: AtomicUsize,
    crowd: Mutex<Crowd>,
}

#[derive(Debug, Default)]
struct Crowd {
    /// Oldest first. Who has left is found dead here; who was told to leave is here no more.
    queue: VecDeque<Weak<Seat>>,
    /// Those in the queue who are alive.
    staying: usize,
    /// Those among the open ones who are not exempt.
    strangers: usize,
    /// How many of them come from where.
    sources: HashMap<Source, usize>,
}

/// A place among the unauthenticated, given back on drop.
#[derive(Debug)]
pub(crate) struct HandshakePlace {
    bound: Arc<Handshakes>,
    /// Where a stranger comes from.
    stranger: Option<Source>,
    /// Nothing before it has [entered](Self::enter).
    seat: Option<Arc<Seat>>,
}

/// What the queue knows a session by, as long as it keeps its place.
#[derive(Debug)]
struct Seat(Arc<Session>);

/// What chance says of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Luck {
    Good,
    /// Either a dawdler goes or the newcomer does, unless it is the first of its source.
    Bad,
    /// There is no room; the first of a source takes the place of one that is not.
    None,
}

impl Handshakes {
    /// Room for `bound` at once.
    pub(super) fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self { bound: AtomicUsize::new(bound), crowd: Mutex::default() })
    }

    /// Room for so many from now on. When there is less than before, each newcomer costs the oldest its place until the rest fit.
    pub(super) fn allow(&self, bound: usize) {
        self.bound.store(bound, Ordering::Release);
    }

    /// A place for a newcomer; whoever has to make room for it is told when it [enters](HandshakePlace::enter).
    pub(crate) fn place(self: &Arc<Self>) -> HandshakePlace {
        HandshakePlace { bound: Arc::clone(self), stranger: None, seat: None }
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandshakePlace {
    /// The session that has got this place; when there is one too many, the oldest goes. To be called once.
    pub(super) fn enter(&mut self, session: &Arc<Session>) {
        let seat = Arc::new(Seat(Arc::clone(session)));
        let mut crowd = self.bound.crowd();
        crowd.queue.push_back(Arc::downgrade(&seat));
        crowd.staying += 1;
        let bound = self.bound.bound.load(Ordering::Acquire);
        if crowd.staying > bound {
            crowd.shed_oldest();
        }
        if crowd.queue.len() > 2 * bound + 64 {
            crowd.queue.retain(|waiting| waiting.strong_count() > 0);
        }
        drop(crowd);
        self.seat = Some(seat);
    }

    /// Counts its holder as a stranger from there; `luck` is what chance says when so many are in already. To be called once
    /// at most.
    ///
    /// # Errors
    /// Why it must go instead.
    pub(crate) fn count_stranger(
        &mut self,
        source: Source,
        most_of_source: usize,
        luck: impl FnOnce(usize) -> Luck,
        now: Instant,
    ) -> Result<(), TurnedAway> {
        let mut crowd = self.bound.crowd();
        let of_source = crowd.sources.get(&source).copied().unwrap_or(0);
        if of_source >= most_of_source {
            return Err(TurnedAway::TooManyOfSource);
        }
        let has_room = match luck(crowd.strangers) {
            Luck::Good => true,
            Luck::Bad => of_source == 0 || crowd.shed_dawdler(now),
            Luck::None => crowd.shed_dawdler(now) || (of_source == 0 && crowd.shed_one_of_several()),
        };
        if !has_room {
            return Err(TurnedAway::Crowded);
        }
        *crowd.sources.entry(source).or_default() += 1;
        crowd.strangers += 1;
        drop(crowd);
        self.stranger = Some(source);
        Ok(())
    }
}

impl Drop for HandshakePlace {
    fn drop(&mut self) {
        let mut crowd = self.bound.crowd();
        if let Some(seat) = self.seat.take() {
            crowd.rise(&seat);
        }
        if let Some(source) = self.stranger {
            crowd.leave(source);
        }
    }
}

impl Crowd {
    fn shed_oldest(&mut self) {
        while let Some(waiting) = self.queue.pop_front() {
            if self.shed(&waiting) {
                return;
            }
        }
    }

    /// Tells one who was taken out of the queue to leave, unless it has left or has finished its handshake.
    fn shed(&mut self, waiting: &Weak<Seat>) -> bool {
        let Some(seat) = waiting.upgrade() else { return false };
        self.staying -= 1;
        let course = &seat.0.course;
        let stage = course.stage();
        let is_shaking_hands = matches!(stage, Stage::Handshake | Stage::LoggingIn);
        is_shaking_hands && course.end_while(stage, ByHouse::HandshakeShed)
    }

    /// Ends the oldest if it is a stranger who has kept us waiting; whom we keep waiting is no dawdler.
    fn shed_dawdler(&mut self, now: Instant) -> bool {
        let left = self.queue.iter().take_while(|waiting| waiting.strong_count() == 0).count();
        self.queue.drain(..left);
        let oldest = self.queue.front().and_then(Weak::upgrade);
        if !oldest.is_some_and(|oldest| is_dawdler(&oldest.0, now)) {
            return false;
        }
        self.queue.pop_front().is_some_and(|waiting| self.shed(&waiting))
    }

    /// Ends the oldest of those whose source has others; whether it is us that it waits for makes no difference then.
    fn shed_one_of_several(&mut self) -> bool {
        let has_others = |waiting: &Weak<Seat>| {
            let caller = waiting.upgrade().and_then(|seat| seat.0.caller());
            let source = caller.filter(|caller| !caller.is_exempt).map(|caller| caller.source);
            source.and_then(|source| self.sources.get(&source)).is_some_and(|of_source| *of_source > 1)
        };
        let position = self.queue.iter().take(LOOKED_AT).position(has_others);
        position.and_then(|position| self.queue.remove(position)).is_some_and(|waiting| self.shed(&waiting))
    }

    /// The holder of a seat leaves; whoever was told to is in the queue no more and does not count already.
    fn rise(&mut self, seat: &Arc<Seat>) {
        if Arc::weak_count(seat) > 0 {
            self.staying -= 1;
        }
    }

    fn leave(&mut self, source: Source) {
        self.strangers -= 1;
        if let Some(of_source) = self.sources.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                self.sources.remove(&source);
            }
        }
    }
}

fn is_dawdler(session: &Session, now: Instant) -> bool {
    session.course.stage() == Stage::Handshake
        && now.saturating_duration_since(session.opened) >= DAWDLING
        && session.caller().is_some_and(|caller| !caller.is_exempt)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::state::penalties::tariff::Tariff;
    use crate::state::session::facts::Origin;
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::{Arrival, Ticket};
    use crate::state::snapshot::Snapshot;

    const ANY_NUMBER: usize = usize::MAX;

    fn open(roster: &Arc<Roster>) -> Ticket {
        Ticket::for_tests(roster, Arc::new(Snapshot::for_tests()))
    }

    /// A stranger from 192.0.2.`last`, if it is let in.
    fn stranger(roster: &Arc<Roster>, last: u8, most: usize, luck: Luck, now: Instant) -> Result<Ticket, TurnedAway> {
        let ip = Ipv4Addr::new(192, 0, 2, last).into();
        let caller = Tariff::for_tests().caller(Some(ip));
        let mut place = roster.handshakes().place();
        place.count_stranger(caller.source, most, |_strangers| luck, now)?;
        let origin = Origin::Address((ip, 1).into());
        let arrival = Arrival { origin, caller: Some(caller), listener: "test".into(), place };
        Ok(Ticket::open(roster, arrival, Arc::new(Snapshot::for_tests())))
    }

    fn shed(tickets: &[Ticket]) -> Vec<bool> {
        let ordered = tickets.iter().map(|ticket| ticket.session().course.ordered());
        ordered.map(|order| order == Some(ByHouse::HandshakeShed)).collect()
    }

    #[test]
    fn one_handshake_too_many_costs_the_oldest_its_place() {
        let roster = Roster::new(2, Vec::new());
        let tickets = [open(&roster), open(&roster), open(&roster)];
        assert_eq!(shed(&tickets), [true, false, false]);
    }

    #[test]
    fn each_newcomer_costs_one_place_however_late_those_go_who_were_told_to() {
        let roster = Roster::new(2, Vec::new());
        let mut tickets: Vec<_> = (0..4).map(|_| open(&roster)).collect();
        assert_eq!(shed(&tickets), [true, true, false, false]);
        drop(tickets.pop());
        tickets.push(open(&roster));
        assert_eq!(shed(&tickets), [true, true, false, false], "there was room");
        drop(tickets.drain(..2));
        tickets.push(open(&roster));
        assert_eq!(shed(&tickets), [true, false, false], "those who go later give back nothing twice");
    }

    #[test]
    fn who_is_on_the_way_costs_nobody_a_place_until_it_is_in() {
        let roster = Roster::new(2, Vec::new());
        let tickets = [open(&roster)];
        let _on_the_way = [roster.handshakes().place(), roster.handshakes().place()];
        let [first] = tickets;
        assert_eq!(shed(&[first, open(&roster)]), [false, false]);
    }

    #[test]
    fn another_bound_holds_for_whoever_comes_next() {
        let roster = Roster::new(1, Vec::new());
        roster.allow_handshakes(2);
        let tickets = [open(&roster), open(&roster)];
        assert_eq!(shed(&tickets), [false, false]);
        roster.allow_handshakes(1);
        let [first, second] = tickets;
        let tickets = [first, second, open(&roster)];
        assert_eq!(shed(&tickets), [true, false, false]);
    }

    #[test]
    fn whoever_has_finished_its_handshake_counts_no_more_and_is_never_shed() {
        let roster = Roster::new(2, Vec::new());
        let mut first = open(&roster);
        first.leave_handshake();
        let tickets = [first, open(&roster), open(&roster)];
        assert_eq!(shed(&tickets), [false, false, false]);
        let [first, second, third] = tickets;
        let tickets = [first, second, third, open(&roster)];
        assert_eq!(shed(&tickets), [false, true, false, false]);
    }

    #[test]
    fn a_source_has_so_many_places_and_gets_them_back() {
        let (roster, now) = (Roster::new(10, Vec::new()), Instant::now());
        let come = |last| stranger(&roster, last, 2, Luck::Good, now);
        let (first, _second) = (come(1).unwrap(), come(1).unwrap());
        assert_eq!(come(1).err(), Some(TurnedAway::TooManyOfSource));
        let _other = come(2).unwrap();
        drop(first);
        let third = come(1).unwrap();
        assert_eq!(roster.handshakes().crowd().strangers, 3);
        assert_eq!(come(1).err(), Some(TurnedAway::TooManyOfSource));
        drop(third);
        assert_eq!(roster.handshakes().crowd().strangers, 2);
        assert!(shed(&[come(1).unwrap()]).iter().all(|is_shed| !is_shed));
    }

    #[test]
    fn chance_strikes_only_whose_source_has_a_place_already() {
        let (roster, now) = (Roster::new(10, Vec::new()), Instant::now());
        let come = |last, luck| stranger(&roster, last, ANY_NUMBER, luck, now);
        let _first = come(1, Luck::Bad).unwrap();
        assert_eq!(come(1, Luck::Bad).err(), Some(TurnedAway::Crowded));
        let _second = come(1, Luck::Good).unwrap();
        let _other = come(2, Luck::Bad).unwrap();
    }

    #[test]
    fn where_there_is_no_room_a_source_that_has_several_makes_some_for_one_that_has_none() {
        let (roster, now) = (Roster::new(10, Vec::new()), Instant::now());
        let come = |last, luck| stranger(&roster, last, ANY_NUMBER, luck, now);
        let single = come(1, Luck::Good).unwrap();
        let several = [come(2, Luck::Good).unwrap(), come(2, Luck::Good).unwrap()];
        several[0].session().enter(Stage::LoggingIn);
        assert_eq!(come(2, Luck::None).err(), Some(TurnedAway::Crowded), "it has some already");
        let newcomer = come(3, Luck::None).unwrap();
        let [first, second] = several;
        assert_eq!(shed(&[single, first, second, newcomer]), [false, true, false, false]);
    }

    #[test]
    fn where_all_have_one_place_a_newcomer_goes() {
        let (roster, now) = (Roster::new(10, Vec::new()), Instant::now());
        let come = |last, luck| stranger(&roster, last, ANY_NUMBER, luck, now);
        let _tickets = [come(1, Luck::Good).unwrap(), come(2, Luck::Good).unwrap()];
        assert_eq!(come(3, Luck::None).err(), Some(TurnedAway::Crowded));
    }

    #[test]
    fn a_newcomer_out_of_luck_goes_unless_a_stranger_dawdles() {
        let (roster, now) = (Roster::new(10, Vec::new()), Instant::now());
        let dawdler = stranger(&roster, 1, ANY_NUMBER, Luck::Good, now).unwrap();
        assert_eq!(stranger(&roster, 2, ANY_NUMBER, Luck::None, now).err(), Some(TurnedAway::Crowded));
        let later = dawdler.session().opened + DAWDLING;
        let newcomer = stranger(&roster, 2, ANY_NUMBER, Luck::None, later).unwrap();
        assert_eq!(shed(&[dawdler, newcomer]), [true, false]);
        assert_eq!(roster.handshakes().crowd().strangers, 0);
    }

    #[test]
    fn who_is_exempt_or_waits_for_us_is_no_dawdler() {
        let (roster, now) = (Roster::new(10, Vec::new()), Instant::now());
        let exempt = open(&roster);
        let later = exempt.session().opened + 2 * DAWDLING;
        assert_eq!(stranger(&roster, 1, ANY_NUMBER, Luck::None, later).err(), Some(TurnedAway::Crowded));
        drop(exempt);
        let logging_in = stranger(&roster, 1, ANY_NUMBER, Luck::Good, now).unwrap();
        logging_in.session().enter(Stage::LoggingIn);
        assert_eq!(stranger(&roster, 2, ANY_NUMBER, Luck::None, later).err(), Some(TurnedAway::Crowded));
        assert_eq!(shed(&[logging_in]), [false]);
    }
}
