//! Random hierarchies, retuned while they work, against a slow and obvious reference.
//!
//! The same users are in several groups; classes and users have ceilings, guarantees and priorities; some sessions stream and
//! want all they can get, others send datagrams at a rate of their own, which are dropped where there is nothing for them.

use std::fmt::Debug;
use std::num::NonZeroU64;

use limits::{Credit, LeafId, Need, Share, Tree};
use proptest::prelude::*;

use crate::{SECOND, WANT, ceiling};

const DATAGRAM: usize = 1_200;

/// What holds before a retuning and after it.
type Before<T> = [T; 2];

/// A class is known by its group, and by its user if it is one's.
type Key = (usize, Option<usize>);

/// A hierarchy of two levels of classes, in which guarantees can be kept.
#[derive(Debug, Clone)]
struct Sketch {
    all: Before<u64>,
    groups: Vec<GroupSketch>,
}

#[derive(Debug, Clone)]
struct GroupSketch {
    shares: Before<Share>,
    users: Vec<UserSketch>,
}

#[derive(Debug, Clone)]
struct UserSketch {
    shares: Before<Share>,
    sessions: Vec<(Before<Share>, Manner)>,
}

/// How a session sends.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Stream,
    /// So many bytes a second, whatever becomes of them.
    Datagrams(u64),
}

fn maybe_ceiling() -> impl Strategy<Value = Option<NonZeroU64>> {
    prop::option::of(200_000..6_000_000_u64).prop_map(|rate| rate.and_then(NonZeroU64::new))
}

fn class(most_guaranteed: u64) -> impl Strategy<Value = Share> {
    (maybe_ceiling(), 0..=most_guaranteed, 0..3_u8).prop_map(|(ceiling, guaranteed, priority)| {
        let guaranteed = ceiling.map_or(guaranteed, |ceiling| guaranteed.min(ceiling.get()));
        Share { ceiling, guaranteed: if guaranteed < 50_000 { 0 } else { guaranteed }, burst: None, priority }
    })
}

/// The same twice, as it is before and after.
fn pair<T: Debug, S: Strategy<Value = T>>(of: impl Fn() -> S) -> impl Strategy<Value = Before<T>> {
    (of(), of()).prop_map(|(before, after)| [before, after])
}

fn group() -> impl Strategy<Value = GroupSketch> {
    let alone = || maybe_ceiling().prop_map(|ceiling| Share { ceiling, ..Share::default() });
    let manner = prop_oneof![3 => Just(Manner::Stream), 1 => (100_000..1_000_000_u64).prop_map(Manner::Datagrams)];
    let sessions = prop::collection::vec((pair(alone), manner), 1..4);
    let users = prop::collection::vec((pair(|| class(200_000)), sessions), 1..4);
    (pair(|| class(600_000)), users).prop_map(|(shares, users)| {
        let users = users.into_iter().map(|(own, sessions)| UserSketch { shares: within(own, shares), sessions });
        GroupSketch { shares, users: users.collect() }
    })
}

/// No more guaranteed to each of at most three users than a third of what is guaranteed to the group.
fn within(mut own: Before<Share>, group: Before<Share>) -> Before<Share> {
    for (own, group) in own.iter_mut().zip(group) {
        own.guaranteed = own.guaranteed.min(group.guaranteed / 3);
    }
    own
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let groups = prop::collection::vec(group(), 1..4);
    (pair(|| 2_000_000..10_000_000_u64), groups).prop_map(|(all, groups)| Sketch { all, groups })
}

/// What holds for a user, what he can use, and the same of his sessions.
type Wants = (Share, f64, Vec<(Share, f64)>);

/// Bytes in a second for each child: first what is guaranteed, then what is left by priority and in equal parts.
fn parts(budget: f64, children: &[(Share, f64)]) -> Vec<f64> {
    let sure: Vec<f64> = children.iter().map(|(share, most)| most.min(precise(share.guaranteed))).collect();
    let mut parts = in_equal_parts(budget, &sure);
    for priority in (0..3).rev() {
        let left = budget - parts.iter().sum::<f64>();
        let wanted = children
            .iter()
            .zip(&parts)
            .map(|((share, most), has)| if share.priority == priority { most - has } else { 0.0 });
        let more = in_equal_parts(left, &wanted.collect::<Vec<_>>());
        parts.iter_mut().zip(more).for_each(|(has, more)| *has += more);
    }
    parts
}

/// Pours out drop by drop, in effect: nobody gets more than he wants, and else all get the same.
fn in_equal_parts(budget: f64, wanted: &[f64]) -> Vec<f64> {
    let (mut low, mut high) = (0.0, budget.max(0.0));
    for _ in 0..200 {
        let level = f64::midpoint(low, high);
        let sum: f64 = wanted.iter().map(|wanted| wanted.min(level)).sum();
        if sum > budget { high = level } else { low = level }
    }
    wanted.iter().map(|wanted| wanted.min(low)).collect()
}

fn capped(share: Share, most: f64) -> f64 {
    share.ceiling.map_or(most, |ceiling| most.min(precise(ceiling.get())))
}

#[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
fn precise(number: u64) -> f64 {
    number as f64
}

/// Bytes a second of each session, in the order of the sketch.
fn reference(sketch: &Sketch, when: usize) -> Vec<f64> {
    let all = precise(sketch.all[when]);
    let most = |(shares, manner): &(Before<Share>, Manner)| match manner {
        Manner::Stream => (shares[when], capped(shares[when], all)),
        Manner::Datagrams(rate) => (shares[when], capped(shares[when], precise(*rate))),
    };
    let of_user = |user: &UserSketch| -> Wants {
        let wanted: Vec<(Share, f64)> = user.sessions.iter().map(most).collect();
        (user.shares[when], capped(user.shares[when], wanted.iter().map(|(_, most)| most).sum()), wanted)
    };
    let of_group = |group: &GroupSketch| (group.shares[when], group.users.iter().map(of_user).collect::<Vec<_>>());
    let groups: Vec<_> = sketch.groups.iter().map(of_group).collect();
    let most = |(share, users): &(Share, Vec<Wants>)| (*share, capped(*share, users.iter().map(|user| user.1).sum()));
    let budgets = parts(all, &groups.iter().map(most).collect::<Vec<_>>());
    let mut sessions = Vec::new();
    for (budget, (_, users)) in budgets.into_iter().zip(&groups) {
        let of_users = parts(budget, &users.iter().map(|(share, most, _)| (*share, *most)).collect::<Vec<_>>());
        for (budget, (_, _, wanted)) in of_users.into_iter().zip(users) {
            sessions.extend(parts(budget, wanted));
        }
    }
    sessions
}

/// All sessions of a sketch at work.
struct Stage {
    tree: Tree<Key>,
    now: u64,
    sessions: Vec<Session>,
}

struct Session {
    leaf: LeafId,
    group: usize,
    manner: Manner,
    got: u64,
    /// Of datagrams: when the next one comes, and what is left of what was granted.
    next: u64,
    credit: Credit,
}

/// The classes of a session, and what holds for it.
type Place = ([(Key, Share); 2], Share, Manner);

fn placed(sketch: &Sketch, when: usize) -> Vec<Place> {
    let mut placed = Vec::new();
    for (group, of_group) in sketch.groups.iter().enumerate() {
        for (user, of_user) in of_group.users.iter().enumerate() {
            let classes = [((group, None), of_group.shares[when]), ((group, Some(user)), of_user.shares[when])];
            placed.extend(of_user.sessions.iter().map(|(shares, manner)| (classes, shares[when], *manner)));
        }
    }
    placed
}

impl Stage {
    fn of(sketch: &Sketch) -> Self {
        let mut tree = Tree::new(ceiling(sketch.all[0]), 0);
        let session = |(classes, share, manner): Place| Session {
            leaf: tree.attach(&classes, share, 0),
            group: classes[0].0.0,
            manner,
            got: 0,
            next: 0,
            credit: Credit::default(),
        };
        let sessions = placed(sketch, 0).into_iter().map(session).collect();
        Self { tree, now: 0, sessions }
    }

    /// As a reload does it: everybody is put in his place anew.
    fn retune(&mut self, sketch: &Sketch) {
        self.tree.tune(ceiling(sketch.all[1]), self.now);
        for (session, (classes, share, _)) in self.sessions.iter_mut().zip(placed(sketch, 1)) {
            self.tree.detach(session.leaf, self.now);
            session.leaf = self.tree.attach(&classes, share, self.now);
        }
    }

    fn live(&mut self, until: u64) {
        let mut woken: Vec<LeafId> = self.sessions.iter().map(|session| session.leaf).collect();
        loop {
            while let Some(leaf) = woken.pop() {
                let session = self.sessions.iter_mut().find(|session| session.leaf == leaf).expect("it is there");
                if let Manner::Stream = session.manner {
                    while let granted @ 1.. = self.tree.ask(leaf, WANT, Need::Now, self.now, &mut woken) {
                        session.got += granted;
                    }
                }
            }
            let datagram = self.sessions.iter().filter(|session| matches!(session.manner, Manner::Datagrams(_)));
            let datagram = datagram.map(|session| session.next).min();
            let Some(next) = self.tree.next().into_iter().chain(datagram).min().filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            self.tree.run(self.now, &mut woken);
            for session in &mut self.sessions {
                session.send(&mut self.tree, self.now, &mut woken);
            }
        }
        self.now = until;
    }

    fn got(&self) -> Vec<u64> {
        self.sessions.iter().map(|session| session.got).collect()
    }

    fn of_group(&self, group: usize) -> u64 {
        self.sessions.iter().filter(|session| session.group == group).map(|session| session.got).sum()
    }
}

impl Session {
    /// A datagram that is due passes or is dropped.
    fn send(&mut self, tree: &mut Tree<Key>, now: u64, woken: &mut Vec<LeafId>) {
        let Manner::Datagrams(rate) = self.manner else { return };
        while self.next <= now {
            self.next += DATAGRAM as u64 * SECOND / rate;
            let ask = |want: usize, need| {
                usize::try_from(tree.ask(self.leaf, want as u64, need, now, woken)).expect("no more than it wanted")
            };
            if self.credit.lets_pass(DATAGRAM, ask) {
                self.got += DATAGRAM as u64;
            }
        }
    }
}

/// What a class lets pass in so long at most: its burst, what comes in, and what was granted before and has not been taken.
fn passes(share: Share, sessions: usize, time: u64) -> u64 {
    let Some(rate) = share.ceiling.map(NonZeroU64::get) else { return u64::MAX };
    let comes = u64::try_from(u128::from(rate) * u128::from(time) / u128::from(SECOND)).expect("it is less than 2^64");
    (rate / 5).max(8_192) + comes + (sessions * Credit::MOST) as u64 + 256 * 1024
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn in_the_long_run_everybody_gets_what_the_reference_gives_also_after_a_retuning(sketch in sketch()) {
        let mut stage = Stage::of(&sketch);
        for when in [0, 1] {
            if when == 1 {
                stage.retune(&sketch);
            }
            // Whatever was before, no ceiling lets more pass than it says from now on.
            let begun = stage.now;
            let before: Vec<u64> = (0..sketch.groups.len()).map(|group| stage.of_group(group)).collect();
            stage.live(begun + SECOND);
            for (group, before) in before.into_iter().enumerate() {
                let (share, passed) = (sketch.groups[group].shares[when], stage.of_group(group) - before);
                let most = passes(share, stage.sessions.len(), SECOND);
                prop_assert!(passed <= most, "group {} has {} of {} in the first second", group, passed, most);
            }
            // Until every burst is used up: whoever comes first lives on a fifth of a second's for as long as hardly anything is
            // left beside his ceiling, and less than 0.4 % of all is not told from nothing below.
            stage.live(begun + 60 * SECOND);
            let before = stage.got();
            stage.live(begun + 65 * SECOND);
            let got: Vec<f64> =
                stage.got().iter().zip(before).map(|(got, before)| precise(got - before) / 5.0).collect();
            let (expected, all) = (reference(&sketch, when), precise(sketch.all[when]));
            let sends = |session: &Session| matches!(session.manner, Manner::Datagrams(_));
            // Datagrams that come while their turn does not are lost, and others have what they leave.
            let lost = |(session, (got, expected)): (&Session, (&f64, &f64))| {
                if sends(session) { (expected - got).max(0.0) } else { 0.0 }
            };
            // What they are ahead with comes in one piece, before these seconds or within.
            let ahead = stage.sessions.iter().filter(|session| sends(session)).count();
            let lump = precise((Credit::MOST * ahead) as u64) / 5.0;
            let lost: f64 = stage.sessions.iter().zip(got.iter().zip(&expected)).map(lost).sum();
            for (got, expected) in got.iter().zip(&expected) {
                let near = expected * 0.03 + all * 0.004 + lump;
                prop_assert!(
                    (expected - near..expected + lost + near).contains(got),
                    "after {} retunings {:?} is not {:?}", when, got, expected
                );
            }
        }
    }

    #[test]
    fn nobody_ever_gets_more_than_every_ceiling_above_him_lets_pass(
        sketch in sketch(),
        steps in prop::collection::vec((0..27_usize, 1..1_000_000_u64, 0..20_000_000_u64, any::<bool>()), 1..400),
    ) {
        let mut stage = Stage::of(&sketch);
        let (mut now, mut woken) = (0, Vec::new());
        let count = stage.sessions.len();
        for (session, want, pause, runs) in steps {
            now += pause;
            if runs {
                stage.tree.run(now, &mut woken);
            }
            let session = &mut stage.sessions[session % count];
            let granted = stage.tree.ask(session.leaf, want, Need::Now, now, &mut woken);
            prop_assert!(granted <= want);
            session.got += granted;
            let group = session.group;
            prop_assert!(stage.got().iter().sum::<u64>() <= passes(ceiling(sketch.all[0]), 0, now));
            prop_assert!(stage.of_group(group) <= passes(sketch.groups[group].shares[0], 0, now));
        }
        for (session, (_, share, _)) in stage.sessions.iter().zip(placed(&sketch, 0)) {
            prop_assert!(session.got <= passes(share, 0, now));
            stage.tree.detach(session.leaf, now);
        }
        while let Some(next) = stage.tree.next() {
            now = now.max(next);
            stage.tree.run(now, &mut woken);
        }
        prop_assert_eq!(stage.tree.classes(), 0);
    }
}
