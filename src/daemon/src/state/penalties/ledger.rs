//! Outstanding penalties of sources, as in `PerSourcePenalties` of `sshd_config(5)`: offences add up, time pays off, and who
//! owes too much is turned away until everything is paid.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::source::Source;
use super::tariff::Tariff;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accounts: HashMap<Source, Account>,
    /// The same accounts, soonest paid first.
    by_end: BTreeSet<(Instant, Source)>,
    enforced: usize,
    /// Whose penalty is over without anybody having been told.
    over: Vec<Release>,
}

#[derive(Debug)]
struct Account {
    /// When everything will be paid.
    until: Instant,
    enforcement: Option<Enforcement>,
}

#[derive(Debug)]
struct Enforcement {
    since: Instant,
    turned_away: u64,
}

/// A source that is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ban {
    pub(crate) source: Source,
    /// How long it has been.
    pub(crate) since: Duration,
    /// How long it will be, if nothing is added.
    pub(crate) left: Duration,
    /// Connections so far.
    pub(crate) turned_away: u64,
}

/// A source that may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) source: Source,
    /// How many connections were turned away meanwhile.
    pub(crate) turned_away: u64,
    /// How long that was.
    pub(crate) after: Duration,
}

impl Ledger {
    /// Adds `price` to what `source` owes. Returns for how long it is turned away, if that begins now.
    pub(crate) fn charge(
        &mut self,
        source: Source,
        price: Duration,
        tariff: &Tariff,
        now: Instant,
    ) -> Option<Duration> {
        if price.is_zero() {
            return None;
        }
        let mut account = self.close(source, now).unwrap_or(Account { until: now, enforcement: None });
        account.until = (account.until + price).min(now + tariff.most);
        let owes = account.until - now;
        let begins = account.enforcement.is_none() && owes >= tariff.enforce_from;
        if begins {
            account.enforcement = Some(Enforcement { since: now, turned_away: 0 });
        }
        self.open(source, account);
        self.forget_the_least(tariff.most_remembered, now);
        begins.then_some(owes)
    }

    /// Whether a connection from `source` is to be turned away now; if so, it is counted.
    pub(crate) fn turns_away(&mut self, source: Source, now: Instant) -> bool {
        let account = self.accounts.get_mut(&source).filter(|account| account.until > now);
        let Some(enforcement) = account.and_then(|account| account.enforcement.as_mut()) else { return false };
        enforcement.turned_away += 1;
        true
    }

    /// Whether `source` owes anything.
    pub(crate) fn owes(&self, source: Source, now: Instant) -> bool {
        self.accounts.get(&source).is_some_and(|account| account.until > now)
    }

    /// Forgets whoever has paid, and returns those of them who were turned away, once each.
    pub(crate) fn release(&mut self, now: Instant) -> Vec<Release> {
        while let Some((until, source)) = self.by_end.first().copied() {
            if until > now {
                break;
            }
            self.drop_account(source, now);
        }
        std::mem::take(&mut self.over)
    }

    /// Who is turned away, the one that may come again soonest first.
    pub(crate) fn bans(&self, now: Instant) -> Vec<Ban> {
        let by_end = self.by_end.iter().filter(|(until, _)| *until > now);
        let bans = by_end.filter_map(|(until, source)| {
            let Enforcement { since, turned_away } = self.accounts.get(source)?.enforcement.as_ref()?;
            let (since, left) = (now.saturating_duration_since(*since), *until - now);
            Some(Ban { source: *source, since, left, turned_away: *turned_away })
        });
        bans.collect()
    }

    /// Lets a source come again whatever it owes; says whether it owed anything.
    pub(crate) fn forgive(&mut self, source: Source, now: Instant) -> bool {
        let owes = self.owes(source, now);
        self.drop_account(source, now);
        owes
    }

    /// How many accounts are enforced, those included that are paid and not released yet.
    pub(crate) fn enforced(&self) -> usize {
        self.enforced
    }

    /// Takes the account out, unless everything is paid.
    fn close(&mut self, source: Source, now: Instant) -> Option<Account> {
        if !self.owes(source, now) {
            self.drop_account(source, now);
            return None;
        }
        let account = self.accounts.remove(&source)?;
        self.by_end.remove(&(account.until, source));
        self.enforced -= usize::from(account.enforcement.is_some());
        Some(account)
    }

    fn open(&mut self, source: Source, account: Account) {
        self.by_end.insert((account.until, source));
        self.enforced += usize::from(account.enforcement.is_some());
        self.accounts.insert(source, account);
    }

    fn drop_account(&mut self, source: Source, now: Instant) {
        let Some(Account { until, enforcement }) = self.accounts.remove(&source) else { return };
        self.by_end.remove(&(until, source));
        if let Some(Enforcement { since, turned_away }) = enforcement {
            self.enforced -= 1;
            let after = until.min(now).saturating_duration_since(since);
            self.over.push(Release { source, turned_away, after });
        }
    }

    fn forget_the_least(&mut self, most: usize, now: Instant) {
        while self.accounts.len() > most {
            let Some((_, source)) = self.by_end.first().copied() else { return };
            self.drop_account(source, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::state::penalties::source::Prefixes;

    const FAILURE: Duration = Duration::from_secs(5);

    fn source(number: u32) -> Source {
        Source::around(IpAddr::V4(Ipv4Addr::from_bits(number)), Prefixes { v4: 32, v6: 64 })
    }

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn failures_add_up_until_the_source_is_turned_away_and_time_pays_them_off() {
        let (mut ledger, tariff, start) = (Ledger::default(), Tariff::for_tests(), Instant::now());
        let charge = |ledger: &mut Ledger, millis| ledger.charge(source(1), FAILURE, &tariff, after(start, millis));
        assert_eq!(charge(&mut ledger, 0), None);
        assert_eq!(charge(&mut ledger, 0), None);
        assert!(!ledger.turns_away(source(1), start), "ten seconds are not enough");
        assert_eq!(charge(&mut ledger, 0), Some(Duration::from_secs(15)));
        assert_eq!(charge(&mut ledger, 1_000), None, "it has begun already");
        assert!(ledger.turns_away(source(1), after(start, 19_999)), "what it owes below the threshold is enforced too");
        assert!(!ledger.turns_away(source(2), after(start, 1_000)), "others have nothing to do with it");
        assert_eq!(ledger.release(after(start, 19_999)), []);
        assert!(!ledger.turns_away(source(1), after(start, 20_000)));
        let release = Release { source: source(1), turned_away: 1, after: Duration::from_secs(20) };
        assert_eq!(ledger.release(after(start, 20_000)), [release]);
        assert_eq!((ledger.enforced(), ledger.accounts.len()), (0, 0));
    }

    #[test]
    fn who_is_forgiven_may_come_again_and_owes_nothing() {
        let (mut ledger, tariff, start) = (Ledger::default(), Tariff::for_tests(), Instant::now());
        for number in [1, 1, 1, 2] {
            ledger.charge(source(number), FAILURE, &tariff, start);
        }
        assert!(ledger.turns_away(source(1), after(start, 1_000)));
        let left = Duration::from_secs(14);
        let ban = Ban { source: source(1), since: Duration::from_secs(1), left, turned_away: 1 };
        assert_eq!(ledger.bans(after(start, 1_000)), [ban], "the other one owes too little");
        assert!(ledger.forgive(source(1), after(start, 1_000)));
        assert!(!ledger.forgive(source(1), after(start, 1_000)));
        assert!(!ledger.turns_away(source(1), after(start, 1_000)) && ledger.bans(start).is_empty());
        let release = Release { source: source(1), turned_away: 1, after: Duration::from_secs(1) };
        assert_eq!((ledger.release(after(start, 1_000)), ledger.enforced()), (vec![release], 0));
    }

    #[test]
    fn who_fails_seldom_is_never_turned_away() {
        let (mut ledger, tariff, start) = (Ledger::default(), Tariff::for_tests(), Instant::now());
        for millis in (0..3_600_000).step_by(5_000) {
            assert_eq!(ledger.charge(source(1), FAILURE, &tariff, after(start, millis)), None);
        }
    }

    #[test]
    fn no_source_owes_more_than_the_most() {
        let (mut ledger, tariff, start) = (Ledger::default(), Tariff::for_tests(), Instant::now());
        for _ in 0..10_000 {
            ledger.charge(source(1), FAILURE, &tariff, start);
        }
        assert!(ledger.turns_away(source(1), after(start, 599_999)));
        assert!(!ledger.turns_away(source(1), start + tariff.most));
    }

    #[test]
    fn at_the_bound_the_one_that_owes_least_is_forgotten() {
        let (mut ledger, start) = (Ledger::default(), Instant::now());
        let tariff = Tariff { most_remembered: 2, ..Tariff::for_tests() };
        for number in [1, 1, 1, 2, 2, 2, 2, 3] {
            ledger.charge(source(number), FAILURE, &tariff, start);
        }
        assert!(ledger.turns_away(source(1), start) && ledger.turns_away(source(2), start));
        assert!(!ledger.owes(source(3), start), "the newest owes least");
        for _ in 0..5 {
            ledger.charge(source(4), Duration::from_secs(20), &tariff, start);
        }
        assert!(!ledger.turns_away(source(1), start), "now the first one owes least");
        let released: Vec<_> = ledger.release(start).iter().map(|release| release.source).collect();
        assert_eq!(released, [source(1)]);
    }

    #[test]
    fn an_offence_after_the_end_begins_anew_and_the_end_is_still_told() {
        let (mut ledger, tariff, start) = (Ledger::default(), Tariff::for_tests(), Instant::now());
        for _ in 0..3 {
            ledger.charge(source(1), FAILURE, &tariff, start);
        }
        assert_eq!(ledger.charge(source(1), FAILURE, &tariff, after(start, 15_000)), None);
        assert!(!ledger.turns_away(source(1), after(start, 15_001)));
        let release = Release { source: source(1), turned_away: 0, after: Duration::from_secs(15) };
        assert_eq!(ledger.release(after(start, 15_001)), [release]);
    }

    /// The same in as few words as possible, without bounds.
    #[derive(Default)]
    struct Model(HashMap<Source, (Instant, bool)>);

    impl Model {
        fn charge(&mut self, source: Source, price: Duration, tariff: &Tariff, now: Instant) {
            let (until, enforced) =
                self.0.get(&source).copied().filter(|(until, _)| *until > now).unwrap_or((now, false));
            let until = (until + price).min(now + tariff.most);
            self.0.insert(source, (until, enforced || until - now >= tariff.enforce_from));
        }

        fn turns_away(&self, source: Source, now: Instant) -> bool {
            self.0.get(&source).is_some_and(|(until, enforced)| *enforced && *until > now)
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_naive_model(
            steps in prop::collection::vec((0..4_000u64, 0..8u32, 0..4u64, any::<bool>()), 0..200),
        ) {
            let (mut ledger, mut model, tariff, start) = (Ledger::default(), Model::default(), Tariff::for_tests(), Instant::now());
            let (mut millis, mut begun, mut told) = (0, 0, 0);
            for (pause, number, price, releases) in steps {
                millis += pause;
                let (now, price) = (after(start, millis), Duration::from_secs(price * 5));
                begun += usize::from(ledger.charge(source(number), price, &tariff, now).is_some());
                model.charge(source(number), price, &tariff, now);
                if releases {
                    told += ledger.release(now).len();
                }
                for number in 0..8 {
                    prop_assert_eq!(ledger.turns_away(source(number), now), model.turns_away(source(number), now));
                }
                prop_assert_eq!(ledger.accounts.len(), ledger.by_end.len());
                prop_assert_eq!(ledger.enforced(), ledger.accounts.values().filter(|account| account.enforcement.is_some()).count());
            }
            told += ledger.release(after(start, millis + 600_000)).len();
            prop_assert_eq!((begun, ledger.accounts.len(), ledger.enforced()), (told, 0, 0));
        }

        #[test]
        fn it_never_remembers_more_than_it_may(
            steps in prop::collection::vec((0..2_000u64, any::<u32>(), 1..20u64), 0..300), most in 1..20usize,
        ) {
            let (mut ledger, start) = (Ledger::default(), Instant::now());
            let tariff = Tariff { most_remembered: most, ..Tariff::for_tests() };
            let mut millis = 0;
            for (pause, number, price) in steps {
                millis += pause;
                ledger.charge(source(number), Duration::from_secs(price), &tariff, after(start, millis));
                prop_assert!(ledger.accounts.len() <= most && ledger.by_end.len() <= most);
            }
        }
    }
}
