//! Who may move how much: examples, and random hierarchies against a slow and obvious reference.

mod greedy;
mod hierarchy;

use std::num::NonZeroU64;

use limits::{HeldBy, Need, Share, Tree};

use crate::greedy::Greedy;

const SECOND: u64 = 1_000_000_000;

/// What a leaf asks for at a time, as a relay does.
const WANT: u64 = 512 * 1024;

fn ceiling(rate: u64) -> Share {
    Share { ceiling: NonZeroU64::new(rate), ..Share::default() }
}

fn assert_near(got: &[u64], expected: &[u64]) {
    let is_near = |(got, expected): (&u64, &u64)| got.abs_diff(*expected) <= expected / 50 + 48 * 1024;
    assert!(got.len() == expected.len() && got.iter().zip(expected).all(is_near), "{got:?} is not {expected:?}");
}

#[test]
fn a_ceiling_is_kept_and_a_burst_passes_at_once() {
    for rate in [10_000, 1_000_000, 125_000_000, 1_250_000_000] {
        let mut greedy = Greedy::new(ceiling(rate));
        let leaf = greedy.add(&[], Share::default());
        let first = greedy.second(&[leaf])[0];
        assert!(
            first.abs_diff(rate + (rate / 5).max(8_192)) <= rate / 100 + 300_000,
            "{first} in the first second of {rate}"
        );
        for _ in 0..3 {
            assert_near(&greedy.second(&[leaf]), &[rate]);
        }
    }
}

#[test]
fn a_burst_of_ones_own_holds() {
    let burst = NonZeroU64::new(2_000_000);
    let mut greedy = Greedy::new(Share { burst, ..ceiling(1_000_000) });
    let leaf = greedy.add(&[], Share::default());
    assert_near(&greedy.second(&[leaf]), &[3_000_000]);
    assert_near(&greedy.second(&[leaf]), &[1_000_000]);
}

#[test]
fn users_share_in_equal_parts_however_many_streams_each_has() {
    let mut greedy = Greedy::new(ceiling(10_000_000));
    let alice: Vec<_> = (0..9).map(|_| greedy.add(&[("alice", Share::default())], Share::default())).collect();
    let bob = greedy.add(&[("bob", Share::default())], Share::default());
    greedy.live(SECOND);
    let got = greedy.second(&[&alice[..], &[bob]].concat());
    assert_near(&[got[..9].iter().sum(), got[9]], &[5_000_000, 5_000_000]);
    assert_near(&got[..9], &[555_555; 9]);
}

#[test]
fn what_one_does_not_use_others_borrow_and_give_back_at_once() {
    let guaranteed = |guaranteed| Share { guaranteed, ..Share::default() };
    let mut greedy = Greedy::new(ceiling(10_000_000));
    let lender = [("lender", guaranteed(8_000_000))];
    let borrower = greedy.add(&[("borrower", guaranteed(2_000_000))], Share::default());
    greedy.live(SECOND);
    assert_near(&greedy.second(&[borrower]), &[10_000_000]);
    let leaf = greedy.add(&lender, Share::default());
    let begun = greedy.now;
    greedy.live(begun + SECOND / 10);
    assert!(greedy.got[&leaf] > 700_000, "{} of 800000 in the first tenth of a second", greedy.got[&leaf]);
    greedy.live(greedy.now + SECOND);
    assert_near(&greedy.second(&[leaf, borrower]), &[8_000_000, 2_000_000]);
    greedy.remove(leaf);
    assert_near(&greedy.second(&[borrower]), &[10_000_000]);
}

#[test]
fn the_higher_priority_has_all_that_is_not_guaranteed_to_others() {
    let class = |guaranteed, priority| Share { guaranteed, priority, ..Share::default() };
    let mut greedy = Greedy::new(ceiling(10_000_000));
    let low = greedy.add(&[("low", class(1_000_000, 0))], Share::default());
    let high = greedy.add(&[("high", class(0, 5))], ceiling(4_000_000));
    let middle = greedy.add(&[("middle", class(0, 3))], Share::default());
    greedy.live(SECOND);
    assert_near(&greedy.second(&[low, high, middle]), &[1_000_000, 4_000_000, 5_000_000]);
    greedy.remove(middle);
    assert_near(&greedy.second(&[low, high]), &[6_000_000, 4_000_000]);
}

#[test]
fn another_rate_holds_at_once_in_both_directions() {
    let mut greedy = Greedy::new(ceiling(1_000_000));
    let leaf = greedy.add(&[], Share::default());
    greedy.live(SECOND);
    greedy.tree.tune(ceiling(8_000_000), greedy.now);
    greedy.hungry.push(leaf);
    assert_near(&greedy.second(&[leaf]), &[8_000_000]);
    greedy.tree.tune(ceiling(100_000), greedy.now);
    greedy.hungry.push(leaf);
    let first = greedy.second(&[leaf])[0];
    assert!(first < 150_000, "{first} after the rate was lowered");
    assert_near(&greedy.second(&[leaf]), &[100_000]);
}

#[test]
fn whoever_comes_back_to_a_lower_rate_finds_his_class() {
    let mut greedy = Greedy::new(Share::default());
    let classes = |rate| [("staff", Share::default()), ("alice", ceiling(rate))];
    let leaf = greedy.add(&classes(9_000_000), Share::default());
    greedy.live(SECOND);
    greedy.remove(leaf);
    greedy.now += SECOND / 10;
    let leaf = greedy.add(&classes(1_000_000), Share::default());
    assert_eq!(greedy.tree.classes(), 2);
    assert_near(&greedy.second(&[leaf]), &[1_200_000]);
    assert_near(&greedy.second(&[leaf]), &[1_000_000]);
}

#[test]
fn what_is_given_back_can_be_had_again() {
    let mut tree: Tree<()> = Tree::new(ceiling(1_000_000), 0);
    let (leaf, mut woken) = (tree.attach(&[], Share::default(), 0), Vec::new());
    for _ in 0..1_000 {
        let granted = tree.ask(leaf, WANT, Need::Now, 0, &mut woken);
        assert!(granted > 0);
        tree.give_back(leaf, granted, 0);
    }
}

/// Five of ten find nothing to move every second time that they are granted something, and come again 20 ms later.
#[test]
fn whoever_pauses_for_a_moment_has_his_part_all_the_same() {
    let mut tree = Tree::new(ceiling(10_000_000), 0);
    let users = ["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"];
    let leaves = users.map(|user| tree.attach(&[(user, Share::default())], Share::default(), 0));
    let (mut got, mut away_until, mut turns, mut woken) = ([0; 10], [0; 10], [0; 10], Vec::new());
    for millis in 0..11_000_u64 {
        let now = millis * SECOND / 1_000;
        tree.run(now, &mut woken);
        for (user, leaf) in leaves.iter().enumerate() {
            while away_until[user] <= millis
                && let granted @ 1.. = tree.ask(*leaf, WANT, Need::Now, now, &mut woken)
            {
                turns[user] += 1;
                if user < 5 && turns[user] % 2 == 0 {
                    tree.give_back(*leaf, granted, now);
                    away_until[user] = millis + 20;
                } else if millis >= 1_000 {
                    got[user] += granted;
                }
            }
        }
    }
    let is_near = |got: &u64| got.abs_diff(10_000_000) <= 500_000;
    assert!(got.iter().all(is_near), "{got:?} of ten million each");
}

/// Whoever finds less to move than he was granted, again and again, has nothing taken away by that.
#[test]
fn what_is_given_back_was_neither_a_turn_nor_guaranteed() {
    let guaranteed = Share { guaranteed: 6_000_000, ..Share::default() };
    let first = Share { priority: 7, ..Share::default() };
    for (class, others, expected) in [(guaranteed, first, 6_000_000), (Share::default(), Share::default(), 5_000_000)] {
        let mut tree = Tree::new(ceiling(10_000_000), 0);
        let hesitant = tree.attach(&[("hesitant", class)], Share::default(), 0);
        let greedy = tree.attach(&[("greedy", others)], Share::default(), 0);
        let (mut now, mut got, mut woken) = (0, 0, vec![hesitant, greedy]);
        while now < 4 * SECOND {
            while let Some(leaf) = woken.pop() {
                while let granted @ 1.. = tree.ask(leaf, WANT, Need::Now, now, &mut woken) {
                    if leaf == hesitant {
                        let needed = granted.min(7_000);
                        tree.give_back(leaf, granted - needed, now);
                        got += if now > SECOND { needed } else { 0 };
                    }
                }
            }
            now = tree.next().expect("somebody waits");
            tree.run(now, &mut woken);
        }
        assert!(got > expected * 3 * 95 / 100, "{got} in three seconds of {expected} each");
    }
}

#[test]
fn coming_back_brings_no_new_burst_and_a_class_is_forgotten_when_it_would_make_no_difference() {
    let alice = [("alice", ceiling(1_000_000))];
    let mut greedy = Greedy::new(Share::default());
    let mut all = 0;
    for _ in 0..20 {
        let leaf = greedy.add(&alice, Share::default());
        greedy.live(greedy.now + SECOND / 20);
        all += greedy.got[&leaf];
        greedy.remove(leaf);
    }
    assert_near(&[all], &[1_200_000]);
    assert_eq!(greedy.tree.classes(), 1);
    greedy.live(greedy.now + SECOND);
    assert_eq!((greedy.tree.classes(), greedy.tree.next()), (0, None));
}

#[test]
fn nobody_is_looked_at_while_nobody_waits() {
    let mut greedy = Greedy::new(ceiling(1_000_000));
    let leaf = greedy.add(&[("alice", ceiling(1_000))], Share::default());
    greedy.live(SECOND);
    greedy.remove(leaf);
    greedy.live(20 * SECOND);
    assert_eq!(greedy.tree.next(), None);
}

/// What a class says of itself: out of how many millionths of the time somebody was held back, by what, and who waits.
fn fares(greedy: &Greedy, class: Option<&'static str>) -> (u32, Option<HeldBy>, usize) {
    let standings = greedy.tree.standings(greedy.now);
    let found = standings.iter().find(|standing| standing.class.copied() == class).expect("it is there");
    (found.lately.held, found.held_by, found.waiting)
}

#[test]
fn a_class_knows_how_long_and_by_what_it_was_held_back() {
    let class = |rate| if rate == 0 { Share::default() } else { ceiling(rate) };
    for (all, alice, session, bob, expected) in [
        (0, 1_000_000, 0, false, HeldBy::Own),
        (1_000_000, 0, 0, false, HeldBy::Parent),
        (1_000_000, 0, 0, true, HeldBy::Siblings),
        (0, 0, 1_000_000, false, HeldBy::Below),
        (9_000_000, 1_000_000, 0, true, HeldBy::Own),
    ] {
        let mut greedy = Greedy::new(class(all));
        let _alice = greedy.add(&[("alice", class(alice))], class(session));
        if bob {
            greedy.add(&[("bob", Share::default())], ceiling(2_000_000));
        }
        greedy.live(9 * SECOND);
        let (held, held_by, waiting) = fares(&greedy, Some("alice"));
        assert!(held > 900_000 && waiting == 1, "{expected:?}: {held} of a million, {waiting} wait");
        assert_eq!(held_by, Some(expected));
        let filled = greedy.tree.standings(greedy.now)[0].filled;
        assert_eq!(filled.is_some(), all > 0, "{filled:?}");
    }
}

#[test]
fn what_was_more_than_a_minute_ago_is_forgotten_and_waits_are_measured() {
    let mut greedy = Greedy::new(Share::default());
    let leaf = greedy.add(&[("alice", ceiling(1_000_000))], Share::default());
    greedy.live(30 * SECOND);
    let lately = |greedy: &Greedy| greedy.tree.standings(greedy.now)[1].lately;
    let wait = lately(&greedy).wait.expect("it waited");
    assert!((4_000_000..=16_777_216).contains(&wait), "a turn each 8 ms: {wait}");
    // Whoever has nothing to move does not ask.
    while let Some(next) = greedy.tree.next() {
        greedy.now = next;
        greedy.tree.run(next, &mut Vec::new());
    }
    greedy.now += 20 * SECOND;
    let held = lately(&greedy).held;
    assert!((500_000..700_000).contains(&held), "30 of 50 seconds: {held}");
    greedy.now += 100 * SECOND;
    assert_eq!((fares(&greedy, Some("alice")), lately(&greedy).wait), ((0, None, 0), None));
    greedy.remove(leaf);
    assert_eq!(fares(&greedy, None), (0, None, 0));
}

#[test]
fn whoever_goes_while_he_waits_waits_no_more() {
    let mut greedy = Greedy::new(ceiling(100_000));
    let leaves = [(); 3].map(|()| greedy.add(&[("alice", Share::default())], Share::default()));
    greedy.live(SECOND);
    assert_eq!(fares(&greedy, None).2, 3);
    for (leaf, left) in leaves.into_iter().zip([2, 1, 0]) {
        greedy.remove(leaf);
        assert_eq!(fares(&greedy, None).2, left);
    }
}
