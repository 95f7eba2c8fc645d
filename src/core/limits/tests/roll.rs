//! Who is let in: examples, and random lives against a naive model.

use std::collections::HashMap;

use limits::{Excess, Pace, Roll, Terms, TooMuch};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn at_most(most: u32) -> Terms {
    Terms { at_once: Some(most), pace: None }
}

fn paced(per_sec: u32, burst: u32) -> Terms {
    Terms { at_once: None, pace: Some(Pace::new(per_sec, burst).expect("a pace")) }
}

fn too_many(at: usize) -> Result<(), TooMuch> {
    Err(TooMuch { at, excess: Excess::TooMany })
}

fn too_fast(at: usize) -> Result<(), TooMuch> {
    Err(TooMuch { at, excess: Excess::TooFast })
}

#[test]
fn somebody_counts_under_all_of_his_keys_or_under_none() {
    let mut roll = Roll::new(10);
    assert_eq!(roll.enter(&[("alice", at_most(2)), ("staff", at_most(1))], 0), Ok(()));
    assert_eq!(roll.enter(&[("alice", at_most(2)), ("staff", at_most(1))], 0), too_many(1));
    assert_eq!((roll.inside(&"alice"), roll.inside(&"staff")), (1, 1));
    assert_eq!(roll.enter(&[("alice", at_most(2))], 0), Ok(()));
    assert_eq!(roll.enter(&[("alice", at_most(2))], 0), too_many(0));
    roll.leave(&["alice", "staff"], 0);
    assert_eq!((roll.inside(&"alice"), roll.inside(&"staff"), roll.remembered()), (1, 0, 1));
    assert_eq!(roll.enter(&[("bob", at_most(1)), ("staff", at_most(1))], 0), Ok(()));
}

#[test]
fn after_a_burst_one_comes_at_the_pace() {
    let (mut roll, terms) = (Roll::new(10), paced(10, 3));
    let mut enter = |now| roll.enter(&[("source", terms)], now);
    assert_eq!([enter(0), enter(0), enter(0), enter(0)], [Ok(()), Ok(()), Ok(()), too_fast(0)]);
    assert_eq!([enter(SECOND / 10 - 1), enter(SECOND / 10), enter(SECOND / 10)], [too_fast(0), Ok(()), too_fast(0)]);
    assert_eq!([enter(SECOND), enter(SECOND), enter(SECOND), enter(SECOND)], [Ok(()), Ok(()), Ok(()), too_fast(0)]);
}

#[test]
fn who_is_refused_takes_no_token() {
    let mut roll = Roll::new(10);
    let keys = |most| [("source", paced(1, 1)), ("alice", at_most(most))];
    assert_eq!(roll.enter(&keys(0), 0), too_many(1));
    assert_eq!(roll.enter(&keys(1), 0), Ok(()));
}

#[test]
fn another_pace_holds_at_once() {
    let mut roll = Roll::new(10);
    for _ in 0..1_000 {
        assert_eq!(roll.enter(&[("source", paced(1, 1_000))], 0), Ok(()));
    }
    assert_eq!(roll.enter(&[("source", paced(100, 1))], 0), too_fast(0));
    assert_eq!(roll.enter(&[("source", paced(100, 1))], SECOND / 100), Ok(()), "not after a thousand seconds");
    assert_eq!(
        roll.enter(&[("source", Terms::default())], SECOND / 100),
        Ok(()),
        "nor when there is no limit any more"
    );
}

#[test]
fn lower_terms_let_nobody_in_until_enough_have_left() {
    let mut roll = Roll::new(10);
    for _ in 0..3 {
        assert_eq!(roll.enter(&[("alice", Terms::default())], 0), Ok(()));
    }
    assert_eq!(roll.enter(&[("alice", at_most(2))], 0), too_many(0));
    roll.leave(&["alice"], 0);
    assert_eq!(roll.enter(&[("alice", at_most(2))], 0), too_many(0));
    roll.leave(&["alice"], 0);
    assert_eq!(roll.enter(&[("alice", at_most(2))], 0), Ok(()));
}

#[test]
fn a_bucket_outlives_the_visit_until_it_is_full() {
    let (mut roll, terms) = (Roll::new(10), paced(1, 2));
    for _ in 0..2 {
        assert_eq!(roll.enter(&[("source", terms)], 0), Ok(()));
        roll.leave(&["source"], 0);
    }
    assert_eq!(roll.enter(&[("source", terms)], 0), too_fast(0));
    assert_eq!(roll.remembered(), 1);
    roll.leave([], 2 * SECOND);
    assert_eq!(roll.remembered(), 0);
}

/// The same with tokens that are counted, and never forgetting.
#[derive(Default)]
struct Model(HashMap<u8, (u32, HashMap<u32, u128>)>, u64);

/// How the model counts: a token is a second's nanoseconds, so that a rate of `r` brings `r` of them each nanosecond.
const TOKEN: u128 = SECOND as u128;

/// In the model each key has one pace for its life.
fn terms_of(key: u8, most: u32) -> Terms {
    let paces = [None, Pace::new(1, 2), Pace::new(8, 1), Pace::new(1_000, 5)];
    Terms { at_once: Some(most), pace: paces[usize::from(key) % 4] }
}

impl Model {
    fn enter(&mut self, keys: &[(u8, Terms)], now: u64) -> Result<(), TooMuch> {
        self.pass(now);
        for (at, (key, terms)) in keys.iter().enumerate() {
            let (inside, _) = self.0.entry(*key).or_default();
            if terms.at_once.is_some_and(|most| *inside >= most) {
                return Err(TooMuch { at, excess: Excess::TooMany });
            }
            if terms.pace.is_some() && *self.level(*key) < TOKEN {
                return Err(TooMuch { at, excess: Excess::TooFast });
            }
        }
        for (key, terms) in keys {
            self.0.entry(*key).or_default().0 += 1;
            if terms.pace.is_some() {
                *self.level(*key) -= TOKEN;
            }
        }
        Ok(())
    }

    fn level(&mut self, key: u8) -> &mut u128 {
        let full = terms_of(key, 0).pace.map_or(0, |pace| u128::from(pace.burst()) * TOKEN);
        self.0.entry(key).or_default().1.entry(0).or_insert(full)
    }

    fn pass(&mut self, now: u64) {
        let passed = u128::from(now - self.1);
        self.1 = now;
        for (key, (_, levels)) in &mut self.0 {
            let Some(pace) = terms_of(*key, 0).pace else { continue };
            for level in levels.values_mut() {
                *level = (*level + passed * u128::from(pace.per_sec())).min(u128::from(pace.burst()) * TOKEN);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Enter(Vec<u8>, u32),
    /// The one who has been in longest but so many.
    Leave(usize),
}

fn act() -> impl Strategy<Value = (u64, Act)> {
    // Whole milliseconds, of which every step of the paces has a whole number.
    let keys = prop::collection::btree_set(0..12_u8, 1..4).prop_map(|keys| keys.into_iter().collect());
    let act = prop_oneof![
        (keys, 0..4_u32).prop_map(|(keys, most)| Act::Enter(keys, most)),
        (0..8_usize).prop_map(Act::Leave)
    ];
    ((0..400_u64).prop_map(|millis| millis * 1_000_000), act)
}

proptest! {
    #[test]
    fn it_agrees_with_a_naive_model(acts in prop::collection::vec(act(), 0..200)) {
        let (mut roll, mut model, mut now, mut visits) = (Roll::new(100), Model::default(), 0, Vec::new());
        for (pause, act) in acts {
            now += pause;
            match act {
                Act::Enter(keys, most) => {
                    let keys: Vec<_> = keys.into_iter().map(|key| (key, terms_of(key, most))).collect();
                    let verdict = roll.enter(&keys, now);
                    prop_assert_eq!(verdict, model.enter(&keys, now));
                    if verdict.is_ok() {
                        visits.push(keys);
                    }
                }
                Act::Leave(which) if which < visits.len() => {
                    let keys = visits.remove(which);
                    roll.leave(keys.iter().map(|(key, _)| key), now);
                    for (key, _) in keys {
                        model.0.entry(key).or_default().0 -= 1;
                    }
                }
                Act::Leave(_) => {}
            }
            for key in 0..12 {
                prop_assert_eq!(roll.inside(&key), model.0.get(&key).map_or(0, |(inside, _)| *inside));
            }
        }
    }

    #[test]
    fn it_never_remembers_more_than_it_may(keys in prop::collection::vec(any::<u16>(), 0..300), most in 0..20_usize) {
        let mut roll = Roll::new(most);
        for (now, key) in (0..).zip(keys) {
            if roll.enter(&[(key, paced(1, 2))], now).is_ok() {
                roll.leave(&[key], now);
            }
            prop_assert!(roll.remembered() <= most);
        }
    }
}
