//! What is remembered of those who guess, and of those who are no strangers: within bounds, and no longer than needed.
//!
//! It outlives every reload; what the operator wrote comes in as [`Tariff`] with each question.
//! Knows nothing of sockets, passwords or clocks: whoever asks says what time it is.

mod lately;
mod ledger;
mod names;
pub(crate) mod source;
pub(crate) mod tally;
pub(crate) mod tariff;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::lately::Lately;
pub(crate) use self::ledger::Ban;
use self::ledger::{Ledger, Release};
use self::names::{Name, NameKey, Names};
use self::source::Source;
use self::tally::Tally;
use self::tariff::{Caller, Offence, Tariff};

/// The memory of one worker; each lock is held for a look-up and never with another.
#[derive(Debug, Default)]
pub(crate) struct Penalties {
    /// How many sources are turned away: while none is, accepting asks no further.
    enforced: AtomicUsize,
    ledger: Mutex<Ledger>,
    names: Mutex<Names>,
    /// Which user logged in from where: a lock never holds there.
    users: Mutex<Lately<(Name, Source)>>,
    /// Where anybody logged in from: whoever comes from there is no stranger.
    known: Mutex<Lately<Source>>,
    /// Where logins were tried from, whether they came to an end or not.
    tried: Mutex<Lately<Source>>,
    key: NameKey,
    pub(crate) tally: Tally,
}

/// How much a caller has shown of itself; who comes first when all cannot be served at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Somebody logged in from there lately, and nothing is outstanding.
    Known,
    /// This is the first login from there; or somebody logged in, and something is outstanding.
    Clean,
    /// Logins were tried from there lately, and none was right.
    Suspect,
}

/// What a failed login led to, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consequences {
    /// The source is turned away from now on, for so long.
    pub(crate) turned_away_for: Option<Duration>,
    /// The name is locked for strangers from now on, for so long.
    pub(crate) locked_for: Option<Duration>,
}

impl Penalties {
    /// Whether a connection from there is to be closed now; if so, it is counted.
    pub(crate) fn turns_away(&self, caller: Caller, now: Instant) -> bool {
        self.enforced.load(Relaxed) > 0 && !caller.is_exempt && lock(&self.ledger).turns_away(caller.source, now)
    }

    /// How many sources are turned away, as of the last look.
    pub(crate) fn turned_away_sources(&self) -> usize {
        self.enforced.load(Relaxed)
    }

    /// Notes an offence. Returns for how long the source is turned away, if that begins now.
    ///
    /// Who is known may leave without a login: a browser closes connections that it no longer needs.
    pub(crate) fn punish(&self, caller: Caller, offence: Offence, tariff: &Tariff, now: Instant) -> Option<Duration> {
        let is_forgiven = offence == Offence::NoLogin && self.is_known(caller, tariff, now);
        if caller.is_exempt || is_forgiven {
            return None;
        }
        let mut ledger = lock(&self.ledger);
        let begins = ledger.charge(caller.source, tariff.price(offence), tariff, now);
        self.enforced.store(ledger.enforced(), Relaxed);
        begins
    }

    /// Whether logins for this name are refused from there.
    pub(crate) fn is_locked(&self, name: &[u8], caller: Caller, tariff: &Tariff, now: Instant) -> bool {
        tariff.lock.is_some() && {
            let name = self.key.name(name);
            lock(&self.names).is_locked(name, now) && !self.is_his_own(name, caller, tariff, now)
        }
    }

    /// Notes that a login failed; with a name, that it was for this name.
    ///
    /// An address that is known to be the user's does not count against the name: his own old password would lock him out elsewhere.
    pub(crate) fn login_failed(
        &self,
        name: Option<&[u8]>,
        caller: Caller,
        tariff: &Tariff,
        now: Instant,
    ) -> Consequences {
        let name = name.map(|name| self.key.name(name)).filter(|name| !self.is_his_own(*name, caller, tariff, now));
        let locked_for = name
            .zip(tariff.lock)
            .and_then(|(name, of)| lock(&self.names).failed(name, of, tariff.most_remembered, now));
        Consequences { turned_away_for: self.punish(caller, Offence::FailedLogin, tariff, now), locked_for }
    }

    /// Notes that somebody was let in from there; with a name, that it was this user.
    pub(crate) fn login_succeeded(&self, name: Option<&[u8]>, caller: Caller, tariff: &Tariff, now: Instant) {
        let most = tariff.most_remembered;
        if let Some(name) = name {
            lock(&self.users).saw((self.key.name(name), caller.source), most, now);
        }
        lock(&self.known).saw(caller.source, most, now);
    }

    /// Whether anybody logged in from there lately.
    pub(crate) fn is_known(&self, caller: Caller, tariff: &Tariff, now: Instant) -> bool {
        lock(&self.known).has_seen(&caller.source, tariff.known_for, now)
    }

    /// Notes that a login begins, and says how soon it is to be looked at.
    pub(crate) fn login_begins(&self, caller: Caller, tariff: &Tariff, now: Instant) -> Rank {
        let rank = self.rank(caller, tariff, now);
        lock(&self.tried).saw(caller.source, tariff.most_remembered, now);
        rank
    }

    pub(crate) fn rank(&self, caller: Caller, tariff: &Tariff, now: Instant) -> Rank {
        if self.is_known(caller, tariff, now) {
            return if lock(&self.ledger).owes(caller.source, now) { Rank::Clean } else { Rank::Known };
        }
        let was_here = lock(&self.tried).has_seen(&caller.source, tariff.most, now);
        if was_here { Rank::Suspect } else { Rank::Clean }
    }

    fn is_his_own(&self, name: Name, caller: Caller, tariff: &Tariff, now: Instant) -> bool {
        lock(&self.users).has_seen(&(name, caller.source), tariff.known_for, now)
    }

    /// Who is turned away, the one that may come again soonest first.
    pub(crate) fn bans(&self, now: Instant) -> Vec<Ban> {
        lock(&self.ledger).bans(now)
    }

    /// Lets a source come again whatever it owes; says whether it owed anything.
    pub(crate) fn forgive(&self, source: Source, now: Instant) -> bool {
        let mut ledger = lock(&self.ledger);
        let owed = ledger.forgive(source, now);
        self.enforced.store(ledger.enforced(), Relaxed);
        owed
    }

    /// Forgets whose penalties are over, and returns those that were turned away, once each.
    pub(crate) fn release(&self, now: Instant) -> Vec<Release> {
        let mut ledger = lock(&self.ledger);
        let released = ledger.release(now);
        self.enforced.store(ledger.enforced(), Relaxed);
        released
    }
}

fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        penalties: Penalties,
        tariff: Tariff,
        start: Instant,
    }

    fn world() -> World {
        World { penalties: Penalties::default(), tariff: Tariff::for_tests(), start: Instant::now() }
    }

    impl World {
        fn caller(&self, ip: &str) -> Caller {
            self.tariff.caller(Some(ip.parse().unwrap()))
        }

        fn fails(&self, name: &[u8], ip: &str) -> Consequences {
            self.penalties.login_failed(Some(name), self.caller(ip), &self.tariff, self.start)
        }

        fn is_locked(&self, name: &[u8], ip: &str) -> bool {
            self.penalties.is_locked(name, self.caller(ip), &self.tariff, self.start)
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_source_whatever_address_it_takes() {
        let world = world();
        for last in 1..=3 {
            world.fails(format!("user{last}").as_bytes(), &format!("2001:db8::{last}"));
        }
        assert!(world.penalties.turns_away(world.caller("2001:db8::ffff:1"), world.start));
        assert!(!world.penalties.turns_away(world.caller("2001:db8:0:1::1"), world.start));
        assert!(!world.penalties.turns_away(world.caller("32.1.13.184"), world.start), "an IPv4 address is another");
    }

    #[test]
    fn an_exempt_network_is_never_turned_away() {
        let mut world = world();
        world.tariff.exempt = vec!["192.0.2.0/24".parse().unwrap()];
        for _ in 0..100 {
            assert_eq!(world.fails(b"alice", "192.0.2.1").turned_away_for, None);
        }
        assert!(!world.penalties.turns_away(world.caller("192.0.2.1"), world.start));
    }

    #[test]
    fn a_name_is_locked_for_strangers_whether_anybody_has_it_or_not() {
        let world = world();
        world.penalties.login_succeeded(Some(b"alice"), world.caller("198.51.100.1"), &world.tariff, world.start);
        for name in [&b"alice"[..], b"nobody"] {
            let locks: Vec<_> = (1..=10).map(|last| world.fails(name, &format!("192.0.2.{last}")).locked_for).collect();
            assert_eq!(locks.iter().flatten().count(), 1, "{locks:?}");
            assert!(locks[9].is_some() && world.is_locked(name, "192.0.2.200"));
        }
        assert!(!world.is_locked(b"alice", "198.51.100.1"), "his own address is known");
        assert!(world.is_locked(b"nobody", "198.51.100.1"), "it is known for him only");
    }

    #[test]
    fn failures_from_a_known_address_cost_the_address_and_not_the_name() {
        let world = world();
        world.penalties.login_succeeded(Some(b"alice"), world.caller("198.51.100.1"), &world.tariff, world.start);
        let consequences: Vec<_> = (0..20).map(|_| world.fails(b"alice", "198.51.100.1")).collect();
        assert!(consequences.iter().all(|one| one.locked_for.is_none()));
        assert!(consequences.iter().any(|one| one.turned_away_for.is_some()));
    }

    #[test]
    fn who_is_known_may_leave_without_a_login_but_not_guess_or_dawdle() {
        let world = world();
        let (friend, stranger) = (world.caller("198.51.100.1"), world.caller("192.0.2.1"));
        world.penalties.login_succeeded(Some(b"alice"), friend, &world.tariff, world.start);
        let punish =
            |caller, offence| (0..20).find_map(|_| world.penalties.punish(caller, offence, &world.tariff, world.start));
        assert_eq!(punish(friend, Offence::NoLogin), None);
        assert!(punish(stranger, Offence::NoLogin).is_some());
        assert!(punish(friend, Offence::TooSlow).is_some());
    }

    #[test]
    fn who_logged_in_comes_before_the_new_and_they_before_those_who_try_again() {
        let world = world();
        let later = |secs| world.start + Duration::from_secs(secs);
        let begins = |ip, secs| world.penalties.login_begins(world.caller(ip), &world.tariff, later(secs));
        let ranks = [0, 1, 600, 1_200].map(|secs| begins("192.0.2.1", secs));
        assert_eq!(
            ranks,
            [Rank::Clean, Rank::Suspect, Rank::Suspect, Rank::Clean],
            "for as long as penalties may last"
        );
        world.penalties.login_succeeded(Some(b"alice"), world.caller("192.0.2.1"), &world.tariff, later(1_200));
        assert_eq!(begins("192.0.2.1", 1_201), Rank::Known);
        world.penalties.punish(world.caller("192.0.2.1"), Offence::FailedLogin, &world.tariff, later(1_201));
        assert_eq!(begins("192.0.2.1", 1_202), Rank::Clean);
    }

    #[test]
    fn prices_of_nothing_and_no_lock_punish_nobody() {
        let mut world = world();
        let nothing = Duration::ZERO;
        world.tariff.prices = tariff::Prices { failed_login: nothing, no_login: nothing, too_slow: nothing };
        world.tariff.lock = None;
        for _ in 0..100 {
            assert_eq!(world.fails(b"alice", "192.0.2.1"), Consequences { turned_away_for: None, locked_for: None });
        }
        assert!(!world.is_locked(b"alice", "192.0.2.1"));
    }

    #[test]
    fn when_the_last_penalty_is_over_accepting_asks_no_further() {
        let world = world();
        for _ in 0..3 {
            world.fails(b"alice", "192.0.2.1");
        }
        assert_eq!(world.penalties.enforced.load(Relaxed), 1);
        assert_eq!(world.penalties.release(world.start + Duration::from_secs(15)).len(), 1);
        assert_eq!(world.penalties.enforced.load(Relaxed), 0);
    }
}
