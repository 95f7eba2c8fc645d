//! Days of users, and what the books say of them.

use jiff::tz::TimeZone;
use limits::quota::calendar::{Calendar, Period};
use limits::quota::gauge::Counts;

use super::super::meter::Verdict;
use super::*;

fn daily(name: &str, bytes: u64, action: Action) -> Quota {
    Quota {
        name: name.into(),
        group: None,
        is_shared: false,
        bytes,
        counts: Counts::Both,
        calendar: Calendar::new(Period::Day, TimeZone::UTC, 0, 1).expect("it is in range"),
        action,
        warn_at: vec![50],
    }
}

fn policy(quotas: Vec<Quota>) -> Arc<Snapshot> {
    let mut snapshot = Snapshot::for_tests();
    snapshot.allowance.quotas = quotas;
    Arc::new(snapshot)
}

fn user(name: &str, groups: &[&str]) -> User {
    User { name: name.into(), groups: groups.iter().map(|group| Arc::from(*group)).collect() }
}

fn noon(day: i64) -> Timestamp {
    let first: Timestamp = "2026-11-22T12:00:00Z".parse().expect("it is a moment");
    Timestamp::from_second(first.as_second() + day * 86_400).expect("it is in range")
}

fn sent(bytes: u64) -> Carried {
    Carried { sent: bytes, received: 0 }
}

struct Desk {
    books: Books,
}

impl Desk {
    fn of(quotas: Vec<Quota>) -> Self {
        let mut books = Books::default();
        assert_eq!(books.adopt(policy(quotas), noon(0)), []);
        Self { books }
    }

    /// The user carries so much, and then: what is told, and what the user would hear who comes now.
    fn carry(&mut self, user: &User, bytes: u64, now: Timestamp) -> (Vec<u8>, Verdict) {
        let (meter, told) = self.books.meter(user, now);
        meter.put(sent(bytes));
        let (_, more) = self.books.round(now);
        (told.into_iter().chain(more).map(|told| told.percent).collect(), meter.verdict())
    }
}

#[test]
fn a_day_is_used_up_and_the_next_one_begins_anew() {
    let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
    let alice = user("alice", &[]);
    for (day, bytes, told, verdict) in [
        (0, 40, vec![], Verdict::Welcome),
        (0, 20, vec![50], Verdict::Welcome),
        (0, 60, vec![100], Verdict::Refused),
        (1, 0, vec![], Verdict::Welcome),
        (1, 10, vec![], Verdict::Welcome),
        // The clock is set back, and forth again.
        (0, 0, vec![100], Verdict::Refused),
        (1, 89, vec![50], Verdict::Welcome),
        (1, 1, vec![100], Verdict::Refused),
    ] {
        assert_eq!(desk.carry(&alice, bytes, noon(day)), (told, verdict), "day {day}, {bytes} bytes");
    }
}

#[test]
fn what_others_have_written_counts_besides_and_replaces_what_was_known_of_it() {
    let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
    let (alice, bob) = (user("alice", &[]), user("bob", &[]));
    assert_eq!(desk.carry(&alice, 30, noon(0)), (vec![], Verdict::Welcome));
    let quarter = |day| Quarter::of(noon(day).as_second());
    let past = |bytes| vec![("alice".into(), quarter(0), sent(bytes)), ("bob".into(), quarter(-1), sent(999))];
    desk.books.learn(past(60));
    // He was told of the half before.
    assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Welcome));
    desk.books.learn(past(70));
    assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![100], Verdict::Refused));
    assert_eq!(desk.carry(&bob, 0, noon(0)), (vec![], Verdict::Welcome));
    desk.books.learn(past(69));
    assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Welcome));
}

#[test]
fn a_quota_that_a_reload_brings_knows_what_was_carried_before() {
    let mut desk = Desk::of(Vec::new());
    let alice = user("alice", &[]);
    assert_eq!(desk.carry(&alice, 100, noon(0)), (vec![], Verdict::Welcome));
    let told = desk.books.adopt(policy(vec![daily("daily", 100, Action::End)]), noon(0));
    assert_eq!(told.iter().map(|told| told.percent).collect::<Vec<_>>(), [100]);
    assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Ended));
    assert_eq!(desk.books.adopt(policy(vec![daily("daily", 0, Action::End)]), noon(0)), []);
    assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Welcome));
}

#[test]
fn a_reload_hides_for_no_moment_who_has_used_up_what() {
    let own = daily("daily", 100, Action::Refuse);
    let together = Quota { group: Some("staff".into()), is_shared: true, ..daily("together", 100, Action::Refuse) };
    let quotas = vec![own, together];
    let mut desk = Desk::of(quotas.clone());
    let alice = user("alice", &["staff"]);
    assert_eq!(desk.carry(&alice, 100, noon(0)), (vec![100, 100], Verdict::Refused));
    let _is_in = desk.books.meter(&alice, noon(0));
    let before = desk.books.standings();
    assert_eq!(before.iter().filter(|standing| standing.is_spent && standing.used == 100).count(), 2, "{before:?}");
    assert_eq!(desk.books.adopt(policy(quotas), noon(0)), []);
    assert_eq!(desk.books.standings(), before);
}

#[test]
fn a_group_shares_what_its_users_use_together_and_a_slow_one_is_slowed_as_a_whole() {
    let rate = NonZeroU64::new(7).expect("it is not 0");
    let staff = Quota { group: Some("staff".into()), is_shared: true, ..daily("together", 100, Action::Refuse) };
    let slow = Quota { action: Action::Slow(rate), name: "slow".into(), ..staff.clone() };
    let mut desk = Desk::of(vec![staff, slow]);
    let (alice, bob, carol) = (user("alice", &["staff"]), user("bob", &["staff"]), user("carol", &[]));
    assert_eq!(desk.carry(&alice, 49, noon(0)), (vec![], Verdict::Welcome));
    assert_eq!(desk.carry(&carol, 500, noon(0)), (vec![], Verdict::Welcome));
    assert_eq!(desk.carry(&bob, 51, noon(0)), (vec![100, 100], Verdict::Refused));
    assert_eq!(desk.carry(&alice, 0, noon(0)), (vec![], Verdict::Refused));
    assert_eq!(desk.carry(&carol, 0, noon(0)), (vec![], Verdict::Welcome));
    let (tuning, _) = desk.books.round(noon(0));
    assert_eq!(tuning.groups.get("staff").and_then(|tuned| tuned.slowed), Some(rate));
    assert!(tuning.users.is_empty());
}

#[test]
fn a_grant_counts_until_its_end_for_the_one_who_has_it() {
    let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
    let (alice, bob) = (user("alice", &[]), user("bob", &[]));
    let evening = Timestamp::from_second(noon(0).as_second() + 6 * 3600).expect("it is in range");
    let grant = |bytes, quota: &str| Concession {
        id: quota.to_owned(),
        to: Grantee::User("alice".into()),
        what: What::Grant { bytes, quota: Some(quota.into()) },
        until: evening,
        reason: String::new(),
        by: "anna".to_owned(),
    };
    desk.books.concessions = vec![grant(50, "daily"), grant(25, "daily"), grant(1000, "another")];
    for (who, now, bytes, told, verdict) in [
        (&bob, noon(0), 100, vec![100], Verdict::Refused),
        (&alice, noon(0), 174, vec![50], Verdict::Welcome),
        (&alice, noon(0), 1, vec![100], Verdict::Refused),
        (&alice, evening, 0, vec![], Verdict::Refused),
        (&alice, noon(1), 99, vec![50], Verdict::Welcome),
    ] {
        assert_eq!(desk.carry(who, bytes, now), (told, verdict), "{who:?} {bytes}");
    }
}

#[test]
fn an_override_holds_until_its_end() {
    let mut desk = Desk::of(Vec::new());
    let what = What::Override { bandwidth: Some(7), at_once: None };
    let to = Grantee::Group("staff".into());
    let (id, by) = ("00c0ffee".to_owned(), "anna".to_owned());
    let concession = Concession { id, to, what, until: noon(1), reason: String::new(), by };
    desk.books.concessions = vec![concession];
    let (tuning, _) = desk.books.round(noon(0));
    let tuned = Tuned { bandwidth: Some(Bound::At(7)), ..Tuned::default() };
    assert_eq!(tuning.groups.get("staff"), Some(&tuned));
    assert_eq!(desk.books.round(noon(1)).0, Tuning::default());
}

#[test]
fn who_left_before_anybody_looked_is_counted_and_who_has_nothing_is_forgotten() {
    let mut desk = Desk::of(vec![daily("daily", 100, Action::Refuse)]);
    assert_eq!(desk.carry(&user("alice", &[]), 1, noon(0)), (vec![], Verdict::Welcome));
    assert_eq!(desk.carry(&user("bob", &[]), 0, noon(0)), (vec![], Verdict::Welcome));
    let _told = desk.books.round(noon(1));
    assert_eq!(desk.books.holders.keys().map(|name| &**name).collect::<Vec<_>>(), ["alice"]);
    let _told = desk.books.round(noon(41));
    assert!(desk.books.holders.is_empty());
}
